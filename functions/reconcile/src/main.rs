//! Starts the function: configuration, clients, the loop that takes batches from Lambda.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::log;
use portkeeper_reconcile::handle;
use std::process::ExitCode;
use tracing::Instrument as _;

/// One thread: a check waits for AWS nearly all of its time, and a small function has a fraction of a processor.
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
    let aws = Aws::connect().await;
    let (aws, config) = (&aws, &config);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request = tracing::info_span!(target: "portkeeper", "request", id = event.context.request_id);
        async move { Ok::<_, Error>(handle(aws, config, event.payload).await) }.instrument(request)
    };
    run(service_fn(function)).await?;
    Ok(ExitCode::SUCCESS)
}
