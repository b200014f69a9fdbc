//! Amazon SNS: topics and what was published to them.
//!
//! Knows the limits of a message; knows nothing of who subscribes. Subscriptions, delivery and
//! `PublishBatch` are not simulated: a test reads [`Sns::published`].

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

/// A message that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// `MessageId`.
    pub id: String,
    /// World time.
    pub at_ms: u64,
    /// `Subject`.
    pub subject: Option<String>,
    /// `Message`.
    pub message: String,
    /// With `MessageStructure=json`: what subscribers of each protocol get.
    by_protocol: Option<BTreeMap<String, String>>,
    /// `MessageAttributes`: name to `StringValue`.
    pub attributes: BTreeMap<String, String>,
}

impl Sns {
    /// What was published to a topic, by its name or ARN, in order. Empty also when there is no
    /// such topic.
    #[must_use]
    pub fn published(&self, topic: &str) -> &[Published] {
        self.topics
            .iter()
            .find(|(arn, _)| *arn == topic || arn.rsplit(':').next() == Some(topic))
            .map_or(&[], |(_, published)| published.as_slice())
    }
}

impl Published {
    /// What a subscriber of this protocol (`email`, `sqs`, `lambda`, `https`, …) gets.
    #[must_use]
    pub fn text_for(&self, protocol: &str) -> &str {
        let parts = self.by_protocol.as_ref();
        let part = parts.and_then(|parts| parts.get(protocol).or_else(|| parts.get("default")));
        part.unwrap_or(&self.message)
    }
}

/// One SNS operation.
pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateTopic" => topic_api::create_topic(world, input),
        "Publish" => topic_api::publish(world, input),
        _ => Err(ApiError::unknown_operation(Service::Sns, operation)),
    }
}

#[cfg(test)]
mod tests;
