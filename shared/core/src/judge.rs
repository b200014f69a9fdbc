//! Turns differences into findings: the fault, whether it is proved, and its repair.
//!
//! Every registered target and every task gets a verdict; every fault gets a finding with a code.
//! [`crate::plan`] decides whether to act on a finding now.
//!
//! AWS facts: F-3.2.

mod absent;
mod foreign;
mod health;
mod kill_loop;
mod outside_vpc;
mod proof;
mod refusal;
mod traffic;
mod unexpected;
mod whole;

pub(crate) use proof::is_watched;
pub(crate) use traffic::{is_served, knows_groups, serves_nobody};

use crate::action::ActionKind;
use crate::code::{Code, Severity};
use crate::compare::{Comparison, Matched, Unexpected};
use crate::expected::{
    Clears, ExpectedTarget, ExpectedTargets, Requirement, has_left, is_of_a_stopped_container,
    left_to_others,
};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::TargetGroupArn;
use crate::input::PlanInput;
use crate::observation::{FoundGroup, RegisteredTarget};
use crate::occupant::{OtherTaskView, other_task_on, own_occupant};
use crate::subject::Subject;
use crate::verdict::Decision;

/// How long the live group of a blue/green, `CODE_DEPLOY` or EXTERNAL service must be without use
/// before that is a finding: tools change listeners after they have changed the service.
const AFTER_DEPLOYMENT_SECS: u32 = 300;

/// Judges the service as a whole, every target and every task.
#[must_use]
pub fn judge(input: &PlanInput, expected: &ExpectedTargets, comparison: &Comparison) -> Judgement {
    let mut judgement = Judgement::default();
    for (task, why) in &expected.out_of_scope {
        judgement.say(Subject::Task(task.clone()), None, Decision::Leave, why.clone());
    }
    for gap in &input.observation.gaps {
        let why = format!("{} could not be read: {}", gap.what, gap.why);
        judgement.say(Subject::Service, None, Decision::Unknown, why);
    }
    if !input.observation.tasks_are_whole() {
        let why = "the list of tasks is incomplete, so Portkeeper deregisters nothing";
        judgement.say(Subject::Service, None, Decision::Unknown, why);
    }
    if let Some(why) = input.observation.ending() {
        let why = format!("{why}: Portkeeper judges only the targets that are still registered");
        judgement.say(Subject::Service, None, Decision::Leave, why);
    } else {
        whole::judge_whole(input, &mut judgement);
    }
    judge_undetermined(input, expected, &mut judgement);
    let misfits = expected.misfits.iter().filter(|_| input.observation.ending().is_none());
    for misfit in misfits {
        judgement.find(Finding {
            task: Some(misfit.task.clone()),
            ..finding(input, misfit.code.clone(), misfit.subject.clone(), misfit.why.clone())
        });
    }
    for matched in &comparison.matched {
        judge_matched(input, comparison, matched, &mut judgement);
    }
    for absent in &comparison.absent {
        absent::judge_absent(input, expected, comparison, absent, &mut judgement);
    }
    for unexpected in &comparison.unexpected {
        if let Some(why) = left_to_others(input, &unexpected.group, &unexpected.registered.target) {
            let target = unexpected.registered.target.clone();
            let subject = Subject::Target(unexpected.group.clone(), target);
            judgement.say(subject, None, Decision::Leave, why);
            continue;
        }
        let before = judgement.findings.len();
        unexpected::judge_unexpected(input, expected, unexpected, &mut judgement);
        for finding in judgement.findings.iter_mut().skip(before) {
            add_context(input, unexpected, finding);
        }
    }
    for (group, target) in &comparison.draining {
        let subject = Subject::Target(group.clone(), target.clone());
        judgement.say(subject, None, Decision::InOrder, "draining");
    }
    for (group, target) in &comparison.unregistered {
        let subject = Subject::Target(group.clone(), target.clone());
        judgement.say(subject, None, Decision::InOrder, "not registered");
    }
    traffic::judge_traffic(input, expected, comparison, &mut judgement);
    judgement
}

/// Adds to a finding about a registered target what is known of its group: why ECS could not
/// deregister there, and whether the service has left the group. Then a target that leads to a live
/// task of this service, or of a new one of the same name, may be meant: it is only reported.
fn add_context(input: &PlanInput, unexpected: &Unexpected, finding: &mut Finding) {
    let deregister = ActionKind::Deregister;
    if finding.code.repair() == Some(deregister)
        && let Some(refusal) = refusal::refusal_of_ecs(input, &unexpected.group, deregister)
    {
        finding.why.push_str(&refusal.text);
    }
    if !has_left(&input.observation, &unexpected.group) {
        return;
    }
    finding.why.push_str("; the service no longer uses this target group");
    if let Some(task) = own_occupant(&input.observation, &unexpected.registered.target) {
        finding.why.push_str(", and the target leads to its task ");
        finding.why.push_str(task.short());
        finding.repair = None;
    }
}

