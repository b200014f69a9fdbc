//! Everything that a plan follows from, in the versioned form that `portkeeper plan` reads.

use crate::call::Call;
use crate::ledger::LedgerRecord;
use crate::observation::Observation;
use crate::policy::Policy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of [`PlanInput`]'s JSON form.
pub const INPUT_VERSION: u32 = 1;

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
    /// Calls that others made, as CloudTrail told of them since the record was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// What was read.
    pub observation: Observation,
}
