//! The verdict on one subject, and the decision.

use crate::action::ActionKind;
use crate::code::Code;
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::Serialize;

/// The verdict on one subject in one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub subject: Subject,
    /// The finding code, if any.
    pub code: Option<Code>,
    pub decision: Decision,
    /// The reason, as text.
    pub why: String,
}

/// The decision on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is as expected.
    #[serde(rename = "right")]
    InOrder,
    /// It is repaired now.
    Repair(ActionKind),
    /// It can be judged at this time.
    Await(Timestamp),
    /// An alert is or was published.
    #[serde(rename = "tell")]
    Alert,
    /// It is out of scope.
    Leave,
    /// It is undetermined; nothing that it could affect is written.
    Unknown,
    /// A guard withholds the repair.
    Withheld,
}
