//! The record of one service: its known targets, open incidents and recent repairs.
//!
//! It proves ownership after ECS no longer lists a task, lets a second check confirm the first, and
//! stores which alerts were sent. It is never the truth about AWS. Losing it is safe: repairs wait
//! for a second check, and an alert may repeat.

use crate::action::{ActionKind, OutcomeResult, WriteOutcome};
use crate::alert::Alert;
use crate::api_call::{ApiCall, IndexKey};
use crate::code::Code;
use crate::ids::{Target, TargetGroupArn};
use crate::others::{Others, Recorded};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod calls;
mod form;
mod incident;
mod index;
mod known;
mod size;

pub(crate) use calls::CALLS_KEPT_SECS;
pub use form::Unread;
pub use incident::{Alerted, Confirmation, Ending, Incident, Repairs};
pub use known::KnownTarget;
pub(crate) use known::SEEN_ABSENT_KEPT_SECS;
pub use size::RECORD_BYTES;
pub(crate) use size::Room;

pub use crate::subject::Subject;

/// The version of the record's form. A record of another version is read as an empty one.
pub const SCHEMA: u32 = 1;

/// How long a function that began to publish alerts has the exclusive right to do so: as long as
/// Lambda lets it run (the timeout of `reconcile` in template.yaml). A function that has not
/// removed its mark by then has failed, and what it published is unknown.
pub const PUBLISHING_SECS: u32 = 60;

/// The most incidents that are open at once; fewer if names are long (see the module `size`).
/// Further findings wait until an incident ends.
pub const OPEN_INCIDENTS: usize = 300;

/// The ledger's record of one service. Its JSON is in the module `form`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "form::Reading")]
pub struct LedgerRecord {
    pub schema: u32,
    /// Targets that belong or belonged to this service's tasks, by group.
    pub known: BTreeMap<TargetGroupArn, BTreeMap<Target, KnownTarget>>,
    /// Targets that were never this service's, and when a check found that they belong to tasks of
    /// other clusters. They prove nothing; they only save calls.
    pub of_other_clusters: BTreeMap<TargetGroupArn, BTreeMap<Target, Timestamp>>,
    /// Open incidents, ordered by code and subject.
    pub incidents: Vec<Incident>,
    /// Recent repairs, oldest first.
    pub repairs: Vec<Repair>,
    /// API calls by others on this service's target groups and load balancers, oldest first. They
    /// are only reported, and prove nothing.
    pub calls: Vec<ApiCall>,
    /// The target groups and load balancers of this service that are in the ledger's index, and
    /// since when.
    pub index_keys: BTreeMap<IndexKey, Timestamp>,
    /// The time since which this record has missed no stopped task. For tasks that stopped earlier,
    /// no check could have seen their targets absent.
    pub continuous_since: Option<Timestamp>,
    /// How many checks in a row led to the recheck at `recheck_at`.
    pub recheck_hop: u32,
    /// When the recheck that was already requested takes place.
    pub recheck_at: Option<Timestamp>,
    /// The time since which a function has been publishing the due alerts. It is written before the
    /// first publication and removed together with the marks of the sent alerts: in between, no
    /// other function publishes the same alerts.
    pub publishing_since: Option<Timestamp>,
    /// The service's tag for its mode, from the last check before the service was deleted.
    pub mode_tag: Option<String>,
    /// Members that only another version knows.
    pub others: Others,
    /// Parts of the stored record that this version cannot read.
    pub unread: Vec<Unread>,
}

impl Default for LedgerRecord {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            known: BTreeMap::new(),
            of_other_clusters: BTreeMap::new(),
            incidents: Vec::new(),
            repairs: Vec::new(),
            calls: Vec::new(),
            index_keys: BTreeMap::new(),
            continuous_since: None,
            recheck_hop: 0,
            recheck_at: None,
            publishing_since: None,
            mode_tag: None,
            others: Others::default(),
            unread: Vec::new(),
        }
    }
}

/// Why a stored record was not used.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRecord {
    /// Another version wrote it.
    #[error(
        "the ledger record has schema {found}, but this version reads schema {SCHEMA}; Portkeeper starts a new record"
    )]
    OtherSchema { found: u64 },
    /// Damaged.
    #[error("cannot read the ledger record; Portkeeper starts a new one")]
    Damaged(#[source] serde_json::Error),
}

