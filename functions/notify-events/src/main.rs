//! Starts the function: reads the configuration, builds the client and runs Lambda's event loop.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::bus::Bus;
use portkeeper_aws::config::Config;
use portkeeper_aws::{account, log, start};
use portkeeper_notify_events::{SOURCE, handle};
use tracing::Instrument as _;

/// One thread is enough: each batch waits for one call.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = start::config_or_exit(Config::from_env());
    log::start(config.log);
    let bus = &Bus::from_sdk_config(&account::sdk_config().await, SOURCE);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request = start::request_span(&event.context.request_id);
        async move { Ok::<_, Error>(handle(bus, event.payload).await) }.instrument(request)
    };
    run(service_fn(function)).await
}
