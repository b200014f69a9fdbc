//! Sweeps growing accounts by the account's own clock. AWS's published request limits apply, and
//! each call takes as long as a call within a Region. The clock is virtual: a sweep of minutes runs
//! in seconds.
//!
//! It knows the limits and derives the shortest possible sweep from them.

use crate::estate::Size;
use portkeeper_aws::account::Aws;
use portkeeper_stage::{SWEEP_TIMEOUT_SECS, StageError};
use portkeeper_tests::bound;
use portkeeper_world::api::Service;
use portkeeper_world::http::{SharedWorld, WorldHttpClient, sdk_config};
use portkeeper_world::limits::{Bucket, RateLimits};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The round-trip time of one call within a Region.
const DISTANCE: Duration = Duration::from_millis(20);

/// An arbitrary start time.
const START_MS: u64 = 1_795_392_000_000;

/// The sweep of one account.
#[derive(Debug, Serialize)]
pub(crate) struct Sweep {
    pub(crate) clusters: u32,
    pub(crate) services: u32,
    pub(crate) tasks: u32,
    /// The share of the account's request limits that the sweep may use.
    pub(crate) share_percent: u32,
    /// Calls made, including those that AWS throttled.
    pub(crate) calls: usize,
    /// The smallest number of calls that can read the same.
    pub(crate) fewest_calls: usize,
    /// Where calls and bound differ: operation, made, fewest.
    pub(crate) differences: Vec<(String, usize, usize)>,
    /// Calls that AWS throttled.
    pub(crate) refused: u64,
    /// The duration by the account's clock, in milliseconds.
    pub(crate) took_ms: u64,
    /// The shortest duration that the share of AWS's token buckets allows, in milliseconds.
    pub(crate) least_ms: u64,
}

/// Sweeps an account of this size with this share of its request limits.
pub(crate) async fn measure(size: Size, share_percent: u32) -> Result<Sweep, StageError> {
    let stage = size.come_up(START_MS, &[]).await?;
    stage.world.lock().faults.limits = Some(RateLimits::default());
    let aws = distant(&stage.world).at_share(share_percent);
    let began = aws.now();
    let report =
        portkeeper_sweep::handle(&aws, stage.config(), began.plus_secs(SWEEP_TIMEOUT_SECS)).await?;
    if !report.is_round_over {
        return Err(format!("{size:?} is too much for one run at {share_percent} %").into());
    }
    let took_ms = aws.now().as_millis().saturating_sub(began.as_millis());
    let world = stage.world.lock();
    let counts = world.calls.counts();
    let fewest = fewest(size);
    let made: BTreeMap<&str, usize> =
        counts.iter().map(|((_, operation), count)| (operation.as_str(), *count)).collect();
    let names =
        made.keys().chain(fewest.keys()).copied().collect::<std::collections::BTreeSet<&str>>();
    let number = |of: &BTreeMap<&str, usize>, name| of.get(name).copied().unwrap_or(0);
    let each =
        names.into_iter().map(|name| (name.to_owned(), number(&made, name), number(&fewest, name)));
    Ok(Sweep {
        clusters: size.clusters,
        services: size.services,
        tasks: size.tasks,
        share_percent,
        calls: made.values().sum(),
        fewest_calls: fewest.values().sum(),
        differences: each.filter(|(_, made, fewest)| made != fewest).collect(),
        refused: world.faults.limits.as_ref().map_or(0, RateLimits::refused),
        took_ms: u64::try_from(took_ms)?,
        least_ms: least_ms(&fewest, size, share_percent),
    })
}

/// Clients whose calls take [`DISTANCE`]; concurrent calls overlap.
fn distant(world: &SharedWorld) -> Aws {
    let near = sdk_config(world);
    let far =
        near.to_builder().http_client(WorldHttpClient::new(world).at_distance(DISTANCE)).build();
    Aws::from_sdk_config(&far)
}

fn fewest(size: Size) -> BTreeMap<&'static str, usize> {
    let numbers =
        [size.services_of_cluster(), size.tasks, size.instances_of_cluster()].map(|it| it as usize);
    let [services, tasks, instances] = numbers;
    bound::sweep(size.clusters as usize, services, tasks, instances)
}

/// Returns the longer of two times: what the most used bucket needs for that many calls, and the
/// calls that depend on each other's answers.
fn least_ms(calls: &BTreeMap<&'static str, usize>, size: Size, share_percent: u32) -> u64 {
    let mut of_bucket: BTreeMap<Bucket, u64> = BTreeMap::new();
    for (operation, count) in calls {
        let service = if operation.contains("Target") { Service::Elbv2 } else { Service::Ecs };
        for bucket in Bucket::of(service, operation) {
            *of_bucket.entry(*bucket).or_default() += *count as u64;
        }
    }
    let share = u64::from(share_percent);
    let waits = of_bucket.into_iter().map(|(bucket, calls)| {
        let rate = bucket.rate();
        let beyond = calls.saturating_sub(u64::from(rate.burst) * share / 100);
        beyond * 1000 * 100 / (u64::from(rate.per_second) * share)
    });
    let (services, tasks) = (size.services_of_cluster() as usize, size.tasks as usize);
    let pages = (bound::pages(services, 100) + bound::pages(services * tasks, 100)) as u64;
    // First the sweep mark, then the clusters. For each: the pages of its services and their
    // descriptions; the groups and their targets; the count of its tasks, the pages of their list
    // and their descriptions; their container instances; the ledger.
    let in_turn = 2 + u64::from(size.clusters) * (7 + pages);
    let in_turn_ms = in_turn * u64::try_from(DISTANCE.as_millis()).unwrap_or(0);
    waits.max().unwrap_or(0).max(in_turn_ms)
}
