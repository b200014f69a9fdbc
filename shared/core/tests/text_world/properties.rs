//! The properties that must hold after every check of every world.
//!
//! Holds I-PARTIAL, I-FIRST, I-COMPLETE.

use portkeeper_core::compare::{compare, out_of_scope};
use portkeeper_core::expected::expected_with_record;
use portkeeper_core::ids::{HostPort, Target, TargetGroupArn, TargetId};
use portkeeper_core::judge::judge;
use portkeeper_core::ledger::Subject;
use portkeeper_core::mode::mode_in_force;
use portkeeper_core::observation::{
    HealthState, LoadBalancer, Missed, Observation, RegisteredTarget, TargetGroup, Task,
};
use portkeeper_core::plan::{ActionKind, Plan, PlanInput, plan};
use portkeeper_core::policy::Mode;
use portkeeper_text_world::World;
use std::collections::BTreeSet;

/// Panics with a readable message when a property does not hold.
pub fn hold(world: &World, input: &PlanInput, made: &Plan) {
    assert_eq!(plan(input), *made, "planning twice on the same input gives two plans");
    let json = serde_json::to_string(input).unwrap();
    assert_eq!(
        serde_json::from_str::<PlanInput>(&json).unwrap(),
        *input,
        "the input does not survive JSON"
    );
    registrations_come_first(made);
    live_targets_stay(world, made);
    partial_views_write_nothing(input, made);
    every_finding_has_a_verdict(input, made);
    every_target_has_a_verdict(input, made);
    nothing_is_left_to_do(input, made);
}

/// A plan is complete: it has a verdict on every target that was read, or on the target's group as
/// a whole.
fn every_target_has_a_verdict(input: &PlanInput, made: &Plan) {
    let off = mode_in_force(input).mode == Mode::Off;
    let unread = input.observation.gaps.iter().any(|gap| gap.what == Missed::Service);
    if off || unread || out_of_scope(&input.observation).is_some() {
        return;
    }
    let judged: BTreeSet<&Subject> = made.verdicts.iter().map(|verdict| &verdict.subject).collect();
    for (arn, group) in &input.observation.target_groups {
        let TargetGroup::Found(group) = group else { continue };
        for target in group.targets.iter().map(|registered| registered.target.clone()) {
            let subject = Subject::Target(arn.clone(), target);
            let with_its_group = judged.contains(&Subject::Group(arn.clone()));
            assert!(
                with_its_group || judged.contains(&subject),
                "nothing is said of {subject}: {:#?}",
                made.verdicts
            );
        }
    }
}

fn registrations_come_first(made: &Plan) {
    let kinds: Vec<ActionKind> = made.actions.iter().map(|action| action.kind).collect();
    assert!(kinds.is_sorted(), "a deregistration comes before a registration: {kinds:?}");
}

/// Judged by the text alone, independently of the core's verdicts.
fn live_targets_stay(world: &World, made: &Plan) {
    let claimed = claimed_by_live_tasks(world);
    for action in made.actions.iter().filter(|action| action.kind == ActionKind::Deregister) {
        for target in &action.targets {
            let owner =
                claimed.iter().find(|(group, other, _)| *group == action.group && other == target);
            assert!(
                owner.is_none(),
                "deregisters {target} of {}, which is that of {owner:?}",
                action.group.name()
            );
        }
    }
}

fn claimed_by_live_tasks(world: &World) -> Vec<(TargetGroupArn, Target, String)> {
    let mut claimed = Vec::new();
    let Some(service) = &world.service else { return claimed };
    for (name, own) in &world.tasks {
        if own.task.last_status.is_over() {
            continue;
        }
        let digits = own
            .task
            .started_by
            .as_deref()
            .and_then(|by| by.strip_prefix("ecs-svc/"))
            .unwrap_or_default();
        let revision = service.revisions.iter().find(|revision| revision.arn.tail() == digits);
        let set = service.task_sets.iter().find(|set| set.id.ends_with(digits));
        let entries = revision
            .map(|revision| &revision.load_balancers)
            .or(set.map(|set| &set.load_balancers));
        for entry in entries.unwrap_or(&service.load_balancers) {
            for target in targets(world, &own.task, entry) {
                let groups = entry.target_group.iter().chain(&entry.alternate_target_group);
                claimed.extend(groups.map(|group| (group.clone(), target.clone(), name.clone())));
            }
        }
    }
    for (name, owner) in &world.other_tasks {
        for group in owner.target_groups.iter().flatten() {
            for target in every_target(world, group, &owner.task) {
                claimed.push((group.clone(), target, name.clone()));
            }
        }
    }
    claimed
}

