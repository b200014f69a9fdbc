//! What is true in the account, for invariants: who should be registered where, who answers, what
//! is registered.
//!
//! Computed from the account's own state, sharing nothing with any program under test.

use crate::World;
use crate::ecs::{Status, Task, expected};

/// A target that a task which is not STOPPED should have, by its own revision or task set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveTarget {
    /// Cluster name.
    pub cluster: String,
    /// Service name.
    pub service: String,
    /// ARN of the task.
    pub task_arn: String,
    /// ARN of the target group.
    pub target_group_arn: String,
    /// Instance id or IP address.
    pub id: String,
    /// Host port, or container port for awsvpc and host mode.
    pub port: u16,
    /// When the task became RUNNING, if it has.
    pub running_since_ms: Option<u64>,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: &'static str,
    /// `ACTIVATING` to `DEPROVISIONING`; a task has no address before.
    pub last_status: &'static str,
}

/// The task behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Cluster name.
    pub cluster: String,
    /// Service name, or the task's group if it is of no service.
    pub service: String,
    /// ARN of the task.
    pub task_arn: String,
}

fn service_of(task: &Task) -> String {
    let name = task.service.as_ref().and_then(|key| key.split_once('/'));
    name.map_or_else(|| task.group.clone(), |(_, name)| name.to_owned())
}

/// For every task that is not STOPPED: the targets it should have.
#[must_use]
pub fn live_targets(world: &World) -> Vec<LiveTarget> {
    let mut found = Vec::new();
    for task in world.ecs.tasks.values().filter(|task| task.status != Status::Stopped) {
        found.extend(expected(world, task).into_iter().map(|target| LiveTarget {
            cluster: task.cluster.clone(),
            service: service_of(task),
            task_arn: task.arn.clone(),
            target_group_arn: target.group,
            id: target.id,
            port: target.port,
            running_since_ms: task.started_ms,
            desired_status: task.desired(),
            last_status: task.status.name(),
        }));
    }
    found
}

/// Which task answers on (instance id or address, port) now: also one that ECS has forgotten as an
/// orphan.
#[must_use]
pub fn answering(world: &World, id: &str, port: u16) -> Option<Program> {
    let task = world.ecs.listener(id, port)?;
    Some(Program {
        cluster: task.cluster.clone(),
        service: service_of(task),
        task_arn: task.arn.clone(),
    })
}

/// The targets of a group that are registered or draining: id, port, and the state that
/// `DescribeTargetHealth` shows.
#[must_use]
pub fn registered(world: &World, group: &str) -> Vec<(String, u16, &'static str)> {
    let targets = world.elbv2.group(group).into_iter().flat_map(|group| group.targets.keys());
    let state = |(id, port): &(String, u16)| {
        let health = world.target_health(group, id, *port)?;
        Some((id.clone(), *port, health.state))
    };
    targets.filter_map(state).collect()
}

/// The ARN of the task that is meant to run, is ACTIVATING or RUNNING, and should have exactly this
/// target.
#[must_use]
pub fn owner(world: &World, group: &str, id: &str, port: u16) -> Option<String> {
    let task = world.ecs.listener(id, port).filter(|task| task.is_live())?;
    let own = expected(world, task)
        .iter()
        .any(|target| target.group == group && target.id == id && target.port == port);
    own.then(|| task.arn.clone())
}
