//! An alert: a change of state of incidents. [`crate::report`] has its texts.

use crate::action::ActionKind;
use crate::api_call::{Actor, Operation};
use crate::code::{Code, Severity};
use crate::ids::{ServiceKey, TaskArn};
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A change of state of the incidents of one code in one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    pub key: ServiceKey,
    /// The team in the service's tag `portkeeper:owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub code: Code,
    pub state: AlertState,
    pub severity: Severity,
    /// How many tasks receive no traffic, if the code is about traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    pub items: Vec<AlertItem>,
    /// The time of the check.
    pub at: Timestamp,
}

/// How many tasks of the service receive no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Tasks that should receive traffic and receive none.
    pub tasks_without_traffic: usize,
    /// Tasks that should receive traffic.
    pub tasks: usize,
}

/// The state of an incident, in the order in which alerts are published: an alert about an end
/// never precedes the one about its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// A finding is confirmed.
    Opened,
    /// Its severity or its code has changed since the last alert.
    Escalated,
    /// It persists, long after the last alert.
    Reminder,
    /// Another incident reports it now.
    Superseded,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// As the message attribute `state` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Escalated => "escalated",
            Self::Reminder => "reminder",
            Self::Superseded => "superseded",
            Self::Resolved => "resolved",
        }
    }

    /// No alert about the incident follows.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Superseded | Self::Resolved)
    }
}

/// One incident in an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertItem {
    pub subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    pub since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How many checks found it.
    pub seen: u32,
    /// What was expected, what is there, and why.
    pub why: String,
    pub repair: Option<ActionKind>,
    /// A guard withholds the repair.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// The API call that led to it, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// A call that led to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Who made it.
    pub by: Actor,
    pub operation: Operation,
    pub at: Timestamp,
    /// CloudTrail's `eventID`.
    pub event: String,
}
