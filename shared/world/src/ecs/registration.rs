//! Which targets a task should have, and how ECS registers and deregisters them.
//!
//! They follow from the task's service revision or task set (F-3), not from the service's current
//! settings.

use super::events;
use super::state::definition::NetworkMode;
use super::state::service::LoadBalancer;
use super::state::settings::{RegisterAt, Replaces};
use super::state::task::{Registration, Status, Task};
use crate::World;
use crate::api::{ApiError, Caller, Service as Api};
use crate::journal::Kind;
use crate::target_type::TargetType;
use serde_json::json;

/// A rejected registration is retried after this time [INF].
const RETRY_MS: u64 = 15_000;

/// A target that a task should have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub group: &'a str,
    pub id: &'a str,
    pub port: u16,
}

/// The same while the account changes.
#[derive(Debug)]
struct Wanted {
    group: String,
    id: String,
    port: u16,
}

/// The targets that this task should have now, according to its service revision or task set. Empty
/// before it has an address.
pub(crate) fn expected<'a>(world: &'a World, task: &'a Task) -> impl Iterator<Item = Expected<'a>> {
    let has_address = task.status >= Status::Activating && task.status != Status::Stopped;
    let service = task.service.as_ref().filter(|_| has_address);
    let service = service.and_then(|key| world.ecs.services.get(key));
    let revision = service.and_then(|service| service.revisions.get(task.deployment.as_ref()?));
    let balancers = revision.map(|revision| revision.load_balancers.as_slice()).unwrap_or_default();
    balancers.iter().filter_map(move |balancer| target_for(world, task, balancer))
}

/// Id and port by network mode (F-3.5).
fn target_for<'a>(
    world: &World,
    task: &'a Task,
    balancer: &'a LoadBalancer,
) -> Option<Expected<'a>> {
    let family = world.elbv2.group(&balancer.live).map_or("ipv4", |group| group.family.as_str());
    let (id, port) = match task.mode() {
        NetworkMode::Awsvpc => {
            let eni = task.eni.as_ref()?;
            let address = if family == "ipv6" { &eni.v6 } else { &eni.v4 };
            (address.as_deref()?, balancer.port)
        }
        NetworkMode::Host => {
            task.definition.container(&balancer.container)?.has_port(balancer.port).then_some(())?;
            (task.ec2_id.as_deref()?, balancer.port)
        }
        NetworkMode::Bridge => {
            let container =
                task.containers.iter().find(|container| container.name == balancer.container)?;
            let of_family = |bind_ip: &str| bind_ip.contains(':') == (family == "ipv6");
            let host_port =
                container.bindings.iter().filter(|binding| of_family(binding.bind_ip)).find_map(
                    |binding| {
                        let offset = binding.container.offset(balancer.port)?;
                        Some(binding.host.first + offset)
                    },
                );
            (task.ec2_id.as_deref()?, host_port?)
        }
        NetworkMode::None => return None,
    };
    Some(Expected { group: &balancer.live, id, port })
}

/// Schedules the registration of a task that has become ACTIVATING or RUNNING.
pub(super) fn schedule(world: &mut World, id: &str) {
    let now = world.now_ms();
    let register_at = world.ecs.timing.register_at;
    let Some(task) = world.ecs.tasks.get_mut(id) else { return };
    let lag_secs = match (register_at, task.status) {
        (RegisterAt::Activating, Status::Activating) => 0,
        (RegisterAt::AfterRunning(secs), Status::Running) => secs,
        _ => return,
    };
    let Some(service) = task.service.clone().filter(|_| task.elb_attachment.is_some()) else {
        return;
    };
    let delay_secs =
        world.ecs.misbehaviour.get(&service).map_or(0, |faults| faults.registration_delay_secs);
    let at = now + (lag_secs + delay_secs) * 1000;
    if let Some(task) = world.ecs.tasks.get_mut(id) {
        task.registration = Registration::Due(at);
    }
    if at <= now {
        register(world, id);
    }
}

fn targets(world: &World, id: &str) -> (Vec<Wanted>, String, Option<String>) {
    let Some(task) = world.ecs.tasks.get(id) else { return Default::default() };
    let wanted = expected(world, task).map(|target| Wanted {
        group: target.group.to_owned(),
        id: target.id.to_owned(),
        port: target.port,
    });
    (wanted.collect(), task.title(), task.service.clone())
}

