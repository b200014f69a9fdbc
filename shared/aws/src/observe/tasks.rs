//! Lists and descriptions of tasks.
//!
//! RUNNING is listed before STOPPED, never at the same time: a task moves only from the first list
//! to the second, so a task that moves in the meantime is in the second list, and no task is in
//! neither.
//!
//! AWS facts: F-10.1, F-10.2.

use super::services::failure_gap;
use super::{DESCRIBE_BATCH, PAGE_LIMIT, convert, few_at_once, gap};
use crate::account::Aws;
use crate::failure::chain;
use aws_sdk_ecs::types::DesiredStatus;
use portkeeper_core::ids::{ClusterArn, ContainerInstanceArn, TaskArn};
use portkeeper_core::observation::{Gap, Missed, Observation, Task};
use std::collections::{BTreeMap, BTreeSet};

/// Which tasks of a cluster are listed.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    /// Those of a service.
    Service(&'a str),
    /// Those on a container instance.
    Instance(&'a ContainerInstanceArn),
    /// All.
    Cluster,
}

/// Tasks by name, and what is missing from the list.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) arns: BTreeSet<TaskArn>,
    /// The numbers of tasks with desired status RUNNING and with desired status STOPPED.
    pub(super) running: usize,
    pub(super) stopped: usize,
    pub(super) gaps: Vec<Gap>,
}

/// Tasks as described.
#[derive(Default)]
pub(super) struct Descriptions {
    pub(super) tasks: Vec<Task>,
    /// Those that ECS does not know when they are described by name.
    pub(super) missing: BTreeSet<TaskArn>,
    /// The `group` of tasks that ECS returned and that cannot be parsed.
    pub(super) groups: BTreeMap<TaskArn, String>,
    pub(super) gaps: Vec<Gap>,
}

/// Reads the tasks of the observed service.
pub(super) async fn read_tasks(aws: &Aws, seen: &mut Observation) {
    let Listed { arns, gaps, .. } =
        list_all(aws, &seen.key.cluster, Of::Service(&seen.key.service)).await;
    seen.gaps.extend(gaps);
    let described = describe(aws, &seen.key.cluster, &arns).await;
    seen.tasks.extend(described.tasks);
    seen.gaps.extend(described.gaps);
    seen.gaps.extend(described.missing.into_iter().map(|arn| {
        let why = format!(
            "ecs:DescribeTasks answered MISSING for task {}, which was just listed",
            arn.tail()
        );
        Gap { what: Missed::Task(arn), why, retry: true }
    }));
}

/// Lists tasks with desired status RUNNING, then those with desired status STOPPED.
pub(super) async fn list_all(aws: &Aws, cluster: &ClusterArn, of: Of<'_>) -> Listed {
    let mut listed = Listed::default();
    listed.running = list(aws, cluster, of, DesiredStatus::Running, &mut listed).await;
    listed.stopped = list(aws, cluster, of, DesiredStatus::Stopped, &mut listed).await;
    listed
}

/// Adds the tasks of one status, and returns their number.
async fn list(
    aws: &Aws,
    cluster: &ClusterArn,
    of: Of<'_>,
    status: DesiredStatus,
    listed: &mut Listed,
) -> usize {
    let resource = || match of {
        Of::Service(name) => format!("{} tasks of {}/{name}", status.as_str(), cluster.name()),
        Of::Instance(arn) => {
            format!("{} tasks on {}/{}", status.as_str(), cluster.name(), arn.tail())
        }
        Of::Cluster => format!("{} tasks of {}", status.as_str(), cluster.name()),
    };
    let (mut token, mut count) = (None, 0);
    for _ in 0..PAGE_LIMIT {
        let answer = loop {
            let request =
                aws.ecs.list_tasks().cluster(cluster.as_str()).desired_status(status.clone());
            let request = match of {
                Of::Service(name) => request.service_name(name),
                Of::Instance(arn) => request.container_instance(arn.as_str()),
                Of::Cluster => request,
            };
            aws.acquire("ecs:ListTasks").await;
            match request.set_next_token(token.clone()).send().await {
                Ok(answer) => break answer,
                Err(error) => {
                    let failure = aws.failure("ecs:ListTasks", resource(), error);
                    if !aws.may_repeat(&failure) {
                        listed.gaps.push(gap(Missed::Tasks, &failure));
                        return count;
                    }
                }
            }
        };
        count += answer.task_arns().len();
        for text in answer.task_arns() {
            match TaskArn::try_from(text.as_str()) {
                Ok(arn) => {
                    listed.arns.insert(arn);
                }
                Err(error) => listed.gaps.push(Gap {
                    what: Missed::Tasks,
                    why: error.to_string(),
                    retry: false,
                }),
            }
        }
        token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return count;
        }
    }
    let why = format!("ecs:ListTasks of {} has more than {PAGE_LIMIT} pages", resource());
    listed.gaps.push(Gap { what: Missed::Tasks, why, retry: false });
    count
}

