//! Operations on clusters and on the tags of ECS resources.

use super::conventions::{at_most, missing, paged, read, read_tags, show_tags, with_token};
use super::lookup::find_cluster;
use super::state::instance::InstanceStatus;
use super::state::service::ServiceStatus;
use super::state::task::Status;
use super::state::{Cluster, tail};
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn create_cluster(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "clusterName tags settings configuration capacityProviders defaultCapacityProviderStrategy \
        serviceConnectDefaults";
    let input = read("CreateCluster", input, "", optional)?;
    let name = input.optional_text("clusterName")?.unwrap_or("default").to_owned();
    let (tags, (capacity_providers, default_strategy)) =
        (read_tags(&input)?, read_capacity(&input)?);
    world.ecs.clusters.entry(name.clone()).or_insert(Cluster {
        tags,
        capacity_providers,
        default_strategy,
    });
    Ok(json!({"cluster": show(world, &name, false)}))
}

/// Capacity providers and default strategy. FARGATE and `FARGATE_SPOT` always exist; others are not
/// checked.
fn read_capacity(input: &Input<'_>) -> Result<(Vec<String>, Vec<Value>), ApiError> {
    let providers: Vec<String> =
        input.texts("capacityProviders")?.into_iter().map(str::to_owned).collect();
    let strategy = input.list("defaultCapacityProviderStrategy")?.to_vec();
    let unknown = |item: &&Value| {
        !providers
            .iter()
            .any(|provider| item.get("capacityProvider").and_then(Value::as_str) == Some(provider))
    };
    match strategy.iter().find(unknown) {
        Some(_) => Err(input.refuse(
            "The specified default capacity provider strategy cannot contain a capacity provider that is not associated \
             with the cluster.",
        )),
        None => Ok((providers, strategy)),
    }
}

/// Replaces a cluster's capacity providers and default strategy.
pub(super) fn put_capacity_providers(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let required = "cluster capacityProviders defaultCapacityProviderStrategy";
    let input = read("PutClusterCapacityProviders", input, required, "")?;
    let name = find_cluster(world, Some(input.text("cluster")?))?;
    let (providers, strategy) = read_capacity(&input)?;
    if let Some(cluster) = world.ecs.clusters.get_mut(&name) {
        (cluster.capacity_providers, cluster.default_strategy) = (providers, strategy);
    }
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
    let instances =
        instances.filter(|i| i.cluster == name && i.status != InstanceStatus::Inactive).count();
    let services = world.ecs.services.values();
    let services =
        services.filter(|s| s.cluster == name && s.status == ServiceStatus::Active).count();
    let held = world.ecs.clusters.get(name);
    let tags = held.filter(|_| with_tags).map(|cluster| show_tags(&cluster.tags));
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
        "capacityProviders": held.map(|cluster| cluster.capacity_providers.as_slice()).unwrap_or_default(),
        "defaultCapacityProviderStrategy": held.map(|cluster| cluster.default_strategy.as_slice()).unwrap_or_default(),
    })
}

pub(super) fn list_clusters(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ListClusters", input, "", "nextToken maxResults")?;
    let (names, next) = paged(&input, &world.ecs.clusters, |_| true, 100)?;
    let arns: Vec<String> =
        names.iter().map(|name| world.account.ecs_arn("cluster", name)).collect();
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

/// The tags of the service or cluster with this ARN. Tags of other resources are not simulated.
fn tags_of<'a>(
    world: &'a mut World,
    arn: &str,
) -> Result<&'a mut BTreeMap<String, String>, ApiError> {
    let resource = arn.rsplit(':').next().unwrap_or_default();
    let tags = match resource.split_once('/') {
        Some(("service", path)) => {
            world.ecs.services.get_mut(path).map(|service| &mut service.tags)
        }
        Some(("cluster", name)) => {
            world.ecs.clusters.get_mut(name).map(|cluster| &mut cluster.tags)
        }
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

/// `ResourceNotFoundException` is an error of the other two operations, not of this one [BC].
pub(super) fn list_tags(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ListTagsForResource", input, "resourceArn", "")?;
    let tags =
        tags_of(world, input.text("resourceArn")?).map_err(|error| input.refuse(error.message))?;
    Ok(json!({"tags": show_tags(tags)}))
}
