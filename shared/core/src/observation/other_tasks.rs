//! Tasks of other services and of none, read to learn which task uses an address now, and how far
//! that reading went.

use super::Task;
use crate::ids::TargetGroupArn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where every task was read, or must be read.
///
/// Several container instances may have one EC2 instance: a host that registers again gets another
/// container instance, and the earlier one stays. So the unit is the EC2 instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// In the whole cluster.
    pub cluster: bool,
    /// On these EC2 instances, by their ids: on each of their container instances in the cluster,
    /// which are all ACTIVE or DRAINING with a connected agent. An EC2 instance without a container
    /// instance in the cluster may be here, too.
    pub hosts: BTreeSet<String>,
}

impl Coverage {
    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Other tasks in the cluster, read to learn which task uses an address now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OtherTasksForm", into = "OtherTasksForm")]
pub struct OtherTasks {
    /// Where every task was read.
    pub coverage: Coverage,
    /// EC2 instances that are container instances of no other cluster.
    pub only_here: BTreeSet<String>,
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
        let is_known = self.coverage.cluster && self.other_clusters_known.contains(group);
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
    instances: BTreeSet<String>,
    #[serde(default)]
    whole_cluster: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    only_here: BTreeSet<String>,
    #[serde(rename = "known_elsewhere", default, skip_serializing_if = "BTreeSet::is_empty")]
    other_clusters_known: BTreeSet<TargetGroupArn>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<OtherTask>,
}

impl From<OtherTasksForm> for OtherTasks {
    fn from(form: OtherTasksForm) -> Self {
        let OtherTasksForm { instances, whole_cluster, only_here, other_clusters_known, tasks } =
            form;
        let coverage = Coverage { cluster: whole_cluster, hosts: instances };
        Self { coverage, only_here, other_clusters_known, tasks }
    }
}

impl From<OtherTasks> for OtherTasksForm {
    fn from(other_tasks: OtherTasks) -> Self {
        let OtherTasks { coverage, only_here, other_clusters_known, tasks } = other_tasks;
        let Coverage { cluster: whole_cluster, hosts: instances } = coverage;
        Self { instances, whole_cluster, only_here, other_clusters_known, tasks }
    }
}
