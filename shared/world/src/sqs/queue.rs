//! One standard queue and its messages.
//!
//! Knows times and counts, but no requests, responses or other queues.

use crate::digest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct Queue {
    pub name: String,
    pub arn: String,
    pub url: String,
    /// When it was created, by the world's clock.
    pub created_ms: u64,
    /// `DelaySeconds`.
    pub delay_s: u64,
    /// `VisibilityTimeout`, in seconds.
    pub visibility_s: u64,
    /// `MessageRetentionPeriod`, in seconds.
    pub retention_s: u64,
    /// `RedrivePolicy`.
    pub redrive: Option<Redrive>,
    messages: BTreeMap<u64, Message>,
    sent: u64,
}

/// The redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// ARN of the dead-letter queue.
    pub target_arn: String,
    /// `maxReceiveCount`.
    pub max_receives: u32,
}

impl Redrive {
    /// The dead-letter queue's name: the end of its ARN.
    pub(super) fn queue_name(&self) -> &str {
        self.target_arn.rsplit(':').next().unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
pub struct Message {
    /// `MessageId`.
    pub id: String,
    /// `Body`.
    pub body: String,
    /// `MessageAttributes`, as sent.
    pub attributes: Map<String, Value>,
    /// When it was sent, by the world's clock.
    pub sent_ms: u64,
    /// When it was first received.
    pub first_received_ms: Option<u64>,
    /// `ApproximateReceiveCount`; continues in the dead-letter queue.
    pub receives: u32,
    /// When it can be received.
    pub visible_at_ms: u64,
    /// The receipt handle from the last time it was received.
    pub receipt: Option<String>,
    /// In a dead-letter queue, the ARN of the queue from which it came.
    pub dead_letter_source: Option<String>,
}

/// The prefix of receipt handles.
const RECEIPT_PREFIX: &str = "AQEB";

/// Whether this has the format of a receipt handle, even if no message has it.
pub(super) fn is_receipt(text: &str) -> bool {
    text.strip_prefix(RECEIPT_PREFIX)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Queue {
    pub(super) fn new(name: &str, arn: String, url: String, created_ms: u64) -> Self {
        Self {
            name: name.to_owned(),
            arn,
            url,
            created_ms,
            // The defaults of CreateQueue.
            delay_s: 0,
            visibility_s: 30,
            retention_s: 345_600,
            redrive: None,
            messages: BTreeMap::new(),
            sent: 0,
        }
    }

    /// The messages in the order in which they were sent.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    pub(super) fn send(
        &mut self,
        body: &str,
        attributes: Map<String, Value>,
        delay_s: Option<u64>,
        now_ms: u64,
    ) -> &Message {
        let visible_at_ms = now_ms + delay_s.unwrap_or(self.delay_s) * 1000;
        let message = Message {
            id: digest::uuid(&self.arn, self.sent),
            body: body.to_owned(),
            attributes,
            sent_ms: now_ms,
            first_received_ms: None,
            receives: 0,
            visible_at_ms,
            receipt: None,
            dead_letter_source: None,
        };
        let number = self.sent;
        self.sent += 1;
        self.messages.entry(number).or_insert(message)
    }

    /// Adds a message from another queue, visible at once.
    pub(super) fn push(&mut self, message: Message) {
        self.messages.insert(self.sent, message);
        self.sent += 1;
    }

    /// Returns the received messages and those that leave the queue because of their receive count.
    pub(super) fn receive(
        &mut self,
        max: usize,
        visibility_s: Option<u64>,
        now_ms: u64,
    ) -> (Vec<Message>, Vec<Message>) {
        let limit = self.redrive.as_ref().map_or(u32::MAX, |redrive| redrive.max_receives);
        let invisible_ms = visibility_s.unwrap_or(self.visibility_s) * 1000;
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        let visible: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, message)| message.visible_at_ms <= now_ms)
            .map(|(number, _)| *number)
            .collect();
        for number in visible {
            if received.len() >= max {
                break;
            }
            let Some(message) = self.messages.get_mut(&number) else {
                continue;
            };
            if message.receives >= limit {
                dead.extend(self.messages.remove(&number));
                continue;
            }
            message.receives += 1;
            message.first_received_ms.get_or_insert(now_ms);
            message.visible_at_ms = now_ms + invisible_ms;
            let seed = format!("{}/{number}/{}", self.arn, message.receives);
            message.receipt = Some(format!("{RECEIPT_PREFIX}{}", digest::md5_hex(seed.as_bytes())));
            received.push(message.clone());
        }
        (received, dead)
    }

    /// Deletes the message with this receipt handle. An older handle deletes nothing and is no
    /// error, as in SQS.
    pub(super) fn delete(&mut self, receipt: &str) -> bool {
        let before = self.messages.len();
        self.messages.retain(|_, message| message.receipt.as_deref() != Some(receipt));
        self.messages.len() < before
    }

    /// The message with this receipt handle.
    pub(super) fn received_with(&mut self, receipt: &str) -> Option<&mut Message> {
        self.messages.values_mut().find(|message| message.receipt.as_deref() == Some(receipt))
    }

    /// Deletes messages older than the retention period, counted from when they were first sent.
    pub(super) fn expire(&mut self, now_ms: u64) {
        while let Some(oldest) = self.messages.first_entry() {
            if oldest.get().sent_ms + self.retention_s * 1000 > now_ms {
                break;
            }
            oldest.remove();
        }
    }
}
