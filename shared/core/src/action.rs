//! Writes to ELBv2 and their results.

use crate::ids::{Target, TargetGroupArn};
use crate::observation::RegisteredTarget;
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
    /// The verb for texts.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Deregister => "deregister",
        }
    }
}

/// The zone that a write names in addition to id and port. A write names it only where ELBv2
/// requires it: an address within the group's VPC has a zone of its own, and ELBv2 refuses another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetZone {
    /// `all`: an address outside the group's VPC (ELBv2 `TargetDescription.AvailabilityZone`).
    All,
}

impl TargetZone {
    /// As ELBv2 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
        }
    }

    /// The zone that writes about a registered target must name.
    #[must_use]
    pub fn of(registered: &RegisteredTarget) -> Option<Self> {
        (registered.availability_zone.as_deref() == Some(Self::All.as_str())).then_some(Self::All)
    }
}

/// One write: registers or deregisters these targets in this group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    pub kind: ActionKind,
    pub group: TargetGroupArn,
    /// The targets, each with id and port.
    pub targets: Vec<Target>,
    /// The zone for each target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<TargetZone>,
    /// The proof expires at this time; a later write must not be made.
    pub not_after: Timestamp,
}

/// The result of an action for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriteOutcome {
    pub kind: ActionKind,
    pub group: TargetGroupArn,
    pub target: Target,
    pub result: OutcomeResult,
}

/// What AWS answered to a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeResult {
    /// Accepted.
    Done,
    /// AWS refuses this target or this group; a retry does not help.
    Refused(String),
    /// The call failed; whether AWS executed it is unknown.
    Failed(String),
    /// Not tried, because the proof had expired or an earlier registration failed.
    Skipped(String),
}
