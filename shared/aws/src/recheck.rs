//! Sends messages to the `checks` queue: requests for a recheck of one service after a delay, and
//! for an immediate check of several.
//!
//! AWS facts: F-9.

use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::event::{CheckRequest, check_message, recheck_message, request_message};
use portkeeper_core::ids::{ClusterArn, ServiceKey, TaskArn};
use std::collections::{BTreeMap, BTreeSet};

/// The longest delay that SQS allows, in seconds.
const LONGEST_DELAY_SECONDS: u32 = 900;

/// When a check for which there was no time is due, in seconds: as soon as another run may have
/// time.
const POSTPONED_SECONDS: u32 = 30;

/// Requests the `hop`-th recheck in a row.
pub async fn send(
    aws: &Aws,
    queue_url: &str,
    key: &ServiceKey,
    at_least: &BTreeMap<TaskArn, u64>,
    hop: u32,
    delay_seconds: u32,
) -> Result<(), Failure> {
    let body = recheck_message(key, at_least, hop).to_string();
    send_body(aws, queue_url, body, delay_seconds, key.to_string()).await
}

/// Requests an immediate check of these services.
pub async fn ask(
    aws: &Aws,
    queue_url: &str,
    cluster: &ClusterArn,
    services: &BTreeSet<String>,
) -> Result<(), Failure> {
    let what = format!("{} services of {}", services.len(), cluster.name());
    send_body(aws, queue_url, check_message(cluster, services).to_string(), 0, what).await
}

/// Requests these checks once more, with everything that the first message said, because there was
/// no time for them. Portkeeper sends a new message instead of returning the first one to the queue:
/// returned, it would count as received, and after a few times it would be a dead letter without a
/// check.
pub async fn postpone(aws: &Aws, queue_url: &str, request: &CheckRequest) -> Result<(), Failure> {
    let what = format!("{} services of {}", request.services.len(), request.cluster.name());
    let body = request_message(request).to_string();
    send_body(aws, queue_url, body, POSTPONED_SECONDS, what).await
}

/// Sends a message to a queue. If the delay is longer than SQS allows, the message arrives early.
/// `what` names the object of the requested check, for errors.
pub async fn send_body(
    aws: &Aws,
    queue_url: &str,
    body: String,
    delay_seconds: u32,
    what: String,
) -> Result<(), Failure> {
    let action = "sqs:SendMessage";
    let delay = i32::try_from(delay_seconds.min(LONGEST_DELAY_SECONDS)).unwrap_or(0);
    aws.acquire(action).await;
    let sent = aws
        .sqs
        .send_message()
        .queue_url(queue_url)
        .message_body(body)
        .delay_seconds(delay)
        .send()
        .await;
    sent.map(|_| ()).map_err(|error| aws.failure(action, format!("a check of {what}"), error))
}
