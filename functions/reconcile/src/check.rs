//! The check of one service, step by step. The order of the steps is a guarantee: the check stores
//! its intent before it requests a recheck and before any write, and an alert counts as sent only
//! after SNS accepted it.

use crate::errors::CheckError;
use crate::report::CheckReport;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::execute::{execute, skip};
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::ledger::{self, CommitError, Stored};
use portkeeper_aws::{notify, observe, recheck};
use portkeeper_core::api_call::IndexKey;
use portkeeper_core::code::Code;
use portkeeper_core::compare::questions;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::ledger::{LedgerRecord, mark_sent, record_outcomes};
use portkeeper_core::observation::Observation;
use portkeeper_core::plan::{Alert, INPUT_VERSION, Plan, PlanInput, WriteOutcome, Writes, plan};
use portkeeper_core::report::message;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;

/// Checks one service with the description that the caller has just read.
pub(crate) async fn check_service(
    aws: &Aws,
    config: &Config,
    writes: &Writes,
    check: &ServiceCheck,
    stored: Stored,
    described: Result<Observation, Failure>,
) -> CheckReport {
    let mut report = CheckReport::begin(check, aws.now());
    if let Some(note) = &stored.note {
        tracing::warn!(service = %check.key, note, "the ledger record is not read in full");
    }
    let done = match described {
        Ok(described) => {
            run_steps(aws, config, writes, check, stored, described, &mut report).await
        }
        Err(failure) => Err(CheckError::Observe(failure)),
    };
    if let Err(error) = done {
        report.note_error(&error);
    }
    report.ended = aws.now();
    report
}

/// Runs all steps. The first error that is returned ends the check; the report notes the errors that
/// do not.
async fn run_steps(
    aws: &Aws,
    config: &Config,
    writes: &Writes,
    check: &ServiceCheck,
    stored: Stored,
    described: Observation,
    report: &mut CheckReport,
) -> Result<(), CheckError> {
    let input = read(aws, config, writes, check, &stored, described).await;
    report.note_observation(&input.observation);
    let mut plan = plan(&input);
    if !report.succeeded() {
        // The messages return to the queue and cause the next check. A recheck in addition would
        // only multiply the checks.
        plan.recheck_at = None;
        plan.next_record.recheck_at = stored.record.recheck_at;
    }
    let table = &config.ledger_table;
    add_to_index(aws, table, &stored.record, &mut plan, input.now, report).await;
    let dropped =
        plan.next_record.dropped_index_keys(&stored.record, &input.calls, &input.observation);
    report.plan = Some(plan.clone());
    // I-INTENT: "The ledger is written before AWS is."
    let committed =
        ledger::commit(aws, table, &check.key, &stored, &plan.next_record, input.now).await;
    let stored = match committed {
        Ok(stored) => stored,
        // The core keeps every record within its size. If one is too large all the same, its
        // intent is not stored, so nothing is written; the alerts do not depend on the ledger.
        Err(error @ CommitError::TooLarge { .. }) => {
            let outcomes = skip(&plan.actions, &error.to_string());
            publish(aws, config, &plan.alerts, &outcomes, report).await;
            report.note_outcomes(outcomes);
            return Err(CheckError::Ledger(error));
        }
        Err(error) => return Err(CheckError::Ledger(error)),
    };
    remove_from_index(aws, table, &plan, &dropped, input.now).await;
    let asked = request_recheck(aws, config, check, &input.observation, &plan).await;
    let outcomes = write(aws, table, &plan).await;
    let mut record = record_outcomes(&plan.next_record, &outcomes);
    if let Err(error) = asked {
        record.recheck_at = None;
        report.note_error(&error);
    }
    let accepted = publish(aws, config, &plan.alerts, &outcomes, report).await;
    let marks =
        Marks { outcomes: &outcomes, publishing: !plan.alerts.is_empty(), accepted: &accepted };
    let result =
        store_outcomes(aws, table, &check.key, &stored, &marks.on(&record), &marks, input.now)
            .await;
    report.note_outcomes(outcomes);
    result
}

/// What the record has to keep of the writes and the alerts.
struct Marks<'a> {
    outcomes: &'a [WriteOutcome],
    /// The check started to publish alerts.
    publishing: bool,
    accepted: &'a [Alert],
}

impl Marks<'_> {
    fn on(&self, record: &LedgerRecord) -> LedgerRecord {
        if self.publishing { mark_sent(record, self.accepted) } else { record.clone() }
    }
}

