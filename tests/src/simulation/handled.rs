//! What a function did with a batch, as far as it is judged.

use portkeeper_core::ids::ServiceKey;
use portkeeper_core::plan::{Outcome, Plan};
use portkeeper_reconcile::CheckReport;
use portkeeper_sweep::SweepReport;
use serde_json::Value;

/// What a check did, as far as it is judged.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub key: ServiceKey,
    pub began_ms: u64,
    pub plan: Option<Plan>,
    pub outcomes: Vec<Outcome>,
    pub errors: Vec<String>,
    /// Subjects of the alerts that were sent.
    pub alerts: Vec<String>,
}

impl From<&CheckReport> for Checked {
    fn from(report: &CheckReport) -> Self {
        Self {
            key: report.key.clone(),
            began_ms: u64::try_from(report.began.as_millis()).unwrap_or(0),
            plan: report.plan.clone(),
            outcomes: report.outcomes.clone(),
            errors: report.errors.clone(),
            alerts: report.alerts.iter().map(|message| message.subject.clone()).collect(),
        }
    }
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Handled {
    pub checks: Vec<Checked>,
    /// What the function answered to Lambda.
    pub response: Value,
    /// What it saw, if it was the sweep.
    pub sweep: Option<SweepReport>,
}
