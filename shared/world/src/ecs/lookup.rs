//! Finds resources by name or ARN, and returns the errors for missing ones.

use super::state::definition::TaskDefinition;
use super::state::tail;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use std::sync::Arc;

/// The name of the cluster with this name or ARN, `default` if it is not given.
pub(super) fn find_cluster(world: &World, cluster: Option<&str>) -> Result<String, ApiError> {
    let name = tail(cluster.unwrap_or("default"));
    let cluster = world.ecs.clusters.get_key_value(name).map(|(name, _)| name.clone());
    cluster.ok_or_else(|| ApiError::refused("ClusterNotFoundException", "Cluster not found."))
}

/// The ids or names in a batch. An ARN of another cluster fails the whole call, as does a text that
/// is neither an ARN nor an id [GH aws-toolkit-vscode#2915, GH aws-sdk-js#1466].
pub(super) fn ids<'a>(
    input: &Input<'_>,
    cluster: &str,
    asked: Vec<&'a str>,
) -> Result<Vec<&'a str>, ApiError> {
    let check = |name: &'a str| {
        let path: Vec<&str> = name.rsplit(':').next().unwrap_or(name).split('/').collect();
        match (name.starts_with("arn:"), path.as_slice()) {
            (true, [_, other, _]) if *other != cluster => Err(input.refuse(format!(
                "Invalid identifier: Identifier is for cluster {other}. Your cluster is {cluster}"
            ))),
            // ARNs of old tasks and services do not contain their cluster.
            (true, [_, id] | [_, _, id]) | (false, [id]) => Ok(*id),
            _ => Err(input.refuse("Identifier is invalid")),
        }
    };
    asked.into_iter().map(check).collect()
}

/// The key of a service. Service and cluster are given by name or ARN.
pub(super) fn find_service(
    world: &World,
    cluster: Option<&str>,
    service: &str,
) -> Result<String, ApiError> {
    let key = format!("{}/{}", find_cluster(world, cluster)?, tail(service));
    if world.ecs.services.contains_key(&key) { Ok(key) } else { Err(gone()) }
}

/// The error for a service that does not exist.
pub(super) fn gone() -> ApiError {
    ApiError::refused("ServiceNotFoundException", "Service not found.")
}

/// A task definition by ARN, `family:revision`, or family for its latest ACTIVE revision.
pub(super) fn find_definition(world: &World, name: &str) -> Result<Arc<TaskDefinition>, ApiError> {
    let name = tail(name);
    let (family, revision) =
        name.split_once(':').map_or((name, None), |(family, revision)| (family, Some(revision)));
    let revisions = world.ecs.definitions.get(family);
    let found = match revision {
        None => revisions
            .and_then(|revisions| revisions.iter().rfind(|definition| !definition.deregistered)),
        Some(revision) => revisions.and_then(|revisions| {
            revisions.iter().find(|definition| definition.revision.to_string() == revision)
        }),
    };
    found
        .cloned()
        .ok_or_else(|| ApiError::refused("ClientException", "Unable to describe task definition."))
}
