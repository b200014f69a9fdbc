//! The complete input of a plan, in the versioned form that `portkeeper plan` reads.

use crate::api_call::ApiCall;
use crate::ledger::LedgerRecord;
use crate::observation::Observation;
use crate::policy::Policy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of [`PlanInput`]'s JSON form.
pub const INPUT_VERSION: u32 = 1;

/// The complete input of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "InputForm", into = "InputForm")]
pub struct PlanInput {
    /// The version of this form: 1.
    pub version: u32,
    /// The time of planning.
    pub now: Timestamp,
    /// How many checks in a row led here.
    pub hop: u32,
    /// Limits and waiting times.
    pub policy: Policy,
    /// Whether Portkeeper may write to ELBv2 now.
    pub writes: Writes,
    /// The ledger's record of the service.
    pub record: LedgerRecord,
    /// API calls by others that CloudTrail has reported since the record was written.
    pub calls: Vec<ApiCall>,
    pub observation: Observation,
}

/// The kill switch, as it was read with the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Writes {
    /// It is not set.
    #[default]
    Allowed,
    /// It is set, for this reason: Portkeeper repairs nothing.
    Stopped(String),
}

impl From<Option<String>> for Writes {
    fn from(stopped: Option<String>) -> Self {
        stopped.map_or(Self::Allowed, Self::Stopped)
    }
}

/// [`PlanInput`] in JSON, where the kill switch is a member of the policy.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputForm {
    version: u32,
    now: Timestamp,
    #[serde(default)]
    hop: u32,
    #[serde(default)]
    policy: Map<String, Value>,
    #[serde(default)]
    record: LedgerRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<ApiCall>,
    observation: Observation,
}

/// The member of the policy that is the kill switch.
const WRITES_STOPPED: &str = "writes_stopped";

impl TryFrom<InputForm> for PlanInput {
    type Error = serde_json::Error;

    fn try_from(form: InputForm) -> Result<Self, Self::Error> {
        let InputForm { version, now, hop, mut policy, record, calls, observation } = form;
        let stopped = policy.remove(WRITES_STOPPED).map(serde_json::from_value::<Option<String>>);
        let writes = Writes::from(stopped.transpose()?.flatten());
        let policy = serde_json::from_value(Value::Object(policy))?;
        Ok(Self { version, now, hop, policy, writes, record, calls, observation })
    }
}

impl From<PlanInput> for InputForm {
    fn from(input: PlanInput) -> Self {
        let PlanInput { version, now, hop, policy, writes, record, calls, observation } = input;
        let mut policy = match serde_json::to_value(policy) {
            Ok(Value::Object(policy)) => policy,
            // A policy consists of numbers, a flag and a mode.
            _ => Map::new(),
        };
        if let Writes::Stopped(why) = writes {
            policy.insert(WRITES_STOPPED.to_owned(), Value::String(why));
        }
        Self { version, now, hop, policy, record, calls, observation }
    }
}
