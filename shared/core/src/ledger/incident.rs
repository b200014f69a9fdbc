//! One finding over several checks, from opened to resolved, in the parts that change together.
//!
//! In JSON an incident is flat, with the members that every version of schema 1 has written. What
//! the flat form allows and the parts do not is read as the nearest thing that it can mean: an alert
//! without its severity and name, as the first versions wrote it, had those of the incident's code;
//! an end without its reason is no longer seen. Without its moment neither an alert nor an end took
//! place.

use crate::code::{Code, Severity};
use crate::ids::TaskArn;
use crate::others::{Others, Recorded};
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Said of an end of which nothing more is known.
const NO_LONGER_SEEN: &str = "no longer found";

/// Something wrong that was seen, from the first look to "resolved".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredIncident", into = "StoredIncident")]
pub struct Incident {
    /// What kind. An incident of a code that this version does not know is kept as it is, neither
    /// ended nor reported: the version that knows the code does both.
    pub code: Code,
    /// About what.
    pub subject: Subject,
    /// The task it concerns: for a missing target, the task without traffic.
    pub task: Option<TaskArn>,
    /// The first look.
    pub opened_at: Timestamp,
    /// The last look that saw it.
    pub last_seen_at: Timestamp,
    /// How many looks saw it.
    pub seen: u32,
    /// What was expected, what is there, and why, as the last look put it.
    pub why: String,
    /// Whether a second look saw it too, and whether it is proved.
    pub confirmation: Confirmation,
    /// The last alert about it that SNS accepted, other than its end.
    pub alerted: Option<Alerted>,
    /// The repairs that were tried.
    pub repairs: Repairs,
    /// It is over, and people who were told of it must be told of that.
    pub ending: Option<Ending>,
    /// What another version knows of it.
    pub others: Others,
}

/// Whether a second look saw an incident, and whether it is proved whose target it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// A second look saw it too.
    pub confirmed: bool,
    /// Nothing proved whose target it is, when it was last seen: it was told, and could not have
    /// been repaired.
    pub unproved: bool,
    /// When a proof was first seen for what had none. The second look counts from here.
    pub proved_at: Option<Timestamp>,
}

/// An alert that SNS accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerted {
    /// When.
    pub at: Timestamp,
    /// How loud people were told.
    pub severity: Recorded<Severity>,
    /// The name under which people know it.
    pub code: Code,
}

impl Alerted {
    /// How loud people were told. A severity that only another version knows counts as the highest:
    /// nothing that this version could say is louder.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity.known().unwrap_or(Severity::Critical)
    }
}

/// The repairs of an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// How many were tried.
    pub tried: u32,
    /// The last one.
    pub last_at: Option<Timestamp>,
    /// What AWS answered to the last one, when it refused.
    pub refusal: Option<String>,
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How, for people.
    pub why: String,
    /// It is not over: another incident tells of it now.
    pub superseded: bool,
}

impl Incident {
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

    /// Its end is worth a word: people know of it, or are about to.
    #[must_use]
    pub fn is_worth_an_end(&self) -> bool {
        self.confirmation.confirmed || self.alerted.is_some()
    }

    /// When a second look, this long after the first one, may confirm it.
    #[must_use]
    pub fn confirmed_from(&self, seconds: u32) -> Timestamp {
        self.confirmation.proved_at.unwrap_or(self.opened_at).plus_secs(seconds)
    }

    /// People know it under a name that says less than the one it has now. What a name says that
    /// only another version knows, cannot be told.
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
    #[serde(flatten)]
    others: Others,
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
        let Repairs { tried, last_at, refusal } = incident.repairs;
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
            others: incident.others,
        }
    }
}
