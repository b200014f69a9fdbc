//! The outer form of a message, the same on every queue: an event of `EventBridge`, or a message of
//! Portkeeper's own in the member `portkeeper`. It does not know the content of events.
//!
//! A topic, a pipe or a second queue between `EventBridge` and this queue wraps the event. This is
//! the one place that unwraps it. Sources:
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>,
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An event comes in two envelopes at most in practice. More of them are no event.
const MOST_ENVELOPES: usize = 8;

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
    /// A known form around an event that may hold something else, or that only another program can
    /// open.
    #[error(
        "the message is {envelope}, not an EventBridge event; send the event itself, as EventBridge sends it"
    )]
    Wrapped {
        /// The form, with its article.
        envelope: &'static str,
    },
    /// An envelope around none, or around several events where only one can be used.
    #[error("the message holds {count} events in one list; send each event as its own message")]
    Several {
        /// How many.
        count: usize,
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

/// A parsed message. `null` and members of another shape count as absent: only the detail's own
/// reader knows what it needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// The kind of the event.
    #[serde(rename = "detail-type", deserialize_with = "text")]
    pub detail_type: Option<String>,
    /// The AWS service that sent it: `aws.ecs`.
    #[serde(deserialize_with = "text_or_empty")]
    pub source: String,
    /// The account that it comes from.
    #[serde(deserialize_with = "text")]
    pub account: Option<String>,
    /// The Region that it comes from.
    #[serde(deserialize_with = "text")]
    pub region: Option<String>,
    /// The ARNs of the resources that it concerns.
    #[serde(deserialize_with = "texts")]
    pub resources: Vec<String>,
    /// The content; its form depends on the kind.
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

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer).map(Option::unwrap_or_default)
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let elements = value.as_array().into_iter().flatten();
    Ok(elements.filter_map(|element| element.as_str().map(str::to_owned)).collect())
}

impl Envelope {
    /// Parses the body of a message that holds one event. `forms` names what this queue accepts,
    /// for [`UnreadableMessage::NotAnEvent`].
    pub fn open(body: &str, forms: &'static str) -> Result<Self, UnreadableMessage> {
        let mut all = Self::open_all(body, forms);
        let count = all.len();
        match all.pop() {
            Some(one) if count == 1 => one,
            _ => Err(UnreadableMessage::Several { count }),
        }
    }

    /// Parses the body of a message, and unwraps what is inside an SNS notification, a message of
    /// another queue, a list, or a JSON string: one result for each event.
    #[must_use]
    pub fn open_all(body: &str, forms: &'static str) -> Vec<Result<Self, UnreadableMessage>> {
        let mut opened = Vec::new();
        match serde_json::from_str(body) {
            Ok(value) => open_layers(value, MOST_ENVELOPES, forms, &mut opened),
            Err(source) => opened.push(Err(UnreadableMessage::NotJson(source))),
        }
        opened
    }
}

/// One layer of a message: what is inside an envelope, or no envelope.
enum Layer {
    Inner(Vec<Value>),
    Last(Value),
}

fn open_layers(
    value: Value,
    layers: usize,
    forms: &'static str,
    opened: &mut Vec<Result<Envelope, UnreadableMessage>>,
) {
    match (unwrap(value), layers.checked_sub(1)) {
        (Ok(Layer::Inner(inner)), Some(layers)) => {
            for value in inner {
                open_layers(value, layers, forms, opened);
            }
        }
        (Ok(Layer::Last(last @ Value::Object(_))), _) => {
            let event = serde_json::from_value(last);
            opened.push(event.map_err(|_| UnreadableMessage::NotAnEvent { forms }));
        }
        (Ok(Layer::Inner(_) | Layer::Last(_)), _) => {
            opened.push(Err(UnreadableMessage::NotAnEvent { forms }));
        }
        (Err(error), _) => opened.push(Err(error)),
    }
}

fn unwrap(value: Value) -> Result<Layer, UnreadableMessage> {
    if let Value::String(text) = &value {
        return inner(text, "a JSON string without an event");
    }
    if let Value::Array(elements) = value {
        return list(elements);
    }
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let has = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
    if has("detail-type") || has("portkeeper") {
        return Ok(Layer::Last(value));
    }
    if let Some(kind) = member("Type").filter(|_| has("TopicArn")) {
        return match (kind, member("Message")) {
            ("Notification", Some(message)) => {
                inner(message, "an SNS notification without an event")
            }
            _ => {
                Err(UnreadableMessage::Wrapped { envelope: "an SNS message about a subscription" })
            }
        };
    }
    if member("eventSource") == Some("aws:sqs") {
        return inner(
            member("body").unwrap_or_default(),
            "a message of another SQS queue without an event",
        );
    }
    if let Some(envelope) = closed_form(&value) {
        return Err(UnreadableMessage::Wrapped { envelope });
    }
    Ok(match value {
        Value::Object(mut object) => match (object.remove("Sns"), object.remove("Records")) {
            (Some(notification @ Value::Object(_)), _) => Layer::Inner(vec![notification]),
            (_, Some(Value::Array(records))) if records.iter().any(is_wrapped) => {
                return list(records);
            }
            (_, records) => {
                object.extend(records.map(|records| ("Records".to_owned(), records)));
                Layer::Last(Value::Object(object))
            }
        },
        other => Layer::Last(other),
    })
}

/// A record of the form in which Lambda receives messages of SNS, SQS and streams. S3 has records,
/// too, which are no envelopes.
fn is_wrapped(record: &Value) -> bool {
    let source = record.get("eventSource").or_else(|| record.get("EventSource"));
    matches!(source.and_then(Value::as_str), Some("aws:sns" | "aws:sqs" | "aws:kinesis"))
}

/// A known form that is not opened, with its article.
fn closed_form(value: &Value) -> Option<&'static str> {
    let has = |name: &str| value.get(name).is_some();
    if has("awslogs") {
        Some("a batch of CloudWatch Logs")
    } else if has("requestPayload") && has("requestContext") {
        Some("a record of a Lambda destination")
    } else if has("specversion") {
        Some("an event in the form of CloudEvents")
    } else if value.get("eventSource").and_then(Value::as_str) == Some("aws:kinesis") {
        Some("a record of a Kinesis stream")
    } else if has("clusterArn") && has("taskArn") {
        Some("the `detail` of an event without the rest (`InputPath`)")
    } else {
        None
    }
}

fn inner(text: &str, envelope: &'static str) -> Result<Layer, UnreadableMessage> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(Layer::Inner(vec![value])),
        Err(_) => Err(UnreadableMessage::Wrapped { envelope }),
    }
}

/// A list without an event must not pass for a message that was handled.
fn list(elements: Vec<Value>) -> Result<Layer, UnreadableMessage> {
    if elements.is_empty() {
        return Err(UnreadableMessage::Several { count: 0 });
    }
    Ok(Layer::Inner(elements))
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
