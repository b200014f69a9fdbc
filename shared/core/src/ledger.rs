//! The memory of one service: what was known to be ours, what is wrong, what was tried.
//!
//! It proves ownership after ECS has forgotten a task, gives the second look, and says which alerts
//! were sent. It is never the truth about AWS. Losing it is safe: repairs wait for a second look
//! and an alert may repeat.

use crate::action::{ActionKind, Outcome, OutcomeResult};
use crate::alert::{Alert, AlertItem};
use crate::call::{Call, Place};
use crate::code::{Code, Severity};
use crate::ids::{Target, TargetGroupArn, TaskArn};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod calls;
mod known;
mod places;

pub(crate) use calls::CALLS_KEPT_SECS;
pub use known::Known;
pub(crate) use known::RELEASED_KEPT_SECS;

pub use crate::subject::Subject;

/// The form of the record. A record of another form is read as an empty one.
pub const SCHEMA: u32 = 1;

/// How long a function that began to tell people is left alone with it: as long as Lambda lets it
/// run (the time-out of `reconcile` in template.yaml). One that has not taken its mark back by then
/// is dead, and what it told is not known.
pub const TELLING_SECS: u32 = 60;

/// The most incidents that are open at once, of some 600 bytes each. What is found beyond it waits
/// its turn.
pub const OPEN_INCIDENTS: usize = 300;

/// What is remembered of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRecord {
    /// The form of this record.
    pub schema: u32,
    /// Targets known to be, or to have been, this service's tasks', by group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<TargetGroupArn, BTreeMap<Target, Known>>,
    /// Open incidents, ordered by code and subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// Recent repairs, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// Calls that others made where this service's targets are registered, oldest first. They are
    /// told, and prove nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Where this service's targets are registered, as the ledger's index was told, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<Place, Timestamp>,
    /// Since when this record is kept without a break, and says where every task was that has
    /// stopped. Of tasks that stopped until then, nobody could have seen whether their targets were
    /// gone meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_since: Option<Timestamp>,
    /// How many looks in a row led to the one that `look_again_at` speaks of.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub look_again_hop: u32,
    /// When a look-again message that was already sent arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_again_at: Option<Timestamp>,
    /// Since when a function is telling people what this record says is due. Written before SNS is
    /// asked, and taken back with the marks of what was sent: meanwhile no other function tells the
    /// same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling_since: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for LedgerRecord {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            known: BTreeMap::new(),
            incidents: Vec::new(),
            repairs: Vec::new(),
            calls: Vec::new(),
            places: BTreeMap::new(),
            kept_since: None,
            look_again_hop: 0,
            look_again_at: None,
            telling_since: None,
        }
    }
}

/// Why a stored record was not used.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRecord {
    /// Written by another version.
    #[error("the ledger record has schema {found}, this version reads {SCHEMA}; it starts anew")]
    OtherSchema {
        /// The schema that was found.
        found: u64,
    },
    /// Damaged.
    #[error("the ledger record cannot be read; it starts anew")]
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

    /// Drops what has served its time. Called only on a record that is about to be written for
    /// another reason, so that a quiet service is never written for the sake of tidiness.
    pub fn tidy(&mut self, now: Timestamp, repairs_kept_seconds: u32) {
        self.tidy_known(now);
        self.repairs.retain(|repair| now.secs_since(repair.at) < repairs_kept_seconds);
        self.tidy_calls(now);
    }
}

/// The most `foreign` incidents that are open at once, beside the others.
pub const FOREIGN_INCIDENTS: usize = 100;

