//! Messages of the `specs` queue: a changed object, the progress of a deployment, or a requested
//! recheck. As with all events, unknown kinds are ignored with a reason, and an unreadable message
//! fails alone.
//!
//! AWS facts: F-2.3, F-7.

use percent_encoding::percent_decode_str;
use portkeeper_core::event::envelope::{Envelope, UnreadableMessage, read_own};
use portkeeper_core::ids::ServiceArn;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The version of Portkeeper's own messages.
const MESSAGE_VERSION: u32 = 1;

/// The forms that the `specs` queue accepts, apart from Portkeeper's own. The commas continue the
/// sentence of [`UnreadableMessage::NotAnEvent`].
const FORMS: &str =
    "an EventBridge event (no `detail-type`), nor an S3 notification (no `Records`),";

/// The prefix of specs in the bucket. Results have another prefix, so that writing a result causes
/// no event.
pub const PREFIX: &str = "specs/";

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A spec was written or removed.
    Object(SpecObject),
    /// ECS reports the progress of a deployment.
    Deployment(Deployment),
    /// Portkeeper requested a recheck of this spec.
    LookAgain(LookAgain),
    /// The message is ignored, for this reason.
    Ignored(Ignored),
}

/// An object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecObject {
    /// The bucket.
    pub bucket: String,
    /// The key, not encoded.
    pub key: String,
    /// The version, in a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The entity tag, for buckets that keep none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Orders the events of one key: see [`is_newer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
    /// The size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Whether it was written or removed.
    pub change: Change,
}

/// Whether an object was written or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Written, for the first time or again.
    Created,
    /// Removed: deleted, or hidden by a delete marker.
    Removed,
}

/// `ECS Deployment State Change`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The service.
    pub service: ServiceArn,
    /// `ecs-svc/<digits>`
    pub id: String,
    /// `SERVICE_DEPLOYMENT_COMPLETED`, `SERVICE_DEPLOYMENT_FAILED`,
    /// `SERVICE_DEPLOYMENT_IN_PROGRESS`.
    pub event_name: String,
    /// ECS's message.
    pub reason: String,
}

/// A recheck of a spec's service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAgain {
    version: u32,
    /// The spec's key in the bucket.
    pub spec: String,
    /// The number of rechecks in a row so far.
    pub hop: u32,
}

/// Why a message requests nothing. Metrics count each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// Neither from S3 nor from ECS.
    Source(String),
    /// An event of a kind that concerns no spec.
    Kind(String),
    /// S3 tests its notifications.
    TestEvent,
    /// An object outside of `specs/`.
    NotASpec(String),
    /// The object that the console creates for a folder: its key ends with `/`.
    Folder(String),
    /// A deployment of a service whose ARN names no cluster.
    NoCluster(String),
}

impl Ignored {
    /// The name in metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Source(_) => "other_source",
            Self::Kind(_) => "other_kind",
            Self::TestEvent => "test_event",
            Self::NotASpec(_) => "not_a_spec",
            Self::Folder(_) => "folder",
            Self::NoCluster(_) => "no_cluster",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "events of `{source}` are not used"),
            Self::Kind(kind) => write!(f, "events of kind `{kind}` concern no spec"),
            Self::TestEvent => f.write_str("S3 only tested its notifications"),
            Self::NotASpec(key) => write!(f, "`{key}` is not in `{PREFIX}`"),
            Self::Folder(key) => write!(f, "`{key}` marks a folder"),
            Self::NoCluster(arn) => write!(f, "`{arn}` names no cluster"),
        }
    }
}

/// Reads the body of a message. An S3 notification may name several objects.
pub fn read(body: &str) -> Result<Vec<Notice>, UnreadableMessage> {
    let envelope = Envelope::open(body, FORMS)?;
    if let Some(own) = envelope.portkeeper {
        return Ok(vec![Notice::LookAgain(read_own(own, MESSAGE_VERSION)?)]);
    }
    if let Some(Value::Array(records)) = envelope.records {
        return records.into_iter().map(record).collect();
    }
    if envelope.event.is_some_and(|event| event == "s3:TestEvent") {
        return Ok(vec![Notice::Ignored(Ignored::TestEvent)]);
    }
    let kind = envelope.detail_type.ok_or(UnreadableMessage::NotAnEvent { forms: FORMS })?;
    let malformed = |source| UnreadableMessage::Malformed { kind: kind.clone(), source };
    let notice = match (envelope.source.as_str(), kind.as_str()) {
        ("aws.s3", "Object Created") => {
            object(envelope.detail, Change::Created).map_err(malformed)?
        }
        ("aws.s3", "Object Deleted") => {
            object(envelope.detail, Change::Removed).map_err(malformed)?
        }
        ("aws.ecs", "ECS Deployment State Change") => {
            deployment(envelope.detail, &envelope.resources).map_err(malformed)?
        }
        ("aws.s3" | "aws.ecs", _) => Notice::Ignored(Ignored::Kind(kind)),
        _ => Notice::Ignored(Ignored::Source(envelope.source)),
    };
    Ok(vec![notice])
}

