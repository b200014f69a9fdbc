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
use crate::observation::Coverage;
use crate::plan::{Plan, plan};
use std::collections::BTreeSet;

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

/// The next record without what every check changes: how often a known fault was found, and the
/// next recheck, which the sweep replaces.
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
    LedgerRecord {
        incidents: next.incidents.iter().map(seen_as_before).collect(),
        recheck_at: last.recheck_at,
        recheck_hop: last.recheck_hop,
        ..next.clone()
    }
}
