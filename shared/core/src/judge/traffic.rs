//! Judges whether the running tasks of a service receive requests at all, for each target group, and
//! for the service if their groups are unknown.
//!
//! Other findings name what is wrong with a target or a task. Each of them may be undetermined or
//! less than critical, while no task of a group receives a request. That outage is reported whatever
//! its reason is. Portkeeper repairs nothing because of it.
//!
//! AWS facts: F-4.

use super::AFTER_DEPLOYMENT_SECS;
use super::health::{failing_after, grace_seconds, initial_seconds};
use crate::address::occupied;
use crate::code::{Code, Severity};
use crate::compare::Comparison;
use crate::expected::{ExpectedTarget, ExpectedTargets, named_groups};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::observation::{
    FoundGroup, HealthState, Missed, Observation, RegisteredTarget, Service, Task, TaskStatus,
};
use crate::subject::Subject;
use std::collections::BTreeSet;

/// Finds each group of which running tasks are due and none has a healthy target, and a service with
/// running tasks of unknown groups and without any healthy target, unless other findings report it.
pub(super) fn judge_traffic(
    input: &PlanInput,
    expected: &ExpectedTargets,
    comparison: &Comparison,
    judgement: &mut Judgement,
) {
    let observation = &input.observation;
    let Some(service) = &observation.service else { return };
    if observation.ending().is_some() {
        return;
    }
    let traffic = Traffic { input, service, expected, comparison };
    let mut is_found = false;
    for group in named_groups(service) {
        let Some(found) = observation.found_group(&group) else { continue };
        is_found |= traffic.judge_group(&group, found, judgement);
    }
    let is_reported = |finding: &Finding| {
        let is_critical = finding.severity == Some(Severity::Critical);
        finding.code == Code::TargetGroupMissing
            || (is_critical && finding.code != Code::BelowDesired)
    };
    if !is_found && !judgement.findings.iter().any(is_reported) {
        traffic.judge_service(judgement);
    }
    traffic.raise_loop(judgement);
    traffic.raise_unserved(judgement);
}

/// Whether a task of the service has a healthy target in this group, or may have it.
pub(crate) fn is_served(
    observation: &Observation,
    expected: &ExpectedTargets,
    comparison: &Comparison,
    group: &TargetGroupArn,
) -> bool {
    let own = comparison.matched.iter().filter(|it| it.expected.group == *group);
    let others = comparison.unexpected.iter().filter(|it| it.group == *group);
    let may_be_own = |target: &RegisteredTarget| {
        !observation.tasks_are_whole()
            || expected.undetermined.iter().any(|it| it.reach.covers(&target.target.id))
    };
    own.map(|it| &it.registered).any(may_serve)
        || others.map(|it| &it.registered).any(|it| may_serve(it) && may_be_own(it))
}

/// Whether the service has groups, and none has a healthy target of it.
pub(crate) fn serves_nobody(
    observation: &Observation,
    service: &Service,
    expected: &ExpectedTargets,
    comparison: &Comparison,
) -> bool {
    let groups = named_groups(service);
    let is_served = |group: &TargetGroupArn| is_served(observation, expected, comparison, group);
    !groups.is_empty() && knows_groups(observation) && !groups.iter().any(is_served)
}

/// Whether every group of the service was read.
pub(crate) fn knows_groups(observation: &Observation) -> bool {
    let Some(service) = &observation.service else { return false };
    observation.groups_are_whole()
        && named_groups(service).iter().all(|it| observation.target_groups.contains_key(it))
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

/// What is known of the traffic of one service.
struct Traffic<'a> {
    input: &'a PlanInput,
    service: &'a Service,
    expected: &'a ExpectedTargets,
    comparison: &'a Comparison,
}

