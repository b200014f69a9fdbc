//! Starts the function: reads the configuration, builds the clients and runs Lambda's event loop.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::{log, start};
use portkeeper_reconcile::handle;
use tracing::Instrument as _;

/// No check starts with less time left than this. An interrupted check has stored its intent, so its
/// service must be checked again, which takes longer than postponing it.
const LONGEST_CHECK_SECS: u32 = 30;

/// One thread is enough: a check spends nearly all of its time waiting for AWS, and a function with
/// little memory has only a fraction of a vCPU.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = start::config_or_exit(Config::from_env());
    log::start(config.log);
    let aws = Aws::connect().await.at_share(config.api_share_percent);
    let (aws, config) = (&aws, &config);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request = start::request_span(&event.context.request_id);
        let deadline = start::deadline(event.context.deadline);
        let last_begin = deadline.minus_secs(LONGEST_CHECK_SECS);
        async move { Ok::<_, Error>(handle(aws, config, event.payload, last_begin).await) }
            .instrument(request)
    };
    run(service_fn(function)).await
}
