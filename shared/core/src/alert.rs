//! What people are told of: a change of state of incidents. Its words are in [`crate::report`].

use crate::action::ActionKind;
use crate::call::{Actor, Operation};
use crate::code::{Code, Severity};
use crate::ids::{ServiceKey, TaskArn};
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One message to people: a change of state of incidents of one code in one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The service.
    pub key: ServiceKey,
    /// Whose service it is, by its tag `portkeeper:owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What is or was wrong.
    pub code: Code,
    /// Begin, change or end.
    pub state: AlertState,
    /// How loud.
    pub severity: Severity,
    /// How many tasks it keeps from getting traffic, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// The things it is about.
    pub items: Vec<AlertItem>,
    /// The moment of planning.
    pub at: Timestamp,
}

/// What people who are told of a service can see of how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Tasks that should get traffic and get none.
    pub tasks_without_traffic: usize,
    /// Tasks that should get traffic.
    pub tasks: usize,
}

/// Where an incident stands. In the order in which they are told: an end never comes before its
/// begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Something is wrong.
    Opened,
    /// It is worse than people were told, or known better.
    Escalated,
    /// It is still so, long after people were told.
    Reminder,
    /// Another incident tells of it now.
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

    /// Nothing more will be told of the incident.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Superseded | Self::Resolved)
    }
}

/// One thing in an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertItem {
    /// About what.
    pub subject: Subject,
    /// The task it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// Since when.
    pub since: Timestamp,
    /// When it ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How many looks saw it.
    pub seen: u32,
    /// What was expected, what is there, and why.
    pub why: String,
    /// The repair that goes with it, if there is one.
    pub repair: Option<ActionKind>,
    /// A guard holds the repair back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Whose call it goes back to, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// A call that led to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Who made it.
    pub by: Actor,
    /// What was called.
    pub operation: Operation,
    /// When.
    pub at: Timestamp,
    /// CloudTrail's name for it.
    pub event: String,
}
