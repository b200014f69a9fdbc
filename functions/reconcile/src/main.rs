//! Starts the function: configuration, clients, the loop that takes batches from Lambda.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::{log, start};
use portkeeper_reconcile::handle;
use tracing::Instrument as _;

/// No check begins with less time than this before the function is stopped: one that is stopped
/// half-way has stored its intent and must be looked at again, which takes longer than letting the
/// message come back.
const LONGEST_CHECK_SECS: u32 = 30;

/// One thread: a check waits for AWS nearly all of its time, and a small function has a fraction of
/// a processor.
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