impl LedgerRecord {
    /// Reads a stored record.
    pub fn from_json(text: &str) -> Result<Self, UnreadableRecord> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(UnreadableRecord::Damaged)?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(found) if found != u64::from(SCHEMA) => {
                Err(UnreadableRecord::OtherSchema { found })
            }
            _ => serde_json::from_value(value).map_err(UnreadableRecord::Damaged),
        }
    }

    /// The incident about this, if one is open.
    #[must_use]
    pub fn incident(&self, code: &Code, subject: &Subject) -> Option<&Incident> {
        self.incidents
            .iter()
            .find(|incident| incident.code == *code && incident.subject == *subject)
    }

    /// Drops outdated parts. Called only on a record that is about to be written for another
    /// reason, so that tidying alone never causes a write.
    pub fn tidy(&mut self, now: Timestamp, repairs_kept_seconds: u32) {
        self.tidy_known(now);
        self.repairs.retain(|repair| now.secs_since(repair.at) < repairs_kept_seconds);
        self.tidy_calls(now);
    }
}

/// The maximum number of open `foreign` incidents, in addition to the others.
pub const FOREIGN_INCIDENTS: usize = 100;

/// A repair that was planned. It is recorded before it is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    pub at: Timestamp,
    /// Register or deregister. Any other kind belongs to another version.
    pub kind: Recorded<ActionKind>,
    pub group: TargetGroupArn,
    pub target: Target,
    /// No check stored its outcome yet: the function that planned it may have ended before the
    /// write. Older versions did not write this mark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun: bool,
    /// Members that only another version knows.
    #[serde(flatten)]
    pub others: Others,
}

impl Repair {
    /// A repair that is planned now.
    #[must_use]
    pub fn decided(at: Timestamp, kind: ActionKind, group: TargetGroupArn, target: Target) -> Self {
        let (kind, others) = (Recorded::Known(kind), Others::default());
        Self { at, kind, group, target, begun: true, others }
    }
}

/// The record after the writes of a plan: a refusal by AWS is kept with its incident, for the
/// alert.
///
/// A repair that was not done cannot be undone, so it does not count towards a fight. A refusal
/// counts towards the repair limit of one target: it needs a person. So does a write that came too
/// late: the next one takes as long. A failed call does not count, nor does a deregistration that
/// waits for a registration: an outage ends by itself.
#[must_use]
pub fn record_outcomes(record: &LedgerRecord, outcomes: &[WriteOutcome]) -> LedgerRecord {
    let mut settled = record.clone();
    let all_registered = outcomes
        .iter()
        .all(|it| it.kind != ActionKind::Register || it.result == OutcomeResult::Done);
    for outcome in outcomes {
        let repair = settled.repairs.iter().rposition(|repair| {
            repair.kind.known() == Some(outcome.kind)
                && repair.group == outcome.group
                && repair.target == outcome.target
        });
        match (repair, outcome.result == OutcomeResult::Done) {
            (Some(index), true) => {
                settled.repairs.iter_mut().skip(index).take(1).for_each(|it| it.begun = false);
            }
            (Some(index), false) => drop(settled.repairs.remove(index)),
            (None, _) => {}
        }
        let subject = Subject::Target(outcome.group.clone(), outcome.target.clone());
        let repaired = settled
            .incidents
            .iter_mut()
            .filter(|it| it.subject == subject && it.repairs.last_at.is_some());
        let mut task = None;
        for incident in repaired {
            incident.repairs.note(outcome, all_registered);
            task.clone_from(&incident.task);
        }
        // A call that was refused, or without an answer, proves nothing.
        let is_registered =
            outcome.kind == ActionKind::Register && outcome.result == OutcomeResult::Done;
        if let Some(task) = task.filter(|_| is_registered) {
            settled.remember(&outcome.group, &outcome.target, &task);
        }
    }
    settled.fit();
    settled
}

/// The record after a function published alerts: alerts that SNS accepted count as sent, the others
/// are due again.
#[must_use]
pub fn mark_sent(record: &LedgerRecord, accepted: &[Alert]) -> LedgerRecord {
    let marked =
        accepted.iter().fold(record.clone(), |record, alert| mark_alert_sent(&record, alert));
    let mut marked = LedgerRecord { publishing_since: None, ..marked };
    marked.fit();
    marked
}

/// The record after SNS accepted an alert.
fn mark_alert_sent(record: &LedgerRecord, alert: &Alert) -> LedgerRecord {
    let mut marked = record.clone();
    let of_alert =
        |incident: &Incident| alert.items.iter().any(|item| incident.is_of(&alert.code, item));
    if alert.state.is_end() {
        let (over, open) =
            marked.incidents.into_iter().partition(|it| of_alert(it) && it.is_over());
        marked.incidents = open;
        marked.forget_calls(&over);
    } else {
        for incident in marked.incidents.iter_mut().filter(|incident| of_alert(incident)) {
            incident.alerted = Some(Alerted {
                at: alert.at,
                severity: Recorded::Known(alert.severity),
                code: alert.code.clone(),
            });
        }
    }
    marked
}
