//! API operations on clusters, and on the tags of ECS resources.

use super::agent::InstanceStatus;
use super::service::ServiceStatus;
use super::{Cluster, Status, read, tail};
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use crate::paging;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of a cluster that is named by name or ARN; `default` if it is not named.
pub(super) fn find_cluster(world: &World, cluster: Option<&str>) -> Result<String, ApiError> {
    let name = tail(cluster.unwrap_or("default"));
    let cluster = world.ecs.clusters.get_key_value(name).map(|(name, _)| name.clone());
    cluster.ok_or_else(|| ApiError::refused("ClusterNotFoundException", "Cluster not found."))
}

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

/// An entry of `failures` for something that does not exist (yet, or any more).
pub(super) fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// Refuses a batch above its documented size.
pub(super) fn at_most(input: &Input<'_>, what: &str, count: usize, limit: usize) -> Result<(), ApiError> {
    if count > limit { Err(input.refuse(format!("{what} cannot be more than {limit}."))) } else { Ok(()) }
}

/// One page of a List answer: `maxResults` from 1 to 100.
pub(super) fn paged<T>(
    input: &Input<'_>,
    items: &BTreeMap<String, T>,
    keep: impl FnMut(&T) -> bool,
    default: usize,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let limit = input.number_in("maxResults", 1..=100)?.and_then(|limit| usize::try_from(limit).ok());
    let page = paging::page(items, keep, input.optional_text("nextToken")?, limit.unwrap_or(default));
    page.ok_or_else(|| input.refuse("Invalid token"))
}

/// Adds `nextToken` if there is another page.
pub(super) fn with_token(answer: Value, next: Option<String>) -> Value {
    paging::with_next(answer, "nextToken", next)
}

/// The `tags` member of a create or tag operation.
pub(super) fn read_tags(input: &Input<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    input.pairs("tags", "key", "value")
}

pub(super) fn show_tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
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
