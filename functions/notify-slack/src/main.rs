//! Starts the function: reads the configuration, builds the clients and runs Lambda's event loop.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::config::SlackConfig;
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::secrets::Secrets;
use portkeeper_aws::{account, log, start};
use portkeeper_notify_slack::{SlackClient, handle};
use tracing::Instrument as _;

/// One thread is enough: a batch spends nearly all of its time waiting for Slack.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = start::config_or_exit(SlackConfig::from_env());
    log::start(config.log);
    let sdk = account::sdk_config().await;
    let slack = SlackClient::new(Secrets::from_sdk_config(&sdk), config.secret);
    let dead_letters = DeadLetters::from_sdk_config(&sdk, config.dead_letters_url);
    let (slack, dead_letters) = (&slack, &dead_letters);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request = start::request_span(&event.context.request_id);
        let deadline = start::deadline(event.context.deadline);
        async move { Ok::<_, Error>(handle(slack, dead_letters, event.payload, deadline).await) }
            .instrument(request)
    };
    run(service_fn(function)).await
}