/// Tasks whose targets are undetermined are findings only if waiting does not resolve that.
fn judge_undetermined(input: &PlanInput, expected: &ExpectedTargets, judgement: &mut Judgement) {
    let policy = &input.policy;
    for undetermined in &expected.undetermined {
        let subject = Subject::Task(undetermined.task.clone());
        let settled = policy.settled_at(undetermined.since);
        match &undetermined.clears {
            Clears::OnReread => {
                let soon = input.now.plus_secs(policy.confirm_seconds);
                judgement.say(subject, None, Decision::Await(soon), undetermined.why.clone());
            }
            Clears::Report(_) if input.observation.ending().is_some() => {
                judgement.say(subject, None, Decision::Unknown, undetermined.why.clone());
            }
            Clears::ByItself => {
                judgement.say(subject, None, Decision::Unknown, undetermined.why.clone());
            }
            Clears::Report(code) if settled > input.now => {
                judgement.say(
                    subject,
                    Some(code.clone()),
                    Decision::Await(settled),
                    undetermined.why.clone(),
                );
            }
            Clears::Report(code) => judgement.find(Finding {
                task: Some(undetermined.task.clone()),
                ..finding(input, code.clone(), subject, undetermined.why.clone())
            }),
        }
    }
}

fn judge_matched(
    input: &PlanInput,
    comparison: &Comparison,
    matched: &Matched,
    judgement: &mut Judgement,
) {
    let (expected, registered) = (&matched.expected, &matched.registered);
    let subject = Subject::Target(expected.group.clone(), expected.target.clone());
    let Requirement::Required(since) = expected.requirement else {
        let Requirement::Optional(why) = expected.requirement else { return };
        judgement.say(subject, None, Decision::InOrder, format!("registered; its task is {why}"));
        return;
    };
    let Some(group) = input.observation.found_group(&expected.group) else { return };
    if let Some(hijacked) = hijacked_after_exit(input, expected) {
        judgement.find(hijacked);
        return;
    }
    let settled = input.policy.settled_at(since);
    if registered.is_unusable() && settled > input.now {
        let why = format!("registered, {}; its task has just started", registered.state);
        judgement.say(subject, Some(Code::Unhealthy), Decision::Await(settled), why);
        return;
    }
    let finding = if registered.is_unusable() {
        Some(health::unusable(input, matched, group))
    } else if registered.is_not_in_use() {
        not_in_use(input, comparison, expected.group.clone(), group)
    } else {
        health::unhealthy(input, matched, group, since)
    };
    match finding {
        Some(mut finding) => {
            finding.task = Some(expected.task.clone());
            judgement.find(finding);
        }
        None => judgement.say(
            subject,
            None,
            Decision::InOrder,
            format!("registered, {}", registered.state),
        ),
    }
}

/// Finds a running task's target whose container has stopped and whose host port is another
/// service's by now. It is only reported: a container may start again.
fn hijacked_after_exit(input: &PlanInput, expected: &ExpectedTarget) -> Option<Finding> {
    let observation = &input.observation;
    if !is_of_a_stopped_container(observation, expected) {
        return None;
    }
    let view = other_task_on(observation, &expected.group, &expected.target);
    let OtherTaskView::Task { task, service, uses_group: Some(false) } = view else { return None };
    let whose = service.map_or(", which no service started".to_owned(), |service| {
        format!(" of service {service}")
    });
    let why = format!(
        "the container of task {} has stopped, and its target now leads to task {}{whose}: requests reach the wrong task",
        expected.task.short(),
        task.short()
    );
    let subject = Subject::Target(expected.group.clone(), expected.target.clone());
    let found = finding(input, Code::Hijacked, subject, why);
    Some(Finding { task: Some(expected.task.clone()), ..found })
}

/// `unused`/`Target.NotInUse` is the normal state of the idle group of a blue/green pair. Otherwise
/// no load balancer sends requests.
fn not_in_use(
    input: &PlanInput,
    comparison: &Comparison,
    arn: TargetGroupArn,
    group: &FoundGroup,
) -> Option<Finding> {
    let observation = &input.observation;
    // The load balancer of a service that is being deleted is often deleted first.
    if !observation.uses_groups_of_tasks() || observation.ending().is_some() {
        return None;
    }
    let is_rolling = observation.service.as_ref()?.uses_every_group();
    let is_whole = is_unused_as_a_whole(comparison, &arn);
    if !is_rolling && !is_whole {
        return None;
    }
    let (code, why) = if group.load_balancers.is_empty() {
        let why = "no load balancer uses the group, so its targets receive no requests; registering targets does not help";
        (Code::TargetGroupUnattached, why)
    } else {
        let why = "a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled";
        (Code::AzDisabled, why)
    };
    let found = finding(input, code, Subject::Group(arn), why.to_owned());
    let least = if is_rolling { 0 } else { AFTER_DEPLOYMENT_SECS };
    let confirm_seconds = found.confirm_seconds.max(least);
    let severity = is_whole.then_some(Severity::Critical);
    Some(Finding { confirm_seconds, severity, ..found })
}

/// Whether each running task's target in the group is not in use.
fn is_unused_as_a_whole(comparison: &Comparison, group: &TargetGroupArn) -> bool {
    let required = comparison.matched.iter().filter(|it| {
        it.expected.group == *group && matches!(it.expected.requirement, Requirement::Required(_))
    });
    required.map(|it| &it.registered).all(RegisteredTarget::is_not_in_use)
}
