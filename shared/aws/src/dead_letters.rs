//! Sends a message that no retry can handle to a dead-letter queue, with the reason, so that it is
//! not retried until it expires.

use crate::failure::Failure;
use crate::lazy::{Lazily, lazily};
use aws_config::SdkConfig;
use aws_sdk_sqs::types::MessageAttributeValue;

/// SQS accepts at most 256 KB for attributes and body together. If they are larger, the reason is
/// shortened.
const LONGEST_REASON: usize = 1_000;

/// A dead-letter queue.
#[derive(Debug)]
pub struct DeadLetters {
    sqs: Lazily<aws_sdk_sqs::Client>,
    url: String,
}

impl DeadLetters {
    /// A client for one queue.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig, url: String) -> Self {
        Self { sqs: lazily(config, aws_sdk_sqs::Client::new), url }
    }

    /// Sends a message to the queue. When this returns, SQS has accepted it.
    pub async fn put(&self, body: &str, reason: &str) -> Result<(), Failure> {
        let action = "sqs:SendMessage";
        let what = "a message that will never be delivered";
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let attribute =
            MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let attribute =
            attribute.map_err(|error| Failure::unreadable(action, what, error.to_string()))?;
        // SQS refuses an empty body.
        let body = if body.is_empty() { "(empty)" } else { body };
        let request = self.sqs.send_message().queue_url(&self.url).message_body(body);
        let sent = request.message_attributes("reason", attribute).send().await;
        sent.map(|_| ()).map_err(|error| Failure::of_sdk_error(action, what, error))
    }
}