impl<'a> Traffic<'a> {
    /// Judges the tasks that belong in this group. Returns whether it found an outage.
    fn judge_group(
        &self,
        group: &TargetGroupArn,
        found: &FoundGroup,
        judgement: &mut Judgement,
    ) -> bool {
        let subject = Subject::Group(group.clone());
        let reports =
            |it: &Finding| it.subject == subject && it.severity == Some(Severity::Critical);
        if judgement.findings.iter().any(reports) || self.is_served(group) {
            return false;
        }
        let running = self.running();
        let older = running.iter().any(|task| !self.is_newer(task));
        let here: Vec<&Task> = running
            .into_iter()
            .filter(|task| self.belongs_in(task, group))
            .filter(|task| !(self.is_unused(task, group) || older && self.is_newer(task)))
            .collect();
        let due = here.iter().filter(|task| self.is_due(task, group));
        let patience = self.patience([found].into_iter(), 0);
        let is_reported = |task: &&&Task| is_covered(&task.arn, group, patience, judgement);
        let Some(first) = due.clone().find(|task| !is_reported(task)) else {
            return false;
        };
        // A finding about the group says why.
        if let Some(known) = judgement.findings.iter_mut().find(|it| it.subject == subject) {
            known.severity = Some(Severity::Critical);
            return true;
        }
        let what = match here.len() {
            1 => format!("the only running task of {} has no healthy target", group.name()),
            count => format!(
                "none of the {count} running tasks of {} has a healthy target",
                group.name()
            ),
        };
        let why = self.with_reason(&what, &[first], Some(group), judgement);
        // The outage of the group reports them.
        judgement.withdraw(|it| {
            let is_later = it.repair.is_none() && it.confirm_seconds > patience;
            is_later && it.code == Code::Missing && it.subject.group() == Some(group)
        });
        let finding = finding(self.input, Code::NoTraffic, subject, why);
        judgement.find(Finding { confirm_seconds: patience, ..finding });
        true
    }

    /// Judges the tasks of which the group is unknown, and those in groups that are not in use.
    fn judge_service(&self, judgement: &mut Judgement) {
        let observation = &self.input.observation;
        let groups: Vec<TargetGroupArn> = named_groups(self.service).into_iter().collect();
        let served = |group: &TargetGroupArn| self.is_served(group);
        if groups.is_empty() || !knows_groups(observation) || groups.iter().any(served) {
            return;
        }
        let running = self.running();
        let counted = usize::try_from(self.service.running_count).unwrap_or(usize::MAX);
        let is_unread = observation.gaps.iter().any(|gap| gap.what == Missed::Tasks);
        let is_known = is_unread || observation.tasks_are_whole();
        let unlisted = if is_known { 0 } else { counted.saturating_sub(running.len()) };
        let is_unknown = |task: &&&Task| {
            let is_undetermined = self.expected.undetermined.iter().any(|it| it.task == task.arn)
                && !groups.iter().any(|group| self.belongs_in(task, group));
            let is_unused =
                !self.is_newer(task) && groups.iter().any(|it| self.is_unused(task, it));
            (is_undetermined || is_unused)
                && !self.is_served_elsewhere(task)
                && groups.iter().all(|it| self.is_due(task, it))
        };
        let unknown: Vec<&&Task> = running.iter().filter(is_unknown).collect();
        if unknown.is_empty() && unlisted == 0 {
            return;
        }
        let what = match running.len() + unlisted {
            1 => "its only running task has no healthy target".to_owned(),
            count => format!("none of its {count} running tasks has a healthy target"),
        };
        let why = self.with_reason(&what, &unknown, None, judgement);
        // They may have just started.
        let least = if unlisted > 0 { self.input.policy.below_desired_seconds } else { 0 };
        let found = groups.iter().filter_map(|group| observation.found_group(group));
        let confirm_seconds = self.patience(found, least);
        let found = finding(self.input, Code::NoTraffic, Subject::Service, why);
        judgement.find(Finding { confirm_seconds, ..found });
    }

    /// Tasks that fail repeatedly are an outage if none of the service's targets is healthy.
    fn raise_loop(&self, judgement: &mut Judgement) {
        let observation = &self.input.observation;
        if !serves_nobody(observation, self.service, self.expected, self.comparison) {
            return;
        }
        for one in judgement.findings.iter_mut().filter(|it| it.code == Code::KillLoop) {
            one.severity = Some(Severity::Critical);
            one.why.push_str("; none of the service's targets is healthy");
        }
    }

