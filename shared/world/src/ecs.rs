//! Amazon ECS: clusters, container instances and their agents, task definitions, services, deployments, tasks.
//!
//! ECS reaches target groups only through the ELBv2 API, as `Caller::Ecs`, so that its own calls are on record.

mod agent;
mod cluster_api;
mod control;
mod definition;
mod definition_api;
mod events;
mod instance_api;
mod lifecycle;
mod network;
mod registration;
mod revision_api;
mod scheduler;
mod service;
mod service_api;
mod service_check;
mod service_update;
mod service_view;
mod task;
mod task_api;
mod task_set_api;
mod task_view;
#[cfg(test)]
mod tests;
mod traffic;

pub use agent::{InstanceOptions, PortAllocator};
pub use control::CodeDeployStep;
pub use network::DEFAULT_VPC;
pub use task::Answer;

pub(crate) use registration::expected;
pub(crate) use task::{Status, Task};

use crate::World;
use crate::api::{self, ApiError};
use crate::input::Input;
use agent::{Host, Instance};
use definition::TaskDefinition;
use network::Network;
use serde_json::Value;
use service::Service;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When ECS registers the targets of a task that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterAt {
    /// While ACTIVATING [DG task-lifecycle-explanation, 2026].
    Activating,
    /// So many seconds after RUNNING, as older services with one target group do [DG23 task-lifecycle].
    AfterRunning(u64),
}

/// How long ECS and its agents take for each step of a task's life, in seconds. A step of 0 happens in the next second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From creation to PENDING.
    pub provisioning_secs: u64,
    /// From PENDING to ACTIVATING.
    pub pending_secs: u64,
    /// From ACTIVATING to RUNNING.
    pub activating_secs: u64,
    /// From DEACTIVATING (targets are deregistered) to STOPPING.
    pub deactivating_secs: u64,
    /// From STOPPING (SIGTERM) until the containers are gone.
    pub stopping_secs: u64,
    /// From DEPROVISIONING to STOPPED.
    pub deprovisioning_secs: u64,
    /// Each step of a task takes up to so many seconds more, by chance from the world's seed.
    pub jitter_secs: u64,
    /// When targets are registered.
    pub register_at: RegisterAt,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            provisioning_secs: 2,
            pending_secs: 3,
            activating_secs: 3,
            deactivating_secs: 5,
            stopping_secs: 3,
            deprovisioning_secs: 2,
            jitter_secs: 0,
            register_at: RegisterAt::Activating,
        }
    }
}

/// Which running tasks the service scheduler replaces, beyond the grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replaces {
    /// None: an unhealthy target stays as it is.
    Nothing,
    /// Those whose target fails its health checks [BC `CreateService`].
    Unhealthy,
    /// Also those whose target is not found or draining. Reports conflict about that (AWS-FACTS 1.3).
    UnhealthyOrUnregistered,
}

/// What may differ between accounts, agent versions and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Which running tasks ECS replaces.
    pub replaces: Replaces,
    /// Docker 20.10.6 and later without the agent's own allocation: IPv6 bindings get another host port.
    pub separate_v6_ports: bool,
    /// Lets `CreateService` accept load balancers that AWS would refuse, to build accounts that are broken already.
    pub accept_broken_services: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { replaces: Replaces::Unhealthy, separate_v6_ports: false, accept_broken_services: false }
    }
}

/// What was told to go wrong for one service.
#[derive(Debug, Clone, Default)]
struct Misbehaviour {
    registrations_to_lose: u32,
    targets_to_keep: u32,
    registration_delay_secs: u64,
    revisions_unknown: bool,
}

/// The state of ECS, of its agents, and of the EC2 instances and subnets they need.
#[derive(Debug)]
pub struct Ecs {
    /// How long things take.
    pub timing: Timing,
    /// What may differ between accounts.
    pub behaviour: Behaviour,
    pub(crate) network: Network,
    /// EC2 instances by instance id, whether or not they run an agent.
    pub(crate) hosts: BTreeMap<String, Host>,
    clusters: BTreeMap<String, Cluster>,
    /// By container instance id.
    instances: BTreeMap<String, Instance>,
    /// By family, in order of revision.
    definitions: BTreeMap<String, Vec<Arc<TaskDefinition>>>,
    /// By `cluster/service`.
    services: BTreeMap<String, Service>,
    /// By task id.
    pub(crate) tasks: BTreeMap<String, Task>,
    /// Which task answers on (instance id or address, port).
    sockets: BTreeMap<(String, u16), String>,
    /// Programs that are not in any task, by (instance id or address, port).
    programs: BTreeSet<(String, u16)>,
    misbehaviour: BTreeMap<String, Misbehaviour>,
    stale_reads: u32,
    rng: fastrand::Rng,
}

