//! Judges whether a service receives requests at all.
//!
//! Other findings name what is wrong with a target or a task. Each of them may be undetermined or
//! less than critical, while none of the service's tasks receives a request. That outage is reported
//! whatever its reason is. Portkeeper repairs nothing because of it.
//!
//! AWS facts: F-4.

use super::AFTER_DEPLOYMENT_SECS;
use super::health::{failing_after, initial_seconds};
use crate::code::{Code, Severity};
use crate::expected::{ExpectedTargets, Requirement, named_groups};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::TaskArn;
use crate::input::PlanInput;
use crate::observation::{
    FoundGroup, HealthState, Missed, Observation, RegisteredTarget, Service, TargetGroup, Task,
    TaskStatus,
};
use crate::subject::Subject;

/// The running tasks that no finding about traffic names.
struct Uncovered<'a> {
    tasks: Vec<&'a TaskArn>,
    /// How many more tasks ECS counts than it lists.
    unlisted: usize,
}

/// Finds a service that has running tasks and no healthy target, unless other findings report the
/// whole outage.
pub(super) fn judge_traffic(
    input: &PlanInput,
    expected: &ExpectedTargets,
    judgement: &mut Judgement,
) {
    let observation = &input.observation;
    let Some(service) = &observation.service else { return };
    let Some(groups) = groups_read(observation, service) else { return };
    if observation.ending().is_some()
        || groups.iter().any(|group| group.targets.iter().any(may_serve))
        || judgement.findings.iter().any(reports_outage)
    {
        return;
    }
    let uncovered = uncovered(input, service, expected, judgement);
    let running = observation.tasks.iter().filter(|task| is_running(observation, task)).count();
    if uncovered.tasks.is_empty() && uncovered.unlisted == 0 {
        return;
    }
    let mut why = match running + uncovered.unlisted {
        1 => "its only running task has no healthy target".to_owned(),
        count => format!("none of its {count} running tasks has a healthy target"),
    };
    let mut reasons = uncovered.tasks.iter().filter_map(|task| {
        let reason = reason_of(task, expected, judgement)?;
        Some(if reason.contains(task.short()) {
            reason.to_owned()
        } else {
            format!("task {}: {reason}", task.short())
        })
    });
    if let Some(reason) = reasons.next() {
        why = format!("{why}; {reason}");
    }
    let patience =
        groups.iter().map(|group| failing_after(group).saturating_add(initial_seconds(group)));
    let patience =
        patience.max().unwrap_or(0).saturating_add(input.policy.unhealthy_margin_seconds);
    let least = if uncovered.unlisted > 0 {
        // They may have just started.
        input.policy.below_desired_seconds
    } else if service.uses_every_group() {
        0
    } else {
        AFTER_DEPLOYMENT_SECS
    };
    let found = finding(input, Code::NoTraffic, Subject::Service, why);
    judgement.find(Finding { confirm_seconds: patience.max(least), ..found });
}

/// Whether a target of one of the service's groups may receive requests.
pub(crate) fn is_served(observation: &Observation) -> bool {
    let groups = observation.service.iter().flat_map(named_groups);
    let found: Vec<_> = groups.filter_map(|group| observation.found_group(&group)).collect();
    found.iter().any(|group| group.targets.iter().any(may_serve))
}

/// Whether every group of the service was read.
pub(crate) fn knows_groups(observation: &Observation) -> bool {
    observation.service.as_ref().and_then(|service| groups_read(observation, service)).is_some()
}

/// The service's groups that exist; `None` if one of them, or which groups they are, is unknown, and
/// for a service without a group.
fn groups_read<'a>(observation: &'a Observation, service: &Service) -> Option<Vec<&'a FoundGroup>> {
    let unread = |missed: &Missed| matches!(missed, Missed::Revisions | Missed::TargetGroup(_));
    if observation.gaps.iter().any(|gap| unread(&gap.what)) {
        return None;
    }
    let mut groups = Vec::new();
    for group in named_groups(service) {
        if let TargetGroup::Found(found) = observation.target_groups.get(&group)? {
            groups.push(found);
        }
    }
    (!groups.is_empty()).then_some(groups)
}

/// A state that this version does not know counts as healthy.
fn may_serve(target: &RegisteredTarget) -> bool {
    match target.state {
        HealthState::Healthy | HealthState::Unavailable | HealthState::Unknown(_) => true,
        HealthState::Initial
        | HealthState::Unhealthy
        | HealthState::UnhealthyDraining
        | HealthState::Unused
        | HealthState::Draining => false,
    }
}

/// Whether a finding already reports that a whole group receives no requests.
fn reports_outage(finding: &Finding) -> bool {
    let is_critical = finding.severity == Some(Severity::Critical);
    finding.code == Code::TargetGroupMissing || (is_critical && finding.code != Code::BelowDesired)
}

fn is_running(observation: &Observation, task: &Task) -> bool {
    task.service() == Some(observation.key.service.as_str())
        && task.last_status == TaskStatus::Running
        && task.desired_status == TaskStatus::Running
}

fn uncovered<'a>(
    input: &'a PlanInput,
    service: &Service,
    expected: &ExpectedTargets,
    judgement: &Judgement,
) -> Uncovered<'a> {
    let observation = &input.observation;
    let running: Vec<&Task> =
        observation.tasks.iter().filter(|task| is_running(observation, task)).collect();
    let counted = usize::try_from(service.running_count).unwrap_or(usize::MAX);
    let unlisted =
        if observation.tasks_are_whole() { 0 } else { counted.saturating_sub(running.len()) };
    let is_due = |task: &&&Task| {
        let since = task.started_at.unwrap_or(observation.observed_at);
        input.policy.settled_at(since) <= input.now
            && !expected.out_of_scope.iter().any(|(arn, _)| *arn == task.arn)
            && !is_covered(&task.arn, expected, judgement)
    };
    let tasks = running.iter().filter(is_due).map(|task| &task.arn).collect();
    Uncovered { tasks, unlisted }
}

/// Whether a finding about traffic names the task or a group in which it should be registered.
fn is_covered(task: &TaskArn, expected: &ExpectedTargets, judgement: &Judgement) -> bool {
    let of_task = |finding: &&Finding| {
        finding.task.as_ref() == Some(task)
            || expected.targets.iter().any(|it| {
                it.task == *task
                    && matches!(it.requirement, Requirement::Required(_))
                    && finding.subject == Subject::Group(it.group.clone())
            })
    };
    judgement.findings.iter().filter(|it| it.code.stops_traffic()).any(|it| of_task(&it))
}

/// Why the task has no healthy target, as far as this check says it.
fn reason_of<'a>(
    task: &TaskArn,
    expected: &ExpectedTargets,
    judgement: &'a Judgement,
) -> Option<&'a str> {
    let targets = expected.targets.iter().filter(|it| it.task == *task);
    let mut subjects: Vec<Subject> =
        targets.map(|it| Subject::Target(it.group.clone(), it.target.clone())).collect();
    subjects.push(Subject::Task(task.clone()));
    let of_task = |subject: &Subject| subjects.contains(subject);
    let found = judgement.findings.iter().find(|it| it.task.as_ref() == Some(task));
    let said = judgement.verdicts.iter().find(|it| of_task(&it.subject));
    found.map(|it| it.why.as_str()).or(said.map(|it| it.why.as_str()))
}
