//! The complete input of a plan, in the versioned form that `portkeeper plan` reads.

use crate::api_call::ApiCall;
use crate::ledger::LedgerRecord;
use crate::observation::Observation;
use crate::policy::{Mode, Policy};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of [`PlanInput`]'s JSON form.
pub const INPUT_VERSION: u32 = 1;

/// The complete input of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InputForm", into = "InputForm")]
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
    policy: PolicyForm,
    #[serde(default)]
    record: LedgerRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<ApiCall>,
    observation: Observation,
}

/// [`Policy`] in JSON. The names of its members are part of version 1.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PolicyForm {
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    writes_stopped: Option<String>,
    settle_seconds: u32,
    confirm_seconds: u32,
    max_deregistrations: u32,
    max_deregistration_percent: u32,
    fight_repairs: u32,
    fight_window_seconds: u32,
    max_repairs: u32,
    proof_seconds: u32,
    disconnected_seconds: u32,
    unhealthy_margin_seconds: u32,
    below_desired_seconds: u32,
    kill_loop_stops: u32,
    kill_loop_seconds: u32,
    remind_seconds: u32,
    az_all: bool,
    max_hops: u32,
}

impl Default for PolicyForm {
    fn default() -> Self {
        Self::of(&Policy::default(), Writes::default())
    }
}

impl PolicyForm {
    fn of(policy: &Policy, writes: Writes) -> Self {
        let writes_stopped = match writes {
            Writes::Allowed => None,
            Writes::Stopped(why) => Some(why),
        };
        let Policy {
            mode,
            settle_seconds,
            confirm_seconds,
            max_deregistrations,
            max_deregistration_percent,
            fight_repairs,
            fight_window_seconds,
            max_repairs,
            proof_seconds,
            disconnected_seconds,
            unhealthy_margin_seconds,
            below_desired_seconds,
            kill_loop_stops,
            kill_loop_seconds,
            remind_seconds,
            az_all,
            max_hops,
        } = *policy;
        Self {
            mode,
            writes_stopped,
            settle_seconds,
            confirm_seconds,
            max_deregistrations,
            max_deregistration_percent,
            fight_repairs,
            fight_window_seconds,
            max_repairs,
            proof_seconds,
            disconnected_seconds,
            unhealthy_margin_seconds,
            below_desired_seconds,
            kill_loop_stops,
            kill_loop_seconds,
            remind_seconds,
            az_all,
            max_hops,
        }
    }

    fn parts(self) -> (Policy, Writes) {
        let Self {
            mode,
            writes_stopped,
            settle_seconds,
            confirm_seconds,
            max_deregistrations,
            max_deregistration_percent,
            fight_repairs,
            fight_window_seconds,
            max_repairs,
            proof_seconds,
            disconnected_seconds,
            unhealthy_margin_seconds,
            below_desired_seconds,
            kill_loop_stops,
            kill_loop_seconds,
            remind_seconds,
            az_all,
            max_hops,
        } = self;
        (
            Policy {
                mode,
                settle_seconds,
                confirm_seconds,
                max_deregistrations,
                max_deregistration_percent,
                fight_repairs,
                fight_window_seconds,
                max_repairs,
                proof_seconds,
                disconnected_seconds,
                unhealthy_margin_seconds,
                below_desired_seconds,
                kill_loop_stops,
                kill_loop_seconds,
                remind_seconds,
                az_all,
                max_hops,
            },
            Writes::from(writes_stopped),
        )
    }
}

impl From<InputForm> for PlanInput {
    fn from(form: InputForm) -> Self {
        let InputForm { version, now, hop, policy, record, calls, observation } = form;
        let (policy, writes) = policy.parts();
        Self { version, now, hop, policy, writes, record, calls, observation }
    }
}

impl From<PlanInput> for InputForm {
    fn from(input: PlanInput) -> Self {
        let PlanInput { version, now, hop, policy, writes, record, calls, observation } = input;
        let policy = PolicyForm::of(&policy, writes);
        Self { version, now, hop, policy, record, calls, observation }
    }
}
