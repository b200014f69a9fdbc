//! The service scheduler: starts, stops and replaces the tasks of each deployment.
//!
//! `decide` chooses from the state of the tasks what to start and stop, and `run` does it.
//! `traffic` shifts traffic.

use super::counts::{FAILED_CHECKS, tasks_of};
use super::registration::{Standing, standing};
use super::state::instance::{Instance, InstanceStatus};
use super::state::service::{Controller, Rollout, Service, ServiceStatus};
use super::state::settings::Replaces;
use super::state::task::{Status, Task};
use super::task::lifecycle::{self, NewTask};
use super::traffic::{self, Seen};
use super::{breaker, events, placement};
use crate::World;
use crate::journal::Kind;
use std::collections::BTreeSet;

/// How often the scheduler runs for a steady service. For others it runs every second.
const QUIET_MS: u64 = 5000;

/// The shortest time between two messages that ECS cannot place tasks.
const PLACEMENT_MESSAGE_MS: u64 = 60_000;

enum Act {
    Start { deployment: String },
    Stop { id: String, reason: String },
}

/// Runs the scheduler for every service that is due.
pub(super) fn tick(world: &mut World) {
    let now = world.now_ms();
    let due = |service: &&Service| {
        service.next_run_ms <= now && service.status != ServiceStatus::Inactive
    };
    let keys: Vec<String> = world.ecs.services.values().filter(due).map(Service::key).collect();
    for key in keys {
        run(world, &key);
    }
}

fn run(world: &mut World, key: &str) {
    let now = world.now_ms();
    count_daemons(world, key);
    if breaker::check(world, key) {
        return;
    }
    let Some(service) = world.ecs.services.get(key) else { return };
    let seen = see(world, service);
    let troubles: Vec<String> = seen.iter().filter_map(|task| task.trouble.clone()).collect();
    let acts = decide(service, &seen);
    let quiet = acts.is_empty() && service.steady;
    if let Some(service) = world.ecs.services.get_mut(key) {
        service.next_run_ms = now + if quiet { QUIET_MS } else { 1000 };
    }
    for trouble in troubles {
        events::message(world, key, &trouble);
    }
    if acts.is_empty() {
        return traffic::progress(world, key, &seen);
    }
    if let Some(service) = world.ecs.services.get_mut(key) {
        service.steady = false;
    }
    let (mut started, mut stopped) = (Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Start { deployment } => started.extend(start(world, key, &deployment)),
            Act::Stop { id, reason } => {
                lifecycle::stop(world, &id, "ServiceSchedulerInitiated", &reason);
                stopped.push(id);
            }
        }
    }
    for (verb, ids) in [("started", started), ("stopped", stopped)] {
        if !ids.is_empty() {
            let running = if verb == "stopped" { "running " } else { "" };
            let list: Vec<String> = ids.iter().map(|id| format!("(task {id})")).collect();
            events::message(
                world,
                key,
                &format!("has {verb} {} {running}tasks: {}.", ids.len(), list.join(" ")),
            );
        }
    }
}

/// Sets the desired count of a daemon service: one task on every active instance of its cluster.
fn count_daemons(world: &mut World, key: &str) {
    let Some(service) = world.ecs.services.get(key).filter(|service| service.is_daemon()) else {
        return;
    };
    let active = |instance: &&Instance| {
        instance.cluster == service.cluster
            && instance.status == InstanceStatus::Active
            && !instance.external
    };
    let count = len(world.ecs.instances.values().filter(active).count());
    if let Some(service) =
        world.ecs.services.get_mut(key).filter(|service| service.status == ServiceStatus::Active)
    {
        service.desired = count;
    }
}

/// The tasks that are not STOPPED.
fn see(world: &World, service: &Service) -> Vec<Seen> {
    let now = world.now_ms();
    let one = |task: &Task| {
        let mut good = false;
        let (mut replace, mut trouble) = (None, None);
        if task.status == Status::Running && !task.stop_wanted() {
            match standing(world, task) {
                Standing::Good => good = true,
                Standing::Bad(group, why)
                    if task.started_ms.is_some_and(|ms| ms + service.grace_ms() <= now) =>
                {
                    // The stopped reason in the sample of 2024.
                    let reason = format!("{FAILED_CHECKS} in (target-group {group})");
                    replace = (world.ecs.behaviour.replaces > Replaces::Nothing).then_some(reason);
                    trouble = replace.as_ref().map(|_| unhealthy_message(task, &group, &why));
                }
                Standing::Bad(..) | Standing::Waiting => {}
            }
        }
        let instance = task.instance.as_ref().and_then(|id| world.ecs.instances.get(id));
        if instance.is_some_and(|instance| instance.status == InstanceStatus::Draining) {
            replace.get_or_insert_with(|| "Container instance is draining".to_owned());
        }
        Seen {
            id: task.id.clone(),
            deployment: task.deployment.clone().unwrap_or_default(),
            wanted: !task.stop_wanted(),
            good,
            created_ms: task.created_ms,
            replace,
            trouble,
        }
    };
    let left = |task: &&Task| task.status != Status::Stopped;
    tasks_of(world, service).filter(left).map(one).collect()
}

