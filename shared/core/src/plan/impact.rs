//! The impact: which of a service's tasks receive no traffic, and the severity that follows.

use crate::alert::Impact;
use crate::code::{Code, Severity};
use crate::expected::{ExpectedTargets, Requirement};
use crate::finding::Finding;
use crate::ids::{TargetGroupArn, TaskArn};
use crate::ledger::Incident;
use crate::subject::Subject;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A share of tasks without traffic below one in this many is a warning: load balancers and
/// services are sized for that.
const FEW_ONE_IN: usize = 10;

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
    /// Computes it from the expected targets and the confirmed findings of this check.
    pub(super) fn of(
        expected: &'a ExpectedTargets,
        findings: &'a [Finding],
        incidents: &'a [Incident],
        now: Timestamp,
    ) -> Self {
        let mut by_group: BTreeMap<&TargetGroupArn, Served<'a>> = BTreeMap::new();
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
            let (Subject::Target(group, _), Some(task)) = (&incident.subject, &incident.task)
            else {
                continue;
            };
            let Some(served) = by_group.get_mut(group) else { continue };
            if served.due.contains(task) {
                served.without.insert(task);
            }
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