/// Returns the body of a message that requests the `hop`-th recheck in a row of a spec.
#[must_use]
pub fn recheck_message(spec: &str, hop: u32) -> Value {
    serde_json::json!({ "portkeeper": LookAgain { version: MESSAGE_VERSION, spec: spec.to_owned(), hop } })
}

/// The form in which `EventBridge` names an object. The key is not encoded.
#[derive(Deserialize)]
struct S3Detail {
    bucket: S3Bucket,
    object: S3Object,
}

#[derive(Deserialize)]
struct S3Bucket {
    name: String,
}

#[derive(Deserialize)]
struct S3Object {
    key: String,
    size: Option<u64>,
    #[serde(alias = "eTag")]
    etag: Option<String>,
    #[serde(rename = "version-id", alias = "versionId")]
    version_id: Option<String>,
    sequencer: Option<String>,
}

/// The form of a plain notification. The key is encoded as forms are: a space is a `+`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Record {
    event_name: String,
    s3: S3Detail,
}

fn object(detail: Value, change: Change) -> Result<Notice, serde_json::Error> {
    Ok(notice_of(serde_json::from_value(detail)?, change))
}

fn record(record: Value) -> Result<Notice, UnreadableMessage> {
    let S3Record { event_name, mut s3 } = serde_json::from_value(record).map_err(|source| {
        UnreadableMessage::Malformed { kind: "S3 notification".to_owned(), source }
    })?;
    let spaced = s3.object.key.replace('+', " ");
    let key = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| UnreadableMessage::Key(s3.object.key.clone()))?;
    s3.object.key = key.into_owned();
    // `ObjectCreated:Put`, in older notifications with `s3:` before it.
    let name = event_name.strip_prefix("s3:").unwrap_or(&event_name);
    Ok(match name.split(':').next() {
        Some("ObjectCreated") => notice_of(s3, Change::Created),
        Some("ObjectRemoved" | "LifecycleExpiration") => notice_of(s3, Change::Removed),
        _ => Notice::Ignored(Ignored::Kind(event_name)),
    })
}

fn notice_of(detail: S3Detail, change: Change) -> Notice {
    let S3Object { key, size, etag, version_id, sequencer } = detail.object;
    if !key.starts_with(PREFIX) {
        return Notice::Ignored(Ignored::NotASpec(key));
    }
    if key.ends_with('/') {
        return Notice::Ignored(Ignored::Folder(key));
    }
    Notice::Object(SpecObject {
        bucket: detail.bucket.name,
        key,
        version_id,
        etag,
        sequencer,
        size,
        change,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentDetail {
    event_name: String,
    deployment_id: String,
    #[serde(default)]
    reason: String,
}

fn deployment(detail: Value, resources: &[String]) -> Result<Notice, serde_json::Error> {
    let DeploymentDetail { event_name, deployment_id, reason } = serde_json::from_value(detail)?;
    let service = resources.iter().find_map(|arn| ServiceArn::try_from(arn.as_str()).ok());
    Ok(match service {
        Some(service) if service.cluster().is_some() => {
            Notice::Deployment(Deployment { service, id: deployment_id, event_name, reason })
        }
        _ => Notice::Ignored(Ignored::NoCluster(resources.join(", "))),
    })
}

/// Whether an event of one key came after another: sequencers are hexadecimal numbers of different
/// lengths. If one is missing, the order is unknown and the event counts as newer: the object is
/// read again in any case.
#[must_use]
pub fn is_newer(sequencer: Option<&str>, than: Option<&str>) -> bool {
    let number = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
    match (sequencer.map(number), than.map(number)) {
        (Some(this), Some(other)) => (this.len(), this) > (other.len(), other),
        _ => true,
    }
}
