//! Reads the world as the functions read AWS: first what is always read, then what the core
//! requests.

use super::names;
use super::tasks::DEFAULT_DEPLOYMENT;
use super::world::World;
use portkeeper_core::compare::questions;
use portkeeper_core::expected::named_groups;
use portkeeper_core::ids::ContainerInstanceArn;
use portkeeper_core::observation::{
    ContainerInstance, ContainerInstanceState, Deployment, Gap, Missed, Observation, OtherTask,
    Questions, Service, ServiceStatus, TargetGroup, Task, TaskStatus,
};
use portkeeper_core::plan::{INPUT_VERSION, PlanInput, Writes};

/// Returns the input of a plan, and what the core requested after the first reading.
#[must_use]
pub fn read(world: &World) -> (PlanInput, Questions) {
    let mut input = PlanInput {
        version: INPUT_VERSION,
        now: world.now,
        hop: world.hop,
        policy: world.policy.clone(),
        writes: Writes::Allowed,
        record: world.record.clone(),
        calls: world.calls.clone(),
        observation: first_reading(world),
    };
    let questions = questions(&input);
    answer(world, &questions, &mut input.observation);
    (input, questions)
}

/// Reads what a check always reads.
#[must_use]
pub fn first_reading(world: &World) -> Observation {
    let mut seen = Observation::new(world.key.clone(), world.now);
    seen.service = world.service.clone().map(|service| with_counts(world, service));
    seen.at_least.clone_from(&world.at_least);
    seen.gaps.clone_from(&world.gaps);
    let mut wanted = world.record.remembered_groups();
    wanted.extend(world.service.iter().flat_map(named_groups));
    for group in world.groups.values() {
        let arn = group.arn.clone();
        if !wanted.contains(&arn) {
            continue;
        }
        if group.unread {
            seen.gaps.push(Gap {
                what: Missed::TargetGroup(arn),
                why: "throttled".to_owned(),
                retry: true,
            });
            continue;
        }
        let group = if group.missing {
            TargetGroup::Missing
        } else {
            TargetGroup::Found(group.found.clone())
        };
        seen.target_groups.insert(arn, group);
    }
    // The tasks of a deleted service are not listed.
    let is_deleted = is_deleted(world);
    for own in world.tasks.values().filter(|own| !own.unlisted && !is_deleted) {
        if own.unread {
            let what = Missed::Task(own.task.arn.clone());
            seen.gaps.push(Gap { what, why: "not understood".to_owned(), retry: false });
        } else {
            seen.tasks.push(own.task.clone());
        }
    }
    read_places(world, &mut seen);
    seen
}

fn is_deleted(world: &World) -> bool {
    world.service.as_ref().is_some_and(|service| service.status == ServiceStatus::Inactive)
}

/// A service says how many of its tasks run and are to run, and has the deployment that started
/// them.
fn with_counts(world: &World, mut service: Service) -> Service {
    let tasks = || world.tasks.values().map(|own| &own.task);
    let wanted = |task: &&Task| {
        task.desired_status == TaskStatus::Running && task.service() == Some(&world.key.service)
    };
    let count = |tasks: usize| u32::try_from(tasks).unwrap_or(u32::MAX);
    let running =
        tasks().filter(wanted).filter(|task| task.last_status == TaskStatus::Running).count();
    let live = tasks().filter(wanted).filter(|task| !task.last_status.is_over()).count();
    (service.running_count, service.pending_count) =
        world.counts.unwrap_or((count(running), count(live - running)));
    // At most the number of running tasks, unless the text says otherwise: a task that is only
    // starting does not make the service lack one.
    service.desired_count = world.desired_count.unwrap_or_else(|| count(running).max(1));
    if service.deployments.is_empty() && !is_deleted(world) {
        service.deployments.push(Deployment {
            id: format!("ecs-svc/{DEFAULT_DEPLOYMENT}"),
            status: "PRIMARY".to_owned(),
            task_definition: world.default_definition.clone(),
            rollout: None,
            failed_tasks: None,
            created_at: None,
            updated_at: None,
        });
    }
    service
}

