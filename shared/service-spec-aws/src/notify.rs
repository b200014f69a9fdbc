//! What becomes of a spec, to the topic of all alerts.

use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::notify::send;
use portkeeper_service_spec::message::SpecMessage;

/// Publishes what became of a spec. It was accepted when this returns.
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