/// The event message for a task that ECS replaces [DG service-unhealthy-event-messages,
/// service-event-messages-list].
fn unhealthy_message(task: &Task, group: &str, why: &str) -> String {
    let Task { id, .. } = task;
    if why.starts_with("TARGET") {
        return format!("(task {id}) is not healthy in (target-group {group}) due to {why}");
    }
    let instance = task.ec2_id.as_ref().map(|ec2| format!(" (instance {ec2})")).unwrap_or_default();
    let port = task
        .containers
        .iter()
        .flat_map(|container| &container.bindings)
        .map(|binding| binding.host.first)
        .next();
    let port = port.map(|port| format!(" (port {port})")).unwrap_or_default();
    format!("(task {id}){instance}{port} is unhealthy in (target-group {group}) due to {why}")
}

fn len(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Starts tasks up to `maximumPercent` and stops tasks down to `minimumHealthyPercent`. Starts the
/// replacement of an unhealthy task before stopping it, if `maximumPercent` allows [BC
/// `CreateService`, DG `ecs_services`].
fn decide(service: &Service, seen: &[Seen]) -> Vec<Act> {
    let (minimum_percent, maximum_percent) = service.percents();
    let alive: Vec<&Seen> = seen.iter().filter(|task| task.wanted).collect();
    let shifting = service.primary().is_some_and(|primary| primary.stage.is_some());
    let rolling = service.controller == Controller::Ecs && !shifting;
    let all_wanted: u32 =
        service.deployments.iter().map(|deployment| service.wanted(deployment)).sum();
    let limit = if rolling {
        (u64::from(service.desired) * u64::from(maximum_percent) / 100).max(1)
    } else {
        u64::from(all_wanted) * u64::from(maximum_percent.max(100)) / 100
    };
    let mut room = u32::try_from(limit).unwrap_or(u32::MAX).saturating_sub(len(alive.len()));
    let minimum = u64::from(service.desired.min(all_wanted)) * u64::from(minimum_percent);
    let minimum = u32::try_from(minimum.div_ceil(100)).unwrap_or(u32::MAX);
    let (mut acts, mut superfluous) = (Vec::new(), Vec::new());
    let known: BTreeSet<&str> =
        service.deployments.iter().map(|deployment| deployment.id.as_str()).collect();
    superfluous
        .extend(alive.iter().copied().filter(|task| !known.contains(task.deployment.as_str())));
    for deployment in &service.deployments {
        let want = service.wanted(deployment);
        let mine = || alive.iter().copied().filter(|task| task.deployment == deployment.id);
        let mut sound: Vec<&Seen> = mine().filter(|task| task.replace.is_none()).collect();
        // A failed deployment starts no further tasks.
        let given_up = deployment.rollout == Rollout::Failed;
        let missing = if given_up { 0 } else { want.saturating_sub(len(sound.len())) };
        let starting = missing.min(room);
        room -= starting;
        acts.extend((0..starting).map(|_| Act::Start { deployment: deployment.id.clone() }));
        // Stop unhealthy tasks first, then the newest.
        sound.sort_by_key(|task| (task.good, std::cmp::Reverse(task.created_ms)));
        let surplus = sound.len().saturating_sub(usize::try_from(want).unwrap_or(usize::MAX));
        superfluous.extend(sound.iter().take(surplus));
        let replaced = len(sound.iter().filter(|task| task.good).count()) >= want;
        let no_room = missing > starting;
        superfluous.extend(mine().filter(|task| task.replace.is_some() && (replaced || no_room)));
    }
    let mut good = len(alive.iter().filter(|task| task.good).count());
    for task in superfluous {
        if task.good && good <= minimum {
            continue;
        }
        good -= u32::from(task.good);
        let scaled =
            format!("Scaling activity initiated by (deployment ecs-svc/{})", task.deployment);
        acts.push(Act::Stop {
            id: task.id.clone(),
            reason: task.replace.clone().unwrap_or(scaled),
        });
    }
    acts
}

fn start(world: &mut World, key: &str, deployment: &str) -> Option<String> {
    let service = world.ecs.services.get(key)?;
    let revision = service.revisions.get(deployment)?;
    let (instance, subnet) =
        match placement::place(world, service, &revision.definition, &revision.network) {
            Ok(placement) => placement,
            Err(reason) => {
                complain(world, key, reason);
                return None;
            }
        };
    let new = NewTask {
        cluster: service.cluster.clone(),
        definition: revision.definition.clone(),
        service: Some((key.to_owned(), deployment.to_owned())),
        group: format!("service:{}", service.name),
        started_by: Some(format!("ecs-svc/{deployment}")),
        launch_type: service.launch_type.clone(),
        instance,
        subnet,
        behind_balancer: !revision.load_balancers.is_empty(),
    };
    Some(lifecycle::launch(world, new))
}

/// Emits `SERVICE_TASK_PLACEMENT_FAILURE`, at most once a minute.
fn complain(world: &mut World, key: &str, reason: &str) {
    let now = world.now_ms();
    let Some(service) = world.ecs.services.get_mut(key) else { return };
    if service.placement_trouble_ms.is_some_and(|at| at + PLACEMENT_MESSAGE_MS > now) {
        return;
    }
    service.placement_trouble_ms = Some(now);
    let text = format!(
        "was unable to place a task because no container instance met all of its requirements. Reason: {reason}."
    );
    world.journal.push(now, Kind::Deployment, Some(key), format!("{key} {text}"));
    events::message(world, key, &text);
    events::service_action(world, key, "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", Some(reason));
}
