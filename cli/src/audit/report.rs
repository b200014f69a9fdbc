//! The report of an audit, from a live account or from a recording. It is sorted, so the same
//! observations give the same report.

use crate::exit::Exit;
use portkeeper_core::audit::{Audit, Audited, audit};
use portkeeper_core::compare::out_of_scope;
use portkeeper_core::ids::TargetGroupArn;
use portkeeper_core::plan::{Decision, PlanInput, Verdict};
use portkeeper_core::time::Timestamp;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the JSON form. `docs/audit.md` describes it.
pub(super) const VERSION: u32 = 1;

/// A finding and its service.
#[derive(Debug)]
pub(crate) struct Found {
    /// `cluster/service`.
    pub(crate) service: String,
    pub(crate) began: Timestamp,
    pub(crate) audit: Audit,
}

/// An undetermined verdict and its service.
#[derive(Debug)]
pub(crate) struct Undetermined {
    pub(crate) service: String,
    pub(crate) verdict: Verdict,
}

/// How much of one cluster was read.
#[derive(Debug, Default)]
pub(crate) struct ClusterCounts {
    pub(crate) services: usize,
    pub(crate) tasks: usize,
    pub(crate) target_groups: BTreeSet<TargetGroupArn>,
    pub(crate) targets: usize,
}

/// Everything that the report shows.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) clusters: BTreeMap<String, ClusterCounts>,
    found: Vec<Found>,
    pub(crate) undetermined: Vec<Undetermined>,
    /// Differences within the settle time.
    pub(crate) settling: usize,
    /// Reasons why services are out of scope, with the number of services.
    pub(crate) out_of_scope: BTreeMap<String, usize>,
    /// What could not be read and why, with the services affected.
    pub(crate) unread: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Report {
    /// Adds a cluster, even if it has no services.
    pub(super) fn begin_cluster(&mut self, name: &str) {
        self.clusters.entry(name.to_owned()).or_default();
    }

    /// Notes that a cluster, or a part of it, could not be read.
    pub(crate) fn note_unread(&mut self, what: &str, why: &str) {
        self.unread.entry((what.to_owned(), why.to_owned())).or_default();
    }

    /// Notes that one service could not be read.
    pub(crate) fn note_unread_service(&mut self, cluster: &str, service: &str, why: &str) {
        let key = (cluster.to_owned(), why.to_owned());
        self.unread.entry(key).or_default().insert(service.to_owned());
    }

    /// Judges a service and adds the result.
    pub(crate) fn add(&mut self, input: &PlanInput) {
        let observation = &input.observation;
        let (cluster, service) = (observation.key.cluster.name(), &observation.key.service);
        for gap in &observation.gaps {
            self.note_unread_service(cluster, service, &gap.why);
        }
        let seen = self.clusters.entry(cluster.to_owned()).or_default();
        seen.services += 1;
        seen.tasks += observation.tasks.iter().filter(|task| !task.last_status.is_over()).count();
        for arn in observation.target_groups.keys() {
            // Services may share a group.
            if let (true, Some(group)) =
                (seen.target_groups.insert(arn.clone()), observation.found_group(arn))
            {
                seen.targets +=
                    group.targets.iter().filter(|target| target.is_registered()).count();
            }
        }
        let Audited { findings, young, unknown, plan } = audit(input);
        let is_off = plan.verdicts.iter().find(|verdict| verdict.why.starts_with("mode off"));
        if let Some(why) = out_of_scope(observation)
            .map(str::to_owned)
            .or(is_off.map(|verdict| verdict.why.clone()))
        {
            *self.out_of_scope.entry(why).or_default() += 1;
        }
        self.settling += young.len();
        let service = observation.key.to_string();
        let found = |audit| Found { service: service.clone(), began: input.now, audit };
        self.found.extend(findings.into_iter().map(found));
        self.undetermined.extend(
            unknown.into_iter().map(|verdict| Undetermined { service: service.clone(), verdict }),
        );
    }

    /// Returns every finding, most severe first, then by code and service.
    pub(crate) fn findings(&self) -> Vec<&Found> {
        let mut found: Vec<&Found> = self.found.iter().collect();
        found.sort_by_key(|it| {
            (
                Reverse(it.audit.severity),
                it.audit.code.clone(),
                it.service.clone(),
                it.audit.subject.clone(),
            )
        });
        found
    }

    /// Returns the number of findings for each code.
    pub(crate) fn by_code(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for found in &self.found {
            *counts.entry(found.audit.code.to_string()).or_default() += 1;
        }
        counts
    }

    /// How the command ends: by the findings of one service, if one is named.
    pub(crate) fn exit_code(&self, service: Option<&str>) -> Exit {
        let is_meant = |key: &str| {
            service.is_none_or(|wanted| key == wanted || key.rsplit('/').next() == Some(wanted))
        };
        if !self.unread.is_empty() {
            Exit::Incomplete
        } else if self.found.iter().any(|found| is_meant(&found.service)) {
            Exit::Findings
        } else {
            Exit::Clean
        }
    }

    /// Returns the document that `--json` prints.
    pub(crate) fn to_json(&self) -> Value {
        let clusters: BTreeMap<&String, Value> =
            self.clusters.iter().map(|(name, seen)| (name, seen.to_json())).collect();
        let undetermined = self.undetermined.iter().map(|it| {
            json!({ "service": it.service, "subject": it.verdict.subject, "code": it.verdict.code, "why": it.verdict.why })
        });
        let unread = self.unread.iter().map(
            |((what, why), services)| json!({ "cluster": what, "why": why, "services": services }),
        );
        json!({
            "version": VERSION,
            "clusters": clusters,
            "findings": self.findings().into_iter().map(Found::to_json).collect::<Vec<_>>(),
            "by_code": self.by_code(),
            "not_known": undetermined.collect::<Vec<_>>(),
            "too_young": self.settling,
            "not_looked_at": self.out_of_scope,
            "unread": unread.collect::<Vec<_>>(),
        })
    }
}

impl ClusterCounts {
    fn to_json(&self) -> Value {
        json!({
            "services": self.services, "tasks": self.tasks, "target_groups": self.target_groups.len(),
            "targets": self.targets,
        })
    }
}

impl Found {
    fn to_json(&self) -> Value {
        let Audit { code, severity, subject, task, why, then, then_why } = &self.audit;
        json!({
            "code": code, "severity": severity, "service": self.service, "subject": subject, "about": subject.to_string(),
            "task": task, "why": why, "then": then_name(then), "then_why": then_why,
        })
    }
}

/// Returns the action as one word of the JSON form.
fn then_name(then: &Decision) -> &'static str {
    match then {
        Decision::Repair(kind) => kind.verb(),
        Decision::Await(_) => "tell_if_it_lasts",
        Decision::Alert => "tell",
        Decision::Withheld => "withhold",
        Decision::InOrder | Decision::Leave | Decision::Unknown => "leave",
    }
}
