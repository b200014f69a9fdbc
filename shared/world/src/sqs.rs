//! Amazon SQS standard queues: delay, visibility time-out, receive counts, dead letters, retention.
//!
//! Knows messages as text; knows nothing of what is in them. FIFO queues, encryption and long
//! polling (a receive that waits) are not simulated. Messages come in the order in which they were
//! sent, which SQS does not promise: to see other orders, let the event bus hold and release.

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

/// Who sent a message; there is one account, so there is one sender.
const SENDER_ID: &str = "AROAEXAMPLEID:portkeeper-world";

const MAX_VISIBILITY_S: u64 = 43_200;

/// All queues of the account, by name.
#[derive(Debug, Default)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
}

impl Sqs {
    /// One queue.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// How many messages the queue holds: visible, delayed and in flight. None: no such queue.
    #[must_use]
    pub fn depth(&self, queue: &str) -> Option<usize> {
        self.queues.get(queue).map(|queue| queue.messages().count())
    }

    /// The messages of a queue in the order in which they were sent; nothing is received by
    /// looking.
    pub fn messages(&self, queue: &str) -> impl Iterator<Item = &Message> {
        self.queues.get(queue).into_iter().flat_map(Queue::messages)
    }

    /// World time at which the next message can be received; in the past when one can be now.
    #[must_use]
    pub fn next_visible_ms(&self, queue: &str) -> Option<u64> {
        self.messages(queue).map(|message| message.visible_at_ms).min()
    }

    /// Receives up to `max` visible messages. What was received too often goes to the dead-letter
    /// queue.
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

/// Sends a message with its queue's own delay, or with `delay_s`. None: no such queue.
pub fn send(world: &mut World, queue: &str, body: &str, delay_s: Option<u64>) -> Option<String> {
    let now_ms = world.now_ms();
    let queue = world.sqs.queues.get_mut(queue)?;
    Some(queue.send(body, Map::<String, Value>::new(), delay_s, now_ms).id.clone())
}

/// One SQS operation.
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

/// Lets what is older than its queue's retention period expire.
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

/// The queue that `QueueUrl` names. The host does not count: it is the endpoint's, not the queue's.
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