#[derive(Debug)]
struct Cluster {
    tags: BTreeMap<String, String>,
}

impl Ecs {
    /// No cluster yet; three subnets, one in each zone. The seed is for jitter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            timing: Timing::default(),
            behaviour: Behaviour::default(),
            network: Network::default(),
            hosts: BTreeMap::new(),
            clusters: BTreeMap::new(),
            instances: BTreeMap::new(),
            definitions: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            sockets: BTreeMap::new(),
            programs: BTreeSet::new(),
            misbehaviour: BTreeMap::new(),
            stale_reads: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// What a client finds that connects to (instance id or address, port) now.
    pub(crate) fn answer(&self, id: &str, port: u16) -> Answer {
        let key = (id.to_owned(), port);
        match self.sockets.get(&key).and_then(|task| self.tasks.get(task)) {
            Some(task) => task.answers,
            None if self.programs.contains(&key) => Answer::Ok,
            None => Answer::Refused,
        }
    }

    /// The task that answers on (instance id or address, port) now.
    pub(crate) fn listener(&self, id: &str, port: u16) -> Option<&Task> {
        self.tasks.get(self.sockets.get(&(id.to_owned(), port))?)
    }

    /// A task by ARN or id.
    pub(crate) fn find_task(&self, task: &str) -> Option<&Task> {
        self.tasks.get(tail(task))
    }

    fn misbehaviour(&mut self, service: &str) -> &mut Misbehaviour {
        self.misbehaviour.entry(service.to_owned()).or_default()
    }
}

/// The id at the end of an ARN, or the id itself.
fn tail(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The input of an operation of this API.
fn read<'a>(operation: &'a str, input: &'a Value, required: &str, optional: &str) -> Result<Input<'a>, ApiError> {
    Input::read(api::Service::Ecs, operation, input, required, optional)
}

/// One API call.
pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateCluster" => cluster_api::create_cluster(world, input),
        "ListClusters" => cluster_api::list_clusters(world, input),
        "DescribeClusters" => cluster_api::describe_clusters(world, input),
        "TagResource" => cluster_api::tag_resource(world, input),
        "UntagResource" => cluster_api::untag_resource(world, input),
        "ListTagsForResource" => cluster_api::list_tags(world, input),
        "RegisterTaskDefinition" => definition_api::register(world, input),
        "DescribeTaskDefinition" => definition_api::describe(world, input),
        "CreateService" => service_api::create_service(world, input),
        "UpdateService" => service_update::update_service(world, input),
        "DeleteService" => service_update::delete_service(world, input),
        "DescribeServices" => service_view::describe_services(world, input),
        "ListServices" => service_view::list_services(world, input),
        "DescribeServiceRevisions" => revision_api::describe_service_revisions(world, input),
        "CreateTaskSet" => task_set_api::create_task_set(world, input),
        "UpdateTaskSet" => task_set_api::update_task_set(world, input),
        "UpdateServicePrimaryTaskSet" => task_set_api::update_primary(world, input),
        "DeleteTaskSet" => task_set_api::delete_task_set(world, input),
        "DescribeTaskSets" => task_set_api::describe_task_sets(world, input),
        "ListTasks" => task_api::list_tasks(world, input),
        "DescribeTasks" => task_api::describe_tasks(world, input),
        "StopTask" => task_api::stop_task(world, input),
        "RunTask" => task_api::run_task(world, input),
        "ListContainerInstances" => instance_api::list(world, input),
        "DescribeContainerInstances" => instance_api::describe(world, input),
        "DeregisterContainerInstance" => instance_api::deregister(world, input),
        "UpdateContainerInstancesState" => instance_api::update_state(world, input),
        _ => Err(ApiError::unknown_operation(api::Service::Ecs, operation)),
    }
}

/// One second passes: tasks move on, schedulers look at their services.
pub fn tick(world: &mut World) {
    lifecycle::tick(world);
    scheduler::tick(world);
}
