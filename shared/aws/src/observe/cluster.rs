//! Reads many services of one cluster together: it lists what they share once and distributes it.
//!
//! The order is that of [`Observation`]: services, then groups with their targets, then tasks. In a
//! large cluster, minutes pass between them, so such a read can find faults but prove nothing. This
//! module judges nothing.

use super::tasks::{Descriptions, Listed, Of};
use super::{
    DESCRIBE_BATCH, PAGE_LIMIT, containers, counts, few_at_once, groups, groups_of, services, tasks,
};
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::cluster_tasks::ClusterTasks;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::{ClusterArn, ServiceKey, TargetGroupArn};
use portkeeper_core::observation::{
    Gap, Missed, Observation, OtherTask, Service, ServiceStatus, Task,
};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Many services of one cluster, read together.
#[derive(Debug)]
pub struct ClusterReading {
    /// When reading began.
    pub began: Timestamp,
    /// Each requested service, by name: its observation, or why it could not be described.
    pub services: BTreeMap<String, Result<Observation, Failure>>,
    /// All tasks of the cluster with their addresses, if all of them were read.
    pub cluster_tasks: ClusterTasks,
    /// The sizes of what was read.
    pub sizes: Sizes,
}

/// The sizes of what was read, which determine the number of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Services that were described.
    pub services: usize,
    /// Revisions that had to be described.
    pub revisions: usize,
    /// Target groups.
    pub target_groups: usize,
    /// Targets in them.
    pub targets: usize,
    /// Tasks with desired status RUNNING.
    pub running_tasks: usize,
    /// Tasks with desired status STOPPED.
    pub stopped_tasks: usize,
    /// Container instances with tasks on them.
    pub container_instances: usize,
    /// Task definitions that had to be read.
    pub task_definitions: usize,
}

/// The progress of a reading, in target groups, which take nearly all of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadProgress {
    /// Groups that were read.
    pub done: usize,
    /// Groups to be read.
    pub of: usize,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Target groups. Services beyond it are left out, in the order of their names; one is always
    /// read.
    pub target_groups: usize,
    /// Calls that list and describe tasks. If the whole cluster needs more, only the tasks of the
    /// services are read, and services beyond the limit are left out.
    pub task_calls: usize,
}

impl Limits {
    /// Everything that was requested.
    pub const NONE: Self = Self { target_groups: usize::MAX, task_calls: usize::MAX };

    /// Whether all tasks of a cluster with this many can be listed.
    fn allow_all_tasks(self, in_cluster: usize) -> bool {
        in_cluster <= PAGE_LIMIT * DESCRIBE_BATCH
            && calls_for_cluster(in_cluster) <= self.task_calls
    }
}

/// Reads these services of one cluster. What they share is read once, which takes the fewest
/// possible calls.
pub async fn observe_cluster(
    aws: &Aws,
    cluster: &ClusterArn,
    names: &BTreeSet<String>,
    limits: Limits,
    on_progress: &(dyn Fn(ReadProgress) + Sync),
) -> ClusterReading {
    let began = aws.now();
    let checks: Vec<ServiceCheck> = names.iter().map(|name| plain_check(cluster, name)).collect();
    let described = services::describe_services(aws, &checks).await;
    let mut described: BTreeMap<String, Result<Observation, Failure>> =
        names.iter().cloned().zip(described).collect();
    let mut sizes = Sizes { services: described.len(), ..Sizes::default() };
    read_revisions(aws, &mut described, &mut sizes).await;
    let in_cluster = count_tasks(aws, cluster, &described).await;
    keep_within(limits, in_cluster, &mut described);

    // An observation of the cluster as if it were one service with all groups and tasks: everything
    // that can be read together is read into it.
    let pseudo = ServiceKey { cluster: cluster.clone(), service: String::new() };
    let mut all = Observation::new(pseudo, began);
    let wanted: BTreeSet<TargetGroupArn> =
        described.values().flatten().filter_map(live).flat_map(groups_of).collect();
    let (done, of) = (AtomicUsize::new(0), wanted.len());
    on_progress(ReadProgress { done: 0, of });
    let on_each = || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        on_progress(ReadProgress { done, of });
    };
    // I-ORDER: "Groups are read before tasks."
    groups::read_groups(aws, &wanted, &mut all, &on_each).await;

    let listed = list_tasks(aws, cluster, limits, in_cluster, &described).await;
    let tasks = tasks::describe(aws, cluster, &listed.tasks.arns).await;
    all.tasks.clone_from(&tasks.tasks);
    containers::read_instances(aws, &mut all).await;
    containers::read_definitions(aws, &mut all).await;
    all.gaps.extend(listed.tasks.gaps.iter().cloned());

    sizes.target_groups = of;
    sizes.targets = all
        .target_groups
        .keys()
        .filter_map(|arn| all.found_group(arn))
        .map(|group| group.targets.len())
        .sum();
    (sizes.running_tasks, sizes.stopped_tasks) = (listed.tasks.running, listed.tasks.stopped);
    sizes.container_instances = all.container_instances.len();
    sizes.task_definitions = all.task_definitions.len();
    deal_out(&mut described, &all, &tasks);
    let is_whole = is_whole(&listed, &tasks);
    let cluster_tasks = ClusterTasks::new(all, owners_of(tasks.tasks, &described), is_whole);
    ClusterReading { began, services: described, cluster_tasks, sizes }
}

