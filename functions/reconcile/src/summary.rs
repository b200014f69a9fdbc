//! What a check did, for the log and the metrics: one line of each.

use crate::errors::CheckError;
use portkeeper_aws::failure::chain;
use portkeeper_aws::metrics::{self, CheckMetrics};
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::observation::Observation;
use portkeeper_core::plan::{ActionKind, Decision, Outcome, OutcomeResult, Plan};
use portkeeper_core::time::Timestamp;
use std::collections::BTreeMap;

/// What is known of a check so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    metrics: CheckMetrics,
    /// Verdicts by decision.
    decisions: BTreeMap<&'static str, usize>,
    look_again_at: Option<Timestamp>,
    errors: Vec<CheckError>,
}

impl Summary {
    /// Notes what was read. What may be readable later is an error of this check.
    pub(crate) fn note_observation(&mut self, observation: &Observation) {
        let live = observation.tasks.iter().filter(|task| !task.last_status.is_over());
        self.metrics.tasks_watched = live.count();
        self.metrics.gaps = observation.gaps.len();
        for gap in observation.gaps.iter().filter(|gap| !gap.retry) {
            tracing::info!(service = %observation.key, why = gap.why, "not known");
        }
        let mut causes: Vec<&str> = Vec::new();
        for gap in observation.gaps.iter().filter(|gap| gap.retry) {
            if !causes.contains(&gap.why.as_str()) {
                causes.push(&gap.why);
            }
        }
        if !causes.is_empty() {
            self.errors.push(CheckError::Incomplete(causes.join("; ")));
        }
    }

    /// Notes what was decided.
    pub(crate) fn note_plan(&mut self, plan: &Plan) {
        self.look_again_at = plan.look_again_at;
        for verdict in &plan.verdicts {
            *self.decisions.entry(decision_name(&verdict.decision)).or_insert(0) += 1;
            if let Some(code) = &verdict.code {
                *self.metrics.findings.entry(code.to_string()).or_insert(0) += 1;
                let (subject, decision) = (&verdict.subject, decision_name(&verdict.decision));
                tracing::debug!(service = %plan.key, %code, %subject, decision, why = verdict.why, "finding");
            }
        }
        self.metrics.withheld = plan.verdicts.iter().filter(|it| it.decision == Decision::Withheld).count();
    }

    /// Notes what AWS answered to the writes.
    pub(crate) fn note_outcomes(&mut self, plan: &Plan, outcomes: &[Outcome]) {
        let mut failures: Vec<&str> = Vec::new();
        for Outcome { kind, group, target, result } in outcomes {
            let (group, verb) = (group.name(), kind.verb());
            match result {
                OutcomeResult::Done => {
                    tracing::info!(service = %plan.key, group, %target, "{verb}: done");
                    match kind {
                        ActionKind::Register => self.metrics.registrations += 1,
                        ActionKind::Deregister => self.metrics.deregistrations += 1,
                    }
                }
                OutcomeResult::Refused(why) => {
                    tracing::warn!(service = %plan.key, group, %target, why, "{verb}: refused");
                }
                OutcomeResult::Skipped(why) => {
                    tracing::warn!(service = %plan.key, group, %target, why, "{verb}: not tried");
                }
                OutcomeResult::Failed(why) => {
                    if !failures.contains(&why.as_str()) {
                        failures.push(why);
                    }
                }
            }
        }
        self.errors.extend(failures.into_iter().map(|why| CheckError::Write(why.to_owned())));
    }

    /// Notes an alert that SNS accepted.
    pub(crate) fn note_alert(&mut self) {
        self.metrics.alerts_sent += 1;
    }

    /// Notes a step that failed.
    pub(crate) fn note_error(&mut self, error: CheckError) {
        self.errors.push(error);
    }

    /// Writes the lines, and says whether nothing failed.
    pub(crate) fn finish(mut self, check: &ServiceCheck, began: Timestamp, ended: Timestamp) -> bool {
        let (cluster, service) = (check.key.cluster.name(), check.key.service.as_str());
        for error in &self.errors {
            tracing::error!(cluster, service, error = chain(error), "check failed in part; it is tried again");
        }
        self.metrics.errors = self.errors.len();
        let took = ended.as_millis().saturating_sub(began.as_millis());
        self.metrics.duration_ms = u64::try_from(took).unwrap_or(0);
        let CheckMetrics { tasks_watched, registrations, deregistrations, alerts_sent, gaps, errors, .. } =
            self.metrics;
        let (findings, duration_ms) = (&self.metrics.findings, self.metrics.duration_ms);
        let look_again_at = self.look_again_at.map(|at| at.to_string());
        tracing::info!(
            cluster,
            service,
            hop = check.hop,
            messages = check.messages.len(),
            tasks_watched,
            decisions = ?self.decisions,
            findings = ?findings,
            registrations,
            deregistrations,
            alerts_sent,
            gaps,
            errors,
            look_again_at,
            duration_ms,
            "check"
        );
        metrics::emit(&metrics::metric_line(&check.key, ended, &self.metrics));
        self.errors.is_empty()
    }
}

fn decision_name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Right => "right",
        Decision::Repair(_) => "repair",
        Decision::Await(_) => "await",
        Decision::Tell => "tell",
        Decision::Leave => "leave",
        Decision::Unknown => "unknown",
        Decision::Withheld => "withheld",
    }
}
