//! The impact: which of a service's tasks receive no traffic, and the severity that follows. Where
//! many targets of a group have the same fault, one incident about the group reports all of them.

use crate::alert::Impact;
use crate::code::{Code, Severity};
use crate::compare::Comparison;
use crate::expected::{ExpectedTargets, Requirement};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::ledger::Incident;
use crate::observation::HealthState;
use crate::policy::DEPLOYMENT_SECS;
use crate::subject::Subject;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A share of tasks without traffic below one in this many is a warning: load balancers and
/// services are sized for that.
const FEW_ONE_IN: usize = 10;

/// If more targets of one group have the same fault, one incident about the group reports them: an
/// alert lists this many, and the record holds the incidents of five such groups (ECS allows five
/// for a service).
const MOST_TARGETS: usize = 50;

/// The words of a finding about a task that has never been healthy: a later check recognizes it by
/// them.
const NOT_YET: &str = "it has not been healthy since its task started, and every task that it is to replace is healthy";

/// Findings about tasks of a deployment in progress that have never been healthy, while as many older
/// tasks as are desired are healthy, are warnings, and have the time that a deployment has. Such
/// tasks receive no production traffic: ECS shifts it to healthy tasks only ([Amazon ECS blue/green
/// deployments](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html)),
/// and load balancers send requests to healthy targets only. A task that was healthy once may have
/// received traffic since.
pub(super) fn judge_new_tasks(
    input: &PlanInput,
    comparison: &Comparison,
    judgement: &mut Judgement,
) {
    let Some(service) = &input.observation.service else { return };
    let newer = service.newer_ids();
    let task_of = |arn: &TaskArn| input.observation.tasks.iter().find(|task| task.arn == *arn);
    let is_newer = |arn: &TaskArn| {
        let by = task_of(arn).and_then(|task| task.started_by.as_deref());
        by.is_some_and(|by| newer.contains(by))
    };
    if newer.is_empty() || older_healthy(comparison, is_newer) < service.older_count() {
        return;
    }
    let began = service.deployments_in_progress().filter_map(|it| it.created_at).max();
    for one in judgement.findings.iter_mut().filter(|one| one.code == Code::Unhealthy) {
        let Some(arn) = one.task.as_ref().filter(|arn| is_newer(arn)) else { continue };
        let open = input.record.incident(&one.code, &one.subject).filter(|open| !open.is_over());
        if was_healthy(input, one, arn) {
            continue;
        }
        let began = began.or_else(|| task_of(arn)?.started_at).unwrap_or(input.now);
        let opened_at = open.map_or(input.now, |open| open.opened_at);
        let explained = began.plus_secs(DEPLOYMENT_SECS).secs_since(opened_at);
        one.confirm_seconds = one.confirm_seconds.max(explained);
        one.severity = Some(Severity::Warning);
        one.why = format!("{}; {NOT_YET}", one.why);
    }
}

/// Returns how many older tasks are registered and healthy in each of their groups.
fn older_healthy(comparison: &Comparison, is_newer: impl Fn(&TaskArn) -> bool) -> u32 {
    let mut healthy: BTreeMap<&TaskArn, bool> = BTreeMap::new();
    for matched in &comparison.matched {
        let serves = matched.registered.state == HealthState::Healthy
            && matches!(matched.expected.requirement, Requirement::Required(_));
        *healthy.entry(&matched.expected.task).or_insert(true) &= serves;
    }
    for absent in &comparison.absent {
        healthy.insert(&absent.expected.task, false);
    }
    let older = healthy.into_iter().filter(|(task, serves)| *serves && !is_newer(task));
    u32::try_from(older.count()).unwrap_or(u32::MAX)
}

fn was_healthy(input: &PlanInput, one: &Finding, task: &TaskArn) -> bool {
    let (Some(group), Some(target)) = (one.subject.group(), one.subject.target()) else {
        return false;
    };
    input.record.was_healthy(group, target, task)
}

/// Adds a finding about each group of which many targets have the same fault. Repairs stay with the
/// findings about single targets. An incident about a group lasts as long as any of its targets has
/// the fault: otherwise its last targets would be reported again, one by one.
pub(super) fn find_groups(
    input: &PlanInput,
    expected: &ExpectedTargets,
    judgement: &mut Judgement,
) {
    let mut faults: BTreeMap<(TargetGroupArn, Code), Vec<&Finding>> = BTreeMap::new();
    for one in judgement.findings.iter().filter(|one| one.code.stops_traffic()) {
        if let Subject::Target(group, _) = &one.subject {
            faults.entry((group.clone(), one.code.family())).or_default().push(one);
        }
    }
    let mut found = Vec::new();
    for ((group, family), faults) in faults {
        let subject = Subject::Group(group.clone());
        let lasts = input.record.incidents.iter().any(|open| {
            open.subject == subject && open.code.family() == family && is_reported(open)
        });
        let Some(first) = faults.first().filter(|_| lasts || faults.len() > MOST_TARGETS) else {
            continue;
        };
        let required = expected
            .targets
            .iter()
            .filter(|it| it.group == group && matches!(it.requirement, Requirement::Required(_)));
        let why = format!(
            "{} of {} expected targets; the first is {}: {}",
            faults.len(),
            required.count(),
            first.subject.target().map_or(String::new(), ToString::to_string),
            first.why
        );
        // As soon as the findings about that many single targets are confirmed.
        let mut waits: Vec<u32> = faults.iter().map(|one| one.confirm_seconds).collect();
        waits.sort_unstable();
        let confirm_seconds = waits.get(MOST_TARGETS).or(waits.last()).copied().unwrap_or_default();
        let same = faults.iter().all(|one| one.code == first.code);
        let severity = faults.iter().map(|one| one.severity).max().flatten();
        let severity = severity.filter(|_| faults.iter().all(|one| one.severity.is_some()));
        let code = if same { first.code.clone() } else { family };
        found.push(Finding { confirm_seconds, severity, ..finding(input, code, subject, why) });
    }
    judgement.findings.extend(found);
}

