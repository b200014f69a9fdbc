//! The deployment circuit breaker: when a deployment fails, and whether the service rolls back.
//!
//! Source:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>.
//! Alarms and lifecycle hooks that fail a deployment are not simulated; tests call
//! [`World::roll_back`] instead.

use super::counts::count;
use super::events;
use super::state::service::{Deployment, Rollout, Service};
use crate::World;
use serde_json::Value;

/// The reason in AWS's sample of the event.
pub(super) const REASON: &str = "ECS deployment circuit breaker: task failed to start.";

/// "Minimum threshold <= 0.5 * desired task count => maximum threshold", 3 and 200 by default.
const LEAST: u32 = 3;
const MOST: u32 = 200;

/// Checks whether the deployment in progress has failed and, if so, ends it. Returns whether it
/// did.
pub(super) fn check(world: &mut World, key: &str) -> bool {
    let Some(service) = world.ecs.services.get(key) else { return false };
    let Some(rolls_back) = enabled(service) else { return false };
    let Some(primary) = service.primary().filter(|primary| primary.rollout == Rollout::InProgress)
    else {
        return false;
    };
    if count(world, service, Some(&primary.id)).failed < threshold(service) {
        return false;
    }
    let id = primary.id.clone();
    if !(rolls_back && world.roll_back(key)) {
        fail(world, key, &id);
    }
    true
}

/// Whether the breaker is enabled and, if so, whether it rolls back.
fn enabled(service: &Service) -> Option<bool> {
    let breaker =
        service.options.get("deploymentConfiguration")?.get("deploymentCircuitBreaker")?;
    let flag = |name: &str| breaker.get(name).and_then(Value::as_bool).unwrap_or(false);
    flag("enable").then(|| flag("rollback"))
}

/// The number of failed tasks that trips the breaker.
fn threshold(service: &Service) -> u32 {
    let pointer = |name: &str| format!("/deploymentCircuitBreaker/thresholdConfiguration/{name}");
    let type_of = service
        .options
        .get("deploymentConfiguration")
        .and_then(|c| c.pointer(&pointer("type"))?.as_str());
    let value = service.deployment_number(&pointer("value"));
    match (type_of, value) {
        (Some("COUNT"), Some(count)) => count,
        (Some("UNBOUNDED_PERCENT"), Some(percent)) => {
            service.desired.saturating_mul(percent).div_ceil(100).max(1)
        }
        (Some(_), Some(percent)) => {
            service.desired.saturating_mul(percent).div_ceil(100).clamp(LEAST, MOST)
        }
        _ => service.desired.div_ceil(2).clamp(LEAST, MOST),
    }
}

/// Marks the deployment failed without a rollback: it stays PRIMARY and starts no further tasks.
fn fail(world: &mut World, key: &str, id: &str) {
    let now = world.now_ms();
    let deployment = world.ecs.services.get_mut(key).and_then(|service| service.deployment_mut(id));
    let Some(Deployment { rollout, reason, updated_ms, .. }) = deployment else { return };
    (*rollout, *updated_ms) = (Rollout::Failed, now);
    REASON.clone_into(reason);
    events::message(
        world,
        key,
        &format!("(deployment ecs-svc/{id}) deployment failed: tasks failed to start."),
    );
    events::deployment(world, key, id, "SERVICE_DEPLOYMENT_FAILED", REASON);
}
