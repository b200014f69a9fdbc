//! The result of a spec: the document that Portkeeper writes to the bucket.
//! `docs/spec-result.schema.json` describes it.

use super::notice::SpecObject;
use super::problem::Problem;
use super::steps::Step;
use portkeeper_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The value of `schema` in every document.
pub const SCHEMA: &str = "portkeeper.spec-result";

/// The version that this program writes and reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of a spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecResult {
    /// `portkeeper.spec-result`
    pub schema: String,
    /// The version of this form.
    pub version: u32,
    /// The object that contains the spec.
    pub spec: SpecObject,
    /// The status.
    pub status: Status,
    /// A summary in one sentence.
    pub summary: String,
    /// The time of this result.
    pub at: Timestamp,
    /// The cluster, by name or ARN, if the spec could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The service's name, if the spec could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The service's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_arn: Option<String>,
    /// Its problems.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// The steps of the plan, each with its outcome.
    #[serde(default)]
    pub steps: Vec<StepResult>,
    /// The deployment that the result follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentResult>,
}

/// The status of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was written: `problems` says why.
    Refused,
    /// Writes are stopped, by the kill switch or by the stack's mode: `steps` contains what
    /// Portkeeper would do.
    Waiting,
    /// A write failed; Portkeeper rolled back what this run had created, or the steps show what
    /// remains.
    Failed,
    /// ECS is deploying the service.
    Deploying,
    /// The deployment is complete, and every running task is registered and healthy in every group.
    Ready,
    /// The object was removed, and everything stays.
    Kept,
    /// The object was removed, and the service is being drained.
    Deleting,
    /// The object was removed, and everything created for it is deleted.
    Deleted,
}

impl Status {
    /// Returns whether the status is final until an operator changes something.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Deploying | Self::Deleting | Self::Waiting)
    }

    /// Returns whether an operator must act.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Refused | Self::Failed)
    }

    /// Its name in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Deploying => "deploying",
            Self::Ready => "ready",
            Self::Kept => "kept",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

/// A step and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step; if it created something, with the new ARN.
    #[serde(flatten)]
    pub step: Step,
    /// Its outcome.
    pub outcome: StepOutcome,
    /// AWS's response, if the step failed; what was rolled back, and whether that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The resource was created, changed or deleted.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// AWS refused it, or it could not be tried.
    Failed,
    /// Not tried, because something before it failed.
    NotTried,
    /// Portkeeper created it, and rolled it back because a later step failed.
    Undone,
    /// Portkeeper created it and could not roll it back.
    LeftBehind,
}

/// A deployment, as far as ECS reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentResult {
    /// `ecs-svc/<digits>`
    pub id: String,
    /// The last event or rollout state that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ECS's messages, newest first.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Tasks that run.
    #[serde(default)]
    pub running: u32,
    /// Tasks that should run.
    #[serde(default)]
    pub desired: u32,
}
