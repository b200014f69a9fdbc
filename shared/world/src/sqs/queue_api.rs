//! Operations on queues.

use super::{MAX_VISIBILITY_S, Queue, Redrive, no_such_queue, queue_mut, read};
use crate::World;
use crate::api::{ApiError, Service};
use serde_json::{Map, Value, json};

pub(super) fn create_queue(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("CreateQueue", input, "QueueName", "Attributes")?;
    let name = input.text("QueueName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 80 || !name.bytes().all(allowed) {
        return Err(ApiError::invalid(
            Service::Sqs,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length \
             (FIFO queues are not simulated)",
        ));
    }
    let account = &world.account;
    let suffix = if account.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://sqs.{}.{suffix}/{}/{name}", account.region, account.number);
    let arn = account.arn("sqs", name);
    let mut queue = Queue::new(name, arn, url, world.now_ms());
    if let Some(existing) = world.sqs.queue(name) {
        // Only the given attributes are compared with those of an existing queue.
        queue.delay_s = existing.delay_s;
        queue.visibility_s = existing.visibility_s;
        queue.retention_s = existing.retention_s;
        queue.redrive.clone_from(&existing.redrive);
    }
    for (attribute, value) in input.optional_map("Attributes")?.into_iter().flatten() {
        set_attribute(world, &mut queue, attribute, value)?;
    }
    if let Some(existing) = world.sqs.queue(name) {
        if settings(existing) != settings(&queue) {
            let message = "A queue already exists with the same name and a different value for an \
                           attribute";
            return Err(ApiError::refused("QueueNameExists", message));
        }
        return Ok(json!({"QueueUrl": existing.url}));
    }
    let answer = json!({"QueueUrl": queue.url});
    world.sqs.queues.insert(name.to_owned(), queue);
    Ok(answer)
}

/// The settings that must be equal for `CreateQueue` to return an existing queue.
fn settings(queue: &Queue) -> (u64, u64, u64, Option<&Redrive>) {
    (queue.delay_s, queue.visibility_s, queue.retention_s, queue.redrive.as_ref())
}

fn set_attribute(
    world: &World,
    queue: &mut Queue,
    name: &str,
    value: &Value,
) -> Result<(), ApiError> {
    // All attribute values are strings.
    let bad = || {
        let message = format!("Invalid value for the parameter {name}.");
        ApiError::refused("InvalidAttributeValue", message)
    };
    let text = value.as_str().ok_or_else(bad)?;
    let seconds = |least: u64, most: u64| {
        text.parse().ok().filter(|s| (least..=most).contains(s)).ok_or_else(bad)
    };
    match name {
        "DelaySeconds" => queue.delay_s = seconds(0, 900)?,
        "VisibilityTimeout" => queue.visibility_s = seconds(0, MAX_VISIBILITY_S)?,
        "MessageRetentionPeriod" => queue.retention_s = seconds(60, 1_209_600)?,
        "RedrivePolicy" => queue.redrive = Some(redrive(world, text).ok_or_else(bad)?),
        _ => {
            let message = format!("Unknown Attribute {name} (or it is not simulated).");
            return Err(ApiError::refused("InvalidAttributeName", message));
        }
    }
    Ok(())
}

/// `{"deadLetterTargetArn": "...", "maxReceiveCount": 5}`; the number may be a string. The
/// dead-letter queue must exist.
fn redrive(world: &World, policy: &str) -> Option<Redrive> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let count = policy.get("maxReceiveCount")?;
    let max_receives: u32 = match count {
        Value::String(text) => text.parse().ok()?,
        number => u32::try_from(number.as_u64()?).ok()?,
    };
    let target_arn = policy.get("deadLetterTargetArn")?.as_str()?.to_owned();
    let redrive = Redrive { target_arn, max_receives };
    let target = world.sqs.queue(redrive.queue_name())?;
    (target.arn == redrive.target_arn && (1..=1000).contains(&max_receives)).then_some(redrive)
}

pub(super) fn get_queue_url(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("GetQueueUrl", input, "QueueName", "")?;
    let queue = world.sqs.queue(input.text("QueueName")?).ok_or_else(no_such_queue)?;
    Ok(json!({"QueueUrl": queue.url}))
}

pub(super) fn get_queue_attributes(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("GetQueueAttributes", input, "QueueUrl", "AttributeNames")?;
    let wanted = input.texts("AttributeNames")?;
    let now_ms = world.now_ms();
    let all = attributes(queue_mut(world, &input)?, now_ms);
    if let Some(name) = wanted.iter().find(|name| **name != "All" && !is_attribute(name)) {
        let message = format!("Unknown Attribute {name} (or it is not simulated).");
        return Err(ApiError::refused("InvalidAttributeName", message));
    }
    let chosen: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| wanted.contains(&"All") || wanted.contains(&name.as_str()))
        .collect();
    Ok(if chosen.is_empty() { json!({}) } else { json!({"Attributes": chosen}) })
}

fn is_attribute(name: &str) -> bool {
    matches!(
        name,
        "ApproximateNumberOfMessages"
            | "ApproximateNumberOfMessagesDelayed"
            | "ApproximateNumberOfMessagesNotVisible"
            | "CreatedTimestamp"
            | "DelaySeconds"
            | "MessageRetentionPeriod"
            | "QueueArn"
            | "RedrivePolicy"
            | "VisibilityTimeout"
    )
}

fn attributes(queue: &Queue, now_ms: u64) -> Map<String, Value> {
    let (mut visible, mut delayed, mut in_flight) = (0_u64, 0_u64, 0_u64);
    for message in queue.messages() {
        match (message.visible_at_ms <= now_ms, message.receives) {
            (true, _) => visible += 1,
            (false, 0) => delayed += 1,
            (false, _) => in_flight += 1,
        }
    }
    let numbers = [
        ("ApproximateNumberOfMessages", visible),
        ("ApproximateNumberOfMessagesDelayed", delayed),
        ("ApproximateNumberOfMessagesNotVisible", in_flight),
        ("CreatedTimestamp", queue.created_ms / 1000),
        ("DelaySeconds", queue.delay_s),
        ("MessageRetentionPeriod", queue.retention_s),
        ("VisibilityTimeout", queue.visibility_s),
    ];
    let mut all: Map<String, Value> = numbers
        .into_iter()
        .map(|(name, number)| (name.to_owned(), Value::String(number.to_string())))
        .collect();
    all.insert("QueueArn".to_owned(), json!(queue.arn));
    if let Some(redrive) = &queue.redrive {
        let policy = json!({
            "deadLetterTargetArn": redrive.target_arn,
            "maxReceiveCount": redrive.max_receives,
        });
        all.insert("RedrivePolicy".to_owned(), Value::String(policy.to_string()));
    }
    all
}
