//! Messages to the queue from which checks come: "look at this service again, later", and "look at
//! these now".

use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::event::{check_message, look_again_message};
use portkeeper_core::ids::{ClusterArn, ServiceKey, TaskArn};
use std::collections::{BTreeMap, BTreeSet};

/// The longest delay that SQS knows, in seconds.
const LONGEST_DELAY_SECONDS: u32 = 900;

/// Sends the message that will be the `hop`-th look in a row. A delay longer than SQS knows arrives
/// early.
pub async fn send(
    aws: &Aws,
    queue_url: &str,
    key: &ServiceKey,
    at_least: &BTreeMap<TaskArn, u64>,
    hop: u32,
    delay_seconds: u32,
) -> Result<(), Failure> {
    let delay = i32::try_from(delay_seconds.min(LONGEST_DELAY_SECONDS)).unwrap_or(0);
    send_body(
        aws,
        queue_url,
        look_again_message(key, at_least, hop).to_string(),
        delay,
        key.to_string(),
    )
    .await
}

/// Asks for a check of these services at once.
pub async fn ask(
    aws: &Aws,
    queue_url: &str,
    cluster: &ClusterArn,
    services: &BTreeSet<String>,
) -> Result<(), Failure> {
    let what = format!("{} services of {}", services.len(), cluster.name());
    send_body(aws, queue_url, check_message(cluster, services).to_string(), 0, what).await
}

/// Sends the message that will be the `hop`-th look in a row at what becomes of a spec.
pub async fn send_spec(
    aws: &Aws,
    queue_url: &str,
    spec: &str,
    hop: u32,
    delay_seconds: u32,
) -> Result<(), Failure> {
    let delay = i32::try_from(delay_seconds.min(LONGEST_DELAY_SECONDS)).unwrap_or(0);
    let body = portkeeper_service_spec::notice::look_again_message(spec, hop).to_string();
    send_body(aws, queue_url, body, delay, spec.to_owned()).await
}

async fn send_body(
    aws: &Aws,
    queue_url: &str,
    body: String,
    delay: i32,
    what: String,
) -> Result<(), Failure> {
    let action = "sqs:SendMessage";
    aws.turn(action).await;
    let sent = aws
        .sqs
        .send_message()
        .queue_url(queue_url)
        .message_body(body)
        .delay_seconds(delay)
        .send()
        .await;
    sent.map(|_| ()).map_err(|error| aws.failure(action, format!("a look at {what}"), error))
}