/// The instances of the tasks without their state, and the definitions of those tasks that do not
/// say their ports.
pub fn read_places(world: &World, seen: &mut Observation) {
    let tasks: Vec<&Task> =
        seen.tasks.iter().chain(seen.other_tasks.tasks.iter().map(|owner| &owner.task)).collect();
    let (mut definitions, mut unread) = (Vec::new(), Vec::new());
    for task in tasks {
        if let Some(arn) = task.container_instance.clone() {
            let known = ContainerInstance { ec2_instance: names::host(&arn), state: None };
            seen.container_instances.entry(arn).or_insert(known);
        }
        let bound = task.containers.iter().any(|container| !container.bindings.is_empty());
        if bound || task.network_interface.is_some() || task.last_status.is_over() {
            continue;
        }
        let arn = task.task_definition.clone();
        match world.definitions.get(arn.path()) {
            Some(definition) => definitions.push((arn, definition.clone())),
            None => unread.push(Missed::TaskDefinition(arn)),
        }
    }
    seen.task_definitions.extend(definitions);
    for what in unread {
        if !seen.gaps.iter().any(|gap| gap.what == what) {
            seen.gaps.push(Gap { what, why: "throttled".to_owned(), retry: true });
        }
    }
}

fn answer(world: &World, questions: &Questions, seen: &mut Observation) {
    for arn in &questions.tasks {
        match world.tasks.get(arn.tail()) {
            Some(own) if own.unread => {}
            Some(own) => seen.tasks.push(own.task.clone()),
            None => {
                seen.gone_tasks.insert(arn.clone());
            }
        }
    }
    answer_owners(world, questions, seen);
    for arn in &questions.container_instances {
        answer_instance(world, arn, seen);
    }
    read_places(world, seen);
}

fn answer_instance(world: &World, arn: &ContainerInstanceArn, seen: &mut Observation) {
    let state = match world.instances.get(arn) {
        Some(None) => {
            let what = Missed::ContainerInstance(arn.clone());
            seen.gaps.push(Gap { what, why: "throttled".to_owned(), retry: true });
            return;
        }
        Some(known) => known.clone(),
        None => Some(ContainerInstanceState { status: "ACTIVE".to_owned(), agent_connected: true }),
    };
    let instance = ContainerInstance { ec2_instance: names::host(arn), state };
    seen.container_instances.insert(arn.clone(), instance);
}

/// Reads the container instances of an EC2 instance in the service's cluster.
fn answer_host(world: &World, host: &str, seen: &mut Observation) {
    let mut are_fit = true;
    for arn in world.container_instances_of(host) {
        if arn.cluster_name() == Some("shop") {
            answer_instance(world, &arn, seen);
            let state = seen.container_instances.get(&arn).and_then(|it| it.state.as_ref());
            are_fit &= state.is_some_and(ContainerInstanceState::is_fit);
        }
    }
    if are_fit {
        seen.other_tasks.coverage.hosts.insert(host.to_owned());
    }
}

fn answer_owners(world: &World, questions: &Questions, seen: &mut Observation) {
    if questions.other_tasks.is_empty() {
        return;
    }
    if world.owners_unread {
        seen.gaps.push(Gap { what: Missed::OtherTasks, why: "throttled".to_owned(), retry: true });
        return;
    }
    seen.other_tasks.coverage.cluster = questions.other_tasks.cluster;
    for host in &questions.other_tasks.hosts {
        answer_host(world, host, seen);
    }
    if world.elsewhere_unread
        && !(questions.other_clusters.is_empty() && questions.only_here.is_empty())
    {
        seen.gaps.push(Gap { what: Missed::Elsewhere, why: "throttled".to_owned(), retry: true });
    } else {
        seen.other_tasks.other_clusters_known.clone_from(&questions.other_clusters);
        for arn in questions.only_here.iter().flat_map(|host| world.container_instances_of(host)) {
            answer_instance(world, &arn, seen);
        }
        let hosts = questions.only_here.iter();
        let only_here = hosts.filter(|host| {
            !world.container_instances_of(host).iter().any(|arn| arn.cluster_name() != Some("shop"))
        });
        seen.other_tasks.only_here = only_here.cloned().collect();
    }
    let asked = |task: &Task| {
        questions.other_tasks.cluster
            || task
                .container_instance
                .as_ref()
                .is_some_and(|arn| questions.other_tasks.hosts.contains(&names::host(arn)))
    };
    let uses = |owner: &&OtherTask| {
        let asked = &seen.other_tasks.other_clusters_known;
        owner.target_groups.as_ref().map_or(!asked.is_empty(), |groups| !groups.is_disjoint(asked))
    };
    let others = world
        .other_tasks
        .values()
        .filter(|owner| if world.is_elsewhere(owner) { uses(owner) } else { asked(&owner.task) });
    seen.other_tasks.tasks = others.cloned().collect::<Vec<OtherTask>>();
    let late = world.tasks.values().filter(|own| own.unlisted && !own.unread && asked(&own.task));
    for own in late {
        if !seen.tasks.iter().any(|task| task.arn == own.task.arn) {
            seen.tasks.push(own.task.clone());
        }
    }
}
