//! Publishes alerts to SNS. The core writes their text and keeps it within the limits of SNS.

use crate::account::Aws;
use crate::config::Config;
use crate::failure::Failure;
use aws_sdk_sns::types::MessageAttributeValue;
use portkeeper_core::report::SnsMessage;
use std::collections::BTreeMap;

/// Publishes an alert, in one form for each kind of subscriber. When this returns, SNS has accepted
/// it.
pub async fn publish(aws: &Aws, config: &Config, message: &SnsMessage) -> Result<(), Failure> {
    send(
        aws,
        config,
        &message.subject,
        message.by_protocol(config.https_format),
        &message.attributes,
    )
    .await
}

/// Publishes a message in one form for each protocol
/// ([Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)), with the attributes
/// that filter policies read. When this returns, SNS has accepted it.
pub async fn send(
    aws: &Aws,
    config: &Config,
    subject: &str,
    by_protocol: String,
    attributes: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let topic_arn = &config.alerts_topic_arn;
    let request = aws.sns.publish().topic_arn(topic_arn).subject(subject);
    let mut request = request.message_structure("json").message(by_protocol);
    // SNS refuses an attribute without a value.
    for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
        let attribute =
            MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let attribute = attribute
            .map_err(|error| Failure::unreadable("sns:Publish", topic_arn, error.to_string()))?;
        request = request.message_attributes(name, attribute);
    }
    aws.acquire("sns:Publish").await;
    request.send().await.map(|_| ()).map_err(|error| aws.failure("sns:Publish", topic_arn, error))
}