/// Stores the record at the end of the check. If another check stored the record in the meantime,
/// the outcomes and the sent alerts are added to that record: otherwise the next check would send
/// the same alerts again.
async fn store_outcomes(
    aws: &Aws,
    table: &str,
    key: &ServiceKey,
    stored: &Stored,
    record: &LedgerRecord,
    marks: &Marks<'_>,
    now: Timestamp,
) -> Result<(), CheckError> {
    match ledger::commit(aws, table, key, stored, record, now).await {
        Err(CommitError::LostRace { .. }) => {
            let recalled = ledger::recall(aws, table, std::slice::from_ref(key))
                .await
                .map_err(CheckError::Recall)?;
            let theirs = recalled.records.into_values().next().unwrap_or_default();
            let record = marks.on(&record_outcomes(&theirs.record, marks.outcomes));
            ledger::commit(aws, table, key, &theirs, &record, now).await
        }
        first => first,
    }
    .map(|_| ())
    .map_err(CheckError::Results)
}

/// Adds the service to the index under its groups and load balancers, before the record says that
/// the index has it. If this fails, this check continues and the next one retries.
async fn add_to_index(
    aws: &Aws,
    table: &str,
    earlier: &LedgerRecord,
    plan: &mut Plan,
    now: Timestamp,
    report: &mut CheckReport,
) {
    let places: Vec<IndexKey> =
        plan.next_record.new_index_keys(earlier).into_iter().cloned().collect();
    for place in places {
        match ledger::index::enter(aws, table, &place, &plan.key, now).await {
            Ok(true) => {}
            // The next check tries again: there may be room.
            Ok(false) => drop(plan.next_record.index_keys.remove(&place)),
            Err(failure) => {
                plan.next_record.index_keys.clone_from(&earlier.index_keys);
                report.note_error(&CheckError::Index(failure));
                return;
            }
        }
    }
}

/// Removes the service from the index where nothing leads to it any longer, after the record says
/// so. If this fails, the stale entry causes another check, which retries.
async fn remove_from_index(
    aws: &Aws,
    table: &str,
    plan: &Plan,
    dropped: &BTreeSet<IndexKey>,
    now: Timestamp,
) {
    for place in dropped {
        if let Err(failure) = ledger::index::leave(aws, table, place, &plan.key, now).await {
            tracing::warn!(service = %plan.key, %place, error = chain(&failure), "a stale entry stays in the index");
        }
    }
}

/// Makes the writes, unless the kill switch was set since the plan was made: it takes effect at
/// once.
async fn write(aws: &Aws, table: &str, plan: &Plan) -> Vec<WriteOutcome> {
    if plan.actions.is_empty() {
        return Vec::new();
    }
    // I-SWITCH: "The kill switch takes effect at once."
    match ledger::writes_stopped(aws, table).await {
        Ok(None) => execute(aws, &plan.actions).await,
        Ok(Some(why)) => skip(&plan.actions, &format!("the kill switch is set: {why}")),
        Err(failure) => {
            skip(&plan.actions, &format!("cannot read the kill switch: {}", chain(&failure)))
        }
    }
}

/// Publishes the alerts and returns those that SNS accepted. If SNS does not accept the alert that
/// opens an incident, the next check sends it, and then the one that resolves it: a resolved alert
/// never arrives alone.
async fn publish(
    aws: &Aws,
    config: &Config,
    alerts: &[Alert],
    outcomes: &[WriteOutcome],
    report: &mut CheckReport,
) -> Vec<Alert> {
    let (mut accepted, mut unpublished): (Vec<Alert>, Vec<&Code>) = Default::default();
    for alert in alerts {
        if alert.state.is_end() && unpublished.contains(&&alert.code) {
            continue;
        }
        let message = message(alert, outcomes);
        match notify::publish(aws, config, &message).await {
            Ok(()) => {
                report.alerts.push(message);
                accepted.push(alert.clone());
            }
            Err(failure) => {
                unpublished.push(&alert.code);
                report.note_error(&CheckError::Alert(failure));
            }
        }
    }
    accepted
}

/// Reads what the plan needs: the service's targets and tasks, then whatever these leave open.
async fn read(
    aws: &Aws,
    config: &Config,
    writes: &Writes,
    check: &ServiceCheck,
    stored: &Stored,
    described: Observation,
) -> PlanInput {
    let remembered = stored.record.remembered_groups();
    let observation = observe::observe_remembered(aws, check, described, &remembered).await;
    let mut input = PlanInput {
        version: INPUT_VERSION,
        now: aws.now(),
        hop: check.hop,
        policy: config.policy.clone(),
        writes: writes.clone(),
        record: stored.record.clone(),
        calls: check.calls.clone(),
        observation,
    };
    let questions = questions(&input);
    if !questions.is_empty() {
        input.observation =
            observe::answer_questions(aws, &config.clusters, input.observation, &questions).await;
        input.now = aws.now();
    }
    input
}

async fn request_recheck(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    seen: &Observation,
    plan: &Plan,
) -> Result<(), CheckError> {
    let Some(at) = plan.recheck_at else { return Ok(()) };
    // One second more, so that a rounded delay does not end before `at`.
    let delay = at.secs_since(aws.now()).saturating_add(1);
    let hop = check.hop.saturating_add(1);
    recheck::send(aws, &config.checks_queue_url, &check.key, &seen.awaited_versions(), hop, delay)
        .await
        .map_err(CheckError::Recheck)
}
