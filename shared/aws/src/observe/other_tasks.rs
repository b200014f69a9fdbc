//! Reads the other tasks on the addresses in question (of other services, or of none), and the
//! groups in which those services register their tasks.

use super::services::{Described, read_revisions};
use super::{containers, counts, few_at_once, gap, groups_of, services, tasks};
use crate::account::Aws;
use crate::failure::chain;
use portkeeper_core::ids::{ContainerInstanceArn, ServiceKey, TargetGroupArn, TaskArn};
use portkeeper_core::observation::{
    ContainerInstanceState, Gap, Missed, Observation, OtherTask, Questions, Service, Task,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many services one `DescribeServices` call names.
const SERVICES_BATCH: usize = 10;

/// The groups of services by service name; `None` if they are unknown.
type Groups = BTreeMap<String, Option<BTreeSet<TargetGroupArn>>>;

/// Reads every task on the container instances in question, or of the whole cluster.
///
/// Lists are eventually consistent and can lack a task that has just taken an address. So the lists
/// are compared with ECS's counts of the same tasks, which are read first. Only tasks that start or
/// run are compared, as ECS counts them.
pub(super) async fn read_owners(aws: &Aws, questions: &Questions, seen: &mut Observation) {
    if questions.other_tasks.is_empty() {
        return;
    }
    let hosts = read_hosts(aws, &questions.other_tasks.hosts, seen).await;
    let listings = list_places(aws, questions.other_tasks.cluster, &hosts, seen).await;
    let own: BTreeSet<&TaskArn> = seen.tasks.iter().map(|task| &task.arn).collect();
    let listed =
        listings.iter().flat_map(|listing| &listing.listed).filter(|arn| !own.contains(arn));
    let asked: BTreeSet<TaskArn> = listed.cloned().collect();
    let described = tasks::describe(aws, &seen.key.cluster, &asked).await;
    let missing = described.missing.iter().map(|arn| Gap {
        what: Missed::OtherTasks,
        why: format!(
            "ecs:DescribeTasks answered MISSING for task {}, which was just listed",
            arn.tail()
        ),
        retry: true,
    });
    let gaps: Vec<Gap> = described.gaps.iter().map(as_owners_gap).chain(missing).collect();
    let answered: BTreeSet<TaskArn> = described.tasks.iter().map(|task| task.arn.clone()).collect();
    let standing: BTreeSet<TaskArn> = seen
        .tasks
        .iter()
        .chain(&described.tasks)
        .filter(|task| task.is_counted())
        .map(|task| task.arn.clone())
        .collect();
    // I-ADDRESS: "the list is compared with ECS's own count"
    let whole = |listing: &&TaskListing| {
        let all_answered =
            listing.listed.iter().all(|arn| answered.contains(arn) || own.contains(arn));
        let all_listed = listing
            .counted
            .is_some_and(|counted| listing.listed.intersection(&standing).count() >= counted);
        listing.is_listed && all_answered && all_listed
    };
    let whole: Vec<Option<ContainerInstanceArn>> =
        listings.iter().filter(whole).map(|listing| listing.instance.clone()).collect();

    seen.gaps.extend(gaps);
    let coverage = &mut seen.other_tasks.coverage;
    coverage.cluster = whole.contains(&None);
    for (host, instances) in hosts.known {
        let is_whole = |arn: &ContainerInstanceArn| whole.contains(&Some(arn.clone()));
        if coverage.cluster || instances.iter().all(is_whole) {
            coverage.hosts.insert(host);
        }
    }
    // A task of this service that was not listed before started meanwhile, and may explain a
    // target.
    let key = seen.key.clone();
    let (ours, others): (Vec<Task>, Vec<Task>) =
        described.tasks.into_iter().partition(|task| task.service() == Some(key.service.as_str()));
    tasks::add_newer(&mut seen.tasks, ours);
    let groups = groups_of_services(aws, &key, &others, &mut seen.gaps).await;
    seen.other_tasks.tasks.extend(others.into_iter().map(|task| other(task, &groups)));
}

/// A container instance, or the whole cluster, and the tasks listed there.
struct TaskListing {
    instance: Option<ContainerInstanceArn>,
    listed: BTreeSet<TaskArn>,
    is_listed: bool,
    /// How many tasks ECS counts there; absent if that could not be read.
    counted: Option<usize>,
}

/// The container instances in this cluster of the EC2 instances in question, and how many tasks ECS
/// counts on each.
#[derive(Default)]
struct Hosts {
    /// The EC2 instances whose container instances are all fit.
    known: BTreeMap<String, BTreeSet<ContainerInstanceArn>>,
    /// The container instances whose tasks ECS lists.
    listed: BTreeSet<ContainerInstanceArn>,
    counts: counts::Counts,
}

/// Reads every container instance of these EC2 instances: those that ECS lists, and those that
/// tasks name. One that was not read, or that ECS does not manage now, leaves its host unknown. The
/// tasks on the others still explain targets.
async fn read_hosts(aws: &Aws, hosts: &BTreeSet<String>, seen: &mut Observation) -> Hosts {
    if hosts.is_empty() {
        return Hosts::default();
    }
    let cluster = seen.key.cluster.clone();
    let listed = match containers::list_of_hosts(aws, &cluster, hosts, &[None]).await {
        Ok(listed) => listed,
        Err(failure) => {
            seen.gaps.push(gap(Missed::OtherTasks, &failure));
            return Hosts::default();
        }
    };
    let named = seen
        .container_instances
        .iter()
        .filter(|(arn, _)| arn.other_cluster(&cluster).is_none())
        .filter(|(_, instance)| hosts.contains(&instance.ec2_instance))
        .map(|(arn, _)| arn.clone());
    let asked: BTreeSet<ContainerInstanceArn> = listed.iter().cloned().chain(named).collect();
    let (counts, described, gaps) = counts::on_instances(aws, &cluster, &asked).await;
    seen.gaps.extend(gaps);
    let all_answered = asked.iter().all(|arn| described.contains_key(arn));
    let mut known: BTreeMap<String, BTreeSet<ContainerInstanceArn>> =
        hosts.iter().map(|host| (host.clone(), BTreeSet::new())).collect();
    for (arn, instance) in &described {
        if let Some(instances) = known.get_mut(&instance.ec2_instance) {
            instances.insert(arn.clone());
        }
    }
    let is_fit = |arn: &ContainerInstanceArn| {
        let state = described.get(arn).and_then(|instance| instance.state.as_ref());
        state.is_some_and(ContainerInstanceState::is_fit)
    };
    known.retain(|_, instances| all_answered && instances.iter().all(is_fit));
    seen.container_instances.extend(described);
    Hosts { known, listed, counts }
}

async fn list_places(
    aws: &Aws,
    whole_cluster: bool,
    hosts: &Hosts,
    seen: &mut Observation,
) -> Vec<TaskListing> {
    let cluster = seen.key.cluster.clone();
    let (mut counts, mut instances) = (hosts.counts.clone(), Vec::new());
    if whole_cluster {
        let (counted, gaps) = counts::in_cluster(aws, &cluster).await;
        counts.extend(counted);
        seen.gaps.extend(gaps);
        instances.push(None);
    } else {
        let fit = hosts.known.values().flatten();
        instances
            .extend(hosts.listed.iter().chain(fit).collect::<BTreeSet<_>>().into_iter().map(Some));
    }
    let lists = instances.into_iter().map(|instance| {
        let cluster = &cluster;
        async move {
            let of = instance.map_or(tasks::Of::Cluster, tasks::Of::Instance);
            (instance.cloned(), tasks::list_all(aws, cluster, of).await)
        }
    });
    let lists = few_at_once(lists.collect()).await;
    let listing = |(instance, list): (Option<ContainerInstanceArn>, tasks::Listed)| {
        seen.gaps.extend(list.gaps.iter().map(as_owners_gap));
        let counted = counts.get(&instance).copied();
        TaskListing { instance, is_listed: list.gaps.is_empty(), listed: list.arns, counted }
    };
    lists.into_iter().map(listing).collect()
}

/// Returns the same gap as one about other tasks: the service's own tasks are not affected.
fn as_owners_gap(gap: &Gap) -> Gap {
    Gap { what: Missed::OtherTasks, ..gap.clone() }
}

/// Reads where the services of those tasks that still run register them.
async fn groups_of_services(
    aws: &Aws,
    key: &ServiceKey,
    tasks: &[Task],
    gaps: &mut Vec<Gap>,
) -> Groups {
    let live = tasks.iter().filter(|task| !task.last_status.is_over());
    let names: BTreeSet<&str> = live.filter_map(Task::service).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let mut groups = Groups::new();
    for batch in names.chunks(SERVICES_BATCH) {
        match services::call(aws, &key.cluster, batch, false).await {
            Ok(answer) => {
                for (name, described) in answer {
                    let other =
                        ServiceKey { cluster: key.cluster.clone(), service: name.to_owned() };
                    groups.insert(
                        name.to_owned(),
                        groups_of_service(aws, &other, described, gaps).await,
                    );
                }
            }
            Err(failure) => {
                gaps.push(Gap { what: Missed::OtherTasks, why: chain(&failure), retry: true });
            }
        }
    }
    groups
}

/// Returns every group that a service may use; `None` if that is unknown.
pub(super) async fn groups_of_service(
    aws: &Aws,
    key: &ServiceKey,
    described: Described,
    gaps: &mut Vec<Gap>,
) -> Option<BTreeSet<TargetGroupArn>> {
    let mut service: Service = match described {
        Described::Found(service) => *service,
        Described::Absent => return None,
        Described::Unknown(gap) => {
            gaps.push(as_owners_gap(&gap));
            return None;
        }
    };
    let missed = read_revisions(aws, key, &mut service).await;
    gaps.extend(missed.iter().map(as_owners_gap));
    // The load balancer entries do not contain the groups that ECS manages itself.
    let managed = service.managed_by_ecs || service.behind_gateway;
    (missed.is_empty() && !managed).then(|| groups_of(&service))
}

fn other(task: Task, groups: &Groups) -> OtherTask {
    let target_groups = match task.service() {
        Some(service) => groups.get(service).cloned().flatten(),
        None => Some(BTreeSet::new()),
    };
    OtherTask { task, target_groups }
}
