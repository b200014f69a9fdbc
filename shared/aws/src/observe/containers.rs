//! Reads the container instances and task definitions of tasks.

use super::{DESCRIBE_BATCH, PAGE_LIMIT, convert, few_at_once, gap, services::failure_gap};
use crate::account::Aws;
use crate::failure::{Failure, chain};
use aws_sdk_ecs::types::{self as ecs, ContainerInstanceStatus};
use portkeeper_core::ids::{ClusterArn, ContainerInstanceArn, TaskDefinitionArn};
use portkeeper_core::observation::{
    ContainerInstance, ContainerInstanceState, Gap, Missed, Observation, Task, TaskDefinition,
};
use std::collections::{BTreeMap, BTreeSet};

const DESCRIBE_INSTANCES: &str = "ecs:DescribeContainerInstances";

/// ECS's reason for an instance that it no longer knows: it was deregistered, or terminated an hour
/// ago.
const MISSING: &str = "MISSING";

/// Reads the EC2 instance of every container instance that the observed tasks and the live other
/// tasks name. Cached ones need no call.
pub(super) async fn read_instances(aws: &Aws, seen: &mut Observation) {
    let asked: BTreeSet<_> = seen.gaps.iter().filter_map(gap_instance).collect();
    let other_tasks = seen
        .other_tasks
        .tasks
        .iter()
        .map(|other| &other.task)
        .filter(|task| !task.last_status.is_over());
    let named =
        seen.tasks.iter().chain(other_tasks).filter_map(|task| task.container_instance.as_ref());
    let named: BTreeSet<_> = named.collect();
    let wanted = named
        .into_iter()
        .filter(|arn| !seen.container_instances.contains_key(arn) && !asked.contains(arn));
    let (mut known, mut unknown) = (BTreeMap::new(), BTreeSet::new());
    for arn in wanted {
        match aws.warm.instance(arn) {
            Some(ec2_instance) => {
                known.insert(arn.clone(), ContainerInstance { ec2_instance, state: None });
            }
            None => {
                unknown.insert(arn.clone());
            }
        }
    }
    seen.container_instances.extend(known);
    describe_instances(aws, &unknown, seen).await;
}

fn gap_instance(gap: &Gap) -> Option<ContainerInstanceArn> {
    match &gap.what {
        Missed::ContainerInstance(arn) => Some(arn.clone()),
        _ => None,
    }
}

/// How many EC2 instances one list names in its filter.
const HOSTS_BATCH: usize = 20;

/// Lists the container instances that these EC2 instances have in a cluster, of each of these
/// statuses. Without a status, ECS lists all but INACTIVE ones, whose containers may still run.
pub(super) async fn list_of_hosts(
    aws: &Aws,
    cluster: &ClusterArn,
    hosts: &BTreeSet<String>,
    statuses: &[Option<&str>],
) -> Result<BTreeSet<ContainerInstanceArn>, Failure> {
    let mut found = BTreeSet::new();
    let hosts: Vec<&String> = hosts.iter().collect();
    for batch in hosts.chunks(HOSTS_BATCH) {
        let names: Vec<String> = batch.iter().map(|host| format!("'{host}'")).collect();
        let filter = format!("ec2InstanceId in [{}]", names.join(","));
        for status in statuses {
            let status = status.map(ContainerInstanceStatus::from);
            found.extend(list_filtered(aws, cluster, &filter, status.as_ref()).await?);
        }
    }
    Ok(found)
}

