//! Operations on single messages.
//!
//! Source of limits and messages:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>.

use super::queue::is_receipt;
use super::{MAX_VISIBILITY_S, Message, Queue, SENDER_ID, queue_mut, read};
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{World, digest};
use serde_json::{Map, Value, json};

/// The longest body and the largest batch: 1 MiB
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>).
pub(super) const MAX_BODY_BYTES: usize = 1_048_576;

pub(super) fn send_message(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        read("SendMessage", input, "QueueUrl MessageBody", "DelaySeconds MessageAttributes")?;
    let now_ms = world.now_ms();
    let queue = queue_mut(world, &input)?;
    send_one(queue, &input, now_ms)
}

/// Sends the message that `input` describes: the input of `SendMessage` or one entry of a batch.
pub(super) fn send_one(
    queue: &mut Queue,
    input: &Input<'_>,
    now_ms: u64,
) -> Result<Value, ApiError> {
    let body = input.text("MessageBody")?;
    check_body(body)?;
    let delay_s = input.number_in("DelaySeconds", 0..=900)?;
    let attributes = input.optional_map("MessageAttributes")?.cloned().unwrap_or_default();
    let attributes_md5 = md5_of_attributes(&attributes)?;
    let message = queue.send(body, attributes, delay_s, now_ms);
    let mut answer = Map::new();
    answer.insert("MessageId".to_owned(), json!(message.id));
    answer.insert("MD5OfMessageBody".to_owned(), json!(digest::md5_hex(body.as_bytes())));
    if let Some(md5) = attributes_md5 {
        answer.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
    }
    Ok(Value::Object(answer))
}

pub(super) fn receive_message(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "MaxNumberOfMessages VisibilityTimeout WaitTimeSeconds AttributeNames MessageSystemAttributeNames \
        MessageAttributeNames";
    let input = read("ReceiveMessage", input, "QueueUrl", optional)?;
    let max = input.number_in("MaxNumberOfMessages", 1..=10)?.unwrap_or(1);
    let visibility_s = input.number_in("VisibilityTimeout", 0..=MAX_VISIBILITY_S)?;
    input.number_in("WaitTimeSeconds", 0..=20)?;
    let mut system = input.texts("MessageSystemAttributeNames")?;
    system.extend(input.texts("AttributeNames")?);
    let wanted = input.texts("MessageAttributeNames")?;
    let now_ms = world.now_ms();
    let name = queue_mut(world, &input)?.name.clone();
    let max = usize::try_from(max).unwrap_or(10);
    let received: Vec<Value> = world
        .sqs
        .receive(&name, max, visibility_s, now_ms)
        .iter()
        .map(|message| received_message(message, &system, &wanted))
        .collect::<Result<_, _>>()?;
    // SQS omits an empty list.
    Ok(if received.is_empty() { json!({}) } else { json!({"Messages": received}) })
}

fn received_message(
    message: &Message,
    system: &[&str],
    wanted: &[&str],
) -> Result<Value, ApiError> {
    let mut answer = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": digest::md5_hex(message.body.as_bytes()),
    });
    let all = [
        ("ApproximateReceiveCount", Some(message.receives.to_string())),
        ("SentTimestamp", Some(message.sent_ms.to_string())),
        ("SenderId", Some(SENDER_ID.to_owned())),
        ("ApproximateFirstReceiveTimestamp", message.first_received_ms.map(|ms| ms.to_string())),
        ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
    ];
    let attributes: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| system.contains(&"All") || system.contains(name))
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect();
    let chosen: Map<String, Value> = message
        .attributes
        .iter()
        .filter(|(name, _)| wanted.iter().any(|wanted| names_attribute(wanted, name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(answer) = answer.as_object_mut() {
        if !attributes.is_empty() {
            answer.insert("Attributes".to_owned(), Value::Object(attributes));
        }
        if let Some(md5) = md5_of_attributes(&chosen)? {
            answer.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
            answer.insert("MessageAttributes".to_owned(), Value::Object(chosen));
        }
    }
    Ok(answer)
}

/// `All`, `.*`, a name, or a prefix with `.*`.
fn names_attribute(wanted: &str, name: &str) -> bool {
    wanted == "All"
        || wanted == name
        || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

pub(super) fn delete_message(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteMessage", input, "QueueUrl ReceiptHandle", "")?;
    let queue = queue_mut(world, &input)?;
    queue.delete(receipt(&input)?);
    Ok(json!({}))
}

pub(super) fn change_message_visibility(
    world: &mut World,
    input: &Value,
) -> Result<Value, ApiError> {
    let input =
        read("ChangeMessageVisibility", input, "QueueUrl ReceiptHandle VisibilityTimeout", "")?;
    let visibility_s = input.number_in("VisibilityTimeout", 0..=MAX_VISIBILITY_S)?.unwrap_or(0);
    let now_ms = world.now_ms();
    let queue = queue_mut(world, &input)?;
    let receipt = receipt(&input)?;
    // A handle of no message is an invalid value. The handle of a message that can be received
    // again changes nothing and is no error [GH localstack#9632, aws-sdk-net#1927].
    let message = queue.received_with(receipt).ok_or_else(|| {
        input.refuse(format!(
            "Value {receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not \
             available for visibility timeout change."
        ))
    })?;
    if message.visible_at_ms > now_ms {
        message.visible_at_ms = now_ms + visibility_s * 1000;
    }
    Ok(json!({}))
}

pub(super) fn receipt<'a>(input: &Input<'a>) -> Result<&'a str, ApiError> {
    let receipt = input.text("ReceiptHandle")?;
    if is_receipt(receipt) {
        return Ok(receipt);
    }
    Err(ApiError::refused(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
    ))
}

/// Checks the length and the characters of a body: see `SendMessage`, parameter `MessageBody`.
fn check_body(body: &str) -> Result<(), ApiError> {
    if body.is_empty() {
        return Err(ApiError::refused(
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    if body.len() > MAX_BODY_BYTES {
        let reason = "One or more parameters are invalid. Reason: Message must be shorter than";
        return Err(ApiError::invalid(Service::Sqs, format!("{reason} {MAX_BODY_BYTES} bytes.")));
    }
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}');
    if body.chars().all(allowed) {
        return Ok(());
    }
    Err(ApiError::refused(
        "InvalidMessageContents",
        "Invalid characters found. Valid unicode characters are \
         #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    ))
}

/// The digest that clients check, as in "Calculating the MD5 message digest for message attributes"
/// in the SQS developer guide. Returns `None` if there are no attributes.
fn md5_of_attributes(attributes: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    if attributes.is_empty() {
        return Ok(None);
    }
    if attributes.len() > 10 {
        return Err(ApiError::invalid(
            Service::Sqs,
            "Number of message attributes [more than 10] exceeds the allowed maximum [10].",
        ));
    }
    let mut bytes = Vec::new();
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    for (name, attribute) in sorted {
        let input = read("MessageAttributes", attribute, "DataType", "StringValue")?;
        extend_with_length(&mut bytes, name);
        extend_with_length(&mut bytes, input.text("DataType")?);
        // Transport type 1: a string. Binary attributes are not simulated.
        bytes.push(1);
        let value = input.optional_text("StringValue")?.filter(|value| !value.is_empty());
        extend_with_length(&mut bytes, value.ok_or_else(|| empty_attribute(name))?);
    }
    Ok(Some(digest::md5_hex(&bytes)))
}

fn empty_attribute(name: &str) -> ApiError {
    let message =
        format!("The message attribute '{name}' must contain a non-empty message attribute value.");
    ApiError::invalid(Service::Sqs, message)
}

fn extend_with_length(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(text.as_bytes());
}
