//! A container instance in API responses and events.

use crate::World;
use crate::ecs::state::instance::Instance;
use crate::ecs::state::task::Status;
use crate::time;
use serde_json::{Value, json};

/// As in `DescribeContainerInstances`.
pub(in crate::ecs) fn show(world: &World, instance: &Instance) -> Value {
    let (mut running, mut pending) = (0, 0);
    for task in
        world.ecs.tasks.values().filter(|task| task.instance.as_deref() == Some(&instance.id))
    {
        running += u32::from(task.status == Status::Running);
        pending += u32::from(task.status < Status::Running);
    }
    let path = format!("{}/{}", instance.cluster, instance.id);
    let resources = json!([
        {"name": "CPU", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": 2048},
        {"name": "MEMORY", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": 3767},
    ]);
    json!({
        "containerInstanceArn": world.account.ecs_arn("container-instance", &path),
        "ec2InstanceId": instance.ec2_id,
        "version": instance.version,
        "versionInfo": {"agentVersion": "1.105.1", "agentHash": "a1b2c3d4", "dockerVersion": "DockerVersion: 25.0.8"},
        "remainingResources": resources,
        "registeredResources": resources,
        "status": instance.status.name(),
        "agentConnected": instance.connected,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "attributes": [
            {"name": "ecs.availability-zone", "value": instance.zone},
            {"name": "ecs.os-type", "value": "linux"},
        ],
        "registeredAt": time::epoch(instance.registered_ms),
        "attachments": [],
        "tags": [],
    })
}