    /// Findings about single tasks that are warnings are errors if at least half of the running
    /// tasks have one and no healthy target.
    fn raise_unserved(&self, judgement: &mut Judgement) {
        let mut running = self.running();
        if running.iter().any(|task| !self.is_newer(task)) {
            running.retain(|task| !self.is_newer(task));
        }
        let is_unserved = |it: &Finding| {
            let Subject::Task(arn) = &it.subject else { return false };
            let task = running.iter().find(|task| task.arn == *arn);
            severity_of(it) == Severity::Warning
                && task.is_some_and(|task| !self.may_be_served(task))
        };
        let of_one: Vec<&mut Finding> =
            judgement.findings.iter_mut().filter(|it| is_unserved(it)).collect();
        if of_one.len() * 2 < running.len() {
            return;
        }
        for one in of_one {
            one.severity = Some(Severity::Error);
            one.why.push_str("; none of its targets is healthy");
        }
    }

    /// Whether a target at the task's address is healthy in a group that the service has left.
    fn is_served_elsewhere(&self, task: &Task) -> bool {
        let places = occupied(&self.input.observation, task);
        let named = named_groups(self.service);
        self.healthy_outside(&named)
            .any(|healthy| places.iter().any(|place| place.holds(&healthy.target)))
    }

    /// Whether a healthy target may be the task's. The group may be one that the service has left.
    fn may_be_served(&self, task: &Task) -> bool {
        let observation = &self.input.observation;
        let places = occupied(observation, task);
        !knows_groups(observation)
            || places.is_empty()
            || self.healthy_outside(&BTreeSet::new()).any(|it| {
                places.iter().any(|place| place.holds(&it.target) || place.may_hold(&it.target))
            })
    }

