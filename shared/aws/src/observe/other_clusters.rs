//! Reads the services in other clusters that use a target group, and all of their tasks. While a
//! service moves from one cluster to another, both clusters use one group, and an address that a
//! task releases here may belong to a task there a moment later. What is not read completely is
//! unknown.

use super::other_tasks::groups_of_service;
use super::services::{self, Described};
use super::{containers, few_at_once, gap, list_clusters, list_services, tasks};
use crate::account::Aws;
use crate::config::Clusters;
use portkeeper_core::ids::{ClusterArn, ServiceKey, TargetGroupArn};
use portkeeper_core::observation::{
    Gap, Missed, Observation, OtherTask, Questions, ServiceStatus, Task,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many services one `DescribeServices` call names.
const SERVICES_BATCH: usize = 10;

/// A service that uses one of the groups in question.
struct User {
    key: ServiceKey,
    /// Every group that it may use; `None` if that is unknown.
    groups: Option<BTreeSet<TargetGroupArn>>,
    /// How many of its tasks ECS counts.
    counted: usize,
}

/// Reads what the other clusters of the account have to do with the targets in question: container
/// instances of their hosts, and services that use their groups.
///
/// All clusters matter, including those that Portkeeper does not check. A service there cannot be
/// read, so a group whose users matter stays unknown if there is such a cluster; tasks of the others
/// may still explain a target.
pub(super) async fn read_elsewhere(
    aws: &Aws,
    watched: &Clusters,
    questions: &Questions,
    seen: &mut Observation,
) {
    let (groups, hosts) = (&questions.other_clusters, &questions.only_here);
    if groups.is_empty() && hosts.is_empty() {
        return;
    }
    let mut clusters = match list_clusters(aws).await {
        Ok(clusters) => clusters,
        Err(failure) => {
            seen.gaps.push(gap(Missed::Elsewhere, &failure));
            return;
        }
    };
    clusters.insert(seen.key.cluster.clone());
    if !hosts.is_empty() {
        look_for_hosts(aws, &clusters, hosts, seen).await;
    }
    clusters.remove(&seen.key.cluster);
    if !groups.is_empty() {
        read_users(aws, watched, &clusters, groups, seen).await;
    }
}

/// The status of a container instance that was deregistered.
const INACTIVE: Option<&str> = Some("INACTIVE");

/// Finds out which of these EC2 instances are container instances of no other cluster. One that was
/// deregistered from any cluster within the last hour may still run its containers.
async fn look_for_hosts(
    aws: &Aws,
    clusters: &BTreeSet<ClusterArn>,
    hosts: &BTreeSet<String>,
    seen: &mut Observation,
) {
    let own = &seen.key.cluster;
    let lists = clusters.iter().map(|cluster| async move {
        // The others of its own cluster are listed with the tasks on them.
        let statuses: &[_] = if cluster == own { &[INACTIVE] } else { &[None, INACTIVE] };
        (cluster, containers::list_of_hosts(aws, cluster, hosts, statuses).await)
    });
    let (mut is_whole, mut elsewhere) = (true, Vec::new());
    for (cluster, list) in few_at_once(lists.collect()).await {
        match list {
            Ok(arns) if arns.is_empty() => {}
            Ok(arns) => elsewhere.push((cluster, arns)),
            // It was deleted meanwhile.
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => {
                is_whole = false;
                seen.gaps.push(gap(Missed::Elsewhere, &failure));
            }
        }
    }
    let before = seen.gaps.len();
    for (cluster, arns) in elsewhere {
        containers::describe_instances_in(aws, cluster, &arns, seen).await;
    }
    is_whole &= seen.gaps.len() == before;
    let is_only_here = |host: &&String| {
        let mut of_host =
            seen.container_instances.iter().filter(|(_, it)| it.ec2_instance == **host);
        of_host.all(|(arn, _)| arn.other_cluster(&seen.key.cluster).is_none())
    };
    if is_whole {
        seen.other_tasks.only_here = hosts.iter().filter(is_only_here).cloned().collect();
    }
}

/// Reads the services that use these groups in the other clusters, then their tasks.
async fn read_users(
    aws: &Aws,
    watched: &Clusters,
    clusters: &BTreeSet<ClusterArn>,
    groups: &BTreeSet<TargetGroupArn>,
    seen: &mut Observation,
) {
    let (readable, others): (Vec<&ClusterArn>, Vec<&ClusterArn>) =
        clusters.iter().partition(|cluster| watched.include(cluster));
    let (mut users, mut gaps) = (Vec::new(), Vec::new());
    if let Some(other) = others.first() {
        let why = format!(
            "cluster {} is not among the clusters that Portkeeper may read, and its services may use the group",
            other.name()
        );
        gaps.push(Gap { what: Missed::Elsewhere, why, retry: false });
    }
    let reads = readable.into_iter().map(|cluster| users_in(aws, cluster, groups));
    for (found, missed) in few_at_once(reads.collect()).await {
        users.extend(found);
        gaps.extend(missed);
    }
    for user in users {
        gaps.extend(read_tasks(aws, user, seen).await);
    }
    if gaps.is_empty() {
        seen.other_tasks.other_clusters_known.clone_from(groups);
    }
    seen.gaps.extend(gaps);
}

/// The services of a cluster that may use one of the groups, and what could not be read of the
/// cluster.
async fn users_in(
    aws: &Aws,
    cluster: &ClusterArn,
    groups: &BTreeSet<TargetGroupArn>,
) -> (Vec<User>, Vec<Gap>) {
    let (mut users, mut gaps) = (Vec::new(), Vec::new());
    let names = match list_services(aws, cluster).await {
        Ok(names) => names,
        Err(failure) if failure.is_not_found() => return (users, gaps),
        Err(failure) => return (users, vec![gap(Missed::Elsewhere, &failure)]),
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for batch in names.chunks(SERVICES_BATCH) {
        let described = match services::call(aws, cluster, batch, false).await {
            Ok(described) => described,
            Err(failure) => {
                gaps.push(gap(Missed::Elsewhere, &failure));
                continue;
            }
        };
        gaps.extend(unanswered(batch, &described));
        for (name, described) in described {
            let key = ServiceKey { cluster: cluster.clone(), service: name.to_owned() };
            let counted = match &described {
                Described::Found(service) if service.status != ServiceStatus::Inactive => {
                    usize::try_from(service.running_count.saturating_add(service.pending_count))
                        .unwrap_or(usize::MAX)
                }
                Described::Found(_) | Described::Absent => continue,
                Described::Unknown(_) => 0,
            };
            let theirs = groups_of_service(aws, &key, described, &mut gaps).await;
            if theirs.as_ref().is_none_or(|theirs| !theirs.is_disjoint(groups)) {
                users.push(User { key, groups: theirs, counted });
            }
        }
    }
    (users, gaps)
}

/// Services that a response does not mention at all.
fn unanswered(asked: &[&str], described: &BTreeMap<&str, Described>) -> Option<Gap> {
    let missing = asked.iter().find(|name| !described.contains_key(**name))?;
    let why = format!("ecs:DescribeServices did not answer for {missing}");
    Some(Gap { what: Missed::Elsewhere, why, retry: true })
}

/// Adds every task of a service as another task, and returns the gaps.
async fn read_tasks(aws: &Aws, user: User, seen: &mut Observation) -> Vec<Gap> {
    let User { key, groups, counted } = user;
    let listed = tasks::list_all(aws, &key.cluster, tasks::Of::Service(&key.service)).await;
    let described = tasks::describe(aws, &key.cluster, &listed.arns).await;
    let mut gaps: Vec<Gap> = listed.gaps.into_iter().chain(described.gaps).collect();
    gaps.extend(described.missing.iter().map(|arn| {
        let why = format!(
            "ecs:DescribeTasks answered MISSING for task {}, which was just listed",
            arn.tail()
        );
        Gap { what: Missed::Elsewhere, why, retry: true }
    }));
    let standing = described.tasks.iter().filter(|task| task.is_counted()).count();
    if standing < counted {
        let why = format!("{standing} tasks of {key} were listed, and ECS counts {counted}");
        gaps.push(Gap { what: Missed::Elsewhere, why, retry: true });
    }
    let live: Vec<Task> =
        described.tasks.into_iter().filter(|task| !task.last_status.is_over()).collect();
    let instances = live.iter().filter_map(|task| task.container_instance.clone()).collect();
    containers::describe_instances_in(aws, &key.cluster, &instances, seen).await;
    seen.other_tasks
        .tasks
        .extend(live.into_iter().map(|task| OtherTask { task, target_groups: groups.clone() }));
    // They are gaps about other tasks: the service's own tasks are not affected.
    gaps.into_iter().map(|gap| Gap { what: Missed::Elsewhere, ..gap }).collect()
}
