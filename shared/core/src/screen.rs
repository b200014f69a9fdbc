//! Screens one service among many: does anything need a check of this service alone?
//!
//! The sweep reads whole clusters, so its view of one service is minutes old and proves nothing. It
//! never leads to a write. If a service is not clearly in order, the sweep requests a check, which
//! decides everything.

use crate::address::occupied;
use crate::cluster_tasks::ClusterTasks;
use crate::code::Code;
use crate::compare::{compare, out_of_scope, questions};
use crate::expected::{expected_with_record, is_of_a_stopped_container};
use crate::ids::Target;
use crate::input::PlanInput;
use crate::ledger::{Incident, LedgerRecord};
use crate::observation::{Coverage, Gap, Missed};
use crate::plan::{Plan, plan};
use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

/// If the same read fails for more than one in this many services, the reason is not the service's
/// own.
const OUTAGE_SHARE: usize = 5;

/// The result of screening one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screened {
    /// There is nothing new to report.
    InOrder,
    /// A check of this service alone must decide, for this reason.
    Suspect(String),
}

/// Screens a service that was read together with others, with the plan that it would lead to.
///
/// `input.now` is the time at which reading began, so a difference caused only by reads at
/// different times is still within the settle time, and waits for the next sweep.
#[must_use]
pub fn screen(input: &mut PlanInput, cluster_tasks: &ClusterTasks) -> (Screened, Plan) {
    let mut open = questions(input);
    if !open.other_tasks.is_empty() && cluster_tasks.is_whole() {
        cluster_tasks.add_other_tasks_to(&mut input.observation);
        if !has_users_of_unknown_groups(input) {
            open.other_tasks = Coverage::default();
        }
        // The sweep does not read other clusters here: the observation claims that none matters,
        // and the question stays open.
        let other_tasks = &mut input.observation.other_tasks;
        other_tasks.other_clusters_known.clone_from(&open.other_clusters);
        other_tasks.only_here.clone_from(&other_tasks.coverage.hosts);
    }
    let plan = plan(input);
    // I-SWEEP: "If the sweep finds a service in order, a check of that service has no findings."
    let suspicion = if !input.observation.gaps.is_empty() {
        Some("something could not be read")
    } else if out_of_scope(&input.observation).is_none() && !input.observation.tasks_are_whole() {
        Some("the list of tasks is shorter than the service's own count")
    } else if !open.is_empty() || !plan.actions.is_empty() || !plan.alerts.is_empty() {
        Some("a check of this service alone must decide")
    } else if remembered(&plan.next_record, &input.record) != input.record {
        Some("it has changed since the last check")
    } else {
        None
    };
    (suspicion.map_or(Screened::InOrder, |why| Screened::Suspect(with_codes(why, &plan))), plan)
}

/// Whether a task uses, or may use, the address of a target in question, and its service may
/// register it anywhere: the sweep reads a large cluster in parts, and does not describe the
/// services of another part. A check of this service alone does.
fn has_users_of_unknown_groups(input: &PlanInput) -> bool {
    let observation = &input.observation;
    let expected = expected_with_record(observation, &input.record, input.hop);
    let comparison = compare(observation, &expected);
    let unexpected = comparison.unexpected.iter().map(|it| &it.registered.target);
    let exited = comparison.matched.iter().filter_map(|it| {
        is_of_a_stopped_container(observation, &it.expected).then_some(&it.registered.target)
    });
    let in_question: BTreeSet<&Target> = unexpected.chain(exited).collect();
    let others = &observation.other_tasks.tasks;
    let mut unknown = others.iter().filter(|other| other.target_groups.is_none());
    unknown.any(|other| {
        let places = occupied(observation, &other.task);
        let uses = |target: &&Target| {
            places.iter().any(|place| place.holds(target) || place.may_hold(target))
        };
        in_question.iter().any(uses)
    })
}

