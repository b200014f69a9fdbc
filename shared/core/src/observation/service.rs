//! A service, its deployments, revisions and task sets, as `DescribeServices` and
//! `DescribeServiceRevisions` return them.

use super::{Task, TaskStatus};
use crate::ids::{ContainerPort, RevisionArn, TargetGroupArn, TaskDefinitionArn};
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

text_enum! {
    /// [Service.status](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html)
    ServiceStatus { Active = "ACTIVE", Draining = "DRAINING", Inactive = "INACTIVE" }
}

text_enum! {
    /// Who runs deployments. It can be changed by `UpdateService`, so it is never cached.
    DeploymentController { Ecs = "ECS", CodeDeploy = "CODE_DEPLOY", External = "EXTERNAL" }
}

text_enum! {
    /// How ECS itself deploys.
    DeploymentStrategy { Rolling = "ROLLING", BlueGreen = "BLUE_GREEN", Linear = "LINEAR", Canary = "CANARY" }
}

text_enum! {
    /// [Deployment.rolloutState](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html)
    RolloutState { InProgress = "IN_PROGRESS", Completed = "COMPLETED", Failed = "FAILED" }
}

/// How many of a service's messages an observation keeps: ECS keeps a hundred, and the one that
/// explains a fault is among the last.
pub const SERVICE_EVENTS_KEPT: usize = 20;

/// A message of `DescribeServices.events[]`: ECS reports its own work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEvent {
    pub at: Timestamp,
    /// In ECS's words. [Service event
    /// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html)
    pub message: String,
}

/// An ECS service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// ACTIVE, DRAINING, INACTIVE.
    pub status: ServiceStatus,
    /// Who runs deployments.
    pub controller: DeploymentController,
    /// How ECS deploys.
    pub strategy: DeploymentStrategy,
    /// ECS manages the service's resources itself (an Express service).
    #[serde(default)]
    pub managed_by_ecs: bool,
    /// Attached to a gateway, whose target groups ECS manages.
    #[serde(default)]
    pub behind_gateway: bool,
    /// Attached to VPC Lattice, which is not ELBv2.
    #[serde(default)]
    pub behind_lattice: bool,
    /// The desired count.
    pub desired_count: u32,
    /// How many tasks run.
    pub running_count: u32,
    /// How many tasks are starting.
    #[serde(default)]
    pub pending_count: u32,
    /// `deploymentConfiguration.minimumHealthyPercent`: how many of the desired tasks run at least
    /// during a deployment. Absent if ECS does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<u32>,
    /// `healthCheckGracePeriodSeconds`.
    #[serde(default)]
    pub health_check_grace_seconds: u32,
    /// The service's load balancers: true for new tasks only, see [`crate::expected`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// The service's deployments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Deployment>,
    /// `currentServiceRevisions`, by ARN alone, whether or not they were described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current_revisions: Vec<RevisionArn>,
    /// Revisions that were described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Revision>,
    /// Task sets (`CODE_DEPLOY` and EXTERNAL).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_sets: Vec<TaskSet>,
    /// The last messages of ECS, newest first: at most [`SERVICE_EVENTS_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ServiceEvent>,
    /// The value of the tag `portkeeper:mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_tag: Option<String>,
    /// The value of the tag `portkeeper:owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_tag: Option<String>,
}

impl Service {
    /// Whether a deployment, or a change of task sets, is in progress: ECS starts and stops tasks
    /// for it.
    #[must_use]
    pub fn is_deploying(&self) -> bool {
        self.deployments_in_progress().next().is_some()
            || self.deployments.len() > 1
            || self.task_sets.len() > 1
    }

    /// How many tasks are desired. The task sets of an EXTERNAL service may be only a part of the
    /// service's desired count.
    #[must_use]
    pub fn wanted_count(&self) -> u32 {
        let of_sets: Option<u32> = self.task_sets.iter().map(|set| set.desired_count).sum();
        match of_sets.filter(|_| self.controller == DeploymentController::External) {
            Some(count) => count.min(self.desired_count),
            None => self.desired_count,
        }
    }

    /// Whether a deployment may leave this few of the desired tasks running. ECS rounds the
    /// percentage up, and does not use it with other deployment controllers
    /// ([DeploymentConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html)).
    #[must_use]
    pub fn may_run_with(&self, running: u32) -> bool {
        let own = self.controller == DeploymentController::Ecs;
        let percent = self.minimum_healthy_percent.filter(|_| own).unwrap_or(0);
        u64::from(running) * 100 >= u64::from(self.wanted_count()) * u64::from(percent)
    }

    /// The deployments that are in progress.
    pub fn deployments_in_progress(&self) -> impl Iterator<Item = &Deployment> {
        self.deployments
            .iter()
            .filter(|deployment| deployment.rollout == Some(RolloutState::InProgress))
    }

