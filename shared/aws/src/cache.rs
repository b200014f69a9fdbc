//! What one process caches between checks, to save calls: only what cannot change, and group
//! descriptions, whose variable part is read again before Portkeeper judges anything by it.
//!
//! Losing it costs calls, nothing else. It never holds a task, a target or a state.

use portkeeper_core::ids::{ContainerInstanceArn, TargetGroupArn, TaskDefinitionArn};
use portkeeper_core::observation::{FoundGroup, TaskDefinition};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The maximum number of entries of one kind: about 10 MB at most; the largest accounts have fewer
/// groups (3,000 is the quota) and instances (5,000 per cluster). Above this number, the process
/// clears the cache of that kind.
const LIMIT: usize = 20_000;

/// The caches.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// The EC2 instance of a container instance. Never changes.
    instances: Mutex<BTreeMap<ContainerInstanceArn, String>>,
    /// Groups as last described, without their targets. Type, protocol and address family never
    /// change; the load balancers and the health check settings may.
    groups: Mutex<BTreeMap<TargetGroupArn, FoundGroup>>,
    /// A revision of a task definition. Never changes.
    definitions: Mutex<BTreeMap<TaskDefinitionArn, TaskDefinition>>,
}

impl Cache {
    pub(crate) fn instance(&self, arn: &ContainerInstanceArn) -> Option<String> {
        get(&self.instances, arn)
    }

    pub(crate) fn keep_instance(&self, arn: &ContainerInstanceArn, ec2_instance: &str) {
        keep(&self.instances, arn, ec2_instance.to_owned());
    }

    pub(crate) fn group(&self, arn: &TargetGroupArn) -> Option<FoundGroup> {
        get(&self.groups, arn)
    }

    /// Caches a description without its targets.
    pub(crate) fn keep_group(&self, arn: &TargetGroupArn, group: &FoundGroup) {
        keep(&self.groups, arn, FoundGroup { targets: Vec::new(), ..group.clone() });
    }

    pub(crate) fn forget_group(&self, arn: &TargetGroupArn) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).remove(arn);
    }

    pub(crate) fn definition(&self, arn: &TaskDefinitionArn) -> Option<TaskDefinition> {
        get(&self.definitions, arn)
    }

    pub(crate) fn keep_definition(&self, arn: &TaskDefinitionArn, definition: &TaskDefinition) {
        keep(&self.definitions, arn, definition.clone());
    }
}

/// If another check panics while it holds the lock, the map stays consistent, because each entry is
/// inserted in one step.
fn get<K: Ord, V: Clone>(cache: &Mutex<BTreeMap<K, V>>, key: &K) -> Option<V> {
    cache.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn keep<K: Ord + Clone, V>(cache: &Mutex<BTreeMap<K, V>>, key: &K, value: V) {
    let mut entries = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() >= LIMIT && !entries.contains_key(key) {
        entries.clear();
    }
    entries.insert(key.clone(), value);
}
