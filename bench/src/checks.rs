//! Counts the API calls of a check, by a cold and by a warm function, next to the lower bound.

use crate::estate::{SERVICE, Size};
use portkeeper_core::event::check_message;
use portkeeper_core::ids::ClusterArn;
use portkeeper_stage::{QUEUE, Stage, StageError};
use portkeeper_tests::bound::{self, Calls};
use portkeeper_world::sqs::send;
use serde::Serialize;
use std::collections::BTreeSet;

/// An arbitrary start time.
const START_MS: u64 = 1_795_392_000_000;

/// The check of one service without findings.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) tasks: u32,
    pub(crate) cold_calls: usize,
    pub(crate) fewest_cold_calls: usize,
    pub(crate) warm_calls: usize,
    pub(crate) fewest_warm_calls: usize,
}

/// Checks a service with this many tasks twice.
pub(crate) async fn measure(tasks: u32) -> Result<Check, StageError> {
    let size = Size { clusters: 1, services: 1, tasks };
    let mut stage = size.come_up(START_MS, &[]).await?;
    stage.cold_start();
    let (cold, warm) = (calls_of_a_check(&mut stage).await?, calls_of_a_check(&mut stage).await?);
    let (tasks_read, instances) = (tasks as usize, size.instances_of_cluster() as usize);
    let total = |calls: &Calls| calls.values().sum();
    Ok(Check {
        tasks,
        cold_calls: cold,
        fewest_cold_calls: total(&bound::cold_check(tasks_read, 1, instances)),
        warm_calls: warm,
        fewest_warm_calls: total(&bound::warm_check(tasks_read, 1)),
    })
}

async fn calls_of_a_check(stage: &mut Stage) -> Result<usize, StageError> {
    {
        let mut world = stage.world.lock();
        world.calls.clear();
        let cluster = world.account.ecs_arn("cluster", "prod-1");
        let cluster = ClusterArn::try_from(cluster)?;
        let ask = check_message(&cluster, &BTreeSet::from([SERVICE.to_owned()])).to_string();
        send(&mut world, QUEUE, &ask, Some(0)).ok_or("there is no queue")?;
    }
    let delivery = stage.deliver().await?.ok_or("no message is due")?;
    match delivery.reports.as_slice() {
        [report] if report.succeeded() => Ok(stage.world.lock().calls.counts().values().sum()),
        reports => Err(format!("expected one check: {reports:?}").into()),
    }
}