/// Something wrong that was seen, from the first look to "resolved".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What kind.
    pub code: Code,
    /// About what.
    pub subject: Subject,
    /// The task it concerns: for a missing target, the task without traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// The first look.
    pub opened_at: Timestamp,
    /// The last look that saw it.
    pub last_seen_at: Timestamp,
    /// How many looks saw it.
    pub seen: u32,
    /// What was expected, what is there, and why, as the last look put it.
    pub why: String,
    /// A second look saw it too.
    #[serde(default)]
    pub confirmed: bool,
    /// Nothing proved whose target it is, when it was last seen: it was told, and could not have
    /// been repaired.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unproved: bool,
    /// When a proof was first seen for what had none. The second look counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_at: Option<Timestamp>,
    /// People were told: the alert was accepted by SNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted_at: Option<Timestamp>,
    /// How loud people were told, at the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Severity>,
    /// The name under which people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_as: Option<Code>,
    /// How many repairs were tried.
    #[serde(default)]
    pub repairs: u32,
    /// The last repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired_at: Option<Timestamp>,
    /// It is over, and people who were told of it must be told of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// How it ended, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    /// It is not over: another incident tells of it now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub superseded: bool,
    /// What AWS answered to the last repair, when it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Incident {
    /// When a second look, this long after the first one, may confirm it.
    #[must_use]
    pub fn confirmed_from(&self, seconds: u32) -> Timestamp {
        self.proved_at.unwrap_or(self.opened_at).plus_secs(seconds)
    }

    /// People know it under a name that says less than the one it has now.
    #[must_use]
    pub fn is_renamed(&self) -> bool {
        self.told_as.as_ref().is_some_and(|told| *told != self.code && told.family() == *told)
    }

    /// An incident at its first look.
    #[must_use]
    pub fn opened(
        code: Code,
        subject: Subject,
        task: Option<TaskArn>,
        why: String,
        now: Timestamp,
    ) -> Self {
        Self {
            code,
            subject,
            task,
            why,
            opened_at: now,
            last_seen_at: now,
            seen: 1,
            confirmed: false,
            unproved: false,
            proved_at: None,
            alerted_at: None,
            told: None,
            told_as: None,
            repairs: 0,
            repaired_at: None,
            resolved_at: None,
            ending: None,
            superseded: false,
            refusal: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A repair that was decided on. It is written down before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// When.
    pub at: Timestamp,
    /// Register or deregister.
    pub kind: ActionKind,
    /// The group.
    pub group: TargetGroupArn,
    /// The target.
    pub target: Target,
}

/// The record after the writes of a plan: what AWS refused is kept with its incident, for people to
/// read.
///
/// Nobody can have undone what was not done, so it does not count towards a fight. A refusal counts
/// towards the most repairs of one target: it needs a person. A call that failed does not: an
/// outage ends by itself.
#[must_use]
pub fn settle(record: &LedgerRecord, outcomes: &[Outcome]) -> LedgerRecord {
    let mut settled = record.clone();
    for outcome in outcomes {
        let (text, refused) = match &outcome.result {
            OutcomeResult::Done => continue,
            OutcomeResult::Refused(text) => (text, true),
            OutcomeResult::Failed(text) | OutcomeResult::Skipped(text) => (text, false),
        };
        let not_done = settled.repairs.iter().rposition(|repair| {
            repair.kind == outcome.kind
                && repair.group == outcome.group
                && repair.target == outcome.target
        });
        if let Some(index) = not_done {
            settled.repairs.remove(index);
        }
        let subject = Subject::Target(outcome.group.clone(), outcome.target.clone());
        let repaired = settled
            .incidents
            .iter_mut()
            .filter(|it| it.subject == subject && it.repaired_at.is_some());
        for incident in repaired {
            incident.refusal = Some(text.clone());
            incident.repairs =
                if refused { incident.repairs } else { incident.repairs.saturating_sub(1) };
        }
    }
    settled
}

/// The record after a function told people: what SNS accepted counts as told, the rest is due
/// again.
#[must_use]
pub fn told(record: &LedgerRecord, accepted: &[Alert]) -> LedgerRecord {
    let marked = accepted.iter().fold(record.clone(), |record, alert| mark_sent(&record, alert));
    LedgerRecord { telling_since: None, ..marked }
}

/// The record after SNS accepted an alert.
fn mark_sent(record: &LedgerRecord, alert: &Alert) -> LedgerRecord {
    let mut marked = record.clone();
    // Of two about one target one may be over and the other have just begun: another task's. The
    // first look tells them apart.
    let about = |incident: &Incident, item: &AlertItem| {
        item.subject == incident.subject && item.since == incident.opened_at
    };
    let told = |incident: &Incident| {
        incident.code == alert.code && alert.items.iter().any(|item| about(incident, item))
    };
    if alert.state.is_end() {
        let (over, open) =
            marked.incidents.into_iter().partition(|it| told(it) && it.resolved_at.is_some());
        marked.incidents = open;
        marked.forget_calls(&over);
    } else {
        for incident in marked.incidents.iter_mut().filter(|incident| told(incident)) {
            incident.alerted_at = Some(alert.at);
            incident.told = Some(alert.severity);
            incident.told_as = Some(alert.code.clone());
        }
    }
    marked
}