/// Where a task answers for an entry, whatever the protocol and the family.
fn targets(world: &World, task: &Task, entry: &LoadBalancer) -> Vec<Target> {
    if let Some(eni) = &task.network_interface {
        let addresses = [eni.ipv4, eni.ipv6].into_iter().flatten();
        return addresses
            .map(|ip| Target { id: TargetId::Ip(ip), port: entry.port.as_host_port() })
            .collect();
    }
    let of_container = task.containers.iter().filter(|container| container.name == entry.container);
    let bindings = of_container.flat_map(|container| &container.bindings);
    let of_port = bindings.filter_map(|binding| {
        let offset = entry.port.get().checked_sub(binding.container_port.get())?;
        let port = i64::from(binding.host_port.get()) + i64::from(offset);
        (offset < binding.length).then(|| HostPort::try_from(port).unwrap())
    });
    let mut ports: Vec<HostPort> = of_port.collect();
    if task.containers.is_empty() && world.definitions.contains_key(task.task_definition.path()) {
        ports.push(entry.port.as_host_port());
    }
    ports.into_iter().filter_map(|port| on_instance(task, port)).collect()
}

/// Where a task of others answers; with an address of its own, on each port that is registered with
/// it.
fn every_target(world: &World, group: &TargetGroupArn, task: &Task) -> Vec<Target> {
    if let Some(eni) = &task.network_interface {
        let group = world.groups.get(group.name());
        let there = group
            .iter()
            .flat_map(|group| &group.found.targets)
            .map(|registered| &registered.target);
        let addresses: Vec<TargetId> =
            [eni.ipv4, eni.ipv6].into_iter().flatten().map(TargetId::Ip).collect();
        return there.filter(|target| addresses.contains(&target.id)).cloned().collect();
    }
    let bindings = task.containers.iter().flat_map(|container| &container.bindings);
    bindings.filter_map(|binding| on_instance(task, binding.host_port)).collect()
}

fn on_instance(task: &Task, port: HostPort) -> Option<Target> {
    let id = TargetId::try_from(task.container_instance.as_ref()?.tail().to_owned()).ok()?;
    Some(Target { id, port })
}

fn partial_views_write_nothing(input: &PlanInput, made: &Plan) {
    let observation = &input.observation;
    let partial = |gap: &Missed| {
        matches!(gap, Missed::Tasks | Missed::Task(_) | Missed::Service | Missed::OtherTasks)
    };
    if observation.gaps.iter().any(|gap| partial(&gap.what)) {
        let deregisters = made.actions.iter().any(|action| action.kind == ActionKind::Deregister);
        assert!(
            !deregisters,
            "deregisters although something could not be read: {:?}",
            observation.gaps
        );
    }
    if observation.gaps.iter().any(|gap| gap.what == Missed::Elsewhere) {
        let deregistered =
            made.actions.iter().filter(|action| action.kind == ActionKind::Deregister);
        let address = deregistered
            .flat_map(|action| &action.targets)
            .find(|it| matches!(it.id, TargetId::Ip(_)));
        assert_eq!(address, None, "it may be a task's of another cluster: {:?}", observation.gaps);
    }
    for action in &made.actions {
        assert!(
            observation.found_group(&action.group).is_some(),
            "writes to a group that was not read"
        );
    }
}

fn every_finding_has_a_verdict(input: &PlanInput, made: &Plan) {
    if mode_in_force(input).mode == Mode::Off || out_of_scope(&input.observation).is_some() {
        assert_eq!(
            (made.verdicts.len(), made.actions.len()),
            (1, 0),
            "a service at rest has one verdict and no action"
        );
        return;
    }
    let desired = expected_with_record(&input.observation, &input.record, input.hop);
    let comparison = compare(&input.observation, &desired);
    for finding in judge(input, &desired, &comparison).findings {
        let of_finding = |code: Option<&portkeeper_core::code::Code>| code == Some(&finding.code);
        let said = made
            .verdicts
            .iter()
            .any(|it| it.subject == finding.subject && of_finding(it.code.as_ref()));
        assert!(said, "nothing is said about {} {}", finding.code, finding.subject);
    }
}

/// Checks the world again immediately after the writes, and again as if the writes were not visible
/// yet or their answers were lost: the ledger knows of them.
fn nothing_is_left_to_do(input: &PlanInput, made: &Plan) {
    let mut again = input.clone();
    again.record = made.next_record.clone();
    let repeated = plan(&again).actions;
    assert!(repeated.is_empty(), "{:?} is written again at once: {repeated:?}", made.actions);
    carry_out(&mut again.observation, made);
    let left = plan(&again).actions;
    assert!(left.is_empty(), "after carrying out {:?} there is more to do: {left:?}", made.actions);
}

fn carry_out(observation: &mut Observation, made: &Plan) {
    for action in &made.actions {
        let state = match action.kind {
            ActionKind::Register => HealthState::Initial,
            ActionKind::Deregister => HealthState::Draining,
        };
        let Some(TargetGroup::Found(group)) = observation.target_groups.get_mut(&action.group)
        else {
            continue;
        };
        for target in &action.targets {
            group.targets.retain(|other| other.target != *target);
            let (target, state) = (target.clone(), state.clone());
            group.targets.push(RegisteredTarget {
                target,
                state,
                reason: None,
                availability_zone: None,
            });
        }
    }
}
