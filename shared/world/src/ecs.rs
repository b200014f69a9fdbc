//! Amazon ECS: clusters, container instances and their agents, task definitions, services,
//! deployments, tasks.
//!
//! ECS changes target groups only through the ELBv2 API, as `Caller::Ecs`, so that its calls are
//! recorded.

mod agent;
mod breaker;
mod cluster_api;
mod conventions;
mod counts;
mod definition_api;
mod definition_rules;
mod deployment_view;
mod events;
mod instance;
mod levers;
mod lookup;
mod placement;
mod registration;
mod revision_api;
mod scheduler;
mod service;
mod shapes;
mod state;
mod subnets;
mod task;
mod task_set_api;
#[cfg(test)]
mod tests;
mod traffic;

pub use agent::InstanceOptions;
pub use levers::CodeDeployStep;
pub use state::Ecs;
pub use state::image::Broken;
pub use state::instance::PortAllocator;
pub use state::network::DEFAULT_VPC;
pub use state::settings::{Behaviour, RegisterAt, Replaces, Timing};
pub use state::task::Answer;

pub(crate) use registration::expected;
pub(crate) use service::view::describe_services;
pub(crate) use state::task::{Status, Task};
pub(crate) use task::api::describe_tasks;

use crate::World;
use crate::api::{ApiError, Service};
use serde_json::Value;

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateCluster" => cluster_api::create_cluster(world, input),
        "PutClusterCapacityProviders" => cluster_api::put_capacity_providers(world, input),
        "ListClusters" => cluster_api::list_clusters(world, input),
        "DescribeClusters" => cluster_api::describe_clusters(world, input),
        "TagResource" => cluster_api::tag_resource(world, input),
        "UntagResource" => cluster_api::untag_resource(world, input),
        "ListTagsForResource" => cluster_api::list_tags(world, input),
        "RegisterTaskDefinition" => definition_api::register(world, input),
        "DeregisterTaskDefinition" => definition_api::deregister(world, input),
        "ListTaskDefinitions" => definition_api::list(world, input),
        "DescribeTaskDefinition" => definition_api::describe(world, input),
        "CreateService" => service::api::create_service(world, input),
        "UpdateService" => service::update::update_service(world, input),
        "DeleteService" => service::update::delete_service(world, input),
        "ListServices" => service::view::list_services(world, input),
        "DescribeServiceRevisions" => revision_api::describe_service_revisions(world, input),
        "CreateTaskSet" => task_set_api::create_task_set(world, input),
        "UpdateTaskSet" => task_set_api::update_task_set(world, input),
        "UpdateServicePrimaryTaskSet" => task_set_api::update_primary(world, input),
        "DeleteTaskSet" => task_set_api::delete_task_set(world, input),
        "DescribeTaskSets" => task_set_api::describe_task_sets(world, input),
        "ListTasks" => task::api::list_tasks(world, input),
        "StopTask" => task::api::stop_task(world, input),
        "RunTask" => task::api::run_task(world, input),
        "ListContainerInstances" => instance::api::list(world, input),
        "DescribeContainerInstances" => instance::api::describe(world, input),
        "DeregisterContainerInstance" => instance::api::deregister(world, input),
        "UpdateContainerInstancesState" => instance::api::update_state(world, input),
        _ => Err(ApiError::unknown_operation(Service::Ecs, operation)),
    }
}

/// Runs each second: tasks advance, then the service scheduler runs.
pub fn tick(world: &mut World) {
    task::lifecycle::tick(world);
    scheduler::tick(world);
}
