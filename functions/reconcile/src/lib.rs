//! The function that checks services and repairs them: it takes a batch of messages and returns the
//! ids of the messages that must be retried.
//!
//! It connects reading, planning and writing, and decides nothing. A message is retried if any check
//! that it requested failed; the other messages of its batch are not. A check for which there is no
//! time is requested by a new message.

mod check;
mod errors;
mod inbox;
mod postpone;
mod report;

pub use report::{CheckReport, write_log};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::StreamExt as _;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::chain;
use portkeeper_aws::{ledger, metrics, observe};
use portkeeper_core::event::coalesce;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::plan::Writes;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;

/// Services in one `DescribeServices` call: the most that ECS accepts.
const SERVICES_PER_CALL: usize = 10;

/// Services that are checked at once. This is half of those described together, so that the other
/// half starts while its description is still fresh: the age of a proof counts from it.
const SERVICES_AT_ONCE: usize = 5;

/// Handles one batch of the `checks` queue and logs each check. A check that has not started at
/// `deadline` is postponed.
pub async fn handle(
    aws: &Aws,
    config: &Config,
    event: SqsEvent,
    deadline: Timestamp,
) -> SqsBatchResponse {
    let begun = aws.spent();
    let response = run(aws, config, event, Some(deadline), &mut write_log).await;
    metrics::emit(&metrics::calls_line(aws.now(), begun.until(aws.spent())));
    response
}

/// Handles one batch, however long it takes, and calls `on_report` after every check.
pub async fn handle_and_report(
    aws: &Aws,
    config: &Config,
    event: SqsEvent,
    on_report: &mut impl FnMut(&CheckReport),
) -> SqsBatchResponse {
    run(aws, config, event, None, on_report).await
}

async fn run(
    aws: &Aws,
    config: &Config,
    event: SqsEvent,
    deadline: Option<Timestamp>,
    on_report: &mut impl FnMut(&CheckReport),
) -> SqsBatchResponse {
    let messages = event.records.len();
    let mut inbox = inbox::read(event, config);
    let mut failed = inbox::find_services(aws, config, &mut inbox).await;
    inbox::write_log(&inbox, messages);
    failed.append(&mut inbox.unreadable);
    let checks = coalesce(inbox.checks.iter().cloned());
    let keys: Vec<ServiceKey> = checks.iter().map(|check| check.key.clone()).collect();
    tracing::debug!(services = keys.len(), "checks coalesced");
    let mut recalled = match ledger::recall(aws, &config.ledger_table, &keys).await {
        Ok(recalled) => recalled,
        Err(failure) => {
            tracing::error!(
                error = chain(&failure),
                services = keys.len(),
                "cannot read the ledger: no service is checked"
            );
            failed.extend(checks.into_iter().flat_map(|check| check.messages));
            return response(failed);
        }
    };
    let writes = &Writes::from(recalled.writes_stopped.take());
    let of_one_cluster = checks.chunk_by(|one, other| one.key.cluster == other.key.cluster);
    let mut not_begun = BTreeSet::new();
    for together in of_one_cluster.flat_map(|checks| checks.chunks(SERVICES_PER_CALL)) {
        if !aws.until_checks_can_be_made(together.len(), deadline).await {
            not_begun.extend(together.iter().map(|check| &check.key));
            continue;
        }
        let described = observe::describe_services(aws, together).await;
        let runs = together.iter().zip(described).map(|(check, described)| {
            let stored = recalled.records.remove(&check.key).unwrap_or_default();
            check::check_service(aws, config, writes, check, stored, described)
        });
        let runs: Vec<_> = runs.collect();
        let mut reports = futures_util::stream::iter(runs).buffered(SERVICES_AT_ONCE);
        for check in together {
            let Some(report) = reports.next().await else { break };
            on_report(&report);
            // I-FAILURE: "a check that could not be finished fails the messages that requested it"
            if !report.succeeded() {
                failed.extend(check.messages.iter().cloned());
            }
        }
    }
    if !not_begun.is_empty() {
        failed.extend(postpone::postpone(aws, config, &inbox.checks, &not_begun).await);
    }
    response(failed)
}

/// A message without an id fails the whole batch, because Lambda treats an empty `itemIdentifier`
/// like that. This is right: such a message could not be retried alone.
fn response(failed: BTreeSet<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in failed {
        response.add_failure(id);
    }
    response
}

#[cfg(test)]
mod tests;
