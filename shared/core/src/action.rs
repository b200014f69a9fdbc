//! Writes: what is to be done, and what became of it.

use crate::ids::{Target, TargetGroupArn};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Register or deregister.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// `RegisterTargets`
    Register,
    /// `DeregisterTargets`
    Deregister,
}

impl ActionKind {
    /// The verb that people read.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Deregister => "deregister",
        }
    }
}

/// A write: these targets, in or out of this group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// In or out.
    pub kind: ActionKind,
    /// The group.
    pub group: TargetGroupArn,
    /// The targets, each with id and port.
    pub targets: Vec<Target>,
    /// The proof holds no longer than this; a write that comes later must not be made.
    pub not_after: Timestamp,
}

/// What became of an action for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// In or out.
    pub kind: ActionKind,
    /// The group.
    pub group: TargetGroupArn,
    /// The target.
    pub target: Target,
    /// What AWS answered.
    pub result: OutcomeResult,
}

/// What AWS answered to a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeResult {
    /// Accepted.
    Done,
    /// AWS refuses this target or this group; trying the same again is no use.
    Refused(String),
    /// The call failed; whether it was carried out is not known.
    Failed(String),
    /// Not tried, because the proof was too old or a registration before it failed.
    Skipped(String),
}