/// Describes these tasks, in batches.
pub(super) async fn describe(
    aws: &Aws,
    cluster: &ClusterArn,
    arns: &BTreeSet<TaskArn>,
) -> Descriptions {
    let arns: Vec<&TaskArn> = arns.iter().collect();
    let batches: Vec<_> =
        arns.chunks(DESCRIBE_BATCH).map(|batch| describe_batch(aws, cluster, batch)).collect();
    let mut all = Descriptions::default();
    for batch in few_at_once(batches).await {
        all.tasks.extend(batch.tasks);
        all.missing.extend(batch.missing);
        all.groups.extend(batch.groups);
        all.gaps.extend(batch.gaps);
    }
    all.tasks.sort_by(|one, other| one.arn.cmp(&other.arn));
    all
}

async fn describe_batch(aws: &Aws, cluster: &ClusterArn, batch: &[&TaskArn]) -> Descriptions {
    let action = "ecs:DescribeTasks";
    let mut described = Descriptions::default();
    let names: Vec<String> = batch.iter().map(|arn| arn.as_str().to_owned()).collect();
    let answer = loop {
        let request = aws.ecs.describe_tasks().cluster(cluster.as_str());
        aws.acquire(action).await;
        match request.set_tasks(Some(names.clone())).send().await {
            Ok(answer) => break answer,
            Err(error) => {
                let resource = format!("{} tasks of {}", batch.len(), cluster.name());
                let failure = aws.failure(action, resource, error);
                if !aws.may_repeat(&failure) {
                    described.gaps.push(gap(Missed::Tasks, &failure));
                    return described;
                }
            }
        }
    };
    for arn in batch {
        let task = answer.tasks().iter().find(|task| task.task_arn() == Some(arn.as_str()));
        let failure = answer.failures().iter().find(|failure| names_task(failure.arn(), arn));
        let missed = Missed::Task((*arn).clone());
        match (task.map(convert::task), failure) {
            (Some(Ok(task)), _) => described.tasks.push(task),
            (Some(Err(error)), _) => {
                let group =
                    answer.tasks().iter().find(|task| task.task_arn() == Some(arn.as_str()));
                let group = group.and_then(|task| task.group()).unwrap_or_default();
                described.groups.insert((*arn).clone(), group.to_owned());
                let why = format!("task {}: {}", arn.tail(), chain(&error));
                described.gaps.push(Gap { what: missed, why, retry: false });
            }
            (None, Some(failure)) if failure.reason() == Some("MISSING") => {
                described.missing.insert((*arn).clone());
            }
            (None, Some(failure)) => described.gaps.push(failure_gap(missed, action, failure)),
            (None, None) => {
                let why = format!("{action} did not answer for task {}", arn.tail());
                described.gaps.push(Gap { what: missed, why, retry: true });
            }
        }
    }
    described
}

/// A failure names a task by its ARN; in old clusters by the short form, which has the same ending.
fn names_task(failed: Option<&str>, arn: &TaskArn) -> bool {
    failed.is_some_and(|failed| failed.rsplit('/').next() == Some(arn.tail()))
}

/// Adds tasks that were described later; a task that is there already is replaced by its newer
/// description.
pub(super) fn add_newer(tasks: &mut Vec<Task>, newer: Vec<Task>) {
    for task in newer {
        match tasks.iter_mut().find(|known| known.arn == task.arn) {
            Some(known) => *known = task,
            None => tasks.push(task),
        }
    }
    tasks.sort_by(|one, other| one.arn.cmp(&other.arn));
}
