//! The second read: only what the first left undetermined.

use super::{containers, groups, other_clusters, other_tasks, tasks};
use crate::account::Aws;
use crate::config::Clusters;
use portkeeper_core::ids::TaskArn;
use portkeeper_core::observation::{Gap, Missed, Observation, Questions};
use std::collections::BTreeSet;

/// Reads what the questions ask for and adds it to the observation. A failed read becomes a gap.
/// Other tasks are read last, so that a task that has taken an address meanwhile is found. Other
/// clusters are read only if they are `watched`.
pub async fn answer_questions(
    aws: &Aws,
    watched: &Clusters,
    observation: Observation,
    questions: &Questions,
) -> Observation {
    let mut seen = observation;
    groups::refresh_groups(aws, &questions.target_groups, &mut seen).await;
    containers::describe_instances(aws, &questions.container_instances, &mut seen).await;
    read_named_tasks(aws, &questions.tasks, &mut seen).await;
    other_clusters::read_elsewhere(aws, watched, questions, &mut seen).await;
    other_tasks::read_owners(aws, questions, &mut seen).await;
    containers::read_instances(aws, &mut seen).await;
    containers::read_definitions(aws, &mut seen).await;
    seen
}

/// Describes tasks that no list holds. If ECS no longer knows a task, the task is gone.
pub(super) async fn read_named_tasks(aws: &Aws, asked: &BTreeSet<TaskArn>, seen: &mut Observation) {
    if asked.is_empty() {
        return;
    }
    let described = tasks::describe(aws, &seen.key.cluster, asked).await;
    seen.gone_tasks.extend(described.missing);
    tasks::add_newer(&mut seen.tasks, described.tasks);
    // The gap of a failed batch names its tasks: the service's own lists are still complete.
    let (named, unnamed): (Vec<Gap>, Vec<Gap>) =
        described.gaps.into_iter().partition(|gap| matches!(gap.what, Missed::Task(_)));
    let Some(failed) = unnamed.into_iter().next() else {
        seen.gaps.extend(named);
        return;
    };
    let is_known = |arn: &TaskArn| {
        seen.gone_tasks.contains(arn)
            || seen.tasks.iter().any(|task| task.arn == *arn)
            || named.iter().any(|gap| gap.what == Missed::Task(arn.clone()))
    };
    let unknown = asked.iter().filter(|arn| !is_known(arn));
    let unknown: Vec<Gap> =
        unknown.map(|arn| Gap { what: Missed::Task(arn.clone()), ..failed.clone() }).collect();
    seen.gaps.extend(named);
    seen.gaps.extend(unknown);
}
