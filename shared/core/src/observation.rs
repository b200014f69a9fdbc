//! What was read: one service with everything that bears on its targets, at one moment.
//!
//! This is the documented, versioned JSON form that `portkeeper plan` reads and recordings use.
//! It states facts only. Whether a fact is right is for [`crate::desired`] and [`crate::compare`].
//!
//! The order of reading matters, and an `Observation` promises it: the service first, then the registered
//! targets of its groups, then its tasks. A target that was seen was registered before the tasks were listed,
//! so the task that explains it is in the list; a task that was seen running was still wanted after its target
//! was found absent.

use crate::ids::{
    ContainerInstanceArn, ContainerPort, HostPort, RevisionArn, ServiceKey, Target, TargetGroupArn, TaskArn,
    TaskDefinitionArn,
};
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One service and everything that bears on its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Which service.
    pub key: ServiceKey,
    /// When reading began. Proofs age from here.
    pub observed_at: Timestamp,
    /// The service; absent when ECS says that there is none of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The service's tasks, those listed as RUNNING and those listed as STOPPED (ECS keeps them for an hour).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// The container instances on which those tasks were placed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub container_instances: BTreeMap<ContainerInstanceArn, ContainerInstance>,
    /// Task definitions, read only where a task's own description does not say its ports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task_definitions: BTreeMap<TaskDefinitionArn, TaskDefinition>,
    /// Target groups that were read. A group that could not be read is a [`Gap`] instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub target_groups: BTreeMap<TargetGroupArn, TargetGroup>,
    /// Tasks that ECS, asked for them by name, does not know any more. A task that a list merely lacks is not here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone_tasks: BTreeSet<TaskArn>,
    /// Who else is on the addresses in question, as far as [`crate::compare::questions`] asked.
    #[serde(default)]
    pub owners: Owners,
    /// The freshness that the events promise: an older answer about a task means "read again later".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_least: BTreeMap<TaskArn, u64>,
    /// What could not be read. Never read as "absent".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl Observation {
    /// An observation of nothing yet.
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
            owners: Owners::default(),
            at_least: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }

    /// Every task of the service was listed and described.
    ///
    /// Lists are eventually consistent, so they are held against the service's own counts, which were read
    /// before: whatever ran then is in the list, unless it has stopped since.
    #[must_use]
    pub fn tasks_are_whole(&self) -> bool {
        let counted = self.service.as_ref().map_or(0, |service| service.running_count + service.pending_count);
        let stopped_since = |task: &Task| task.stopped_at.is_none_or(|at| at >= self.observed_at);
        let listed = self.tasks.iter().filter(|task| !task.last_status.is_over() || stopped_since(task)).count();
        let missed = self.gaps.iter().any(|gap| matches!(gap.what, Missed::Tasks | Missed::Task(_) | Missed::Service));
        !missed && u32::try_from(listed).is_ok_and(|listed| listed >= counted)
    }

    /// The group, where it was read and exists.
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
    /// What.
    pub what: Missed,
    /// Why, for people.
    pub why: String,
    /// The call failed and may succeed later: the message must be tried again.
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
    /// The tasks of other services on the addresses in question.
    Owners,
}

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

text_enum! {
    /// Where a task is in its life, and where it should be.
    /// [Task lifecycle](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html)
    TaskStatus {
        Provisioning = "PROVISIONING", Pending = "PENDING", Activating = "ACTIVATING", Running = "RUNNING",
        Deactivating = "DEACTIVATING", Stopping = "STOPPING", Deprovisioning = "DEPROVISIONING",
        Stopped = "STOPPED", Deleted = "DELETED",
    }
}

impl TaskStatus {
    /// Nothing of the task runs any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Stopped | Self::Deleted)
    }
}

/// A task, as `DescribeTasks` and the events tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its ARN.
    pub arn: TaskArn,
    /// `service:<name>` for tasks of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `ecs-svc/<digits>` for tasks of a service: the deployment, or the task set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// Where it was placed; absent on Fargate and before placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_instance: Option<ContainerInstanceArn>,
    /// `launchType` is EXTERNAL (ECS Anywhere): AWS does not load-balance these.
    #[serde(default)]
    pub anywhere: bool,
    /// What ECS last heard.
    pub last_status: TaskStatus,
    /// What ECS wants. STOPPED while `last_status` is RUNNING: the task is on its way out.
    pub desired_status: TaskStatus,
    /// Counts the changes of this task.
    #[serde(default)]
    pub version: u64,
    /// The agent (or Fargate) is in contact, so that the rest of this description is current.
    #[serde(default = "yes")]
    pub connected: bool,
    /// When it reached RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it reached STOPPED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// The task's own network interface (awsvpc).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<NetworkInterface>,
    /// Its containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
}

fn yes() -> bool {
    true
}

impl Task {
    /// The service that this task belongs to: both marks that ECS sets must be there, because callers of
    /// `RunTask` choose `group` and `startedBy` freely.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let started_by_service = self.started_by.as_deref().is_some_and(|by| by.starts_with("ecs-svc/"));
        self.group.as_deref().and_then(|group| group.strip_prefix("service:")).filter(|_| started_by_service)
    }
}

