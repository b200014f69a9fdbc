//! Publishes the results of specs to the alert topic.

use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::notify::send;
use portkeeper_service_spec::message::SpecMessage;

/// Publishes the result of a spec. When this returns, SNS has accepted it.
pub async fn publish(aws: &Aws, config: &Config, message: &SpecMessage) -> Result<(), Failure> {
    send(
        aws,
        config,
        &message.subject,
        message.by_protocol(config.https_format),
        &message.attributes,
    )
    .await
}
