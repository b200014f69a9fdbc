//! The true state of the account, for invariants: which task should be registered where, which task
//! answers, what is registered.
//!
//! Computed from the account's state, independently of the program under test.

use crate::World;
use crate::ecs::{Status, Task, expected};

/// A target that a task that is not STOPPED should have, according to its service revision or task
/// set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveTarget {
    pub cluster: String,
    pub service: String,
    pub task_arn: String,
    pub target_group_arn: String,
    /// EC2 instance id or IP address.
    pub id: String,
    /// Host port, or container port in awsvpc and host mode.
    pub port: u16,
    /// When the task became RUNNING, if it has.
    pub running_since_ms: Option<u64>,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: &'static str,
    /// `ACTIVATING` to `DEPROVISIONING`; a task has no address before that.
    pub last_status: &'static str,
    /// Whether events say that ECS has deregistered the task's targets.
    pub deregistered: bool,
    /// Whether ECS shows its agent as connected.
    pub connected: bool,
}

/// The task that answers on an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub cluster: String,
    /// Service name, or the task's group for a task without a service.
    pub service: String,
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
        found.extend(expected(world, task).map(|target| LiveTarget {
            cluster: task.cluster.clone(),
            service: service_of(task),
            task_arn: task.arn.clone(),
            target_group_arn: target.group.to_owned(),
            id: target.id.to_owned(),
            port: target.port,
            running_since_ms: task.started_ms,
            desired_status: task.desired(),
            last_status: task.status.name(),
            deregistered: task.is_deregistered(),
            connected: task.connected,
        }));
    }
    found
}

/// The task that answers on (instance id or address, port) now, including an orphan that ECS no
/// longer shows.
#[must_use]
pub fn answering(world: &World, id: &str, port: u16) -> Option<Program> {
    let task = world.ecs.listener(id, port)?;
    Some(Program {
        cluster: task.cluster.clone(),
        service: service_of(task),
        task_arn: task.arn.clone(),
    })
}

/// Whether a program that ECS does not show answers on (instance id or address, port) now: one
/// outside ECS, or one of an orphan.
#[must_use]
pub fn is_answered_by_unlisted(world: &World, id: &str, port: u16) -> bool {
    let task = world.ecs.listener(id, port);
    task.map_or_else(|| world.ecs.is_program(id, port), |task| task.status == Status::Stopped)
}

/// Whether a load balancer forwards to the group.
#[must_use]
pub fn is_attached(world: &World, group: &str) -> bool {
    world.elbv2.group(group).is_some_and(|group| group.balancer.is_some())
}

/// Every target group's ARN.
pub fn groups(world: &World) -> impl Iterator<Item = &str> {
    world.elbv2.group_arns()
}

/// The registered and draining targets of a group: id, port, and state as in
/// `DescribeTargetHealth`.
#[must_use]
pub fn registered(world: &World, group: &str) -> Vec<(String, u16, &'static str)> {
    let Some(group) = world.elbv2.group(group) else { return Vec::new() };
    let shown = world.health_of_targets(group);
    shown.map(|((id, port), health)| (id.clone(), *port, health.state)).collect()
}

/// The ARN of the ACTIVATING or RUNNING task with desired status RUNNING that should have exactly
/// this target.
#[must_use]
pub fn owner(world: &World, group: &str, id: &str, port: u16) -> Option<String> {
    let task = world.ecs.listener(id, port).filter(|task| task.is_live())?;
    let own = expected(world, task)
        .any(|target| target.group == group && target.id == id && target.port == port);
    own.then(|| task.arn.clone())
}