fn plain_check(cluster: &ClusterArn, name: &str) -> ServiceCheck {
    ServiceCheck::of(ServiceKey { cluster: cluster.clone(), service: name.to_owned() })
}

/// The service, if there is one that is not deleted.
fn live(seen: &Observation) -> Option<&Service> {
    seen.service.as_ref().filter(|service| service.status != ServiceStatus::Inactive)
}

async fn read_revisions(
    aws: &Aws,
    described: &mut BTreeMap<String, Result<Observation, Failure>>,
    sizes: &mut Sizes,
) {
    let observations = described.values_mut().flatten();
    let parts = observations.map(|Observation { key, service, gaps, .. }| (&*key, service, gaps));
    let (mut services, mut all_gaps) = (Vec::new(), BTreeMap::new());
    for (key, service, gaps) in parts {
        if let Some(service) =
            service.as_mut().filter(|service| service.status != ServiceStatus::Inactive)
        {
            services.push((key, service));
            all_gaps.insert(key, gaps);
        }
    }
    for (key, missed) in services::read_revisions_of(aws, &mut services).await {
        if let Some(gaps) = all_gaps.get_mut(&key) {
            gaps.extend(missed);
        }
    }
    sizes.revisions = services.iter().map(|(_, service)| service.revisions.len()).sum();
}

/// Drops the last services until the rest is within the limits.
fn keep_within(
    limits: Limits,
    in_cluster: Option<usize>,
    described: &mut BTreeMap<String, Result<Observation, Failure>>,
) {
    let all_tasks = in_cluster.is_some_and(|in_cluster| limits.allow_all_tasks(in_cluster));
    let (mut groups, mut tasks) = (BTreeSet::new(), Vec::new());
    let beyond = described.iter().enumerate().find_map(|(number, (name, seen))| {
        groups.extend(seen.iter().filter_map(live).flat_map(groups_of));
        tasks.extend(seen.iter().filter_map(tasks_of));
        let is_beyond = groups.len() > limits.target_groups
            || (!all_tasks && calls_for_services(&tasks) > limits.task_calls);
        (number > 0 && is_beyond).then(|| name.clone())
    });
    if let Some(first) = beyond {
        described.split_off(&first);
    }
}

/// How many tasks a service has, if it has target groups, so that its tasks must be listed.
fn tasks_of(seen: &Observation) -> Option<usize> {
    let service = live(seen).filter(|service| !groups_of(service).is_empty())?;
    Some((service.running_count + service.pending_count) as usize)
}

/// How many tasks of the cluster ECS counts; absent if unknown, or if no service has target groups.
/// Read before the lists, so that a task that starts in the meantime does not make them look
/// incomplete.
async fn count_tasks(
    aws: &Aws,
    cluster: &ClusterArn,
    described: &BTreeMap<String, Result<Observation, Failure>>,
) -> Option<usize> {
    described.values().flatten().find_map(tasks_of)?;
    let (counted, gaps) = counts::in_cluster(aws, cluster).await;
    for gap in gaps {
        tracing::warn!(
            cluster = cluster.name(),
            why = gap.why,
            "the other tasks of the cluster are unknown"
        );
    }
    counted.get(&None).copied()
}

/// The tasks that were listed, and how many there should be.
struct ListedTasks {
    tasks: Listed,
    /// How many tasks of the cluster ECS counts; absent when not the whole cluster was listed.
    counted: Option<usize>,
}

/// Lists the tasks in the cheaper of two ways: all of the cluster's, or those of each service that
/// has target groups.
async fn list_tasks(
    aws: &Aws,
    cluster: &ClusterArn,
    limits: Limits,
    in_cluster: Option<usize>,
    described: &BTreeMap<String, Result<Observation, Failure>>,
) -> ListedTasks {
    let per_service = described.values().flatten();
    let per_service: Vec<(&str, usize)> =
        per_service.filter_map(|seen| Some((seen.key.service.as_str(), tasks_of(seen)?))).collect();
    if per_service.is_empty() {
        return ListedTasks { tasks: Listed::default(), counted: None };
    }
    let each: Vec<usize> = per_service.iter().map(|(_, count)| *count).collect();
    if in_cluster.is_some_and(|in_cluster| {
        limits.allow_all_tasks(in_cluster)
            && calls_for_cluster(in_cluster) <= calls_for_services(&each)
    }) {
        let tasks = tasks::list_all(aws, cluster, Of::Cluster).await;
        return ListedTasks { tasks, counted: in_cluster };
    }
    let lists =
        per_service.iter().map(|(name, _)| tasks::list_all(aws, cluster, Of::Service(name)));
    let mut tasks = Listed::default();
    for list in few_at_once(lists.collect()).await {
        tasks.arns.extend(list.arns);
        tasks.running += list.running;
        tasks.stopped += list.stopped;
        tasks.gaps.extend(list.gaps);
    }
    ListedTasks { tasks, counted: None }
}

