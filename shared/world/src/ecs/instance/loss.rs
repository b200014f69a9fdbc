//! What happens to tasks whose container instance is deregistered, terminated or disconnected.

use super::event;
use crate::World;
use crate::ecs::registration;
use crate::ecs::state::instance::InstanceStatus;
use crate::ecs::state::task::{Status, Task};
use crate::ecs::task::lifecycle::{close, end, stop};
use crate::journal::Kind;

/// ECS no longer has the instance: it marks the tasks STOPPED at once and deregisters their targets
/// [DG `deregister_container_instance`]. The containers of orphans keep running and answering;
/// otherwise they have ended.
pub(in crate::ecs) fn lose_instance(
    world: &mut World,
    instance: &str,
    reason: &str,
    orphans: bool,
) {
    let lost =
        |task: &&Task| task.instance.as_deref() == Some(instance) && task.status != Status::Stopped;
    let ids: Vec<String> =
        world.ecs.tasks.values().filter(lost).map(|task| task.id.clone()).collect();
    for id in ids {
        stop(world, &id, "TerminationNotice", reason);
        registration::deregister(world, &id);
        // An orphan's containers keep running, but its network interface is deleted.
        let reachable = orphans && world.ecs.tasks.get(&id).is_some_and(|task| task.eni.is_none());
        if !reachable {
            close(world, &id, 137);
        }
        end(world, &id);
    }
}

/// Deregisters a container instance; its tasks become orphans.
pub(in crate::ecs) fn deregister_instance(world: &mut World, instance: &str) {
    let Some(held) = world.ecs.instances.get_mut(instance) else { return };
    held.status = InstanceStatus::Inactive;
    held.connected = false;
    held.version += 1;
    let ec2_id = held.ec2_id.clone();
    let text = format!("{ec2_id} was deregistered from its cluster");
    world.journal.push(world.now_ms(), Kind::Agent, None, text);
    event::emit(world, instance);
    lose_instance(world, instance, "Container instance was deregistered with force.", true);
}

/// Sets the connectivity of the instance's tasks. It is not a state change: no new version and no
/// event [INF].
pub(in crate::ecs) fn set_connectivity(world: &mut World, instance: &str, connected: bool) {
    for task in
        world.ecs.tasks.values_mut().filter(|task| task.instance.as_deref() == Some(instance))
    {
        task.connected = connected;
    }
}
