//! Reads ECS's own task counts, with which Portkeeper compares lists of tasks.
//!
//! AWS facts: F-10.7.

use super::{DESCRIBE_BATCH, containers, gap};
use crate::account::Aws;
use aws_sdk_ecs::types as ecs;
use portkeeper_core::ids::{ClusterArn, ContainerInstanceArn};
use portkeeper_core::observation::{ContainerInstance, Gap, Missed};
use std::collections::{BTreeMap, BTreeSet};

/// The number of tasks by container instance; the key `None` has the number in the cluster.
pub(super) type Counts = BTreeMap<Option<ContainerInstanceArn>, usize>;

/// How many tasks of a cluster ECS counts as running or pending.
pub(super) async fn in_cluster(aws: &Aws, cluster: &ClusterArn) -> (Counts, Vec<Gap>) {
    let action = "ecs:DescribeClusters";
    aws.acquire(action).await;
    match aws.ecs.describe_clusters().clusters(cluster.as_str()).send().await {
        Ok(answer) => {
            let found = answer
                .clusters()
                .iter()
                .find(|found| found.cluster_arn() == Some(cluster.as_str()));
            let count = |found: &ecs::Cluster| {
                sum(found.running_tasks_count(), found.pending_tasks_count())
            };
            (found.map(|found| (None, count(found))).into_iter().collect(), Vec::new())
        }
        Err(error) => (
            Counts::new(),
            vec![gap(Missed::OtherTasks, &aws.failure(action, cluster.name(), error))],
        ),
    }
}

/// The container instances that an answer describes, with their state.
pub(super) type Described = BTreeMap<ContainerInstanceArn, ContainerInstance>;

/// How many tasks ECS counts as running or pending on each of these container instances, with the
/// state of each.
pub(super) async fn on_instances(
    aws: &Aws,
    cluster: &ClusterArn,
    arns: &BTreeSet<ContainerInstanceArn>,
) -> (Counts, Described, Vec<Gap>) {
    let action = "ecs:DescribeContainerInstances";
    let (mut counts, mut all, mut gaps) = (Counts::new(), Described::new(), Vec::new());
    let arns: Vec<&ContainerInstanceArn> = arns.iter().collect();
    for batch in arns.chunks(DESCRIBE_BATCH) {
        let names = batch.iter().map(|arn| arn.as_str().to_owned()).collect();
        let request = aws.ecs.describe_container_instances().cluster(cluster.as_str());
        aws.acquire(action).await;
        match request.set_container_instances(Some(names)).send().await {
            Ok(answer) => {
                for described in answer.container_instances() {
                    let arn = described
                        .container_instance_arn()
                        .and_then(|arn| ContainerInstanceArn::try_from(arn).ok());
                    let Some((arn, instance)) = arn.zip(containers::known(described)) else {
                        continue;
                    };
                    let count =
                        sum(described.running_tasks_count(), described.pending_tasks_count());
                    counts.insert(Some(arn.clone()), count);
                    all.insert(arn, instance);
                }
            }
            Err(error) => {
                let resource = format!("{} container instances of {}", batch.len(), cluster.name());
                gaps.push(gap(Missed::OtherTasks, &aws.failure(action, resource, error)));
            }
        }
    }
    (counts, all, gaps)
}

/// Counts are never negative, although the SDK's type allows it.
fn sum(running: i32, pending: i32) -> usize {
    usize::try_from(running).unwrap_or(0).saturating_add(usize::try_from(pending).unwrap_or(0))
}
