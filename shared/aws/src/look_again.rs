//! "Look at this service again, later": a delayed message to the queue from which checks come.

use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::event::look_again_message;
use portkeeper_core::ids::{ServiceKey, TaskArn};
use std::collections::BTreeMap;

/// The longest delay that SQS knows, in seconds.
const LONGEST_DELAY_SECONDS: u32 = 900;

/// Sends the message that will be the `hop`-th look in a row. A delay longer than SQS knows arrives early.
pub async fn send(
    aws: &Aws,
    queue_url: &str,
    key: &ServiceKey,
    at_least: &BTreeMap<TaskArn, u64>,
    hop: u32,
    delay_seconds: u32,
) -> Result<(), Failure> {
    let delay = i32::try_from(delay_seconds.min(LONGEST_DELAY_SECONDS)).unwrap_or(0);
    let body = look_again_message(key, at_least, hop).to_string();
    let sent = aws.sqs.send_message().queue_url(queue_url).message_body(body).delay_seconds(delay).send().await;
    sent.map(|_| ()).map_err(|error| Failure::of("sqs:SendMessage", format!("a look at {key}"), error))
}
