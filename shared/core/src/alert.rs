//! What people are told of: a change of state of incidents. Its words are in [`crate::report`].

use crate::action::ActionKind;
use crate::code::{Code, Severity};
use crate::ids::ServiceKey;
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::Serialize;

/// One message to people: a change of state of incidents of one code in one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The service.
    pub key: ServiceKey,
    /// What is or was wrong.
    pub code: Code,
    /// Begin or end.
    pub state: AlertState,
    /// How loud.
    pub severity: Severity,
    /// The things it is about.
    pub items: Vec<AlertItem>,
    /// The moment of planning.
    pub at: Timestamp,
}

/// Begin or end of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Something is wrong.
    Opened,
    /// It is over.
    Resolved,
}

/// One thing in an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertItem {
    /// About what.
    pub subject: Subject,
    /// Since when.
    pub since: Timestamp,
    /// What was expected, what is there, and why.
    pub why: String,
    /// The repair that goes with it, if there is one.
    pub repair: Option<ActionKind>,
    /// A guard holds the repair back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}
