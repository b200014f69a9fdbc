//! Event notifications: to EventBridge and directly to queues.
//!
//! The shapes are those of AWS's samples:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
//! Only the key in a notification to a queue is form-urlencoded.

use super::bucket::{Deleted, NULL_VERSION, QueueNotification, Version};
use crate::{World, digest, eventbridge, sqs, time};
use serde_json::{Map, Value, json};

/// A change of an object, with the data for both kinds of message.
struct Change<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
    etag: Option<&'a str>,
    size: Option<usize>,
    /// `PutObject` or `DeleteObject`.
    reason: &'a str,
    /// Such as `ObjectCreated:Put`.
    name: &'a str,
    deletion_type: Option<&'a str>,
}

pub(super) fn created(world: &mut World, bucket: &str, key: &str, version: &Version) {
    let change = Change {
        bucket,
        key,
        version: numbered(&version.id),
        etag: Some(&version.etag),
        size: version.body.as_ref().map(Vec::len),
        reason: "PutObject",
        name: "ObjectCreated:Put",
        deletion_type: None,
    };
    send(world, &change);
}

pub(super) fn deleted(world: &mut World, bucket: &str, key: &str, deleted: &Deleted) {
    let marker_etag = digest::md5_hex(b"");
    let (id, etag, name, deletion_type) = match deleted {
        Deleted::Nothing => return,
        Deleted::Marked(id) => (
            id,
            Some(marker_etag.as_str()),
            "ObjectRemoved:DeleteMarkerCreated",
            "Delete Marker Created",
        ),
        Deleted::Gone { id, .. } => (id, None, "ObjectRemoved:Delete", "Permanently Deleted"),
    };
    let change = Change {
        bucket,
        key,
        version: numbered(id),
        etag,
        size: None,
        reason: "DeleteObject",
        name,
        deletion_type: Some(deletion_type),
    };
    send(world, &change);
}

/// The test message that S3 sends to a queue when it is configured as a destination.
pub(super) fn test_event(world: &mut World, bucket: &str, queue: &str) {
    let body = json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": time::iso(world.now_ms()),
        "Bucket": bucket,
        "RequestId": request_id(world),
        "HostId": digest::uuid("host", world.s3.changes),
    });
    sqs::send(world, queue, &body.to_string(), None);
}

/// The version id, unless it is `null`.
fn numbered(id: &str) -> Option<&str> {
    Some(id).filter(|id| *id != NULL_VERSION)
}

fn send(world: &mut World, change: &Change<'_>) {
    world.s3.changes += 1;
    let sequencer = sequencer(world);
    let Some(bucket) = world.s3.buckets.get(change.bucket) else { return };
    let (event_bridge, queues) = (bucket.sends_to_event_bridge, bucket.queues.clone());
    if event_bridge {
        let event = event(world, change, &sequencer);
        eventbridge::put(world, event);
    }
    for notice in queues.iter().filter(|notice| wants(notice, change.name)) {
        let body = json!({"Records": [record(world, change, &sequencer, &notice.id)]});
        sqs::send(world, &notice.queue, &body.to_string(), None);
    }
}

/// Seconds and a counter in hexadecimal. The number of digits varies, as in AWS, so comparing them
/// as text without padding gives wrong results.
fn sequencer(world: &World) -> String {
    let number = (u128::from(world.now_ms() / 1000) << 32) | u128::from(world.s3.changes);
    if world.s3.changes.is_multiple_of(2) {
        format!("{number:016X}")
    } else {
        format!("{number:018X}")
    }
}

fn request_id(world: &World) -> String {
    let id = digest::uuid("s3", world.s3.changes).replace('-', "").to_uppercase();
    id.chars().take(16).collect()
}

fn event(world: &mut World, change: &Change<'_>, sequencer: &str) -> Value {
    let members = [
        ("key", Some(json!(change.key))),
        ("size", change.size.map(|size| json!(size))),
        ("etag", change.etag.map(|etag| json!(etag))),
        ("version-id", change.version.map(|version| json!(version))),
        ("sequencer", Some(json!(sequencer))),
    ];
    let mut detail = json!({
        "version": "0",
        "bucket": {"name": change.bucket},
        "object": present(members),
        "request-id": request_id(world),
        "requester": world.account.number,
        "source-ip-address": "203.0.113.7",
        "reason": change.reason,
    });
    if let (Some(kind), Some(detail)) = (change.deletion_type, detail.as_object_mut()) {
        detail.insert("deletion-type".to_owned(), json!(kind));
    }
    json!({
        "version": "0",
        "id": world.ids.uuid(),
        "detail-type": if change.deletion_type.is_some() { "Object Deleted" } else { "Object Created" },
        "source": "aws.s3",
        "account": world.account.number,
        "time": time::iso_seconds(world.now_ms()),
        "region": world.account.region,
        "resources": [arn(world, change.bucket)],
        "detail": detail,
    })
}

fn record(world: &World, change: &Change<'_>, sequencer: &str, configuration: &str) -> Value {
    let key: String = form_urlencoded::byte_serialize(change.key.as_bytes()).collect();
    let object = present([
        // A slash is not encoded, unlike in a form.
        ("key", Some(json!(key.replace("%2F", "/")))),
        ("size", change.size.map(|size| json!(size))),
        ("eTag", change.etag.map(|etag| json!(etag))),
        ("versionId", change.version.map(|version| json!(version))),
        ("sequencer", Some(json!(sequencer))),
    ]);
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": world.account.region,
        "eventTime": time::iso(world.now_ms()),
        "eventName": change.name,
        "userIdentity": {"principalId": format!("AWS:{}", world.account.number)},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {
            "x-amz-request-id": request_id(world),
            "x-amz-id-2": digest::uuid("host", world.s3.changes),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": {"principalId": world.account.number},
                "arn": arn(world, change.bucket),
            },
            "object": object,
        },
    })
}

fn present<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The ARN of a bucket has neither Region nor account.
fn arn(world: &World, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", world.account.partition)
}

/// Whether a configuration matches this event, such as `ObjectCreated:Put`. It may end with `*`.
fn wants(notice: &QueueNotification, name: &str) -> bool {
    notice.events.iter().any(|wanted| {
        let wanted = wanted.strip_prefix("s3:").unwrap_or(wanted);
        wanted.strip_suffix('*').map_or(wanted == name, |start| name.starts_with(start))
    })
}
