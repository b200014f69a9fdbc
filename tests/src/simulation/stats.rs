//! Counts of what happened in a run.

use super::handled::Checked;
use portkeeper_core::plan::OutcomeResult;
use portkeeper_world::World;
use portkeeper_world::faults::Fault;
use std::collections::BTreeMap;
use std::fmt;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    pub(crate) fn count(&mut self, what: &str, times: u64) {
        *self.0.entry(what.to_owned()).or_insert(0) += times;
    }

    /// Returns how often this happened.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.count(what, *times);
        }
    }

    pub(crate) fn check(&mut self, checked: &Checked) {
        self.count("checks", 1);
        self.count("checks that failed in part", u64::from(!checked.errors.is_empty()));
        self.count("alerts sent", checked.alerts.len().try_into().unwrap_or(0));
        for outcome in &checked.outcomes {
            let result = match outcome.result {
                OutcomeResult::Done => "done",
                OutcomeResult::Refused(_) => "refused",
                OutcomeResult::Failed(_) => "failed",
                OutcomeResult::Skipped(_) => "skipped",
            };
            self.count(&format!("repair: {} {result}", outcome.kind.verb()), 1);
        }
        for code in checked
            .plan
            .iter()
            .flat_map(|plan| &plan.verdicts)
            .filter_map(|verdict| verdict.code.as_ref())
        {
            self.count(&format!("finding: {code}"), 1);
        }
    }

    pub(crate) fn faults(&mut self, world: &World) {
        for applied in world.faults.applied() {
            let name = match applied.fault {
                Fault::Throttle => "throttled",
                Fault::Fail { .. } => "failed with 500",
                Fault::AccessDenied => "denied",
                Fault::LoseAnswer => "answer lost",
                Fault::LoseRequest => "request lost",
                Fault::Truncate { .. } => "answer cut short",
                Fault::Delay { .. } => "delayed",
            };
            self.count(&format!("fault: {name}"), 1);
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(f, "{times:>10}  {what}"))
    }
}
