//! A service, its deployments, revisions and task sets, as `DescribeServices` and `DescribeServiceRevisions` tell.

use crate::ids::{ContainerPort, RevisionArn, TargetGroupArn, TaskDefinitionArn};
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};

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

/// An ECS service, as `DescribeServices` and `DescribeServiceRevisions` tell.
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
    /// How many tasks are wanted.
    pub desired_count: u32,
    /// How many tasks run.
    pub running_count: u32,
    /// How many tasks are on their way to running.
    #[serde(default)]
    pub pending_count: u32,
    /// `healthCheckGracePeriodSeconds`.
    #[serde(default)]
    pub health_check_grace_seconds: u32,
    /// The service's load balancers: true for new tasks only, see [`crate::desired`].
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
    /// The value of the tag `portkeeper:mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_tag: Option<String>,
}

impl Service {
    /// Every group of the service is in use all the time: only a rolling deployment by ECS leaves it so.
    #[must_use]
    pub fn uses_every_group(&self) -> bool {
        self.controller == DeploymentController::Ecs && self.strategy == DeploymentStrategy::Rolling
    }
}

/// An entry of `loadBalancers`: this container port belongs into this group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// The target group; absent for a Classic Load Balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<TargetGroupArn>,
    /// The other group of a blue/green pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_target_group: Option<TargetGroupArn>,
    /// The name of a Classic Load Balancer, which knows instances only, not ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classic: Option<String>,
    /// The container.
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
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
}

/// A service revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// Its ARN; the last part equals the digits of the deployment's id.
    pub arn: RevisionArn,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// Its load balancer entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// `resolvedConfiguration.loadBalancers[].targetGroupArn`: the groups that this revision really uses.
    /// Absent for revisions that AWS has not resolved (rolling deployments).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_target_groups: Option<Vec<TargetGroupArn>>,
}

/// A task set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSet {
    /// `ecs-svc/<digits>`.
    pub id: String,
    /// Its load balancer entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
}
