//! Writes: what is to be done, and what became of it.

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
    /// The verb that people read.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Deregister => "deregister",
        }
    }
}

/// The zone that a write names beside id and port. Named only where ELBv2 asks for it: an address
/// within the group's VPC has a zone of its own, and naming another is refused.
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

/// A write: these targets, in or out of this group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// In or out.
    pub kind: ActionKind,
    /// The group.
    pub group: TargetGroupArn,
    /// The targets, each with id and port.
    pub targets: Vec<Target>,
    /// The zone that goes with each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<TargetZone>,
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
