//! The tasks of a service, and their counts by status.

use super::state::service::Service;
use super::state::task::{Status, Task};
use crate::World;

/// The start of the stopped reason of a task that ECS stops because of its health checks.
pub(super) const FAILED_CHECKS: &str = "Task failed ELB health checks";

/// The numbers of running, pending (all states before RUNNING) and failed tasks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub running: u32,
    pub pending: u32,
    pub failed: u32,
}

pub(super) fn tasks_of<'a>(
    world: &'a World,
    service: &'a Service,
) -> impl Iterator<Item = &'a Task> {
    service.tasks.iter().filter_map(|id| world.ecs.tasks.get(id))
}

/// "if the task doesn't transition to a RUNNING state, or if it fails any of its defined health
/// checks and is stopped" [BC `Deployment.failedTasks`].
fn has_failed(task: &Task) -> bool {
    task.stop.as_ref().is_some_and(|stop| {
        matches!(stop.code, "TaskFailedToStart" | "EssentialContainerExited")
            || stop.reason.starts_with(FAILED_CHECKS)
    })
}

pub(super) fn count(world: &World, service: &Service, deployment: Option<&str>) -> Counts {
    let mut counts = Counts::default();
    let of_deployment =
        |task: &&Task| deployment.is_none() || task.deployment.as_deref() == deployment;
    for task in tasks_of(world, service).filter(of_deployment) {
        counts.running += u32::from(task.status == Status::Running);
        counts.pending += u32::from(task.status < Status::Running);
        counts.failed += u32::from(has_failed(task));
    }
    counts
}