async fn list_filtered(
    aws: &Aws,
    cluster: &ClusterArn,
    filter: &str,
    status: Option<&ContainerInstanceStatus>,
) -> Result<BTreeSet<ContainerInstanceArn>, Failure> {
    let (action, resource) = ("ecs:ListContainerInstances", cluster.name());
    let (mut found, mut token) = (BTreeSet::new(), None);
    for _ in 0..PAGE_LIMIT {
        let request = aws.ecs.list_container_instances().cluster(cluster.as_str()).filter(filter);
        aws.acquire(action).await;
        let answer = request.set_status(status.cloned()).set_next_token(token.take()).send().await;
        let answer = answer.map_err(|error| aws.failure(action, resource, error))?;
        for arn in answer.container_instance_arns() {
            let arn = ContainerInstanceArn::try_from(arn.as_str());
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

/// Reads the state of these container instances now.
pub(super) async fn describe_instances(
    aws: &Aws,
    arns: &BTreeSet<ContainerInstanceArn>,
    seen: &mut Observation,
) {
    let cluster = seen.key.cluster.clone();
    describe_instances_in(aws, &cluster, arns, seen).await;
}

/// Does the same for container instances of any cluster, not only that of the observed service.
pub(super) async fn describe_instances_in(
    aws: &Aws,
    cluster: &ClusterArn,
    arns: &BTreeSet<ContainerInstanceArn>,
    seen: &mut Observation,
) {
    let arns: Vec<&ContainerInstanceArn> = arns.iter().collect();
    let batches: Vec<_> =
        arns.chunks(DESCRIBE_BATCH).map(|batch| describe_batch(aws, cluster, batch)).collect();
    for (instances, gaps) in few_at_once(batches).await {
        seen.container_instances.extend(instances);
        seen.gaps.extend(gaps);
    }
}

type Instances = BTreeMap<ContainerInstanceArn, ContainerInstance>;

async fn describe_batch(
    aws: &Aws,
    cluster: &ClusterArn,
    batch: &[&ContainerInstanceArn],
) -> (Instances, Vec<Gap>) {
    let (mut instances, mut gaps) = (Instances::new(), Vec::new());
    let names = batch.iter().map(|arn| arn.as_str().to_owned()).collect();
    let request = aws.ecs.describe_container_instances().cluster(cluster.as_str());
    aws.acquire(DESCRIBE_INSTANCES).await;
    let answer = match request.set_container_instances(Some(names)).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let resource = format!("{} container instances of {}", batch.len(), cluster.name());
            let failure = aws.failure(DESCRIBE_INSTANCES, resource, error);
            gaps.extend(
                batch.iter().map(|arn| gap(Missed::ContainerInstance((*arn).clone()), &failure)),
            );
            return (instances, gaps);
        }
    };
    for arn in batch {
        let mut described = answer
            .container_instances()
            .iter()
            .filter(|one| one.container_instance_arn() == Some(arn.as_str()));
        let found = described.find_map(known);
        let mut failures = answer.failures().iter();
        let failure = failures
            .find(|one| one.arn().is_some_and(|text| text.rsplit('/').next() == Some(arn.tail())));
        let missed = Missed::ContainerInstance((*arn).clone());
        match (found, failure) {
            (Some(instance), _) => {
                aws.warm.keep_instance(arn, &instance.ec2_instance);
                instances.insert((*arn).clone(), instance);
            }
            (None, Some(failure)) if failure.reason() == Some(MISSING) => match aws
                .warm
                .instance(arn)
            {
                Some(ec2_instance) => {
                    let state = ContainerInstanceState {
                        status: MISSING.to_owned(),
                        agent_connected: false,
                    };
                    instances.insert(
                        (*arn).clone(),
                        ContainerInstance { ec2_instance, state: Some(state) },
                    );
                }
                // A retry does not help: ECS no longer knows it.
                None => gaps
                    .push(Gap { retry: false, ..failure_gap(missed, DESCRIBE_INSTANCES, failure) }),
            },
            (None, Some(failure)) => gaps.push(failure_gap(missed, DESCRIBE_INSTANCES, failure)),
            (None, None) => {
                let why = format!(
                    "{DESCRIBE_INSTANCES} did not answer for {}, or without its EC2 id",
                    arn.tail()
                );
                gaps.push(Gap { what: missed, why, retry: true });
            }
        }
    }
    (instances, gaps)
}

/// A container instance as ECS describes it now; none without its EC2 id.
pub(super) fn known(described: &ecs::ContainerInstance) -> Option<ContainerInstance> {
    let ec2_instance = described.ec2_instance_id()?.to_owned();
    let status = described.status().unwrap_or_default().to_owned();
    let state = ContainerInstanceState { status, agent_connected: described.agent_connected() };
    Some(ContainerInstance { ec2_instance, state: Some(state) })
}

/// Reads the task definitions of those observed tasks and other tasks that do not contain their
/// ports themselves.
pub(super) async fn read_definitions(aws: &Aws, seen: &mut Observation) {
    let tasks = seen.tasks.iter().chain(seen.other_tasks.tasks.iter().map(|other| &other.task));
    let silent = tasks.filter(|task| is_silent(task)).map(|task| task.task_definition.clone());
    let asked: BTreeSet<_> = seen.gaps.iter().filter_map(gap_definition).collect();
    let wanted: BTreeSet<_> = silent
        .filter(|arn| !seen.task_definitions.contains_key(arn) && !asked.contains(arn))
        .collect();
    let reads = wanted.into_iter().map(|arn| async move {
        let read = read_definition(aws, &arn).await;
        (arn, read)
    });
    for (arn, read) in few_at_once(reads.collect()).await {
        match read {
            Ok(definition) => {
                seen.task_definitions.insert(arn, definition);
            }
            Err(gap) => seen.gaps.push(gap),
        }
    }
}

fn gap_definition(gap: &Gap) -> Option<TaskDefinitionArn> {
    match &gap.what {
        Missed::TaskDefinition(arn) => Some(arn.clone()),
        _ => None,
    }
}

/// Whether a task has neither its own interface nor bindings: it is in host mode, or has not
/// received them yet.
fn is_silent(task: &Task) -> bool {
    let bound = task.containers.iter().any(|container| !container.bindings.is_empty());
    !task.last_status.is_over() && task.network_interface.is_none() && !bound
}

async fn read_definition(aws: &Aws, arn: &TaskDefinitionArn) -> Result<TaskDefinition, Gap> {
    if let Some(known) = aws.warm.definition(arn) {
        return Ok(known);
    }
    let action = "ecs:DescribeTaskDefinition";
    let missed = || Missed::TaskDefinition(arn.clone());
    aws.acquire(action).await;
    let answer = aws.ecs.describe_task_definition().task_definition(arn.as_str()).send().await;
    let answer = answer.map_err(|error| gap(missed(), &aws.failure(action, arn.path(), error)))?;
    let described = answer.task_definition().ok_or_else(|| Gap {
        what: missed(),
        why: format!("{action} did not answer for {}", arn.path()),
        retry: true,
    })?;
    let definition = convert::task_definition(described).map_err(|error| Gap {
        what: missed(),
        why: format!("task definition {}: {}", arn.path(), chain(&error)),
        retry: false,
    })?;
    aws.warm.keep_definition(arn, &definition);
    Ok(definition)
}