    /// The healthy targets of the groups that were read, without these.
    fn healthy_outside(
        &self,
        without: &BTreeSet<TargetGroupArn>,
    ) -> impl Iterator<Item = &'a RegisteredTarget> {
        let observation = &self.input.observation;
        let groups = observation.target_groups.keys().filter(|group| !without.contains(*group));
        let found = groups.filter_map(|group| observation.found_group(group));
        found.flat_map(|group| &group.targets).filter(|target| may_serve(target))
    }

    fn is_served(&self, group: &TargetGroupArn) -> bool {
        is_served(&self.input.observation, self.expected, self.comparison, group)
    }

    /// The service's tasks that run and are to run.
    fn running(&self) -> Vec<&'a Task> {
        let observation = &self.input.observation;
        let own = Some(observation.key.service.as_str());
        let runs = |task: &&Task| {
            task.service() == own
                && task.last_status == TaskStatus::Running
                && task.desired_status == TaskStatus::Running
                && !self.service.ends_task_set_of(task)
        };
        observation.tasks.iter().filter(runs).collect()
    }

    fn is_newer(&self, task: &Task) -> bool {
        let newer: BTreeSet<&str> = self.service.newer_ids();
        task.started_by.as_deref().is_some_and(|by| newer.contains(by))
    }

    /// Whether the task should be registered in this group, though its target may be unknown.
    fn belongs_in(&self, task: &Task, group: &TargetGroupArn) -> bool {
        let subject = Subject::Group(group.clone());
        let targets = self.expected.targets.iter();
        targets.filter(|it| it.group == *group).any(|it| it.task == task.arn)
            || self.expected.misfits.iter().any(|it| it.task == task.arn && it.subject == subject)
            || self
                .expected
                .undetermined
                .iter()
                .any(|it| it.task == task.arn && it.group.as_ref() == Some(group))
    }

    /// Whether the task's target in this group is registered and not in use, as in the idle group of
    /// a pair. If the group should be in use, that is a finding of its own.
    fn is_unused(&self, task: &Task, group: &TargetGroupArn) -> bool {
        self.comparison.matched.iter().any(|it| {
            it.expected.group == *group
                && it.expected.task == task.arn
                && it.registered.is_not_in_use()
        })
    }

    /// Whether the task has had the time that it needs to start: none if its target was healthy.
    fn is_due(&self, task: &Task, group: &TargetGroupArn) -> bool {
        let targets = self.expected.targets.iter();
        let mut of_task = targets.filter(|it| it.group == *group && it.task == task.arn);
        let was_healthy =
            |it: &ExpectedTarget| self.input.record.was_healthy(group, &it.target, &task.arn);
        let grace = if of_task.any(was_healthy) { 0 } else { grace_seconds(self.service) };
        let since = task.started_at.unwrap_or(self.input.observation.observed_at);
        let settled = self.input.policy.settled_at(since).max(since.plus_secs(grace));
        settled <= self.input.now
    }

    /// How long the health checks of these groups explain it.
    fn patience<'b>(&self, groups: impl Iterator<Item = &'b FoundGroup>, least: u32) -> u32 {
        let longest = groups
            .map(|group| failing_after(group).saturating_add(initial_seconds(group)))
            .max()
            .unwrap_or(0);
        let patience = longest.saturating_add(self.input.policy.unhealthy_margin_seconds);
        let least =
            if self.service.uses_every_group() { least } else { least.max(AFTER_DEPLOYMENT_SECS) };
        patience.max(least)
    }

    /// Adds why the first of these tasks has no healthy target, in this group or any, as far as this
    /// check says it.
    fn with_reason(
        &self,
        what: &str,
        tasks: &[&&Task],
        group: Option<&TargetGroupArn>,
        judgement: &Judgement,
    ) -> String {
        let concerns = |subject: &Subject, task: &TaskArn| match subject {
            Subject::Target(of, target) => {
                let targets = self.expected.targets.iter().filter(|it| it.task == *task);
                group.is_none_or(|group| group == of)
                    && targets.clone().any(|it| it.group == *of && it.target == *target)
            }
            Subject::Task(of) => of == task,
            Subject::Group(_) | Subject::Service => false,
        };
        let reason_of = |task: &&&&Task| {
            let found = judgement.findings.iter().find(|it| {
                let of_group = matches!(&it.subject, Subject::Group(of) if group == Some(of));
                it.task.as_ref() == Some(&task.arn)
                    && (of_group || concerns(&it.subject, &task.arn))
            });
            let said = judgement.verdicts.iter().find(|it| concerns(&it.subject, &task.arn));
            let reason = found.map(|it| it.why.as_str()).or(said.map(|it| it.why.as_str()))?;
            let short = task.arn.short();
            let is_named = reason.contains(short);
            Some(if is_named { reason.to_owned() } else { format!("task {short}: {reason}") })
        };
        let reason = tasks.iter().find_map(|task| reason_of(&task));
        reason.map_or(what.to_owned(), |reason| format!("{what}; {reason}"))
    }
}

/// The severity of a finding, so far as this check has judged it.
fn severity_of(finding: &Finding) -> Severity {
    finding.severity.unwrap_or_else(|| finding.code.severity())
}

/// Whether a finding about traffic, of which the alert comes as soon as one of the group would,
/// names the task's target in this group, or the group.
fn is_covered(
    task: &TaskArn,
    group: &TargetGroupArn,
    patience: u32,
    judgement: &Judgement,
) -> bool {
    let names = |it: &&Finding| match &it.subject {
        Subject::Target(of, _) => of == group && it.task.as_ref() == Some(task),
        Subject::Group(of) => of == group,
        Subject::Task(_) | Subject::Service => false,
    };
    // The grace period delays both, and a repair ends both.
    let is_as_soon = |it: &&Finding| {
        let waits_too = it.code == Code::Unhealthy || it.repair.is_some();
        it.code.stops_traffic() && (waits_too || it.confirm_seconds <= patience)
    };
    judgement.findings.iter().filter(is_as_soon).any(|it| names(&it))
}
