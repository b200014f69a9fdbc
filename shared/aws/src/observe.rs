//! Reads everything that bears on a service's targets, in the order that `Observation` promises:
//! the service first, then the registered targets of its groups, then its tasks. A failed read
//! becomes a `Gap` and reading continues; only a service that cannot be described at all is an
//! error. This module states facts and judges none of them.
//!
//! AWS facts: F-5.

mod answers;
pub mod cluster;
mod containers;
mod convert;
#[cfg(test)]
mod convert_tests;
mod counts;
mod groups;
mod listing;
mod other_clusters;
mod other_tasks;
mod services;
mod tasks;

use crate::account::Aws;
use crate::failure::{Failure, chain};
use futures_util::StreamExt as _;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::expected::named_groups as groups_of;
use portkeeper_core::ids::{TargetGroupArn, TaskArn};
use portkeeper_core::observation::{Gap, Missed, Observation, ServiceStatus, Task};
use std::collections::BTreeSet;

pub use answers::answer_questions;
pub use groups::learn_all_groups;
pub use listing::{FoundClusters, find_clusters, list_clusters, list_services};
pub use services::describe_services;

/// How many calls of one kind are in progress at once for one service, and how many services are
/// read at once. ELBv2 allows an account ten reads per second with a burst of forty, which other
/// tools need, too.
const CONCURRENCY: usize = 4;

/// The maximum number of pages of one list, so that a faulty token cannot keep a function busy. A
/// page holds 100 tasks or services, and ECS allows 5,000 services in a cluster, 5,000 tasks in a
/// service and 5,000 container instances in a cluster
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>). Together,
/// and with the tasks that stopped within the last hour, a cluster has more.
const PAGE_LIMIT: usize = 1_000;

/// How many ARNs `DescribeTasks` and `DescribeContainerInstances` accept.
const DESCRIBE_BATCH: usize = 100;

/// Reads one service.
pub async fn observe_service(aws: &Aws, check: &ServiceCheck) -> Result<Observation, Failure> {
    let described = services::describe_service(aws, check).await?;
    Ok(observe_rest(aws, check, described).await)
}

/// Reads several services, with one call for each ten services of a cluster. The results are in the
/// order of the checks.
pub async fn observe_services(
    aws: &Aws,
    checks: &[ServiceCheck],
) -> Vec<Result<Observation, Failure>> {
    let described = describe_services(aws, checks).await;
    let rest = checks.iter().zip(described).map(|(check, described)| async move {
        match described {
            Ok(described) => Ok(observe_rest(aws, check, described).await),
            Err(failure) => Err(failure),
        }
    });
    few_at_once(rest.collect()).await
}

/// Reads the rest of a service that [`describe_services`] described: its groups, then its tasks.
pub async fn observe_rest(aws: &Aws, check: &ServiceCheck, described: Observation) -> Observation {
    observe_remembered(aws, check, described, &BTreeSet::new()).await
}

/// The same with the groups that the service's record remembers: a service that is deleted or has
/// changed its groups may have left targets there.
pub async fn observe_remembered(
    aws: &Aws,
    check: &ServiceCheck,
    described: Observation,
    remembered: &BTreeSet<TargetGroupArn>,
) -> Observation {
    let mut seen = described;
    seen.at_least.clone_from(&check.at_least);
    if seen.gaps.iter().any(|gap| gap.what == Missed::Service) {
        return seen;
    }
    let mut groups = remembered.clone();
    let mut may_run = false;
    if let Some(service) = seen.service.as_mut() {
        seen.gaps.extend(services::read_revisions(aws, &seen.key, service).await);
        groups.extend(groups_of(service));
        may_run = service.status != ServiceStatus::Inactive;
    }
    if groups.is_empty() {
        return seen;
    }
    // I-ORDER: "Groups are read before tasks."
    groups::read_groups(aws, &groups, &mut seen, &|| {}).await;
    // A deleted service has no live tasks, and those that had its targets are described by name.
    if may_run {
        tasks::read_tasks(aws, &mut seen).await;
    }
    confirm_stopped(aws, check, &mut seen).await;
    seen.tasks.sort_by(|one, other| one.arn.cmp(&other.arn));
    containers::read_instances(aws, &mut seen).await;
    containers::read_definitions(aws, &mut seen).await;
    seen
}

// I-PROOF: "a message alone proves nothing."
/// Asks ECS by name for stopped tasks that only a message shows. A message proves nothing, because
/// others may send one: a task that ECS does not confirm is not part of the observation, and the
/// ledger alone may know it. ECS describes a stopped task for at least an hour.
async fn confirm_stopped(aws: &Aws, check: &ServiceCheck, seen: &mut Observation) {
    let listed = |arn: &TaskArn| seen.tasks.iter().any(|task| task.arn == *arn);
    let named: BTreeSet<TaskArn> =
        check.stopped.iter().map(|task| task.arn.clone()).filter(|arn| !listed(arn)).collect();
    answers::read_named_tasks(aws, &named, seen).await;
    // Only an event says that ECS has deregistered the targets, and that can only withhold a repair.
    for task in &mut seen.tasks {
        let said = |stopped: &Task| stopped.arn == task.arn && stopped.deregistered;
        task.deregistered |= check.stopped.iter().any(said);
    }
}

/// Awaits these futures, at most [`CONCURRENCY`] at the same time, and returns the results in the
/// given order.
fn few_at_once<F: Future>(futures: Vec<F>) -> impl Future<Output = Vec<F::Output>> {
    futures_util::stream::iter(futures).buffered(CONCURRENCY).collect()
}

/// Returns the gap that a failed call leaves. The call may succeed later.
fn gap(what: Missed, failure: &Failure) -> Gap {
    Gap { what, why: chain(failure), retry: true }
}
