//! What one check read: one service with everything that concerns its targets.
//!
//! This is the documented, versioned JSON form that `portkeeper plan` reads and recordings use. It
//! states facts only. [`crate::expected`] and [`crate::compare`] judge them.
//!
//! The order of reading matters, and an `Observation` guarantees it: the service first, then the
//! registered targets of its groups, then its tasks. A target in the observation was registered
//! before the tasks were listed, so the task that explains it is in the list; a running task in the
//! observation was still expected after its target was found absent.
//!
//! AWS facts: F-10.4.

mod group;
mod other_tasks;
mod service;
mod task;

pub use group::{FoundGroup, HealthState, RegisteredTarget, TargetGroup, TargetType};
pub use other_tasks::{Coverage, OtherTask, OtherTasks};
pub use service::{
    Deployment, DeploymentController, DeploymentStrategy, LoadBalancer, Revision, RolloutState,
    SERVICE_EVENTS_KEPT, Service, ServiceEvent, ServiceStatus, TaskSet,
};
pub use task::{
    Binding, Container, ContainerInstance, ContainerInstanceState, NetworkInterface, NetworkMode,
    Task, TaskDefinition, TaskStatus,
};

use crate::ids::{ContainerInstanceArn, ServiceKey, TargetGroupArn, TaskArn, TaskDefinitionArn};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One service and everything that concerns its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    pub key: ServiceKey,
    /// When reading began. Proofs age from here.
    pub observed_at: Timestamp,
    /// The service; absent if ECS reports that it does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The service's tasks, those listed as RUNNING and those listed as STOPPED (ECS keeps them for
    /// an hour).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// The container instances on which those tasks were placed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub container_instances: BTreeMap<ContainerInstanceArn, ContainerInstance>,
    /// Task definitions, read only if a task's own description does not contain its ports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task_definitions: BTreeMap<TaskDefinitionArn, TaskDefinition>,
    /// Target groups that were read. A group that could not be read is a [`Gap`] instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub target_groups: BTreeMap<TargetGroupArn, TargetGroup>,
    /// Tasks that ECS, asked for them by name, no longer knows. A task that is only missing from a
    /// list is not here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone_tasks: BTreeSet<TaskArn>,
    /// The other tasks on the addresses in question, as far as [`crate::compare::questions`] asked.
    #[serde(rename = "owners", default)]
    pub other_tasks: OtherTasks,
    /// The versions of tasks that events name: an older answer about a task means "read again
    /// later".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_least: BTreeMap<TaskArn, u64>,
    /// What could not be read. A gap never counts as absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl Observation {
    /// An empty observation.
    #[must_use]
    pub fn new(key: ServiceKey, observed_at: Timestamp) -> Self {
        Self {
            key,
            observed_at,
            service: None,
            tasks: Vec::new(),
            container_instances: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            gone_tasks: BTreeSet::new(),
            other_tasks: OtherTasks::default(),
            at_least: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }

    /// Why ECS itself is taking down the service's tasks and targets, if it is: the service is being
    /// deleted, or is deleted. `DescribeServices` returns both, with their load balancers
    /// ([DeleteService](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html)).
    /// Then an absent target is no fault, and a registered one is judged until it is gone.
    #[must_use]
    pub fn ending(&self) -> Option<&'static str> {
        match self.service.as_ref()?.status {
            ServiceStatus::Draining => Some("the service is being deleted"),
            ServiceStatus::Inactive => Some("the service is deleted"),
            ServiceStatus::Active | ServiceStatus::Unknown(_) => None,
        }
    }

    /// Whether ECS no longer knows the service, or only as a deleted one.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let missed = self.gaps.iter().any(|gap| gap.what == Missed::Service);
        let service = self.service.as_ref();
        !missed && service.is_none_or(|service| service.status == ServiceStatus::Inactive)
    }

    /// Whether the groups of the service's live tasks should be in use: with rolling deployments by
    /// ECS always, with the other ways to deploy while nothing is deployed and all live tasks are of
    /// one revision or task set. In a deployment, and after it for the other group of a pair, a
    /// group may be unused.
    #[must_use]
    pub fn uses_groups_of_tasks(&self) -> bool {
        let Some(service) = &self.service else { return false };
        let live = self.tasks.iter().filter(|task| !task.last_status.is_over());
        let own = live.filter(|task| task.service() == Some(self.key.service.as_str()));
        let started_by: BTreeSet<Option<&str>> =
            own.map(|task| task.started_by.as_deref()).collect();
        service.uses_every_group() || (!service.is_deploying() && started_by.len() == 1)
    }

    /// Every task of the service was listed and described.
    ///
    /// Lists are eventually consistent, so this compares them with the service's own counts of
    /// tasks that start or run. A task that begins to stop between the two reads makes this false
    /// for a moment, which is the safe side.
    #[must_use]
    pub fn tasks_are_whole(&self) -> bool {
        let counted = self
            .service
            .as_ref()
            .map_or(0, |service| service.running_count.saturating_add(service.pending_count));
        let listed = self.tasks.iter().filter(|task| task.is_counted()).count();
        let missed = self
            .gaps
            .iter()
            .any(|gap| matches!(gap.what, Missed::Tasks | Missed::Task(_) | Missed::Service));
        !missed && u32::try_from(listed).is_ok_and(|listed| listed >= counted)
    }

    /// No call for the service's revisions or its target groups failed.
    #[must_use]
    pub fn groups_are_whole(&self) -> bool {
        let unread = |what: &Missed| matches!(what, Missed::Revisions | Missed::TargetGroup(_));
        !self.gaps.iter().any(|gap| unread(&gap.what))
    }

    /// The versions that events named and ECS has not returned yet: the next check must wait only
    /// for these.
    #[must_use]
    pub fn awaited_versions(&self) -> BTreeMap<TaskArn, u64> {
        let reached: BTreeMap<&TaskArn, u64> =
            self.tasks.iter().map(|task| (&task.arn, task.version)).collect();
        let is_awaited = |(task, version): &(&TaskArn, &u64)| {
            !self.gone_tasks.contains(*task)
                && reached.get(*task).is_none_or(|reached| reached < *version)
        };
        self.at_least
            .iter()
            .filter(is_awaited)
            .map(|(task, version)| (task.clone(), *version))
            .collect()
    }

    /// The group, if it was read and exists.
    #[must_use]
    pub fn found_group(&self, group: &TargetGroupArn) -> Option<&FoundGroup> {
        match self.target_groups.get(group) {
            Some(TargetGroup::Found(found)) => Some(found),
            Some(TargetGroup::Missing) | None => None,
        }
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    pub what: Missed,
    pub why: String,
    /// The call failed and may succeed later: the message must be retried.
    #[serde(default)]
    pub retry: bool,
}

