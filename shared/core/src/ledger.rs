//! The memory of one service: what was known to be ours, what is wrong, what was tried.
//!
//! It proves ownership after ECS has forgotten a task, gives the second look, and says which alerts
//! were sent. It is never the truth about AWS. Losing it is safe: repairs wait for a second look
//! and an alert may repeat.

use crate::action::{ActionKind, Outcome, OutcomeResult};
use crate::alert::{Alert, AlertItem};
use crate::call::{Call, Place};
use crate::code::Code;
use crate::ids::{Target, TargetGroupArn};
use crate::others::{Others, Recorded};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod calls;
mod form;
mod incident;
mod known;
mod places;

pub(crate) use calls::CALLS_KEPT_SECS;
pub use form::Unread;
pub use incident::{Alerted, Confirmation, Ending, Incident, Repairs};
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

/// What is remembered of one service. Its JSON is in [`form`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "form::Reading")]
pub struct LedgerRecord {
    /// The form of this record.
    pub schema: u32,
    /// Targets known to be, or to have been, this service's tasks', by group.
    pub known: BTreeMap<TargetGroupArn, BTreeMap<Target, Known>>,
    /// Open incidents, ordered by code and subject.
    pub incidents: Vec<Incident>,
    /// Recent repairs, oldest first.
    pub repairs: Vec<Repair>,
    /// Calls that others made where this service's targets are registered, oldest first. They are
    /// told, and prove nothing.
    pub calls: Vec<Call>,
    /// Where this service's targets are registered, as the ledger's index was told, and when.
    pub places: BTreeMap<Place, Timestamp>,
    /// Since when this record is kept without a break, and says where every task was that has
    /// stopped. Of tasks that stopped until then, nobody could have seen whether their targets were
    /// gone meanwhile.
    pub kept_since: Option<Timestamp>,
    /// How many looks in a row led to the one that `look_again_at` speaks of.
    pub look_again_hop: u32,
    /// When a look-again message that was already sent arrives.
    pub look_again_at: Option<Timestamp>,
    /// Since when a function is telling people what this record says is due. Written before SNS is
    /// asked, and taken back with the marks of what was sent: meanwhile no other function tells the
    /// same.
    pub telling_since: Option<Timestamp>,
    /// What another version knows of the service.
    pub others: Others,
    /// What of the stored record this version cannot read.
    pub unread: Vec<Unread>,
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
            others: Others::default(),
            unread: Vec::new(),
        }
    }
}

/// Why a stored record was not used.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRecord {
    /// Written by another version.
    #[error(
        "the ledger record has schema {found}, but this version reads schema {SCHEMA}; Portkeeper starts a new record"
    )]
    OtherSchema {
        /// The schema that was found.
        found: u64,
    },
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

/// A repair that was decided on. It is written down before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// When.
    pub at: Timestamp,
    /// Register or deregister. Any other kind is another version's.
    pub kind: Recorded<ActionKind>,
    /// The group.
    pub group: TargetGroupArn,
    /// The target.
    pub target: Target,
    /// What another version knows of it.
    #[serde(flatten)]
    pub others: Others,
}

impl Repair {
    /// A repair that is decided on now.
    #[must_use]
    pub fn decided(at: Timestamp, kind: ActionKind, group: TargetGroupArn, target: Target) -> Self {
        Self { at, kind: Recorded::Known(kind), group, target, others: Others::default() }
    }
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
            repair.kind.known() == Some(outcome.kind)
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
            .filter(|it| it.subject == subject && it.repairs.last_at.is_some());
        for Incident { repairs, .. } in repaired {
            repairs.refusal = Some(text.clone());
            repairs.tried = if refused { repairs.tried } else { repairs.tried.saturating_sub(1) };
        }
    }
    settled
}

/// The record after a function told people: what SNS accepted counts as told, the rest is due
/// again.
#[must_use]
pub fn mark_sent(record: &LedgerRecord, accepted: &[Alert]) -> LedgerRecord {
    let marked =
        accepted.iter().fold(record.clone(), |record, alert| mark_alert_sent(&record, alert));
    LedgerRecord { telling_since: None, ..marked }
}

/// The record after SNS accepted an alert.
fn mark_alert_sent(record: &LedgerRecord, alert: &Alert) -> LedgerRecord {
    let mut marked = record.clone();
    // Of two about one target one may be over and the other have just begun: another task's. The
    // first look tells them apart.
    let about = |incident: &Incident, item: &AlertItem| {
        item.subject == incident.subject && item.since == incident.opened_at
    };
    let of_alert = |incident: &Incident| {
        incident.code == alert.code && alert.items.iter().any(|item| about(incident, item))
    };
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
