//! Plays a rolling deployment of one large service and counts the events that ECS sends and the
//! work they cause.

use crate::estate::{SERVICE, Size};
use portkeeper_stage::{StageError, TOPIC};
use portkeeper_world::api::Caller;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An arbitrary start time.
const START_MS: u64 = 1_795_392_000_000;

/// Long after the last task of the old deployment has stopped.
const WATCHED_SECS: u64 = 3600;

/// The work that one deployment caused.
#[derive(Debug, Serialize)]
pub(crate) struct Deployment {
    pub(crate) tasks: u32,
    /// Events that ECS sent about the service.
    pub(crate) events: usize,
    /// Batches that the function received.
    pub(crate) batches: usize,
    /// Messages in these batches: events that match the rules, and rechecks.
    pub(crate) messages: usize,
    pub(crate) checks: usize,
    /// The function's API calls by operation.
    pub(crate) calls: BTreeMap<String, usize>,
    pub(crate) calls_total: usize,
    /// Registrations and deregistrations by the function. ECS does its work, so there are none.
    pub(crate) writes: usize,
    pub(crate) alerts: usize,
}

/// Forces a new deployment of a service with this many tasks and counts.
pub(crate) async fn measure(tasks: u32) -> Result<Deployment, StageError> {
    let mut stage = Size { clusters: 1, services: 1, tasks }.come_up(START_MS, &[]).await?;
    let events_before = {
        let mut world = stage.world.lock();
        let input = json!({"cluster": "prod-1", "service": SERVICE, "forceNewDeployment": true});
        let events = world.eventbridge.events().len();
        world.person_ecs("UpdateService", &input)?;
        events
    };
    let deliveries = stage.run(WATCHED_SECS).await?;
    let reports: Vec<_> = deliveries.iter().flat_map(|delivery| &delivery.reports).collect();
    if let Some(failed) = reports.iter().find(|report| !report.succeeded()) {
        return Err(format!("a check failed: {:?}", failed.errors).into());
    }
    let world = stage.world.lock();
    let of_ecs = |event: &&Value| event.get("source").and_then(Value::as_str) == Some("aws.ecs");
    let calls: BTreeMap<String, usize> = world
        .calls
        .counts()
        .into_iter()
        .map(|((_, operation), count)| (operation, count))
        .collect();
    Ok(Deployment {
        tasks,
        events: world.eventbridge.events().iter().skip(events_before).filter(of_ecs).count(),
        batches: deliveries.len(),
        messages: reports.iter().map(|report| report.messages).sum(),
        checks: reports.len(),
        calls_total: calls.values().sum(),
        calls,
        writes: world.elbv2.writes().iter().filter(|write| write.caller == Caller::Client).count(),
        alerts: world.sns.published(TOPIC).len(),
    })
}
