//! Starts the function: configuration, clients, the loop that takes batches from Lambda.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::bus::Bus;
use portkeeper_aws::config::Config;
use portkeeper_aws::{account, log};
use portkeeper_notify_events::{SOURCE, handle};
use std::process::ExitCode;
use tracing::Instrument as _;

/// One thread: there is one call to wait for.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Error> {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return Ok(ExitCode::FAILURE);
        }
    };
    log::start(config.log);
    let bus = &Bus::from_sdk_config(&account::sdk_config().await, SOURCE);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request =
            tracing::info_span!(target: "portkeeper", "request", id = event.context.request_id);
        async move { Ok::<_, Error>(handle(bus, event.payload).await) }.instrument(request)
    };
    run(service_fn(function)).await?;
    Ok(ExitCode::SUCCESS)
}
