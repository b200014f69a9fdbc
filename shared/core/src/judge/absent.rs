//! Judges a running task's target that is not registered. Registering requires little: a fresh read
//! of a task that is RUNNING, with desired status RUNNING, past the settle time. Knows what
//! prevents a registration; does not decide when to register.
//!
//! AWS facts: F-1.3, F-3.5, F-4.

use super::outside_vpc::{outside_vpc, zone_needed};
use super::refusal::refusal_of_ecs;
use crate::action::ActionKind;
use crate::api_call::Operation;
use crate::code::{Code, Severity};
use crate::compare::{Absent, Comparison};
use crate::expected::{
    Clears, ExpectedTarget, ExpectedTargets, Requirement, Undetermined, has_left,
    is_of_a_stopped_container,
};
use crate::finding::{Finding, Judgement, RepairStep, finding};
use crate::ids::{TargetId, TaskArn};
use crate::input::PlanInput;
use crate::observation::{
    ContainerInstanceState, DeploymentController, FoundGroup, Observation, Service, Task,
};
use crate::policy::DEPLOYMENT_SECS;
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;
use std::fmt::Write as _;

/// Protocols whose targets need a `QuicServerId` that only ECS can know (ELBv2
/// `TargetDescription`).
const NEEDS_SERVER_ID: [&str; 2] = ["QUIC", "TCP_QUIC"];

/// The default of the attribute `deregistration_delay.timeout_seconds` (ELBv2
/// `TargetGroupAttribute`), which few groups change.
const DEREGISTRATION_DELAY_SECS: u32 = 300;

/// Judges a running task's target that is absent.
pub(super) fn judge_absent(
    input: &PlanInput,
    all_expected: &ExpectedTargets,
    comparison: &Comparison,
    absent: &Absent,
    judgement: &mut Judgement,
) {
    let expected = &absent.expected;
    let subject = Subject::Target(expected.group.clone(), expected.target.clone());
    let (Requirement::Required(since), Some(group)) =
        (&expected.requirement, input.observation.found_group(&expected.group))
    else {
        return;
    };
    if let Some(why) = input.observation.ending() {
        judgement.say(subject, None, Decision::Leave, format!("not registered; {why}"));
        return;
    }
    let settled = input.policy.settled_at(*since);
    if settled > input.now {
        let why = "its task has just started; ECS may still register the target";
        judgement.say(subject, Some(Code::Missing), Decision::Await(settled), why);
        return;
    }
    if group.load_balancers.is_empty()
        && input.observation.service.as_ref().is_some_and(Service::uses_every_group)
    {
        let why =
            "no load balancer uses the group, so a registered target would receive no requests"
                .to_owned();
        let code = Code::TargetGroupUnattached;
        let severity = Some(Severity::Critical);
        let found = finding(input, code, Subject::Group(expected.group.clone()), why);
        judgement.find(Finding { severity, ..found });
        return;
    }
    let elsewhere = comparison
        .unexpected
        .iter()
        .filter(|unexpected| !has_left(&input.observation, &unexpected.group))
        .find(|unexpected| unexpected.registered.target == expected.target);
    if let (Some(other), false) =
        (elsewhere, input.observation.service.as_ref().is_some_and(Service::uses_every_group))
    {
        let why = format!(
            "registered in {}; which of the two groups ECS uses is unknown",
            other.group.name()
        );
        judgement.say(subject, Some(Code::Missing), Decision::Unknown, why);
        return;
    }
    let task = input.observation.tasks.iter().find(|task| task.arn == expected.task);
    if let Some(other) =
        task.and_then(|task| other_revision(input, all_expected, comparison, absent, task))
    {
        let why = format!("not registered in {}; {}", expected.group.name(), other.why);
        if other.lasts {
            let of_task = Subject::Task(expected.task.clone());
            let found = finding(input, Code::AmbiguousRevision, of_task, why);
            judgement.find(Finding { task: Some(expected.task.clone()), ..found });
        } else {
            let soon = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
            judgement.say(subject, Some(Code::Missing), soon, why);
        }
        return;
    }
    let running = spoken(input.now.secs_since(*since));
    match task.and_then(|task| unfit_instance(&input.observation, task)) {
        None => {}
        Some(Unfit::Unknown) => {
            let why = "the state of its container instance is unknown";
            judgement.say(subject, Some(Code::Missing), Decision::Unknown, why);
            return;
        }
        Some(Unfit::Lost(what)) => {
            let mut found = missing(input, absent, group, subject, &running);
            // Writing to a String cannot fail.
            let _ = write!(found.why, "; {what}, so Portkeeper does not register it");
            found.repair = None;
            // Agents disconnect several times an hour in normal operation.
            found.confirm_seconds = input.policy.disconnected_seconds;
            judgement.find(found);
            return;
        }
    }
    if let Some(evidence) = outside_vpc(input, comparison, absent) {
        let evidence = format!("{running}, and {evidence}");
        let repair_from = draining_until(input, absent, &subject);
        let mut found = zone_needed(input, absent, group, subject, &evidence);
        found.repair_from = repair_from;
        respect_departure(input, absent, &mut found);
        respect_person(input, absent, *since, &mut found);
        judgement.find(found);
        return;
    }
    let mut found = missing(input, absent, group, subject, &running);
    respect_departure(input, absent, &mut found);
    respect_person(input, absent, *since, &mut found);
    judgement.find(found);
}

