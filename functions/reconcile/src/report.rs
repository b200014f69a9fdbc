//! What one check read, decided and did. The log, the metrics and the demo are written from it.

use crate::errors::CheckError;
use portkeeper_aws::failure::chain;
use portkeeper_aws::metrics::{self, CheckMetrics};
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::observation::{Gap, Observation};
use portkeeper_core::plan::{ActionKind, AlertState, Decision, OutcomeResult, Plan, WriteOutcome};
use portkeeper_core::report::SnsMessage;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Display;

/// The report of one check of one service.
#[derive(Debug, Clone)]
pub struct CheckReport {
    pub key: ServiceKey,
    /// How many rechecks in a row led to this check.
    pub hop: u32,
    /// How many messages requested it.
    pub messages: usize,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// How many tasks have not stopped.
    pub tasks_watched: usize,
    pub gaps: Vec<Gap>,
    /// The plan; none if the service could not be described.
    pub plan: Option<Plan>,
    /// The results of the writes.
    pub outcomes: Vec<WriteOutcome>,
    /// The alerts that SNS accepted.
    pub alerts: Vec<SnsMessage>,
    /// What failed, each with its chain of causes. If this is not empty, the messages are retried.
    pub errors: Vec<String>,
}

impl CheckReport {
    pub(crate) fn begin(check: &ServiceCheck, began: Timestamp) -> Self {
        Self {
            key: check.key.clone(),
            hop: check.hop,
            messages: check.messages.len(),
            began,
            ended: began,
            tasks_watched: 0,
            gaps: Vec::new(),
            plan: None,
            outcomes: Vec::new(),
            alerts: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Nothing failed, so the messages that requested this check are done.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.errors.is_empty()
    }

    /// Notes the gaps. A gap that a later read may close is an error of this check.
    pub(crate) fn note_observation(&mut self, observation: &Observation) {
        self.tasks_watched =
            observation.tasks.iter().filter(|task| !task.last_status.is_over()).count();
        self.gaps.clone_from(&observation.gaps);
        let mut causes: Vec<&str> = Vec::new();
        for gap in observation.gaps.iter().filter(|gap| gap.retry) {
            if !causes.contains(&gap.why.as_str()) {
                causes.push(&gap.why);
            }
        }
        if !causes.is_empty() {
            self.note_error(&CheckError::Incomplete(causes.join("; ")));
        }
    }

    /// Notes the results of the writes. It is an error if AWS may or may not have executed a write.
    pub(crate) fn note_outcomes(&mut self, outcomes: Vec<WriteOutcome>) {
        let failures: Vec<&str> = outcomes
            .iter()
            .filter_map(|outcome| match &outcome.result {
                OutcomeResult::Failed(why) => Some(why.as_str()),
                OutcomeResult::Done | OutcomeResult::Refused(_) | OutcomeResult::Skipped(_) => None,
            })
            .collect();
        if let Some(first) = failures.first() {
            let error = CheckError::Write(format!("{} targets, first: {first}", failures.len()));
            self.note_error(&error);
        }
        self.outcomes = outcomes;
    }

    pub(crate) fn note_error(&mut self, error: &CheckError) {
        self.errors.push(chain(error));
    }

    fn count(&self, kind: ActionKind) -> usize {
        let done =
            |outcome: &&WriteOutcome| outcome.kind == kind && outcome.result == OutcomeResult::Done;
        self.outcomes.iter().filter(done).count()
    }

    /// The durations of the incidents for which this check sent a resolved alert.
    fn healed_seconds(&self) -> Vec<u32> {
        let over = self
            .alerts
            .iter()
            .map(|message| &message.document)
            .filter(|it| it.state == AlertState::Resolved);
        over.flat_map(|document| &document.items).filter_map(|item| item.took_seconds).collect()
    }

    #[must_use]
    pub fn metrics(&self) -> CheckMetrics {
        let verdicts = self.plan.iter().flat_map(|plan| &plan.verdicts);
        let mut findings = BTreeMap::new();
        for code in verdicts.clone().filter_map(|verdict| verdict.code.as_ref()) {
            *findings.entry(code.to_string()).or_insert(0) += 1;
        }
        let took = self.ended.as_millis().saturating_sub(self.began.as_millis());
        CheckMetrics {
            tasks_watched: self.tasks_watched,
            findings,
            registrations: self.count(ActionKind::Register),
            deregistrations: self.count(ActionKind::Deregister),
            withheld: verdicts.filter(|verdict| verdict.decision == Decision::Withheld).count(),
            alerts_sent: self.alerts.len(),
            healed_seconds: self.healed_seconds(),
            gaps: self.gaps.len(),
            errors: self.errors.len(),
            duration_ms: u64::try_from(took).unwrap_or(0),
        }
    }
}

/// Writes a check to the log: a line for each finding, write and error, one summary, and one line of
/// metrics.
pub fn write_log(report: &CheckReport) {
    let (cluster, service) = (report.key.cluster.name(), report.key.service.as_str());
    for gap in report.gaps.iter().filter(|gap| !gap.retry) {
        tracing::info!(cluster, service, why = gap.why, "gap in the observation");
    }
    for verdict in report.plan.iter().flat_map(|plan| &plan.verdicts) {
        if let Some(code) = &verdict.code {
            let (subject, decision) = (&verdict.subject, decision_name(&verdict.decision));
            tracing::debug!(cluster, service, %code, %subject, decision, why = verdict.why, "finding");
        }
    }
    for WriteOutcome { kind, group, target, result } in &report.outcomes {
        let (group, verb) = (group.name(), kind.verb());
        match result {
            OutcomeResult::Done => tracing::info!(cluster, service, group, %target, "{verb}: done"),
            OutcomeResult::Refused(why) => {
                tracing::warn!(cluster, service, group, %target, why, "{verb}: refused");
            }
            OutcomeResult::Failed(why) => {
                tracing::warn!(cluster, service, group, %target, why, "{verb}: failed");
            }
            OutcomeResult::Skipped(why) => {
                tracing::warn!(cluster, service, group, %target, why, "{verb}: skipped");
            }
        }
    }
    for error in &report.errors {
        tracing::error!(
            cluster,
            service,
            error,
            "a step of the check failed: the check is retried"
        );
    }
    write_summary(report);
}

fn write_summary(report: &CheckReport) {
    let mut decisions: BTreeMap<&str, usize> = BTreeMap::new();
    for verdict in report.plan.iter().flat_map(|plan| &plan.verdicts) {
        *decisions.entry(decision_name(&verdict.decision)).or_insert(0) += 1;
    }
    let metrics = report.metrics();
    let recheck_at = report.plan.as_ref().and_then(|plan| plan.recheck_at).map(|at| at.to_string());
    tracing::info!(
        cluster = report.key.cluster.name(),
        service = report.key.service,
        hop = report.hop,
        messages = report.messages,
        tasks_watched = metrics.tasks_watched,
        decisions = counts(&decisions),
        findings = counts(&metrics.findings),
        registrations = metrics.registrations,
        deregistrations = metrics.deregistrations,
        alerts_sent = metrics.alerts_sent,
        gaps = metrics.gaps,
        errors = metrics.errors,
        recheck_at,
        duration_ms = metrics.duration_ms,
        "service checked"
    );
    metrics::emit(&metrics::metric_line(&report.key, report.ended, &metrics));
}

/// Counts by name, such as `await=1 right=12`.
fn counts<N: Display>(by_name: &BTreeMap<N, usize>) -> String {
    let counts: Vec<String> =
        by_name.iter().map(|(name, count)| format!("{name}={count}")).collect();
    counts.join(" ")
}

fn decision_name(decision: &Decision) -> &'static str {
    match decision {
        Decision::InOrder => "right",
        Decision::Repair(_) => "repair",
        Decision::Await(_) => "await",
        Decision::Alert => "tell",
        Decision::Leave => "leave",
        Decision::Unknown => "unknown",
        Decision::Withheld => "withheld",
    }
}