/// Whether a fault of a group and one of a target are the same fault.
fn is_part((of, code): (&Subject, &Code), (subject, other): (&Subject, &Code)) -> bool {
    matches!((of, subject), (Subject::Group(of), Subject::Target(group, _)) if of == group)
        && code.stops_traffic()
        && code.family() == other.family()
}

/// Whether a finding about its group reports this one, too.
pub(super) fn is_of_group(findings: &[Finding], one: &Finding) -> bool {
    let one = (&one.subject, &one.code);
    findings.iter().any(|whole| is_part((&whole.subject, &whole.code), one))
}

/// Whether the incident about a group reports this one about a target of it.
pub(super) fn reports(whole: &Incident, one: &Incident) -> bool {
    is_reported(whole) && is_part((&whole.subject, &whole.code), (&one.subject, &one.code))
}

fn is_reported(whole: &Incident) -> bool {
    whole.confirmation.confirmed && !whole.is_over()
}

/// The tasks that should receive traffic through a group, and those that do not.
#[derive(Default)]
struct Served<'a> {
    due: BTreeSet<&'a TaskArn>,
    without: BTreeSet<&'a TaskArn>,
}

/// The tasks without traffic, by group and in total.
#[derive(Default)]
pub(super) struct Impacts<'a> {
    findings: &'a [Finding],
    by_group: BTreeMap<&'a TargetGroupArn, Served<'a>>,
}

impl<'a> Impacts<'a> {
    /// Computes it from the expected targets and the confirmed findings of this check. An incident
    /// about a group confirms all its findings: the record may be too small for one incident each.
    pub(super) fn of(
        expected: &'a ExpectedTargets,
        findings: &'a [Finding],
        incidents: &'a [Incident],
        now: Timestamp,
    ) -> Self {
        let mut by_group: BTreeMap<&TargetGroupArn, Served<'a>> = BTreeMap::new();
        let not_yet: BTreeSet<&TaskArn> = findings
            .iter()
            .filter(|one| one.code.stops_traffic() && one.severity.is_some())
            .filter_map(|one| one.task.as_ref())
            .collect();
        for expected in expected
            .targets
            .iter()
            .filter(|expected| matches!(expected.requirement, Requirement::Required(_)))
        {
            by_group.entry(&expected.group).or_default().due.insert(&expected.task);
        }
        let seen =
            |it: &&Incident| it.confirmation.confirmed && it.last_seen_at == now && !it.is_over();
        for incident in incidents.iter().filter(seen).filter(|it| it.code.stops_traffic()) {
            let Some(served) = incident.subject.group().and_then(|it| by_group.get_mut(it)) else {
                continue;
            };
            let whole = (&incident.subject, &incident.code);
            let of_group = |one: &&Finding| is_part(whole, (&one.subject, &one.code));
            let others = findings.iter().filter(of_group).filter_map(|one| one.task.as_ref());
            let without = incident.task.iter().chain(others);
            let without = without.filter(|it| served.due.contains(it) && !not_yet.contains(it));
            served.without.extend(without);
        }
        Self { findings, by_group }
    }

    /// Returns the severity: all tasks of a group without traffic are critical, and a few of many
    /// can wait.
    pub(super) fn severity(&self, incident: &Incident) -> Severity {
        let is_it = |it: &&Finding| it.code == incident.code && it.subject == incident.subject;
        if let Some(judged) = self.findings.iter().find(is_it).and_then(|found| found.severity) {
            return judged;
        }
        let of_group = incident.subject.group().and_then(|group| self.by_group.get(group));
        match of_group.filter(|_| incident.code.stops_traffic()) {
            Some(served) if served.without.is_empty() => incident.code.severity(),
            Some(served) if served.without.len() == served.due.len() => Severity::Critical,
            Some(served) if served.without.len() * FEW_ONE_IN < served.due.len() => {
                Severity::Warning
            }
            _ => incident.code.severity(),
        }
    }

    /// Returns the impact if the code is about traffic.
    pub(super) fn told_with(&self, code: &Code) -> Option<Impact> {
        let due: BTreeSet<_> = self.by_group.values().flat_map(|served| &served.due).collect();
        let without: BTreeSet<_> =
            self.by_group.values().flat_map(|served| &served.without).collect();
        let impact = Impact { tasks_without_traffic: without.len(), tasks: due.len() };
        (code.stops_traffic() && impact.tasks_without_traffic > 0).then_some(impact)
    }
}
