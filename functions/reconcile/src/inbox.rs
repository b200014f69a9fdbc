//! From messages to checks: what can be read, what is ignored, what cannot be read.

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::chain;
use portkeeper_core::event::{Check, Message, parse};
use std::collections::{BTreeMap, BTreeSet};

/// Why a check of a cluster that is not configured is ignored, as it is counted.
const OTHER_CLUSTER: &str = "other_cluster";

/// A batch, read.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Message ids and what each asks for.
    pub(crate) checks: Vec<(String, Check)>,
    /// Ids of messages that nobody can read: they go to the dead-letter queue.
    pub(crate) unreadable: BTreeSet<String>,
    /// How many messages ask for nothing, by reason.
    pub(crate) ignored: BTreeMap<&'static str, usize>,
}

/// Reads every message of a batch, each on its own.
pub(crate) fn read(event: SqsEvent, config: &Config) -> Inbox {
    let mut inbox = Inbox::default();
    let messages = event.records.len();
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        match parse(record.body.as_deref().unwrap_or_default()) {
            Ok(Message::Check(check)) if config.clusters.include(&check.cluster) => inbox.checks.push((id, check)),
            Ok(Message::Check(check)) => {
                tracing::debug!(message_id = id, cluster = check.cluster.name(), "ignored: not a configured cluster");
                *inbox.ignored.entry(OTHER_CLUSTER).or_insert(0) += 1;
            }
            Ok(Message::Ignored(reason)) => {
                tracing::debug!(message_id = id, reason = %reason, "ignored");
                *inbox.ignored.entry(reason.name()).or_insert(0) += 1;
            }
            Err(unreadable) => {
                tracing::error!(message_id = id, error = chain(&unreadable), "the message cannot be read");
                inbox.unreadable.insert(id);
            }
        }
    }
    let (asking, unreadable) = (inbox.checks.len(), inbox.unreadable.len());
    let ignored: usize = inbox.ignored.values().sum();
    let reasons: Vec<String> = inbox.ignored.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
    tracing::info!(messages, asking, ignored, unreadable, reasons = reasons.join(" "), "batch");
    inbox
}
