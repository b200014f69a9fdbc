//! Calculates the minimum number of calls, by operation, that a complete reading of services
//! without findings needs. It uses only AWS's batch and page sizes.
//!
//! It does not know how Portkeeper reads. Services are in bridge mode, each with its own target
//! groups, and none of their tasks has stopped in the last hour.

use std::collections::BTreeMap;

/// Calls by operation.
pub type Calls = BTreeMap<&'static str, usize>;

/// From this number of groups on, listing all groups of the account, 400 to a page, takes fewer
/// calls in any account within AWS's quota of 3,000 groups.
const NAMED_GROUPS: usize = 160;

/// Returns the number of pages of a list: one even if it is empty.
#[must_use]
pub fn pages(items: usize, size: usize) -> usize {
    items.div_ceil(size).max(1)
}

/// Returns the calls of a check of one service by a warm function, which has cached its groups and
/// instances.
#[must_use]
pub fn warm_check(tasks: usize, groups: usize) -> Calls {
    BTreeMap::from([
        ("DescribeServices", 1),
        ("ListTasks", lists(tasks)),
        ("DescribeTasks", tasks.div_ceil(100)),
        ("DescribeTargetHealth", groups),
        // The record and the kill switch.
        ("BatchGetItem", 1),
    ])
}

/// Returns the calls of the same check by a function that has just started and also reads what
/// never changes.
#[must_use]
pub fn cold_check(tasks: usize, groups: usize, instances: usize) -> Calls {
    let mut calls = warm_check(tasks, groups);
    calls.insert("DescribeTargetGroups", groups.div_ceil(20));
    calls.insert("DescribeContainerInstances", instances.div_ceil(100));
    calls
}

/// Returns the calls of a sweep by a function that has just started: the number of clusters, of
/// services in each, of tasks of each service, and of container instances are given. Each service
/// has one group.
#[must_use]
pub fn sweep(clusters: usize, services: usize, tasks: usize, instances: usize) -> Calls {
    let all = services * tasks;
    // Whichever takes fewer calls: the lists of each service, or those of the cluster.
    let lists = lists(all).min(services * lists(tasks));
    let each_group = match services {
        many if many > NAMED_GROUPS => pages(clusters * many, 400),
        few => clusters * few.div_ceil(20),
    };
    BTreeMap::from([
        ("ListClusters", pages(clusters, 100)),
        ("ListServices", clusters * pages(services, 100)),
        ("DescribeServices", clusters * services.div_ceil(10)),
        // The number of tasks, to compare the list with.
        ("DescribeClusters", clusters),
        ("ListTasks", clusters * lists),
        ("DescribeTasks", clusters * all.div_ceil(100)),
        ("DescribeContainerInstances", clusters * instances.div_ceil(100)),
        ("DescribeTargetGroups", each_group),
        ("DescribeTargetHealth", clusters * services),
        // The sweep mark, then the records of each cluster with the kill switch.
        ("BatchGetItem", 1 + clusters * (services + 1).div_ceil(100)),
    ])
}

/// A list of the tasks with desired status RUNNING, and an empty one of those with STOPPED.
fn lists(tasks: usize) -> usize {
    pages(tasks, 100) + pages(0, 100)
}