/// Two lists of at least one page, and a description of each task.
fn calls_for_cluster(tasks: usize) -> usize {
    tasks.div_ceil(DESCRIBE_BATCH).max(1) + 1 + tasks.div_ceil(DESCRIBE_BATCH)
}

/// Two lists of each service; tasks are described together.
fn calls_for_services(tasks: &[usize]) -> usize {
    let lists: usize = tasks.iter().map(|tasks| tasks.div_ceil(DESCRIBE_BATCH).max(1) + 1).sum();
    lists + tasks.iter().sum::<usize>().div_ceil(DESCRIBE_BATCH)
}

/// Every task of the cluster was listed and described: as many as ECS counts.
fn is_whole(listed: &ListedTasks, described: &Descriptions) -> bool {
    let standing = described.tasks.iter().filter(|task| task.is_counted()).count();
    listed.counted.is_some_and(|counted| standing >= counted)
        && listed.tasks.gaps.is_empty()
        && described.gaps.is_empty()
        && described.missing.is_empty()
}

/// Adds to each service its groups, its tasks, what they run on, and its gaps.
fn deal_out(
    described: &mut BTreeMap<String, Result<Observation, Failure>>,
    all: &Observation,
    tasks: &Descriptions,
) {
    let mut by_service: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for task in &tasks.tasks {
        if let Some(service) = task.service() {
            by_service.entry(service).or_default().push(task);
        }
    }
    for seen in described.values_mut().flatten() {
        let Some(groups) = live(seen).map(groups_of).filter(|groups| !groups.is_empty()) else {
            continue;
        };
        for arn in &groups {
            seen.target_groups.extend(
                all.target_groups
                    .get_key_value(arn)
                    .map(|(arn, group)| (arn.clone(), group.clone())),
            );
        }
        let own = by_service.remove(seen.key.service.as_str()).unwrap_or_default();
        seen.tasks = own.into_iter().cloned().collect();
        for task in &seen.tasks {
            let instances = &all.container_instances;
            let instance =
                task.container_instance.as_ref().and_then(|arn| instances.get_key_value(arn));
            seen.container_instances
                .extend(instance.map(|(arn, instance)| (arn.clone(), instance.clone())));
            let definition = all.task_definitions.get_key_value(&task.task_definition);
            seen.task_definitions
                .extend(definition.map(|(arn, definition)| (arn.clone(), definition.clone())));
        }
        let missed: Vec<Gap> =
            all.gaps.iter().filter(|gap| concerns(gap, seen, &groups)).cloned().collect();
        let short = !seen.tasks_are_whole();
        let unseen = tasks.gaps.iter().filter(|gap| match &gap.what {
            // A task whose `group` is unknown may belong to any service of which fewer tasks were
            // listed than ECS counts.
            Missed::Task(arn) => tasks.groups.get(arn).map_or(short, |group| {
                group.strip_prefix("service:") == Some(seen.key.service.as_str())
            }),
            _ => true,
        });
        let unseen: Vec<Gap> = unseen.cloned().collect();
        seen.gaps.extend(missed);
        seen.gaps.extend(unseen);
    }
}

/// What could not be read bears on this service.
fn concerns(gap: &Gap, seen: &Observation, groups: &BTreeSet<TargetGroupArn>) -> bool {
    match &gap.what {
        Missed::TargetGroup(arn) => groups.contains(arn),
        Missed::ContainerInstance(arn) => {
            seen.tasks.iter().any(|task| task.container_instance.as_ref() == Some(arn))
        }
        Missed::TaskDefinition(arn) => seen.tasks.iter().any(|task| task.task_definition == *arn),
        Missed::Service
        | Missed::Tasks
        | Missed::Task(_)
        | Missed::Revisions
        | Missed::OtherTasks
        | Missed::Elsewhere => true,
    }
}

/// Every live task, and where its service registers its tasks, as far as that service was
/// described.
fn owners_of(
    tasks: Vec<Task>,
    described: &BTreeMap<String, Result<Observation, Failure>>,
) -> Vec<OtherTask> {
    let mut groups: BTreeMap<&str, BTreeSet<TargetGroupArn>> = BTreeMap::new();
    for (name, seen) in described {
        let Ok(Observation { service: Some(service), gaps, .. }) = seen else { continue };
        let revisions_missed = gaps.iter().any(|gap| gap.what == Missed::Revisions);
        // The load balancer entries do not contain the groups that ECS manages itself.
        if !revisions_missed && !service.managed_by_ecs && !service.behind_gateway {
            groups.insert(name, groups_of(service));
        }
    }
    let live = tasks.into_iter().filter(|task| !task.last_status.is_over());
    let other = |task: Task| {
        let target_groups = match task.service() {
            Some(service) => groups.get(service).cloned(),
            None => Some(BTreeSet::new()),
        };
        OtherTask { task, target_groups }
    };
    live.map(other).collect()
}