/// A running task's target that is absent, with the registration if that is possible.
fn missing(
    input: &PlanInput,
    absent: &Absent,
    group: &FoundGroup,
    subject: Subject,
    running: &str,
) -> Finding {
    let expected = &absent.expected;
    let repair_from = draining_until(input, absent, &subject);
    let state = match (absent.draining, repair_from) {
        (false, _) => "is not registered",
        (true, None) => "is draining",
        (true, Some(_)) => {
            "is draining: ELBv2 accepts the address again only after the deregistration delay"
        }
    };
    let mut why = format!(
        "task {} has been running for {running} and its target {state}",
        expected.task.short()
    );
    let needs_id = NEEDS_SERVER_ID.contains(&group.protocol.as_str());
    if needs_id {
        why.push_str("; a QUIC target needs a server ID that only ECS knows, so Portkeeper cannot register it");
    }
    let is_down = is_of_a_stopped_container(&input.observation, expected);
    if is_down {
        why.push_str("; its container has stopped, so Portkeeper does not register it");
    }
    let refusal = refusal_of_ecs(input, &expected.group, ActionKind::Register);
    if let Some(refusal) = &refusal {
        why.push_str(&refusal.text);
    }
    let is_final = refusal.is_some_and(|refusal| refusal.is_final);
    let is_possible = !needs_id && !is_down && !is_final;
    Finding {
        task: Some(expected.task.clone()),
        repair: is_possible.then_some(RepairStep { kind: ActionKind::Register, zone: None }),
        repair_from,
        ..finding(input, Code::Missing, subject, why)
    }
}

/// Withholds the registration of a task that ECS is about to stop. ECS deregisters a target before
/// it stops the task, so a target that served must be absent for the settle time, too.
fn respect_departure(input: &PlanInput, absent: &Absent, found: &mut Finding) {
    let ExpectedTarget { group, target, task, .. } = &absent.expected;
    let observation = &input.observation;
    let described = observation.tasks.iter().find(|it| it.arn == *task);
    let (Some(described), Some(service)) = (described, &observation.service) else { return };
    let is_surplus = service.is_surplus(described, &observation.tasks);
    let reasons = [
        (
            is_draining(observation, described),
            "its container instance is DRAINING and ECS replaces the task",
        ),
        (described.deregistered, "ECS reports that it deregistered the target"),
        (is_surplus, "ECS no longer needs the tasks of its deployment or task set"),
    ];
    for (_, reason) in reasons.iter().filter(|(applies, _)| *applies) {
        // Writing to a String cannot fail.
        let _ = write!(found.why, "; {reason}, so Portkeeper does not register it");
        found.repair = None;
    }
    if input.record.was_healthy(group, target, task) {
        found.confirm_seconds = found.confirm_seconds.max(input.policy.settle_seconds);
    }
    if is_surplus {
        found.confirm_seconds = found.confirm_seconds.max(DEPLOYMENT_SECS);
    }
}

/// Returns when an address that drains may be registered again; `None` for a target that may be
/// registered now. An instance may be registered again while it drains, an address may not
/// ([deregistration delay](https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html)).
///
/// The observation does not hold the group's delay, so it counts as the default, from the first
/// check that missed the target. Within a longer delay the checks become rarer.
fn draining_until(input: &PlanInput, absent: &Absent, subject: &Subject) -> Option<Timestamp> {
    if !absent.draining || !matches!(absent.expected.target.id, TargetId::Ip(_)) {
        return None;
    }
    let first_missed = input
        .record
        .incidents
        .iter()
        .find(|open| {
            open.subject == *subject
                && open.code.family() == Code::Missing
                && open.task.as_ref() == Some(&absent.expected.task)
                && !open.is_over()
        })
        .map_or(input.now, |open| open.opened_at);
    let ends = first_missed.plus_secs(DEREGISTRATION_DELAY_SECS);
    let overdue = input.now.secs_since(ends).max(input.policy.confirm_seconds);
    Some(if ends > input.now { ends } else { input.now.plus_secs(overdue) })
}

/// Returns whether the task's container instance drains: ECS stops its tasks and starts others
/// elsewhere ([draining](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html)).
fn is_draining(observation: &Observation, task: &Task) -> bool {
    let instance =
        task.container_instance.as_ref().and_then(|arn| observation.container_instances.get(arn));
    let state = instance.and_then(|instance| instance.state.as_ref());
    state.is_some_and(|state| state.status == "DRAINING")
}

