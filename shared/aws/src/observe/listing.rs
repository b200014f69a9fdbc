//! Lists clusters and their services, all pages of both.

use super::PAGE_LIMIT;
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::ids::{ClusterArn, ServiceArn};
use std::collections::BTreeSet;

/// How many clusters `DescribeClusters` accepts.
const CLUSTERS_BATCH: usize = 100;

/// How many services one page holds; ECS returns ten by default.
const SERVICES_PAGE: i32 = 100;

/// Clusters requested by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundClusters {
    /// Those that exist and are active.
    pub found: BTreeSet<ClusterArn>,
    /// Names without a cluster.
    pub missing: BTreeSet<String>,
}

/// Every cluster of the account and Region.
pub async fn list_clusters(aws: &Aws) -> Result<BTreeSet<ClusterArn>, Failure> {
    let (action, resource) = ("ecs:ListClusters", "the clusters of the account");
    let (mut found, mut token) = (BTreeSet::new(), None);
    for _ in 0..PAGE_LIMIT {
        aws.acquire(action).await;
        let answer = aws.ecs.list_clusters().set_next_token(token.take()).send().await;
        let answer = answer.map_err(|error| aws.failure(action, resource, error))?;
        for arn in answer.cluster_arns() {
            let arn = ClusterArn::try_from(arn.as_str());
            found.insert(
                arn.map_err(|error| Failure::unreadable(action, resource, error.to_string()))?,
            );
        }
        token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(Failure::unreadable(action, resource, format!("there are more than {PAGE_LIMIT} pages")))
}

/// The clusters with these names or ARNs.
pub async fn find_clusters(aws: &Aws, names: &BTreeSet<String>) -> Result<FoundClusters, Failure> {
    let action = "ecs:DescribeClusters";
    let mut clusters = FoundClusters::default();
    let names: Vec<&String> = names.iter().collect();
    for batch in names.chunks(CLUSTERS_BATCH) {
        let wanted: Vec<String> = batch.iter().map(|name| (*name).clone()).collect();
        let resource = wanted.join(", ");
        aws.acquire(action).await;
        let answer = aws.ecs.describe_clusters().set_clusters(Some(wanted.clone())).send().await;
        let answer = answer.map_err(|error| aws.failure(action, resource.as_str(), error))?;
        let mut missing: BTreeSet<String> = wanted.into_iter().collect();
        // ECS still returns a deleted cluster for a while, as INACTIVE.
        for cluster in
            answer.clusters().iter().filter(|cluster| cluster.status() != Some("INACTIVE"))
        {
            let arn = ClusterArn::try_from(cluster.cluster_arn().unwrap_or_default());
            let arn = arn.map_err(|error| {
                Failure::unreadable(action, resource.as_str(), error.to_string())
            })?;
            missing.remove(arn.name());
            missing.remove(arn.as_str());
            clusters.found.insert(arn);
        }
        clusters.missing.extend(missing);
    }
    Ok(clusters)
}

/// The names of every service of a cluster.
pub async fn list_services(aws: &Aws, cluster: &ClusterArn) -> Result<BTreeSet<String>, Failure> {
    let action = "ecs:ListServices";
    let resource = || format!("the services of {}", cluster.name());
    let (mut names, mut token) = (BTreeSet::new(), None);
    for _ in 0..PAGE_LIMIT {
        aws.acquire(action).await;
        let request = aws.ecs.list_services().cluster(cluster.as_str()).max_results(SERVICES_PAGE);
        let answer = request.set_next_token(token.take()).send().await;
        let answer = answer.map_err(|error| aws.failure(action, resource(), error))?;
        for arn in answer.service_arns() {
            let arn = ServiceArn::try_from(arn.as_str());
            let arn =
                arn.map_err(|error| Failure::unreadable(action, resource(), error.to_string()))?;
            names.insert(arn.name().to_owned());
        }
        token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(names);
        }
    }
    Err(Failure::unreadable(action, resource(), format!("there are more than {PAGE_LIMIT} pages")))
}
