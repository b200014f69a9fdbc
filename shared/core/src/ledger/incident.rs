//! One finding over several checks, from opened to resolved, in the parts that change together.
//!
//! In JSON an incident is flat, with the members that every version of schema 1 has written.
//! Combinations that the flat form allows and the parts do not are read as the nearest valid one:
//! an alert without severity and code, as the first versions wrote it, had those of the incident's
//! code; an end without a reason gets "no longer found". Without a time, there was no alert or no
//! end.

use crate::action::{ActionKind, OutcomeResult, WriteOutcome};
use crate::alert::AlertItem;
use crate::code::{Code, Severity};
use crate::ids::TaskArn;
use crate::others::{Others, Recorded};
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The reason of an end without a stored reason.
const NO_LONGER_SEEN: &str = "no longer found";

/// A finding over several checks, from opened to resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredIncident", into = "StoredIncident")]
pub struct Incident {
    /// The code. This version keeps an incident whose code it does not know, and neither ends nor
    /// reports it: the version that knows the code does both.
    pub code: Code,
    pub subject: Subject,
    /// The task it concerns: for a missing target, the task without traffic.
    pub task: Option<TaskArn>,
    /// The first check that found it.
    pub opened_at: Timestamp,
    /// The last check that found it.
    pub last_seen_at: Timestamp,
    /// How many checks found it.
    pub seen: u32,
    /// What was expected, what was found, and why, from the last check.
    pub why: String,
    /// Whether a second check confirmed it, and whether the ownership is proved.
    pub confirmation: Confirmation,
    /// The last alert about it that SNS accepted, other than its end.
    pub alerted: Option<Alerted>,
    /// The repairs that were tried.
    pub repairs: Repairs,
    /// Its end, if it is over. The end of a reported incident must be reported.
    pub ending: Option<Ending>,
    /// Members that only another version knows.
    pub others: Others,
}

/// Whether a second check confirmed an incident, and whether it can be repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// A second check found it, too.
    pub confirmed: bool,
    /// The last check could not repair it: it had no proof of ownership, or could not know the state
    /// of the task.
    pub unproved: bool,
    /// When it could first be repaired after that. The second check counts from here.
    pub proved_at: Option<Timestamp>,
}

/// An alert that SNS accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerted {
    pub at: Timestamp,
    /// The severity of the last alert.
    pub severity: Recorded<Severity>,
    /// The code of the last alert.
    pub code: Code,
}

impl Alerted {
    /// The severity of the last alert. A severity that only another version knows counts as the
    /// highest, so this version reports no escalation.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity.known().unwrap_or(Severity::Critical)
    }
}

/// The repairs of an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// How many were executed.
    pub tried: u32,
    /// The last one.
    pub last_at: Option<Timestamp>,
    /// AWS's answer to the last one, if AWS refused it.
    pub refusal: Option<String>,
    /// How many in a row were not executed because their turn came too late.
    pub skipped: u32,
}

impl Repairs {
    /// Notes the outcome of the last one.
    pub(super) fn note(&mut self, outcome: &WriteOutcome, all_registered: bool) {
        let waits = outcome.kind == ActionKind::Deregister && !all_registered;
        let (text, counts, skipped) = match &outcome.result {
            OutcomeResult::Done => {
                self.skipped = 0;
                return;
            }
            OutcomeResult::Refused(text) => (text, true, 0),
            OutcomeResult::Skipped(text) if !waits => (text, true, self.skipped.saturating_add(1)),
            OutcomeResult::Failed(text) | OutcomeResult::Skipped(text) => (text, false, 0),
        };
        self.tried = self.tried.saturating_sub(u32::from(!counts));
        self.refusal = Some(text.clone());
        self.skipped = skipped;
    }
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub at: Timestamp,
    /// How, in words.
    pub why: String,
    /// It is not over: another incident reports it now.
    pub superseded: bool,
}