/// What a [`Gap`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The service itself.
    Service,
    /// A page of the list of tasks, or a batch of their descriptions.
    Tasks,
    /// One task.
    Task(TaskArn),
    /// One container instance.
    ContainerInstance(ContainerInstanceArn),
    /// One task definition.
    TaskDefinition(TaskDefinitionArn),
    /// The service's revisions.
    Revisions,
    /// The description or the registered targets of a target group.
    TargetGroup(TargetGroupArn),
    /// Other tasks on the addresses in question.
    OtherTasks,
    /// The services of other clusters that use a group in question.
    Elsewhere,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("the service"),
            Self::Tasks => f.write_str("the list of tasks"),
            Self::Task(arn) => write!(f, "task {}", arn.short()),
            Self::ContainerInstance(arn) => write!(f, "container instance {}", arn.tail()),
            Self::TaskDefinition(arn) => write!(f, "task definition {}", arn.path()),
            Self::Revisions => f.write_str("the service's revisions"),
            Self::TargetGroup(arn) => write!(f, "target group {}", arn.name()),
            Self::OtherTasks => f.write_str("the tasks of other services"),
            Self::Elsewhere => f.write_str("the services of other clusters"),
        }
    }
}

/// What [`crate::compare::questions`] needs before a difference can be judged: only what is
/// undetermined, so that a service in order costs no extra call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Tasks that no list holds and that must be asked for by name.
    pub tasks: BTreeSet<TaskArn>,
    /// Container instances whose state must be read now.
    pub container_instances: BTreeSet<ContainerInstanceArn>,
    /// Target groups whose description must be read again, because it may have changed while
    /// cached.
    pub target_groups: BTreeSet<TargetGroupArn>,
    /// Where every task must be known: the whole cluster for an address, which may belong to any
    /// task; for an instance, its container instances.
    pub other_tasks: Coverage,
    /// EC2 instances for which the other clusters must be asked whether they have them as a
    /// container instance.
    pub only_here: BTreeSet<String>,
    /// Target groups for which the services of other clusters that use them must be read, with
    /// their tasks.
    pub other_clusters: BTreeSet<TargetGroupArn>,
}

impl Questions {
    /// Whether nothing needs to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
