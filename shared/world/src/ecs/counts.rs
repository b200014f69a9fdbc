//! The tasks of a service and how they count.

use super::service::Service;
use super::task::{Status, Task};
use crate::World;

/// Tasks by how they count: running, pending (all states before RUNNING), failed to start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub running: u32,
    pub pending: u32,
    pub failed: u32,
}

pub(super) fn tasks_of<'a>(world: &'a World, service: &'a Service) -> impl Iterator<Item = &'a Task> {
    service.tasks.iter().filter_map(|id| world.ecs.tasks.get(id))
}

pub(super) fn count(world: &World, service: &Service, deployment: Option<&str>) -> Counts {
    let mut counts = Counts::default();
    let of_deployment = |task: &&Task| deployment.is_none() || task.deployment.as_deref() == deployment;
    for task in tasks_of(world, service).filter(of_deployment) {
        counts.running += u32::from(task.status == Status::Running);
        counts.pending += u32::from(task.status < Status::Running);
        counts.failed += u32::from(task.stop.as_ref().is_some_and(|stop| stop.code == "TaskFailedToStart"));
    }
    counts
}
