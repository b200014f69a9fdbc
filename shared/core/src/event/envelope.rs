//! The outer form of a message, the same on every queue: an event of `EventBridge`, or a message of
//! Portkeeper's own in the member `portkeeper`. It does not know the content of events.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A message that cannot be read. Only this message fails; it ends in the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableMessage {
    /// Not JSON.
    #[error("the message is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON of another kind.
    #[error("the message is neither {forms} nor one of Portkeeper's own (no `portkeeper`)")]
    NotAnEvent {
        /// The forms that this queue accepts, each with the member that this message lacks.
        forms: &'static str,
    },
    /// An event of a kind that Portkeeper uses, without a required member.
    #[error("cannot read the `{kind}` event")]
    Malformed {
        /// The event's `detail-type`, `S3 notification`, or `portkeeper`.
        kind: String,
        /// What serde rejected.
        #[source]
        source: serde_json::Error,
    },
    /// An API call that does not name the changed resource.
    #[error("the `{kind}` event does not name what was changed")]
    NamesNothing {
        /// The event's `detail-type`.
        kind: String,
    },
    /// A key that is not UTF-8 once it is decoded.
    #[error("the key `{0}` of an S3 notification is not UTF-8")]
    Key(String),
    /// A message of Portkeeper's own, of a version that this program does not read.
    #[error("the message has version {found}, but this program reads version {read}")]
    OtherVersion {
        /// The message's version.
        found: u64,
        /// The version of this program.
        read: u32,
    },
}

/// A parsed message.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    /// The kind of the event.
    #[serde(rename = "detail-type")]
    pub detail_type: Option<String>,
    /// The AWS service that sent it: `aws.ecs`.
    #[serde(default)]
    pub source: String,
    /// The ARNs of the resources that it concerns.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The content; its form depends on the kind.
    #[serde(default)]
    pub detail: Value,
    /// The records of a notification that S3 sends without `EventBridge`.
    #[serde(rename = "Records")]
    pub records: Option<Value>,
    /// `s3:TestEvent`: S3 sends it when a notification is configured.
    #[serde(rename = "Event")]
    pub event: Option<Value>,
    /// A message of Portkeeper's own.
    pub portkeeper: Option<Value>,
}

impl Envelope {
    /// Parses the body of a message. `forms` names what this queue accepts, for
    /// [`UnreadableMessage::NotAnEvent`].
    pub fn open(body: &str, forms: &'static str) -> Result<Self, UnreadableMessage> {
        serde_json::from_str(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => UnreadableMessage::NotAnEvent { forms },
            _ => UnreadableMessage::NotJson(error),
        })
    }
}

/// Reads a message of Portkeeper's own. The version comes first: a message of another version may
/// have other members.
pub fn read_own<T: DeserializeOwned>(own: Value, version: u32) -> Result<T, UnreadableMessage> {
    let found = own.get("version").and_then(Value::as_u64);
    if let Some(found) = found.filter(|found| *found != u64::from(version)) {
        return Err(UnreadableMessage::OtherVersion { found, read: version });
    }
    serde_json::from_value(own)
        .map_err(|source| UnreadableMessage::Malformed { kind: "portkeeper".to_owned(), source })
}
