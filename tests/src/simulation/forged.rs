//! Messages that nobody but an attacker, or a queue that delivers late, would send: task events that
//! are replayed, and task events with other contents than ECS gave them.

use super::account::Opponent;
use super::dice::one_in;
use fastrand::Rng;
use portkeeper_stage::QUEUE;
use portkeeper_world::{World, sqs, time};
use serde_json::{Value, json};

/// The number of task events to remember.
const KEPT: usize = 60;

/// How long ago a forged task stopped: longer than any settle time.
const STOPPED_BEFORE_MS: u64 = 400_000;

/// How often a forged message is repeated, and how soon.
const FLOOD: u64 = 60;
const FLOOD_EVERY_MS: u64 = 4_000;

/// Remembers the task events of a batch.
pub(crate) fn hear(heard: &mut Vec<String>, batch: &Value) {
    let records = batch.get("Records").and_then(Value::as_array).into_iter().flatten();
    let bodies = records.filter_map(|record| record.get("body")?.as_str());
    heard.extend(bodies.filter(|body| body.contains("ECS Task State Change")).map(str::to_owned));
    let surplus = heard.len().saturating_sub(KEPT);
    heard.drain(..surplus);
}

/// Sends the event again, as it was or changed. Returns the name and a description.
pub(crate) fn send(
    world: &mut World,
    opponents: &mut Vec<Opponent>,
    event: &str,
    random: &mut Rng,
) -> (&'static str, String) {
    let task = |event: &Value| {
        let arn = event.pointer("/detail/taskArn").and_then(Value::as_str);
        arn.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().chars().take(8).collect()
    };
    let Ok(mut forged) = serde_json::from_str::<Value>(event) else { return Default::default() };
    let title: String = task(&forged);
    if one_in(random, 3) {
        sqs::send(world, QUEUE, event, None);
        return ("replayed", format!("an old event of task {title} is delivered again"));
    }
    let stops = random.bool();
    let stopped_ms = world.now_ms().saturating_sub(STOPPED_BEFORE_MS);
    let newer = random.u64(0..3);
    if let Some(detail) = forged.get_mut("detail").and_then(Value::as_object_mut) {
        let version = detail.get("version").and_then(Value::as_u64).unwrap_or(1);
        let status = if stops { "STOPPED" } else { "RUNNING" };
        detail.insert("version".to_owned(), json!(version + newer));
        for member in ["lastStatus", "desiredStatus"] {
            detail.insert(member.to_owned(), json!(status));
        }
        for member in ["stoppingAt", "executionStoppedAt", "stoppedAt"] {
            if stops {
                detail.insert(member.to_owned(), json!(time::iso(stopped_ms)));
            } else {
                detail.remove(member);
            }
        }
    }
    let now = world.now_ms();
    // A single message is checked again without it; only many of them meet every check.
    let times = if one_in(random, 2) { FLOOD } else { 1 };
    let due = (0..times).map(|time| now + time * FLOOD_EVERY_MS).collect();
    opponents.push(Opponent::Forger { message: forged.to_string(), due });
    let says = if stops { "has stopped" } else { "runs" };
    ("forged", format!("a forged event says that task {title} {says}"))
}
