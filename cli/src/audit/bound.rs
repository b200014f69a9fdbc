//! The fewest API calls that could read the same, term by term, for comparison with the calls that
//! the audit made.
//!
//! It knows AWS's batch and page sizes. It makes no call.

use portkeeper_aws::observe::cluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// From this many groups on, listing all groups of the account takes fewer calls than naming them.
const NAMED_GROUPS: usize = 160;

/// The sizes of everything that the audit read.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Clusters in the list of all clusters.
    pub(super) listed_clusters: Option<usize>,
    /// Clusters read by name.
    pub(super) named_clusters: usize,
    /// Target groups of the account, if the audit listed all at its start.
    pub(super) listed_groups: Option<usize>,
    pub(super) clusters: Vec<ClusterSizes>,
}

/// The sizes of one cluster.
#[derive(Debug)]
pub(super) struct ClusterSizes {
    /// Services in the list of services.
    pub(super) listed: usize,
    pub(super) read: cluster::Sizes,
    /// Groups that do not exist. No page contains them, so they are requested by name.
    pub(super) missing_groups: usize,
}

/// A term of the bound.
#[derive(Debug)]
struct Term {
    action: &'static str,
    calls: usize,
    /// What is read, and how much per call.
    of: String,
}

#[derive(Debug)]
pub(super) struct Bound {
    terms: Vec<Term>,
}

impl Bound {
    pub(super) fn of(sizes: &Sizes) -> Self {
        let mut terms = Vec::new();
        let mut add = |action, calls, of: String| {
            if calls > 0 {
                terms.push(Term { action, calls, of });
            }
        };
        if let Some(clusters) = sizes.listed_clusters {
            add(
                "ecs:ListClusters",
                pages(clusters, 100),
                format!("{clusters} clusters, 100 to a page"),
            );
        }
        let counted =
            sizes.clusters.iter().filter(|cluster| cluster.read.target_groups > 0).count();
        let named = sizes.named_clusters;
        let of = match named {
            0 => {
                format!("one for each of {counted} clusters, to verify the number of its tasks")
            }
            named => {
                format!(
                    "{named} clusters by name, 100 to a call, and one for each of {counted} to count its tasks"
                )
            }
        };
        add("ecs:DescribeClusters", named.div_ceil(100) + counted, of);
        let sum =
            |each: &dyn Fn(&ClusterSizes) -> usize| sizes.clusters.iter().map(each).sum::<usize>();
        let listed = sum(&|it| it.listed);
        add(
            "ecs:ListServices",
            sum(&|it| pages(it.listed, 100)),
            format!("{listed} services, 100 to a page"),
        );
        let described = sum(&|it| it.read.services.div_ceil(10));
        add(
            "ecs:DescribeServices",
            described,
            format!("{} services, 10 to a call", sum(&|it| it.read.services)),
        );
        let revisions = sum(&|it| it.read.revisions);
        add(
            "ecs:DescribeServiceRevisions",
            sum(&|it| it.read.revisions.div_ceil(20)),
            format!("{revisions} revisions, 20 to a call"),
        );
        let with_groups =
            |it: &ClusterSizes, calls: usize| if it.read.target_groups > 0 { calls } else { 0 };
        let lists = |it: &ClusterSizes| {
            pages(it.read.running_tasks, 100) + pages(it.read.stopped_tasks, 100)
        };
        let (running, stopped) =
            (sum(&|it| it.read.running_tasks), sum(&|it| it.read.stopped_tasks));
        let of = format!(
            "{running} tasks with desired status RUNNING and {stopped} with STOPPED, 100 to a page"
        );
        add("ecs:ListTasks", sum(&|it| with_groups(it, lists(it))), of);
        let tasks = |it: &ClusterSizes| it.read.running_tasks + it.read.stopped_tasks;
        add(
            "ecs:DescribeTasks",
            sum(&|it| tasks(it).div_ceil(100)),
            format!("{} tasks, 100 to a call", running + stopped),
        );
        let machines = sum(&|it| it.read.container_instances);
        let of = format!("{machines} container instances, 100 to a call");
        add(
            "ecs:DescribeContainerInstances",
            sum(&|it| it.read.container_instances.div_ceil(100)),
            of,
        );
        let definitions = sum(&|it| it.read.task_definitions);
        add(
            "ecs:DescribeTaskDefinition",
            definitions,
            format!("{definitions} task definitions, one to a call"),
        );
        let groups = sum(&|it| it.read.target_groups);
        let (calls, of) = group_descriptions(sizes, groups);
        add("elasticloadbalancing:DescribeTargetGroups", calls, of);
        let found = groups - sum(&|it| it.missing_groups);
        let of = format!("{found} target groups, one to a call");
        add("elasticloadbalancing:DescribeTargetHealth", found, of);
        Self { terms }
    }

    pub(super) fn total(&self) -> usize {
        self.terms.iter().map(|term| term.calls).sum()
    }

    /// Returns the bound and the calls that were made.
    pub(super) fn to_json(&self, calls: &BTreeMap<&'static str, u64>) -> Value {
        let term =
            |term: &Term| json!({ "action": term.action, "calls": term.calls, "of": term.of });
        let terms: Vec<Value> = self.terms.iter().map(term).collect();
        json!({
            "calls": calls,
            "total": calls.values().sum::<u64>(),
            "lower_bound": { "terms": terms, "total": self.total() },
        })
    }
}

/// Returns the pages of a list: even an empty list has one.
fn pages(items: usize, size: usize) -> usize {
    items.div_ceil(size).max(1)
}

/// No page contains a group that does not exist, so it is requested by name. A call that names
/// several groups fails if one of them does not exist, and then each is requested alone.
fn missing_calls(missing: usize) -> usize {
    let batch = |size: usize| if size > 1 { 1 + size } else { size };
    (missing / 20) * batch(20) + batch(missing % 20)
}

fn group_descriptions(sizes: &Sizes, groups: usize) -> (usize, String) {
    let missing: usize = sizes.clusters.iter().map(|it| missing_calls(it.missing_groups)).sum();
    let by_name = if missing > 0 {
        format!("; groups that do not exist, by name: {missing} calls")
    } else {
        String::new()
    };
    if let Some(listed) = sizes.listed_groups {
        return (
            pages(listed, 400) + missing,
            format!("{listed} target groups of the account, 400 to a page{by_name}"),
        );
    }
    let of_cluster = |it: &ClusterSizes| match it.read.target_groups - it.missing_groups {
        many if many > NAMED_GROUPS => many.div_ceil(400),
        few => few.div_ceil(20),
    };
    let calls = sizes.clusters.iter().map(of_cluster).sum::<usize>() + missing;
    (calls, format!("{groups} target groups, 20 to a call or 400 to a page{by_name}"))
}
