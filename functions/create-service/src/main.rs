//! Starts the function: reads the configuration, builds the clients and runs Lambda's event loop.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::{account, log, metrics, start};
use portkeeper_create_service::{Dependencies, handle};
use portkeeper_service_spec_aws::SpecAws;
use portkeeper_service_spec_aws::config::SpecConfig;
use tracing::Instrument as _;

/// One thread is enough: a run spends nearly all of its time waiting for AWS.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = start::config_or_exit(SpecConfig::from_env());
    log::start(config.shared.log);
    let sdk = account::sdk_config().await;
    let deps = &Dependencies {
        aws: SpecAws::from_sdk_config(&sdk, config.shared.api_share_percent),
        dead_letters: DeadLetters::from_sdk_config(&sdk, config.dead_letters_url.clone()),
        config,
        emit: metrics::emit,
    };
    let function = |event: LambdaEvent<SqsEvent>| {
        let request = start::request_span(&event.context.request_id);
        let deadline = start::deadline(event.context.deadline);
        async move { Ok::<_, Error>(handle(deps, event.payload, deadline).await) }
            .instrument(request)
    };
    run(service_fn(function)).await
}