/// Reports a target that a person deregistered at once, and leaves it alone for a while: such a
/// deregistration is usually intended. What tools and unknown writers do is repaired as usual.
fn respect_person(input: &PlanInput, absent: &Absent, since: Timestamp, finding: &mut Finding) {
    let ExpectedTarget { group, target, .. } = &absent.expected;
    let default_port = input.observation.found_group(group).and_then(|found| found.default_port);
    let calls = input.record.calls.iter().chain(&input.calls);
    let last =
        calls.filter(|call| call.names(group, target, default_port)).max_by_key(|call| call.at);
    let by_person = last.filter(|call| {
        call.operation == Operation::DeregisterTargets && call.by.is_person() && call.at >= since
    });
    // The alert does not wait for a second check, but the repair does.
    let open = input.record.incident(&Code::Missing, &finding.subject).filter(|it| !it.is_over());
    let second_check =
        open.map_or(input.now, |it| it.opened_at).plus_secs(input.policy.confirm_seconds);
    let respected = by_person.filter(|_| input.policy.person_seconds > 0);
    let until =
        respected.map(|call| call.at.plus_secs(input.policy.person_seconds).max(second_check));
    if let (Some(call), Some(until)) = (by_person, until.filter(|until| *until > input.now)) {
        // Writing to a String cannot fail.
        let _ = write!(
            finding.why,
            "; {} deregistered it at {}, and Portkeeper registers it again after {}",
            call.by,
            call.at.readable(),
            until.readable()
        );
        finding.confirm_seconds = 0;
        finding.meant_until = Some(until);
    }
}

/// A task of another revision that uses the group of an absent target, or may use it.
struct OtherRevision {
    why: String,
    /// Waiting does not resolve it.
    lasts: bool,
}

/// Returns the task of another revision that uses the same group, or may use it, if ECS keeps
/// revisions apart: then the group may be the production group, and this task must not receive
/// traffic yet. A task set names its group itself, so for task sets there is no doubt.
fn other_revision(
    input: &PlanInput,
    all_expected: &ExpectedTargets,
    comparison: &Comparison,
    absent: &Absent,
    task: &Task,
) -> Option<OtherRevision> {
    let service = input.observation.service.as_ref()?;
    if service.controller != DeploymentController::Ecs || service.uses_every_group() {
        return None;
    }
    let group = &absent.expected.group;
    let is_other = |arn: &TaskArn| {
        let other = input.observation.tasks.iter().find(|other| other.arn == *arn);
        other.is_some_and(|other| other.started_by != task.started_by)
    };
    let matched = comparison.matched.iter().map(|matched| &matched.expected);
    let mut there = matched.chain(comparison.absent.iter().map(|absent| &absent.expected));
    if let Some(other) = there.find(|it| it.group == *group && is_other(&it.task)) {
        let other = other.task.short();
        let why = format!("task {other}, which another revision started, belongs there, too");
        return Some(OtherRevision { why, lasts: true });
    }
    let has_group = |arn: &TaskArn| all_expected.targets.iter().any(|it| it.task == *arn);
    let may_belong = |it: &&Undetermined| {
        it.group.as_ref().is_none_or(|of| of == group) && is_other(&it.task) && !has_group(&it.task)
    };
    if let Some(other) = all_expected.undetermined.iter().find(may_belong) {
        let why = format!(
            "task {}, which another revision started, may belong there, too ({})",
            other.task.short(),
            other.why
        );
        return Some(OtherRevision { why, lasts: matches!(other.clears, Clears::Report(_)) });
    }
    let deploys = service.is_deploying() || service.deployments.len() > 1;
    (deploys && !input.observation.tasks_are_whole()).then(|| OtherRevision {
        why: "some tasks could not be read, and one of another revision may belong there, too"
            .to_owned(),
        lasts: false,
    })
}

/// Why nothing may be registered on a task's container instance.
enum Unfit {
    /// Its state is unknown.
    Unknown,
    /// ECS does not monitor its tasks: they may have stopped.
    Lost(String),
}

/// Returns why nothing may be registered on the task's container instance. Its state is read again
/// before any registration.
fn unfit_instance(observation: &Observation, task: &Task) -> Option<Unfit> {
    let instance = observation.container_instances.get(task.container_instance.as_ref()?);
    match instance.and_then(|instance| instance.state.as_ref()) {
        None => Some(Unfit::Unknown),
        Some(state) if !state.is_managed() => {
            let status = &state.status;
            let what = format!(
                "its container instance is {status}: the task is an orphan that ECS no longer monitors"
            );
            Some(Unfit::Lost(what))
        }
        Some(ContainerInstanceState { agent_connected: false, .. }) => {
            Some(Unfit::Lost("the agent of its container instance is disconnected".to_owned()))
        }
        Some(_) => None,
    }
}
