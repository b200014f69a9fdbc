//! Operations on topics, with the limits of a message.
//!
//! Source of limits: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.

use super::Published;
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{World, digest};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Message and attributes together: 256 KB.
pub(super) const MAX_MESSAGE_BYTES: usize = 262_144;

pub(super) fn create_topic(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(Service::Sns, "CreateTopic", input, "Name", "")?;
    let name = input.text("Name")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 256 || !name.bytes().all(allowed) {
        return Err(ApiError::invalid(Service::Sns, "Invalid parameter: Topic Name"));
    }
    let arn = world.account.arn("sns", name);
    world.sns.topics.entry(arn.clone()).or_default();
    Ok(json!({"TopicArn": arn}))
}

pub(super) fn publish(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(
        Service::Sns,
        "Publish",
        input,
        "TopicArn Message",
        "Subject MessageAttributes MessageStructure",
    )?;
    let topic = input.text("TopicArn")?;
    let prefix = world.account.arn("sns", "");
    if !topic.starts_with(&prefix) {
        let reason = "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, \
                      and be of this account and Region";
        return Err(ApiError::invalid(Service::Sns, reason));
    }
    let message = input.text("Message")?;
    let subject = input.optional_text("Subject")?;
    let attributes = attributes(input.optional_map("MessageAttributes")?)?;
    check_message(message, &attributes)?;
    let by_protocol =
        input.optional_text("MessageStructure")?.map(|it| parts(it, message)).transpose()?;
    if subject.is_some_and(|subject| !is_subject(subject)) {
        return Err(ApiError::invalid(Service::Sns, "Invalid parameter: Subject"));
    }
    let at_ms = world.now_ms();
    let sns = &mut world.sns;
    let published = sns
        .topics
        .get_mut(topic)
        .ok_or_else(|| ApiError::failed("NotFound", "Topic does not exist", 404))?;
    let id = digest::uuid("sns", sns.published);
    sns.published += 1;
    published.push(Published {
        id: id.clone(),
        at_ms,
        subject: subject.map(str::to_owned),
        message: message.to_owned(),
        by_protocol,
        attributes,
    });
    Ok(json!({"MessageId": id}))
}

/// Fewer than 100 characters, without line breaks or control characters. Also only ASCII, starting
/// with a letter, number or punctuation mark: older SNS documentation requires that, and such a
/// subject satisfies both versions.
fn is_subject(subject: &str) -> bool {
    subject.starts_with(|first: char| first.is_ascii_graphic())
        && subject.len() < 100
        && subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn check_message(message: &str, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if message.is_empty() {
        return Err(ApiError::invalid(Service::Sns, "Invalid parameter: Empty message"));
    }
    let attribute_bytes: usize =
        attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if message.len() + attribute_bytes > MAX_MESSAGE_BYTES {
        return Err(ApiError::invalid(Service::Sns, "Invalid parameter: Message too long"));
    }
    Ok(())
}

/// The messages by protocol. `default` is required, and each must be a string.
fn parts(structure: &str, message: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let invalid =
        |reason: &str| ApiError::invalid(Service::Sns, format!("Invalid parameter: {reason}"));
    if structure != "json" {
        return Err(invalid("MessageStructure"));
    }
    let not_json = |_| invalid("Message Structure - JSON message body failed to parse");
    let parts: BTreeMap<String, Value> = serde_json::from_str(message).map_err(not_json)?;
    let texts =
        parts.into_iter().filter_map(|(name, part)| Some((name, part.as_str()?.to_owned())));
    let texts: BTreeMap<String, String> = texts.collect();
    if !texts.contains_key("default") {
        return Err(invalid("Message Structure - No default entry in JSON message body"));
    }
    Ok(texts)
}

/// Attributes need a known type and a value. Binary attributes are not simulated.
fn attributes(
    attributes: Option<&Map<String, Value>>,
) -> Result<BTreeMap<String, String>, ApiError> {
    attributes
        .into_iter()
        .flatten()
        .map(|(name, attribute)| {
            let input = Input::read(Service::Sns, "MessageAttributes", attribute, "DataType", "StringValue")?;
            let (kind, value) = (input.text("DataType")?, input.optional_text("StringValue")?.unwrap_or_default());
            let fits = match kind.split('.').next() {
                Some("String") => !value.is_empty(),
                Some("Number") => value.parse::<f64>().is_ok(),
                _ => false,
            };
            if !fits {
                let message = format!(
                    "Invalid parameter: The message attribute '{name}' must contain a known DataType and a \
                     non-empty value of it"
                );
                return Err(ApiError::refused("ParameterValueInvalid", message));
            }
            Ok((name.clone(), value.to_owned()))
        })
        .collect()
}
