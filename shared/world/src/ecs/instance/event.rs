//! The event for a change of a container instance.

use super::view;
use crate::World;
use crate::ecs::events;
use crate::time;
use serde_json::{Value, json};

/// Emits `ECS Container Instance State Change` with the current instance.
pub(in crate::ecs) fn emit(world: &mut World, id: &str) {
    let Some(instance) = world.ecs.instances.get(id) else { return };
    let mut detail = view::show(world, instance);
    let updated = json!(time::iso(world.now_ms()));
    let registered = json!(time::iso(instance.registered_ms));
    let arn =
        detail.get("containerInstanceArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(members) = detail.as_object_mut() {
        members.insert(
            "clusterArn".to_owned(),
            json!(world.account.ecs_arn("cluster", &instance.cluster)),
        );
        members.insert("updatedAt".to_owned(), updated);
        members.insert("registeredAt".to_owned(), registered);
        for only_in_the_api in ["tags", "runningTasksCount", "pendingTasksCount", "attachments"] {
            members.remove(only_in_the_api);
        }
    }
    events::put(world, "ECS Container Instance State Change", &arn, detail);
}
