//! Amazon SNS: topics and the messages published to them.
//!
//! Subscriptions, delivery and `PublishBatch` are not simulated; tests read [`Sns::published`].

mod topic_api;

use crate::World;
use crate::api::{ApiError, Service};
use serde_json::Value;
use std::collections::BTreeMap;

/// All topics of the account, by ARN.
#[derive(Debug, Default)]
pub struct Sns {
    topics: BTreeMap<String, Vec<Published>>,
    published: u64,
}

/// A published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// `MessageId`.
    pub id: String,
    /// When it was published, by the world's clock.
    pub at_ms: u64,
    /// `Subject`.
    pub subject: Option<String>,
    /// `Message`.
    pub message: String,
    /// With `MessageStructure=json`: the message for subscribers of each protocol.
    by_protocol: Option<BTreeMap<String, String>>,
    /// `MessageAttributes`: name to `StringValue`.
    pub attributes: BTreeMap<String, String>,
}

impl Sns {
    /// The messages published to a topic, named by name or ARN, in order. Empty if the topic does
    /// not exist.
    #[must_use]
    pub fn published(&self, topic: &str) -> &[Published] {
        self.topics
            .iter()
            .find(|(arn, _)| *arn == topic || arn.rsplit(':').next() == Some(topic))
            .map_or(&[], |(_, published)| published.as_slice())
    }
}

impl Published {
    /// The text that a subscriber of this protocol (`email`, `sqs`, `lambda`, `https`, …) receives.
    #[must_use]
    pub fn text_for(&self, protocol: &str) -> &str {
        let parts = self.by_protocol.as_ref();
        let part = parts.and_then(|parts| parts.get(protocol).or_else(|| parts.get("default")));
        part.unwrap_or(&self.message)
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateTopic" => topic_api::create_topic(world, input),
        "Publish" => topic_api::publish(world, input),
        _ => Err(ApiError::unknown_operation(Service::Sns, operation)),
    }
}

#[cfg(test)]
mod tests;