/// ECS registers the task's targets, with its service-linked role.
pub(super) fn register(world: &mut World, id: &str) {
    let (targets, title, service) = targets(world, id);
    let Some(service) = service else { return };
    let now = world.now_ms();
    let mut outcome = Registration::Done;
    let faults = world.ecs.misbehaviour(&service);
    if faults.registrations_to_lose > 0 {
        faults.registrations_to_lose -= 1;
        world.journal.push(
            now,
            Kind::Fault,
            Some(&service),
            format!("ECS lost the registration of {title}"),
        );
    } else {
        for target in &targets {
            if let Err(error) = call(world, "RegisterTargets", target) {
                let text = format!(
                    "failed to register targets in (target-group {}) with (error {error})",
                    target.group
                );
                events::message(world, &service, &text);
                outcome = Registration::Due(now + RETRY_MS);
            }
        }
    }
    if let Some(task) = world.ecs.tasks.get_mut(id) {
        task.registration = outcome;
    }
}

/// ECS deregisters the targets of a task that stops.
pub(super) fn deregister(world: &mut World, id: &str) {
    let (mut targets, title, service) = targets(world, id);
    let Some(service) = service else { return };
    let Some(task) = world.ecs.tasks.get_mut(id) else { return };
    let was = task.registration;
    if was == Registration::Kept {
        return;
    }
    task.registration = Registration::Removed;
    if matches!(was, Registration::Due(_)) {
        // One of several groups may have refused the registration. What somebody else registered
        // in the only one is not ECS's.
        let is_one_of_several = targets.len() > 1;
        targets.retain(|target| {
            let group = world.elbv2.group(&target.group);
            is_one_of_several
                && group
                    .is_some_and(|it| it.targets.contains_key(&(target.id.clone(), target.port)))
        });
    }
    if !matches!(was, Registration::Done | Registration::Due(_)) || targets.is_empty() {
        return;
    }
    let faults = world.ecs.misbehaviour(&service);
    if faults.targets_to_keep > 0 {
        faults.targets_to_keep -= 1;
        keep(world, id);
        let text = format!("ECS did not deregister the targets of {title}");
        world.journal.push(world.now_ms(), Kind::Fault, Some(&service), text);
        return;
    }
    for target in &targets {
        // The group may have been deleted meanwhile.
        if let Err(error) = call(world, "DeregisterTargets", target) {
            let text = format!(
                "failed to deregister targets in (target-group {}) with (error {error})",
                target.group
            );
            keep(world, id);
            events::message(world, &service, &text);
        }
    }
}

fn keep(world: &mut World, id: &str) {
    if let Some(task) = world.ecs.tasks.get_mut(id) {
        task.registration = Registration::Kept;
    }
}

fn call(world: &mut World, operation: &str, target: &Wanted) -> Result<(), ApiError> {
    let input = json!({
        "TargetGroupArn": target.group,
        "Targets": [{"Id": target.id, "Port": target.port}],
    });
    world.call(Caller::Ecs, Api::Elbv2, operation, &input).map(drop)
}

/// The health of a task's targets, as the service scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// Not healthy yet.
    Waiting,
    /// Fails its health checks: the target group, and the reason for the event message.
    Bad(String, String),
}

/// Evaluates a RUNNING task: "RUNNING + reported healthy by the LB" [BC `CreateService`]. A target
/// in a group without traffic counts as healthy, because it is never checked.
pub(super) fn standing(world: &World, task: &Task) -> Standing {
    if matches!(task.registration, Registration::Due(_)) {
        return Standing::Waiting;
    }
    let also_unregistered = world.ecs.behaviour.replaces == Replaces::UnhealthyOrUnregistered;
    let mut standing = Standing::Good;
    for target in expected(world, task) {
        let Some(group) = world.elbv2.group(target.group) else { return Standing::Waiting };
        let matches_mode =
            (group.target_type == TargetType::Ip) == (task.mode() == NetworkMode::Awsvpc);
        let health = world.health_in(group, target.id, target.port);
        match health.as_ref().map(|health| health.state) {
            None | Some("draining") if also_unregistered && matches_mode => {
                let why = "TARGET IS NOT FOUND".to_owned();
                return Standing::Bad(target.group.to_owned(), why);
            }
            Some("unhealthy") => {
                let words = health.and_then(|health| health.description).unwrap_or_default();
                return Standing::Bad(target.group.to_owned(), format!("(reason {words})"));
            }
            Some("initial") => standing = Standing::Waiting,
            _ => {}
        }
    }
    standing
}
