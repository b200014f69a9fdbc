//! Starts the function: reads the configuration, builds the clients and runs Lambda's event loop.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::{log, metrics, start};
use portkeeper_sweep::{handle, write_log};
use serde_json::Value;
use tracing::Instrument as _;

/// One thread is enough: a sweep spends nearly all of its time waiting for AWS.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = start::config_or_exit(Config::from_env());
    log::start(config.log);
    let aws = Aws::connect().await.at_share(config.api_share_percent).repeating();
    let (aws, config) = (&aws, &config);
    let function = |event: LambdaEvent<Value>| {
        let request = start::request_span(&event.context.request_id);
        let deadline = start::deadline(event.context.deadline);
        async move {
            let begun = aws.spent();
            let report = handle(aws, config, deadline).await;
            metrics::emit(&metrics::calls_line(aws.now(), begun.until(aws.spent())));
            let report = report?;
            write_log(&report);
            Ok::<_, Error>(report)
        }
        .instrument(request)
    };
    run(service_fn(function)).await
}
