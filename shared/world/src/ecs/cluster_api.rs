//! API operations on clusters, and on the tags of ECS resources.

use super::conventions::{at_most, missing, paged, read, read_tags, show_tags, with_token};
use super::instance::InstanceStatus;
use super::service::ServiceStatus;
use super::state::{Cluster, tail};
use super::task::Status;
use crate::World;
use crate::api::ApiError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn create_cluster(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "clusterName tags settings configuration capacityProviders defaultCapacityProviderStrategy \
        serviceConnectDefaults";
    let input = read("CreateCluster", input, "", optional)?;
    let name = input.optional_text("clusterName")?.unwrap_or("default").to_owned();
    let tags = read_tags(&input)?;
    world.ecs.clusters.entry(name.clone()).or_insert(Cluster { tags });
    Ok(json!({"cluster": show(world, &name, false)}))
}

fn show(world: &World, name: &str, with_tags: bool) -> Value {
    let tasks = world.ecs.tasks.values().filter(|task| task.cluster == name);
    let (mut running, mut pending) = (0, 0);
    for task in tasks {
        running += u32::from(task.status == Status::Running);
        pending += u32::from(task.status == Status::Pending);
    }
    let instances = world.ecs.instances.values();
    let instances = instances.filter(|i| i.cluster == name && i.status != InstanceStatus::Inactive).count();
    let services = world.ecs.services.values();
    let services = services.filter(|s| s.cluster == name && s.status == ServiceStatus::Active).count();
    let tags = world.ecs.clusters.get(name).filter(|_| with_tags).map(|cluster| show_tags(&cluster.tags));
    json!({
        "clusterArn": world.account.ecs_arn("cluster", name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": instances,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": services,
        "statistics": [],
        "tags": tags.unwrap_or_else(|| json!([])),
        "settings": [],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    })
}

pub(super) fn list_clusters(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ListClusters", input, "", "nextToken maxResults")?;
    let (names, next) = paged(&input, &world.ecs.clusters, |_| true, 100)?;
    let arns: Vec<String> = names.iter().map(|name| world.account.ecs_arn("cluster", name)).collect();
    Ok(with_token(json!({"clusterArns": arns}), next))
}

pub(super) fn describe_clusters(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeClusters", input, "", "clusters include")?;
    let asked = input.texts("clusters")?;
    at_most(&input, "Clusters", asked.len(), 100)?;
    let with_tags = input.texts("include")?.contains(&"TAGS");
    let asked = if asked.is_empty() { vec!["default"] } else { asked };
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        asked.into_iter().map(tail).partition(|name| world.ecs.clusters.contains_key(*name));
    let missing = unknown.iter().map(|name| missing(&world.account.ecs_arn("cluster", name)));
    let shown: Vec<Value> = known.iter().map(|name| show(world, name, with_tags)).collect();
    Ok(json!({"clusters": shown, "failures": missing.collect::<Vec<_>>()}))
}

/// The tags of the service or cluster with that ARN. Other resources have no tags here.
fn tags_of<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut BTreeMap<String, String>, ApiError> {
    let resource = arn.rsplit(':').next().unwrap_or_default();
    let tags = match resource.split_once('/') {
        Some(("service", path)) => world.ecs.services.get_mut(path).map(|service| &mut service.tags),
        Some(("cluster", name)) => world.ecs.clusters.get_mut(name).map(|cluster| &mut cluster.tags),
        _ => None,
    };
    let message = "The specified resource was not found (the simulated account knows tags of services and clusters).";
    tags.ok_or_else(|| ApiError::refused("ResourceNotFoundException", message))
}

pub(super) fn tag_resource(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("TagResource", input, "resourceArn tags", "")?;
    let tags = read_tags(&input)?;
    tags_of(world, input.text("resourceArn")?)?.extend(tags);
    Ok(json!({}))
}

pub(super) fn untag_resource(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("UntagResource", input, "resourceArn tagKeys", "")?;
    let keys = input.texts("tagKeys")?;
    tags_of(world, input.text("resourceArn")?)?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

pub(super) fn list_tags(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ListTagsForResource", input, "resourceArn", "")?;
    Ok(json!({"tags": show_tags(tags_of(world, input.text("resourceArn")?)?)}))
}
