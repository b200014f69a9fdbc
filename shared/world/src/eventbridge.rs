//! `EventBridge`: rules that deliver matching events to queues, and ways to lose, duplicate and
//! reorder deliveries.
//!
//! Knows event patterns and queue names, not what an event means.

mod event_api;
mod pattern;

pub use pattern::{PatternError, matches};

use crate::api::{ApiError, Service};
use crate::{World, sqs, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The account's default event bus.
#[derive(Debug, Default)]
pub struct EventBridge {
    rules: BTreeMap<String, Rule>,
    events: Vec<Value>,
    undelivered: Vec<(String, Value)>,
    held: Vec<Value>,
    drop_next: u32,
    duplicate_next: u32,
    hold_next: u32,
}

#[derive(Debug)]
struct Rule {
    pattern: Value,
    queue: String,
}

impl EventBridge {
    /// Creates or replaces a rule with one SQS queue as its target.
    pub fn put_rule(
        &mut self,
        name: &str,
        pattern: Value,
        queue: &str,
    ) -> Result<(), PatternError> {
        pattern::validate(&pattern)?;
        self.rules.insert(name.to_owned(), Rule { pattern, queue: queue.to_owned() });
        Ok(())
    }

    /// Loses the next `events` that match a rule.
    pub fn drop_next(&mut self, events: u32) {
        self.drop_next = events;
    }

    /// Delivers the next `events` that match a rule twice: delivery is at least once.
    pub fn duplicate_next(&mut self, events: u32) {
        self.duplicate_next = events;
    }

    /// Delays the next `events` that match a rule until [`release`].
    pub fn hold(&mut self, events: u32) {
        self.hold_next = events;
    }

    /// Every event put on the bus, delivered or not, in order.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// The delayed events, in the order in which they arrived.
    #[must_use]
    pub fn held(&self) -> &[Value] {
        &self.held
    }

    /// Deliveries that failed because the queue does not exist: queue name and event.
    #[must_use]
    pub fn undelivered(&self) -> &[(String, Value)] {
        &self.undelivered
    }

    fn queues_for(&self, event: &Value) -> Vec<String> {
        self.rules
            .values()
            // A rule's pattern was validated when it was put.
            .filter(|rule| matches(&rule.pattern, event).unwrap_or(false))
            .map(|rule| rule.queue.clone())
            .collect()
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "PutEvents" => event_api::put_events(world, input),
        _ => Err(ApiError::unknown_operation(Service::EventBridge, operation)),
    }
}

/// Puts an event on the bus. Every rule that matches delivers it to its queue.
pub fn put(world: &mut World, event: Value) {
    let queues = world.eventbridge.queues_for(&event);
    if !queues.is_empty() && !take_one(&mut world.eventbridge.drop_next) {
        if take_one(&mut world.eventbridge.hold_next) {
            world.eventbridge.held.push(event.clone());
        } else {
            let times = if take_one(&mut world.eventbridge.duplicate_next) { 2 } else { 1 };
            for _ in 0..times {
                deliver(world, &event, &queues);
            }
        }
    }
    world.eventbridge.events.push(event);
}

/// Delivers the delayed events, the last one first, and stops delaying.
pub fn release(world: &mut World) {
    world.eventbridge.hold_next = 0;
    for event in std::mem::take(&mut world.eventbridge.held).into_iter().rev() {
        let queues = world.eventbridge.queues_for(&event);
        deliver(world, &event, &queues);
    }
}

fn deliver(world: &mut World, event: &Value, queues: &[String]) {
    let body = text::json(event);
    for queue in queues {
        if sqs::send(world, queue, &body, None).is_none() {
            world.eventbridge.undelivered.push((queue.clone(), event.clone()));
        }
    }
}

/// Decrements the count. Returns false if it was zero.
fn take_one(count: &mut u32) -> bool {
    let any = *count > 0;
    *count = count.saturating_sub(1);
    any
}

#[cfg(test)]
mod tests;
