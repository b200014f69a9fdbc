//! The fewest calls with which services in order can be seen whole, by operation: nothing but AWS's
//! batch and page sizes.
//!
//! It knows nothing of how Portkeeper reads. Services are in bridge mode, each with its own target
//! groups, and nothing of them has stopped in the last hour.

use std::collections::BTreeMap;

/// Calls by operation.
pub type Calls = BTreeMap<&'static str, usize>;

/// From so many groups on, listing all of the account's, 400 to a page, is what costs fewer calls
/// in any account of AWS's quota of 3,000 groups.
const NAMED_GROUPS: usize = 160;

/// Pages of a list: one even if it is empty.
#[must_use]
pub fn pages(items: usize, size: usize) -> usize {
    items.div_ceil(size).max(1)
}

/// A check of one service by a function that knows its groups and instances.
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

/// The same by a function that starts: it also learns what never changes.
#[must_use]
pub fn cold_check(tasks: usize, groups: usize, instances: usize) -> Calls {
    let mut calls = warm_check(tasks, groups);
    calls.insert("DescribeTargetGroups", groups.div_ceil(20));
    calls.insert("DescribeContainerInstances", instances.div_ceil(100));
    calls
}

/// A sweep by a function that starts, of so many clusters, each with so many services of one group
/// and so many tasks, on so many container instances.
#[must_use]
pub fn sweep(clusters: usize, services: usize, tasks: usize, instances: usize) -> Calls {
    let all = services * tasks;
    // Whichever costs less: the lists of each service, or those of the cluster.
    let lists = lists(all).min(services * lists(tasks));
    let each_group = match services {
        many if many > NAMED_GROUPS => pages(clusters * many, 400),
        few => clusters * few.div_ceil(20),
    };
    BTreeMap::from([
        ("ListClusters", pages(clusters, 100)),
        ("ListServices", clusters * pages(services, 100)),
        ("DescribeServices", clusters * services.div_ceil(10)),
        // How many tasks there are, to hold the list against.
        ("DescribeClusters", clusters),
        ("ListTasks", clusters * lists),
        ("DescribeTasks", clusters * all.div_ceil(100)),
        ("DescribeContainerInstances", clusters * instances.div_ceil(100)),
        ("DescribeTargetGroups", each_group),
        ("DescribeTargetHealth", clusters * services),
        // The mark, then the records of each cluster with the kill switch.
        ("BatchGetItem", 1 + clusters * (services + 1).div_ceil(100)),
    ])
}

/// A list of those that are to run, and an empty one of those that are to stop.
fn lists(tasks: usize) -> usize {
    pages(tasks, 100) + pages(0, 100)
}