/// The reason, with the codes that the sweep found.
fn with_codes(why: &str, plan: &Plan) -> String {
    let codes: BTreeSet<&Code> =
        plan.verdicts.iter().filter_map(|verdict| verdict.code.as_ref()).collect();
    let codes: Vec<String> = codes.into_iter().map(ToString::to_string).collect();
    if codes.is_empty() {
        why.to_owned()
    } else {
        format!("{why} (the sweep found: {})", codes.join(", "))
    }
}

/// Counts the services of one run that could not be read, by the kind of what is missing.
///
/// If the same read fails for many services, ECS or Elastic Load Balancing has an outage, or the
/// role lacks a permission. The check of each such service would fail, too, and its message would
/// end in the dead-letter queue.
#[derive(Debug, Default)]
pub struct Outages {
    /// Services with target groups, and those that could not be described.
    services: usize,
    unread: Vec<(Discriminant<Missed>, usize)>,
}

/// A read that failed for many services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    what: Discriminant<Missed>,
    /// How many services of the part it concerns.
    pub services: usize,
    /// The failure of one of them.
    pub why: String,
}

impl Outage {
    /// Returns whether this gap is part of the outage. One that no retry closes is the service's
    /// own.
    #[must_use]
    pub fn explains(&self, gap: &Gap) -> bool {
        gap.retry && discriminant(&gap.what) == self.what
    }
}

impl Outages {
    /// Adds the services that were read together, each by its gaps. Returns the reads that failed
    /// for more than a fifth of them, or of all services of the run: a run may read many clusters
    /// of one service. A failure of one service alone is never an outage.
    pub fn in_part(&mut self, part: &[Vec<&Gap>]) -> Vec<Outage> {
        self.services += part.len();
        let mut outages: Vec<Outage> = Vec::new();
        for gaps in part {
            let mut kinds: Vec<(Discriminant<Missed>, &Gap)> = Vec::new();
            for gap in gaps.iter().filter(|gap| gap.retry) {
                let what = discriminant(&gap.what);
                if !kinds.iter().any(|(known, _)| *known == what) {
                    kinds.push((what, *gap));
                }
            }
            for (what, gap) in kinds {
                match outages.iter_mut().find(|outage| outage.what == what) {
                    Some(outage) => outage.services += 1,
                    None => outages.push(Outage { what, services: 1, why: gap.why.clone() }),
                }
            }
        }
        outages.retain(|outage| {
            let in_run = self.add(outage);
            in_run > 1
                && (outage.services * OUTAGE_SHARE > part.len()
                    || in_run * OUTAGE_SHARE > self.services)
        });
        outages
    }

    /// Counts the services of a part, and returns how many the run has so far.
    fn add(&mut self, outage: &Outage) -> usize {
        let Outage { what, services, .. } = outage;
        if let Some((_, in_run)) = self.unread.iter_mut().find(|(known, _)| known == what) {
            *in_run += services;
            return *in_run;
        }
        self.unread.push((*what, *services));
        *services
    }
}

/// The next record without what every check changes: how often a known fault was found, and the
/// next recheck, which the sweep replaces. That a target is healthy now needs no check, either.
fn remembered(next: &LedgerRecord, last: &LedgerRecord) -> LedgerRecord {
    let seen_as_before =
        |incident: &Incident| match last.incident(&incident.code, &incident.subject) {
            Some(before) => Incident {
                last_seen_at: before.last_seen_at,
                seen: before.seen,
                why: before.why.clone(),
                ..incident.clone()
            },
            None => incident.clone(),
        };
    let mut known = next.known.clone();
    for (group, targets) in &mut known {
        for (target, one) in targets {
            let before = last.known_target(group, target).filter(|it| it.task == one.task);
            one.never_healthy = before.map_or(one.never_healthy, |before| before.never_healthy);
        }
    }
    LedgerRecord {
        known,
        incidents: next.incidents.iter().map(seen_as_before).collect(),
        recheck_at: last.recheck_at,
        recheck_hop: last.recheck_hop,
        ..next.clone()
    }
}
