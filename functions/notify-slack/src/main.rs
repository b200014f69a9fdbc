//! Starts the function: configuration, clients, the loop that takes batches from Lambda.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use portkeeper_aws::account;
use portkeeper_aws::config::SlackConfig;
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::log;
use portkeeper_aws::secrets::Secrets;
use portkeeper_core::time::Timestamp;
use portkeeper_notify_slack::{SlackClient, handle};
use std::process::ExitCode;
use tracing::Instrument as _;

/// One thread: a message waits for Slack nearly all of its time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Error> {
    let config = match SlackConfig::from_env() {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return Ok(ExitCode::FAILURE);
        }
    };
    log::start(config.log);
    let sdk = account::sdk_config().await;
    let slack = SlackClient::new(Secrets::from_sdk_config(&sdk), config.secret);
    let dead_letters = DeadLetters::from_sdk_config(&sdk, config.dead_letters_url);
    let (slack, dead_letters) = (&slack, &dead_letters);
    let function = |event: LambdaEvent<SqsEvent>| {
        let request =
            tracing::info_span!(target: "portkeeper", "request", id = event.context.request_id);
        let deadline =
            Timestamp::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        async move { Ok::<_, Error>(handle(slack, dead_letters, event.payload, deadline).await) }
            .instrument(request)
    };
    run(service_fn(function)).await?;
    Ok(ExitCode::SUCCESS)
}
