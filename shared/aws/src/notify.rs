//! Alerts to SNS. What they say, and that it fits into SNS's limits, is the core's.

use crate::account::Aws;
use crate::config::Config;
use crate::failure::Failure;
use aws_sdk_sns::types::MessageAttributeValue;
use portkeeper_core::report::Message;

/// Publishes an alert, in one form for each kind of subscriber. It was accepted when this returns.
pub async fn publish(aws: &Aws, config: &Config, message: &Message) -> Result<(), Failure> {
    let topic_arn = &config.alerts_topic_arn;
    let request = aws.sns.publish().topic_arn(topic_arn).subject(&message.subject);
    let mut request = request.message_structure("json").message(message.by_protocol(config.https_format));
    // SNS refuses an attribute without a value.
    for (name, value) in message.attributes.iter().filter(|(_, value)| !value.is_empty()) {
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let attribute = attribute.map_err(|error| Failure::unreadable("sns:Publish", topic_arn, error.to_string()))?;
        request = request.message_attributes(name, attribute);
    }
    aws.turn("sns:Publish").await;
    request.send().await.map(|_| ()).map_err(|error| aws.failure("sns:Publish", topic_arn, error))
}
