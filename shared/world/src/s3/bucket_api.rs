//! Operations on buckets.

use super::bucket::{Bucket, QueueNotification, Versioning};
use super::{error, notifications, read};
use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Value, json};

pub(super) fn create_bucket(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        Input::read(Service::S3, "CreateBucket", input, "Bucket", "CreateBucketConfiguration")?;
    let name = input.text("Bucket")?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let whole = (3..=63).contains(&name.len()) && name.chars().all(fits);
    if !whole
        || !edge(name.chars().next())
        || !edge(name.chars().next_back())
        || name.contains("..")
    {
        return Err(error("InvalidBucketName", "The specified bucket is not valid.", 400));
    }
    if world.s3.buckets.contains_key(name) {
        let message =
            "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(error("BucketAlreadyOwnedByYou", message, 409));
    }
    world.s3.buckets.insert(name.to_owned(), Bucket::default());
    Ok(json!({"Location": format!("/{name}")}))
}

pub(super) fn put_versioning(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let (input, name) = read(world, "PutBucketVersioning", input, "VersioningConfiguration", "")?;
    let place = "VersioningConfiguration";
    let configuration =
        input.nested(place, input.get(place).unwrap_or(&Value::Null), "Status", "")?;
    let versioning = match configuration.text("Status")? {
        "Enabled" => Versioning::Enabled,
        "Suspended" => Versioning::Suspended,
        _ => {
            let message = "The XML you provided was not well-formed or did not validate against our published schema";
            return Err(error("MalformedXML", message, 400));
        }
    };
    if let Some(bucket) = world.s3.buckets.get_mut(&name) {
        bucket.versioning = versioning;
    }
    Ok(json!({}))
}

/// Replaces the notification configuration. Each queue receives S3's test event at once, as in AWS.
pub(super) fn put_notifications(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let (input, name) =
        read(world, "PutBucketNotificationConfiguration", input, "NotificationConfiguration", "")?;
    let place = "NotificationConfiguration";
    let given = input.get(place).unwrap_or(&Value::Null);
    let given = input.nested(place, given, "", "EventBridgeConfiguration QueueConfigurations")?;
    let sends_to_event_bridge = given.optional_map("EventBridgeConfiguration")?.is_some();
    let mut queues = Vec::new();
    for entry in given.list("QueueConfigurations")? {
        let entry = given.nested("QueueConfigurations", entry, "QueueArn Events", "Id")?;
        let queue = entry.text("QueueArn")?.rsplit(':').next().unwrap_or_default().to_owned();
        if world.sqs.queue(&queue).is_none() {
            let message = "Unable to validate the following destination configurations";
            return Err(error("InvalidArgument", message, 400));
        }
        let events = entry.texts("Events")?.into_iter().map(str::to_owned).collect();
        let id = entry.optional_text("Id")?.unwrap_or("notice").to_owned();
        queues.push(QueueNotification { id, queue, events });
    }
    for notice in &queues {
        notifications::test_event(world, &name, &notice.queue);
    }
    if let Some(bucket) = world.s3.buckets.get_mut(&name) {
        bucket.sends_to_event_bridge = sends_to_event_bridge;
        bucket.queues = queues;
    }
    Ok(json!({}))
}