/// A task's own network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkInterface {
    /// Its IPv4 address; unknown while the interface is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<IpAddr>,
    /// Its IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<IpAddr>,
    /// Its subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// Its port bindings (bridge mode). Always empty in host mode and awsvpc mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
}

/// `networkBindings[]`: a port of the container on a port of the host, or a range of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The host address it is bound to; absent, `0.0.0.0` and `::` mean every address of a family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_ip: Option<String>,
    /// `tcp` or `udp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The first port inside the container.
    pub container_port: ContainerPort,
    /// The first port on the host.
    pub host_port: HostPort,
    /// How many ports follow one another from there: 1 unless the binding is a range.
    #[serde(default = "one")]
    pub length: u16,
}

fn one() -> u16 {
    1
}

/// A container instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstance {
    /// `i-…`, or `mi-…` for ECS Anywhere. Never changes.
    pub ec2_instance: String,
    /// What was read just now; absent when only the immutable id is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ContainerInstanceState>,
}

/// The part of a container instance that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstanceState {
    /// ACTIVE, DRAINING, INACTIVE, …; `MISSING` when ECS does not know it any more.
    pub status: String,
    /// The agent is in contact.
    pub agent_connected: bool,
}

text_enum! {
    /// The network mode of a task definition.
    NetworkMode { Bridge = "bridge", Host = "host", Awsvpc = "awsvpc", None = "none", Default = "default" }
}

/// The part of a task definition that decides ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinition {
    /// The network mode. Absent in AWS means bridge on Linux.
    pub network_mode: NetworkMode,
    /// Container ports by container.
    pub ports: BTreeMap<String, Vec<ContainerPort>>,
}

text_enum! {
    /// What kind of targets a group takes. Never changes.
    TargetType { Instance = "instance", Ip = "ip", Lambda = "lambda", Alb = "alb" }
}

/// A target group: read, or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetGroup {
    /// Described, with all its registered targets.
    Found(FoundGroup),
    /// ELBv2 says `TargetGroupNotFound`.
    Missing,
}

/// A target group that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundGroup {
    /// What kind of targets it takes.
    pub target_type: TargetType,
    /// HTTP, HTTPS, TCP, TLS, UDP, `TCP_UDP`, GENEVE, QUIC, …
    pub protocol: String,
    /// The port that a target gets when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_port: Option<HostPort>,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: String,
    /// The load balancers that use this group.
    #[serde(default)]
    pub load_balancers: Vec<String>,
    /// Health check interval in seconds.
    pub health_interval_seconds: u32,
    /// How many failed checks make a target unhealthy.
    pub unhealthy_threshold: u32,
    /// Every target that ELBv2 answered, draining ones too.
    #[serde(default)]
    pub targets: Vec<RegisteredTarget>,
}

text_enum! {
    /// [TargetHealth.State](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html)
    HealthState {
        Initial = "initial", Healthy = "healthy", Unhealthy = "unhealthy",
        /// Registered, only unhealthy: the word "draining" in it misleads (an NLB attribute).
        ///
        UnhealthyDraining = "unhealthy.draining",
        Unused = "unused", Draining = "draining", Unavailable = "unavailable",
    }
}

/// A target as `DescribeTargetHealth` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredTarget {
    /// Id and port.
    pub target: Target,
    /// Its state.
    pub state: HealthState,
    /// AWS's reason code, such as `Target.Timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RegisteredTarget {
    /// The load balancer holds this target: everything but "draining" and "never registered".
    #[must_use]
    pub fn is_registered(&self) -> bool {
        match self.state {
            HealthState::Draining => false,
            HealthState::Unused => self.reason.as_deref() != Some("Target.NotRegistered"),
            _ => true,
        }
    }

    /// The group has no listener, or the target's zone is not enabled.
    #[must_use]
    pub fn is_not_in_use(&self) -> bool {
        self.state == HealthState::Unused && self.reason.as_deref() == Some("Target.NotInUse")
    }
}

/// Tasks of anybody in the cluster, read to learn who is on an address now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// Container instances of which every task was read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub instances: BTreeSet<ContainerInstanceArn>,
    /// Every task of the cluster was read.
    #[serde(default)]
    pub whole_cluster: bool,
    /// The tasks of other services, and tasks of no service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Owner>,
}

/// A task of another service, and where that service registers its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The task.
    pub task: Task,
    /// Every group its service may use; empty for a task of no service; absent when it could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_groups: Option<BTreeSet<TargetGroupArn>>,
}

/// What [`crate::compare::questions`] asks for before anything may be judged: only what is in doubt, so that
/// a service in order costs no extra call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Tasks that no list holds and that must be asked for by name.
    pub tasks: BTreeSet<TaskArn>,
    /// Container instances whose state must be read now.
    pub container_instances: BTreeSet<ContainerInstanceArn>,
    /// Target groups whose description must be read anew, because it may have changed while cached.
    pub target_groups: BTreeSet<TargetGroupArn>,
    /// Container instances of which every task must be known.
    pub owners_on: BTreeSet<ContainerInstanceArn>,
    /// Every task of the cluster must be known: an address can be anywhere.
    pub owners_in_cluster: bool,
}

impl Questions {
    /// Nothing is in doubt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
