//! From what was seen to what will be done. Pure and complete: nothing after this module decides anything.

use crate::code::{Code, Severity};
use crate::ids::{ServiceKey, Target, TargetGroupArn};
use crate::ledger::{LedgerRecord, Subject};
use crate::observation::Observation;
use crate::policy::Policy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that a plan follows from: the versioned form that `portkeeper plan` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The version of this form: 1.
    pub version: u32,
    /// The moment of planning.
    pub now: Timestamp,
    /// How many looks in a row led here.
    #[serde(default)]
    pub hop: u32,
    /// Limits and waiting times.
    #[serde(default)]
    pub policy: Policy,
    /// What is remembered of the service.
    #[serde(default)]
    pub record: LedgerRecord,
    /// What was read.
    pub observation: Observation,
}

/// What will be done about one service, and why the rest will not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The service.
    pub key: ServiceKey,
    /// One verdict for every target and every task, fine or not.
    pub verdicts: Vec<Verdict>,
    /// Writes, registrations first.
    pub actions: Vec<Action>,
    /// What people are told once the writes are done.
    pub alerts: Vec<Alert>,
    /// When to look again without waiting for an event.
    pub look_again_at: Option<Timestamp>,
    /// The record as it must be stored before any write.
    pub next_record: LedgerRecord,
}

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
}
