//! Merges the messages about one service into one check.

use super::trigger::CheckRequest;
use crate::api_call::ApiCall;
use crate::ids::{ServiceKey, TaskArn};
use crate::observation::Task;
use std::collections::{BTreeMap, BTreeSet};

/// One service to check, and the messages that request it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCheck {
    pub key: ServiceKey,
    /// See [`CheckRequest::at_least`]; the newest version that any message names.
    pub at_least: BTreeMap<TaskArn, u64>,
    /// See [`CheckRequest::stopped`].
    pub stopped: Vec<Task>,
    /// See [`CheckRequest::calls`].
    pub calls: Vec<ApiCall>,
    /// The shortest chain of checks among the messages.
    pub hop: u32,
    /// The ids of the messages.
    pub messages: BTreeSet<String>,
}

impl ServiceCheck {
    /// A check without a message: it waits for no version of a task, and begins a chain.
    #[must_use]
    pub fn of(key: ServiceKey) -> Self {
        Self {
            key,
            at_least: BTreeMap::new(),
            stopped: Vec::new(),
            calls: Vec::new(),
            hop: 0,
            messages: BTreeSet::new(),
        }
    }
}

/// Turns the messages of a batch into one check for each service: 500 task events of one deployment
/// cause one check.
#[must_use]
pub fn coalesce(messages: impl IntoIterator<Item = (String, CheckRequest)>) -> Vec<ServiceCheck> {
    let mut checks: BTreeMap<ServiceKey, ServiceCheck> = BTreeMap::new();
    for (id, check) in messages {
        for service in &check.services {
            let key = ServiceKey { cluster: check.cluster.clone(), service: service.clone() };
            let merged = checks
                .entry(key.clone())
                .or_insert_with(|| ServiceCheck { hop: check.hop, ..ServiceCheck::of(key) });
            merged.hop = merged.hop.min(check.hop);
            merged.messages.insert(id.clone());
            for (task, version) in &check.at_least {
                let floor = merged.at_least.entry(task.clone()).or_insert(0);
                *floor = (*floor).max(*version);
            }
            for task in &check.stopped {
                if !merged.stopped.iter().any(|known| known.arn == task.arn) {
                    merged.stopped.push(task.clone());
                }
            }
            merged.calls.extend(check.calls.iter().cloned());
        }
    }
    checks.into_values().collect()
}
