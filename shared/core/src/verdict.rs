//! What is thought of one thing, and what follows from it.

use crate::action::ActionKind;
use crate::code::Code;
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::Serialize;

/// What is thought of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// About what.
    pub subject: Subject,
    /// What is wrong, if anything.
    pub code: Option<Code>,
    /// What follows.
    pub decision: Decision,
    /// Why, for people.
    pub why: String,
}

/// What follows from a look at one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// As it should be.
    Right,
    /// It will be repaired now.
    Repair(ActionKind),
    /// It may be judged at this time.
    Await(Timestamp),
    /// People are told, or were told.
    Tell,
    /// Not ours to judge.
    Leave,
    /// It cannot be known now; nothing that it could touch is written.
    Unknown,
    /// A guard withholds the repair.
    Withheld,
}
