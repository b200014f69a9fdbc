//! Amazon SQS standard queues: delay, visibility timeout, receive counts, dead-letter queues,
//! retention.
//!
//! Knows messages as text, not what is in them. FIFO queues, encryption and long polling are not
//! simulated. Messages are received in the order in which they were sent, which SQS does not
//! guarantee. For other orders, let the event bus delay events.

mod batch;
mod lambda;
mod message_api;
mod queue;
mod queue_api;

pub use lambda::{finish_batch, take_batch};
pub use queue::{Message, Queue, Redrive};

use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The sender of every message.
const SENDER_ID: &str = "AROAEXAMPLEID:portkeeper-world";

const MAX_VISIBILITY_S: u64 = 43_200;

/// All queues of the account, by name.
#[derive(Debug, Default)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
}

impl Sqs {
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// The number of messages in the queue: visible, delayed and in flight. Returns `None` if the
    /// queue does not exist.
    #[must_use]
    pub fn depth(&self, queue: &str) -> Option<usize> {
        self.queues.get(queue).map(|queue| queue.messages().count())
    }

    /// The messages of a queue in the order in which they were sent. Does not receive them.
    pub fn messages(&self, queue: &str) -> impl Iterator<Item = &Message> {
        self.queues.get(queue).into_iter().flat_map(Queue::messages)
    }

    /// When the next message can be received, by the world's clock. In the past if one can be
    /// received now.
    #[must_use]
    pub fn next_visible_ms(&self, queue: &str) -> Option<u64> {
        self.messages(queue).map(|message| message.visible_at_ms).min()
    }

    /// Receives up to `max` visible messages. Messages over the maximum receive count go to the
    /// dead-letter queue.
    fn receive(
        &mut self,
        queue: &str,
        max: usize,
        visibility_s: Option<u64>,
        now_ms: u64,
    ) -> Vec<Message> {
        let Some(queue) = self.queues.get_mut(queue) else {
            return Vec::new();
        };
        let (received, dead) = queue.receive(max, visibility_s, now_ms);
        let source = queue.arn.clone();
        let target = queue.redrive.as_ref().map(|redrive| redrive.queue_name().to_owned());
        if let Some(target) = target.and_then(|name| self.queues.get_mut(&name)) {
            for mut message in dead {
                message.dead_letter_source = Some(source.clone());
                target.push(message);
            }
        }
        received
    }
}

/// Sends a message with the queue's delay or with `delay_s`. Returns the message id, or `None` if
/// the queue does not exist.
pub fn send(world: &mut World, queue: &str, body: &str, delay_s: Option<u64>) -> Option<String> {
    let now_ms = world.now_ms();
    let queue = world.sqs.queues.get_mut(queue)?;
    Some(queue.send(body, Map::<String, Value>::new(), delay_s, now_ms).id.clone())
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateQueue" => queue_api::create_queue(world, input),
        "GetQueueUrl" => queue_api::get_queue_url(world, input),
        "GetQueueAttributes" => queue_api::get_queue_attributes(world, input),
        "SendMessage" => message_api::send_message(world, input),
        "SendMessageBatch" => batch::send_message_batch(world, input),
        "ReceiveMessage" => message_api::receive_message(world, input),
        "DeleteMessage" => message_api::delete_message(world, input),
        "DeleteMessageBatch" => batch::delete_message_batch(world, input),
        "ChangeMessageVisibility" => message_api::change_message_visibility(world, input),
        _ => Err(ApiError::unknown_operation(Service::Sqs, operation)),
    }
}

/// Deletes messages older than their queue's retention period.
pub(crate) fn tick(world: &mut World) {
    let now_ms = world.now_ms();
    for queue in world.sqs.queues.values_mut() {
        queue.expire(now_ms);
    }
}

fn read<'a>(
    place: &'a str,
    value: &'a Value,
    required: &str,
    optional: &str,
) -> Result<Input<'a>, ApiError> {
    Input::read(Service::Sqs, place, value, required, optional)
}

/// The queue that `QueueUrl` names. Ignores the URL's host, which is the endpoint's.
fn queue_mut<'w>(world: &'w mut World, input: &Input<'_>) -> Result<&'w mut Queue, ApiError> {
    let url = input.text("QueueUrl")?;
    let name = url
        .rsplit_once('/')
        .filter(|(before, _)| before.rsplit('/').next() == Some(world.account.number.as_str()))
        .map_or("", |(_, name)| name);
    world.sqs.queues.get_mut(name).ok_or_else(no_such_queue)
}

fn no_such_queue() -> ApiError {
    ApiError::refused("QueueDoesNotExist", "The specified queue does not exist.")
}

#[cfg(test)]
mod tests;
