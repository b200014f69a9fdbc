//! The part of a function's result for a batch that the judge needs.

use portkeeper_core::ids::ServiceKey;
use portkeeper_core::plan::{Plan, WriteOutcome};
use portkeeper_reconcile::CheckReport;
use portkeeper_sweep::SweepReport;
use serde_json::Value;

/// The part of a check's result that the judge needs.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub key: ServiceKey,
    pub began_ms: u64,
    pub plan: Option<Plan>,
    pub outcomes: Vec<WriteOutcome>,
    pub errors: Vec<String>,
    /// Subjects of the alerts that the check sent.
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

/// The result of a batch.
#[derive(Debug)]
pub(crate) struct Handled {
    pub checks: Vec<Checked>,
    /// The function's answer to Lambda.
    pub response: Value,
    /// The sweep's report, if the function was the sweep.
    pub sweep: Option<SweepReport>,
}
