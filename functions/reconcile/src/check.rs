//! The check of one service, step by step. The order of the steps is the promise: the next look is asked for
//! and the intent is stored before any write, and an alert counts as sent only after SNS accepted it.

use crate::errors::CheckError;
use crate::summary::Summary;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::execute::execute;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::ledger::{self, Stored};
use portkeeper_aws::{look_again, notify, observe};
use portkeeper_core::compare::questions;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ledger::{LedgerRecord, mark_sent, settle};
use portkeeper_core::observation::Observation;
use portkeeper_core::plan::{INPUT_VERSION, Plan, PlanInput, plan};
use portkeeper_core::report;

/// Checks one service that was described just now. Whether nothing failed: otherwise its messages are tried again.
pub(crate) async fn check_service(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    stored: Stored,
    described: Result<Observation, Failure>,
) -> bool {
    let began = aws.now();
    let mut summary = Summary::default();
    if let Some(note) = &stored.note {
        tracing::warn!(service = %check.key, note, "the ledger record was not used");
    }
    let done = match described {
        Ok(described) => carry_through(aws, config, check, stored, described, &mut summary).await,
        Err(failure) => Err(CheckError::Observe(failure)),
    };
    if let Err(error) = done {
        summary.note_error(error);
    }
    summary.finish(check, began, aws.now())
}

/// All steps; the first that fails ends the check. What may fail without ending it is noted in the summary.
async fn carry_through(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    stored: Stored,
    described: Observation,
    summary: &mut Summary,
) -> Result<(), CheckError> {
    let input = read(aws, config, check, &stored, described).await;
    summary.note_observation(&input.observation);
    let plan = plan(&input);
    summary.note_plan(&plan);
    ask_for_next_look(aws, config, check, &plan).await?;
    let table = &config.ledger_table;
    let stored = ledger::commit(aws, table, &check.key, &stored, &plan.next_record, input.now)
        .await
        .map_err(CheckError::Ledger)?;
    let outcomes = execute(aws, &plan.actions).await;
    summary.note_outcomes(&plan, &outcomes);
    let mut record: LedgerRecord = settle(&plan.next_record, &outcomes);
    for alert in &plan.alerts {
        match notify::publish(aws, &config.alerts_topic_arn, &report::message(alert, &outcomes)).await {
            Ok(()) => {
                summary.note_alert();
                record = mark_sent(&record, alert);
            }
            Err(failure) => summary.note_error(CheckError::Alert(failure)),
        }
    }
    ledger::commit(aws, table, &check.key, &stored, &record, input.now).await.map_err(CheckError::Ledger)?;
    Ok(())
}

/// Reads what the plan needs: the service's targets and tasks, then what these leave in doubt.
async fn read(aws: &Aws, config: &Config, check: &ServiceCheck, stored: &Stored, described: Observation) -> PlanInput {
    let observation = observe::observe_rest(aws, check, described).await;
    let mut input = PlanInput {
        version: INPUT_VERSION,
        now: aws.now(),
        hop: check.hop,
        policy: config.policy.clone(),
        record: stored.record.clone(),
        observation,
    };
    let questions = questions(&input);
    if !questions.is_empty() {
        input.observation = observe::answer_questions(aws, input.observation, &questions).await;
        input.now = aws.now();
    }
    input
}

async fn ask_for_next_look(aws: &Aws, config: &Config, check: &ServiceCheck, plan: &Plan) -> Result<(), CheckError> {
    let Some(at) = plan.look_again_at else { return Ok(()) };
    // A whole second too early would be before the moment that is waited for.
    let delay = at.secs_since(aws.now()).saturating_add(1);
    let hop = check.hop.saturating_add(1);
    look_again::send(aws, &config.checks_queue_url, &check.key, &check.at_least, hop, delay)
        .await
        .map_err(CheckError::LookAgain)
}