    /// The ids of the deployment in progress, or of the task sets that serve no production traffic:
    /// `startedBy` of the tasks that are to replace others.
    #[must_use]
    pub fn newer_ids(&self) -> BTreeSet<&str> {
        let deployments = self.deployments_in_progress().filter(|it| it.status == "PRIMARY");
        let sets = self.task_sets.iter().filter(|set| set.status.as_deref() == Some("ACTIVE"));
        match self.controller {
            DeploymentController::Ecs => deployments.map(|it| it.id.as_str()).collect(),
            DeploymentController::CodeDeploy => sets.map(|set| set.id.as_str()).collect(),
            // Another system decides where the traffic goes.
            DeploymentController::External | DeploymentController::Unknown(_) => BTreeSet::new(),
        }
    }

    /// How many tasks serve before a deployment replaces them.
    #[must_use]
    pub fn older_count(&self) -> u32 {
        let primary = self.task_sets.iter().find(|set| set.status.as_deref() == Some("PRIMARY"));
        primary.and_then(|set| set.desired_count).unwrap_or(self.desired_count)
    }

    /// Whether every group of the service is always in use: only with rolling deployments by ECS.
    #[must_use]
    pub fn uses_every_group(&self) -> bool {
        self.controller == DeploymentController::Ecs && self.strategy == DeploymentStrategy::Rolling
    }

    /// Whether the task is of a task set whose tasks ECS is stopping, and whose targets it is
    /// deregistering: DRAINING
    /// ([TaskSet.status](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html)).
    #[must_use]
    pub fn ends_task_set_of(&self, task: &Task) -> bool {
        let ends = |set: &TaskSet| {
            set.status.as_deref() == Some("DRAINING") && task.started_by.as_ref() == Some(&set.id)
        };
        self.task_sets.iter().any(ends)
    }

    /// Whether ECS no longer needs the task: its task set is scaled to 0, or its deployment FAILED,
    /// and the PRIMARY one, to which ECS has returned, runs as many tasks as are desired
    /// ([Deployment](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html)).
    #[must_use]
    pub fn is_surplus(&self, task: &Task, tasks: &[Task]) -> bool {
        let started = |id: &String, task: &Task| task.started_by.as_ref() == Some(id);
        let of_empty_set = |set: &TaskSet| set.desired_count == Some(0) && started(&set.id, task);
        let failed = |it: &Deployment| {
            let has_failed = it.rollout == Some(RolloutState::Failed) && it.status != "PRIMARY";
            has_failed && started(&it.id, task)
        };
        let primary = self.deployments.iter().find(|it| it.status == "PRIMARY");
        let is_whole = primary.is_some_and(|primary| {
            let runs = |task: &&Task| {
                started(&primary.id, task) && task.last_status == TaskStatus::Running
            };
            let running = tasks.iter().filter(runs).count();
            u32::try_from(running).unwrap_or(u32::MAX) >= self.wanted_count()
        });
        self.task_sets.iter().any(of_empty_set) || (is_whole && self.deployments.iter().any(failed))
    }
}

/// An entry of `loadBalancers`: this container port belongs to this group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// The target group; absent for a Classic Load Balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<TargetGroupArn>,
    /// The other group of a blue/green pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_target_group: Option<TargetGroupArn>,
    /// The name of a Classic Load Balancer, which registers instances, not ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classic: Option<String>,
    pub container: String,
    /// The port inside the container.
    pub port: ContainerPort,
}

/// A deployment. Its id is `ecs-svc/<digits>`, which tasks carry as `startedBy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// `ecs-svc/<digits>`.
    pub id: String,
    /// PRIMARY, ACTIVE or INACTIVE.
    pub status: String,
    /// The task definition that it runs.
    pub task_definition: TaskDefinitionArn,
    /// Its progress; absent if ECS does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutState>,
    /// How many of its tasks failed in a row, if any: ECS could not start them, or they failed
    /// their health checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_tasks: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it last changed; for a completed one, when it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// Its ARN; the last part equals the digits of the deployment's id.
    pub arn: RevisionArn,
    /// The task definition that it runs.
    pub task_definition: TaskDefinitionArn,
    /// Its load balancer entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// `resolvedConfiguration.loadBalancers[].targetGroupArn`: the groups that this revision uses.
    /// Absent for revisions that AWS has not resolved (rolling deployments).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_target_groups: Option<Vec<TargetGroupArn>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSet {
    /// `ecs-svc/<digits>`.
    pub id: String,
    /// Its load balancer entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// PRIMARY (it serves production traffic), ACTIVE (it does not) or DRAINING.
    /// [TaskSet.status](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `computedDesiredCount`: its share of the service's desired count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<u32>,
}
