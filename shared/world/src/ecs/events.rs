//! The EventBridge events that ECS emits (F-2, samples in `events/`).

use super::state::service::Message;
use crate::World;
use crate::eventbridge;
use crate::journal::Kind;
use crate::time;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Puts an event about one resource on the default event bus.
pub(super) fn put(world: &mut World, detail_type: &str, resource: &str, detail: Value) {
    let mut event = json!({
        "version": "0",
        "id": world.ids.uuid(),
        "detail-type": detail_type,
        "source": "aws.ecs",
        "account": world.account.number,
        "time": time::iso_seconds(world.now_ms()),
        "region": world.account.region,
        "resources": [resource],
    });
    if let Some(members) = event.as_object_mut() {
        members.insert("detail".to_owned(), detail);
    }
    eventbridge::put(world, event);
}

/// `ECS Service Action`, such as `("INFO", "SERVICE_STEADY_STATE")`.
pub(super) fn service_action(
    world: &mut World,
    key: &str,
    event_type: &str,
    name: &str,
    reason: Option<&str>,
) {
    let Some(service) = world.ecs.services.get(key) else { return };
    let arn = service.arn.clone();
    let mut detail = json!({
        "eventType": event_type,
        "eventName": name,
        "clusterArn": world.account.ecs_arn("cluster", &service.cluster),
        "createdAt": time::iso(world.now_ms()),
    });
    if let (Some(reason), Some(members)) = (reason, detail.as_object_mut()) {
        members.insert("reason".to_owned(), json!(reason));
    }
    put(world, "ECS Service Action", &arn, detail);
}

/// `ECS Deployment State Change`. The detail has no cluster; the service is the event's resource
/// [DG `ecs_service_deployment_events`].
pub(super) fn deployment(world: &mut World, key: &str, id: &str, name: &str, reason: &str) {
    let Some(service) = world.ecs.services.get(key) else { return };
    let arn = service.arn.clone();
    let detail = json!({
        "eventType": if name == "SERVICE_DEPLOYMENT_FAILED" { "ERROR" } else { "INFO" },
        "eventName": name,
        "deploymentId": format!("ecs-svc/{id}"),
        "updatedAt": time::iso(world.now_ms()),
        "reason": reason,
    });
    put(world, "ECS Deployment State Change", &arn, detail);
    let verb = name.trim_start_matches("SERVICE_DEPLOYMENT_").replace('_', " ").to_lowercase();
    world.journal.push(
        world.now_ms(),
        Kind::Deployment,
        Some(key),
        format!("deployment {id} of {key}: {verb}"),
    );
}

/// Adds a message to `DescribeServices.events`, which keeps the last 100 [DG
/// service-event-messages].
pub(super) fn message(world: &mut World, key: &str, text: &str) {
    let now = world.now_ms();
    let Some(service) = world.ecs.services.get_mut(key) else { return };
    let text = format!("(service {}) {text}", service.name);
    // Identical messages are suppressed for up to six hours [DG23].
    let repeated =
        service.events.iter().any(|event| event.text == text && event.at_ms + 6 * 3_600_000 > now);
    if !repeated || text.ends_with("steady state.") {
        service.events.push_front(Message {
            id: world.ids.uuid(),
            at_ms: now,
            text,
            shown: OnceLock::new(),
        });
        service.events.truncate(100);
    }
}
