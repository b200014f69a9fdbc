//! Tasks of other services and of none, read to learn which task uses an address now, and how far
//! that reading went.

use super::Task;
use crate::ids::{ContainerInstanceArn, TargetGroupArn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where every task was read, or must be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// On these container instances; on none, if there are none.
    Instances(BTreeSet<ContainerInstanceArn>),
    /// In the whole cluster, including each of its container instances.
    Cluster,
}

impl Default for Coverage {
    fn default() -> Self {
        Self::Instances(BTreeSet::new())
    }
}

impl Coverage {
    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it covers this container instance of the cluster.
    #[must_use]
    pub fn covers(&self, instance: &ContainerInstanceArn) -> bool {
        match self {
            Self::Instances(instances) => instances.contains(instance),
            Self::Cluster => true,
        }
    }

    /// Adds this container instance.
    pub fn add(&mut self, instance: ContainerInstanceArn) {
        if let Self::Instances(instances) = self {
            instances.insert(instance);
        }
    }
}

/// Other tasks in the cluster, read to learn which task uses an address now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OtherTasksForm", into = "OtherTasksForm")]
pub struct OtherTasks {
    /// Where every task was read.
    pub coverage: Coverage,
    /// Groups whose services in other clusters are known: the tasks of those services are among
    /// `tasks`.
    pub other_clusters_known: BTreeSet<TargetGroupArn>,
    /// The tasks of other services, and tasks of no service.
    pub tasks: Vec<OtherTask>,
}

impl OtherTasks {
    /// Whether a task of another service may receive requests through this group.
    #[must_use]
    pub fn may_serve(&self, group: &TargetGroupArn) -> bool {
        let uses = |other: &OtherTask| {
            other.target_groups.as_ref().is_none_or(|groups| groups.contains(group))
        };
        let is_known =
            self.coverage == Coverage::Cluster && self.other_clusters_known.contains(group);
        !is_known || self.tasks.iter().any(|other| !other.task.last_status.is_over() && uses(other))
    }
}

/// A task of another service, and where that service registers its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherTask {
    pub task: Task,
    /// Every group that its service may use; empty for a task of no service; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_groups: Option<BTreeSet<TargetGroupArn>>,
}

/// [`OtherTasks`] in JSON, where two members say how far the reading went.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherTasksForm {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    instances: BTreeSet<ContainerInstanceArn>,
    #[serde(default)]
    whole_cluster: bool,
    #[serde(rename = "known_elsewhere", default, skip_serializing_if = "BTreeSet::is_empty")]
    other_clusters_known: BTreeSet<TargetGroupArn>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<OtherTask>,
}

impl From<OtherTasksForm> for OtherTasks {
    fn from(form: OtherTasksForm) -> Self {
        let OtherTasksForm { instances, whole_cluster, other_clusters_known, tasks } = form;
        let coverage =
            if whole_cluster { Coverage::Cluster } else { Coverage::Instances(instances) };
        Self { coverage, other_clusters_known, tasks }
    }
}

impl From<OtherTasks> for OtherTasksForm {
    fn from(other_tasks: OtherTasks) -> Self {
        let OtherTasks { coverage, other_clusters_known, tasks } = other_tasks;
        let (instances, whole_cluster) = match coverage {
            Coverage::Instances(instances) => (instances, false),
            Coverage::Cluster => (BTreeSet::new(), true),
        };
        Self { instances, whole_cluster, other_clusters_known, tasks }
    }
}