impl Incident {
    /// An incident at its first check.
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
            confirmation: Confirmation::default(),
            alerted: None,
            repairs: Repairs::default(),
            ending: None,
            others: Others::default(),
        }
    }

    /// It is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether it is about a registered target that was this service's.
    #[must_use]
    pub fn is_of_a_leftover(&self) -> bool {
        self.code.repair() == Some(ActionKind::Deregister)
    }

    /// Whether an item of an alert with this code is about it. Of two incidents about one target,
    /// one may be over and the other may have just begun, with another task. The time of the first
    /// check distinguishes them.
    pub(super) fn is_of(&self, code: &Code, item: &AlertItem) -> bool {
        self.code == *code && self.subject == item.subject && self.opened_at == item.since
    }

    /// Whether its end must be reported: an alert about it was sent, or is due.
    #[must_use]
    pub fn is_worth_an_end(&self) -> bool {
        self.confirmation.confirmed || self.alerted.is_some()
    }

    /// When a second check, this long after the first one, may confirm it.
    #[must_use]
    pub fn confirmed_from(&self, seconds: u32) -> Timestamp {
        self.confirmation.proved_at.unwrap_or(self.opened_at).plus_secs(seconds)
    }

    /// Whether the last alert reported it with a less specific code than its current one. This
    /// cannot be decided for a code that only another version knows.
    #[must_use]
    pub fn is_renamed(&self) -> bool {
        let Some(Alerted { code: reported, .. }) = &self.alerted else { return false };
        reported.is_known() && *reported != self.code && reported.family() == *reported
    }
}

/// [`Incident`] in JSON.
#[derive(Serialize, Deserialize)]
struct StoredIncident {
    code: Code,
    subject: Subject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskArn>,
    opened_at: Timestamp,
    last_seen_at: Timestamp,
    seen: u32,
    why: String,
    #[serde(default)]
    confirmed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unproved: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alerted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Recorded<Severity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_as: Option<Code>,
    #[serde(default)]
    repairs: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repaired_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    superseded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    skipped: u32,
    #[serde(flatten)]
    others: Others,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<StoredIncident> for Incident {
    fn from(stored: StoredIncident) -> Self {
        let StoredIncident { code, told, told_as, ending, superseded, .. } = stored;
        let alerted = stored.alerted_at.map(|at| Alerted {
            at,
            severity: told.unwrap_or_else(|| Recorded::Known(code.severity())),
            code: told_as.unwrap_or_else(|| code.clone()),
        });
        let ending = stored.resolved_at.map(|at| Ending {
            at,
            why: ending.unwrap_or_else(|| NO_LONGER_SEEN.to_owned()),
            superseded,
        });
        Self {
            code,
            subject: stored.subject,
            task: stored.task,
            opened_at: stored.opened_at,
            last_seen_at: stored.last_seen_at,
            seen: stored.seen,
            why: stored.why,
            confirmation: Confirmation {
                confirmed: stored.confirmed,
                unproved: stored.unproved,
                proved_at: stored.proved_at,
            },
            alerted,
            repairs: Repairs {
                tried: stored.repairs,
                last_at: stored.repaired_at,
                refusal: stored.refusal,
                skipped: stored.skipped,
            },
            ending,
            others: stored.others,
        }
    }
}

impl From<Incident> for StoredIncident {
    fn from(incident: Incident) -> Self {
        let Incident { code, subject, task, opened_at, last_seen_at, seen, why, .. } = incident;
        let Confirmation { confirmed, unproved, proved_at } = incident.confirmation;
        let Repairs { tried, last_at, refusal, skipped } = incident.repairs;
        let (alerted_at, told, told_as) = match incident.alerted {
            Some(Alerted { at, severity, code }) => (Some(at), Some(severity), Some(code)),
            None => (None, None, None),
        };
        let (resolved_at, ending, superseded) = match incident.ending {
            Some(Ending { at, why, superseded }) => (Some(at), Some(why), superseded),
            None => (None, None, false),
        };
        Self {
            code,
            subject,
            task,
            opened_at,
            last_seen_at,
            seen,
            why,
            confirmed,
            unproved,
            proved_at,
            alerted_at,
            told,
            told_as,
            repairs: tried,
            repaired_at: last_at,
            resolved_at,
            ending,
            superseded,
            refusal,
            skipped,
            others: incident.others,
        }
    }
}
