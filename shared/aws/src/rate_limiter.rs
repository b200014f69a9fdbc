//! Limits the rate at which this process calls AWS to a share of the buckets that AWS publishes, so
//! that the account's other callers keep the rest. It also counts the calls, by action. It knows
//! the published rates, and callers pass the time; it does not sleep and makes no call. Sources:
//! "Request throttling for the Amazon ECS API"; "Throttling for the Elastic Load Balancing API".
//!
//! AWS facts: F-5.

use portkeeper_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A share above 100 is for accounts whose rates AWS has raised; this value means no limit at all.
const MOST_PERCENT: u32 = 10_000;

/// Calls that AWS counts in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// Tasks and container instances.
    ClusterResources,
    Services,
    Revisions,
    TaskDefinitions,
    Clusters,
    /// All `Describe*` of Elastic Load Balancing.
    Balancing,
    /// `RegisterTargets` and `DeregisterTargets`.
    Registration,
}

/// The calls that the check of a service with a finding needs: its group, described and read; its
/// tasks, and all tasks on its instances. If the estimate is too low, some repairs run one check
/// later.
const CALLS_OF_A_CHECK: [(Family, u64); 3] =
    [(Family::Balancing, 2), (Family::ClusterResources, 10), (Family::Services, 3)];

/// A token bucket: its size, and how many calls are refilled per second.
struct Bucket {
    burst: u64,
    per_second: u64,
    /// Whether Portkeeper uses only a share of the burst, too. Bursts on the other buckets must not
    /// wait, because a proof ages in the meantime: reads of other tasks on an address, and repairs,
    /// which are rare. Portkeeper never uses more than a share of the refill.
    is_shared: bool,
}

impl Family {
    fn of(action: &str) -> Option<Self> {
        Some(match action {
            "ecs:ListTasks"
            | "ecs:DescribeTasks"
            | "ecs:ListContainerInstances"
            | "ecs:DescribeContainerInstances" => Self::ClusterResources,
            "ecs:ListServices" | "ecs:DescribeServices" => Self::Services,
            "ecs:DescribeServiceRevisions" => Self::Revisions,
            "ecs:DescribeTaskDefinition" => Self::TaskDefinitions,
            "ecs:ListClusters" | "ecs:DescribeClusters" => Self::Clusters,
            "elasticloadbalancing:DescribeTargetGroups"
            | "elasticloadbalancing:DescribeTargetHealth" => Self::Balancing,
            "elasticloadbalancing:RegisterTargets" | "elasticloadbalancing:DeregisterTargets" => {
                Self::Registration
            }
            _ => return None,
        })
    }

    fn bucket(self) -> Bucket {
        let (burst, per_second) = match self {
            Self::ClusterResources | Self::Services => (100, 20),
            Self::Revisions | Self::TaskDefinitions | Self::Clusters => (50, 20),
            // Also the size of the bucket that all of Elastic Load Balancing's API shares in an
            // account.
            Self::Balancing => (40, 10),
            Self::Registration => (20, 4),
        };
        let is_shared = self == Self::Balancing;
        Bucket { burst, per_second, is_shared }
    }
}

/// The state of each bucket, and the number of calls so far.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// Portkeeper's share of each bucket, in percent.
    share_percent: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each family's bucket will be full again, in microseconds.
    full_at: BTreeMap<Family, u64>,
    calls: BTreeMap<&'static str, u64>,
    throttled: u64,
    /// Calls since the last repeated one, up to [`REPEATS`] times [`CALLS_PER_REPEAT`] of them.
    since_repeats: u64,
}

/// How many calls in a row are repeated at most.
const REPEATS: u64 = 3;

/// How many calls must be made for each further one that is repeated, so that lasting throttling is
/// not made worse.
const CALLS_PER_REPEAT: u64 = 4;

impl RateLimiter {
    pub(crate) fn new(share_percent: u32) -> Self {
        Self {
            share_percent: u64::from(share_percent.clamp(1, MOST_PERCENT)),
            state: Mutex::default(),
        }
    }

    /// Reserves a call of this action, and returns how long the caller must wait before it.
    pub(crate) fn take(&self, action: &'static str, now: Timestamp) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.calls.entry(action).or_insert(0) += 1;
        state.since_repeats = (state.since_repeats + 1).min(REPEATS * CALLS_PER_REPEAT);
        // I-SHARE: "Portkeeper uses a share of the account's calls."
        let Some(family) = Family::of(action) else { return Duration::ZERO };
        let (at_once, interval) = self.rate(family);
        let now = micros(now);
        let full_at = state.full_at.entry(family).or_insert(now);
        let begins = (*full_at).max(now);
        *full_at = begins + interval;
        Duration::from_micros(begins.saturating_sub(now + (at_once - 1) * interval))
    }

    /// Returns how long until this many services can be checked without a call that waits for the
    /// rate limit, as far as the share ever allows that.
    pub(crate) fn until_checks(&self, services: usize, now: Timestamp) -> Duration {
        let services = u64::try_from(services).unwrap_or(u64::MAX);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = CALLS_OF_A_CHECK.iter().map(|(family, calls)| {
            let (at_once, interval) = self.rate(*family);
            let calls = services.saturating_mul(*calls).clamp(1, at_once);
            let full_at = state.full_at.get(family).copied().unwrap_or(0);
            full_at.saturating_sub(micros(now) + (at_once - calls) * interval)
        });
        Duration::from_micros(waits.max().unwrap_or(0))
    }

    /// Returns how many calls may be made at once, at least one, and the microseconds between two
    /// calls after that. A small share of the burst would round down to zero.
    fn rate(&self, family: Family) -> (u64, u64) {
        let Bucket { burst, per_second, is_shared } = family.bucket();
        let at_once = if is_shared { burst * self.share_percent / 100 } else { burst };
        // The buckets of ECS are for its own API alone, so twice the share is acceptable there.
        let share = if is_shared { self.share_percent } else { (self.share_percent * 2).min(100) };
        (at_once.max(1), 100_000_000 / (per_second * share).max(1))
    }

    /// Returns the number of reserved calls, by action. A call that the SDK repeats counts once.
    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    pub(crate) fn note_throttled(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).throttled += 1;
    }

    /// Returns whether a call that AWS throttled until the SDK gave up may be repeated.
    pub(crate) fn may_repeat(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = state.since_repeats.checked_sub(CALLS_PER_REPEAT);
        state.since_repeats = left.unwrap_or(state.since_repeats);
        left.is_some()
    }

    pub(crate) fn throttled(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).throttled
    }

    /// Returns how many reads of Elastic Load Balancing the share allows in this many seconds,
    /// starting with a full bucket.
    pub(crate) fn balancing_reads_in(&self, seconds: u32) -> usize {
        let Bucket { burst, per_second, .. } = Family::Balancing.bucket();
        let calls = (burst + per_second * u64::from(seconds)) * self.share_percent / 100;
        usize::try_from(calls).unwrap_or(usize::MAX)
    }

    /// The same for lists and descriptions of tasks and container instances.
    pub(crate) fn task_reads_in(&self, seconds: u32) -> usize {
        let (at_once, interval) = self.rate(Family::ClusterResources);
        let calls = at_once + u64::from(seconds) * 1_000_000 / interval.max(1);
        usize::try_from(calls).unwrap_or(usize::MAX)
    }
}

fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";

    /// Returns the second in which each of this many calls begins if all are requested at once.
    fn begins(share_percent: u32, action: &'static str, calls: usize) -> Vec<u64> {
        let (pace, now) = (RateLimiter::new(share_percent), Timestamp::from_secs(1_700_000_000));
        (0..calls).map(|_| pace.take(action, now).as_secs()).collect()
    }

    /// Holds I-SHARE.
    #[test]
    fn a_share_of_the_bucket_at_once_and_of_the_rate_after_it() {
        let all = begins(100, HEALTH, 61);
        assert_eq!((all[39], all[40], all[60]), (0, 0, 2), "40 at once, then ten a second");
        let half = begins(50, HEALTH, 31);
        assert_eq!((half[19], half[25], half[30]), (0, 1, 2), "20 at once, then five a second");
    }

    #[test]
    fn the_smallest_share_is_one_call_and_then_another() {
        assert_eq!(begins(1, HEALTH, 3), [0, 10, 20]);
    }

    /// Holds I-SHARE.
    #[test]
    fn families_do_not_wait_for_each_other() {
        let (pace, now) = (RateLimiter::new(10), Timestamp::from_secs(1_700_000_000));
        for _ in 0..141 {
            pace.take("ecs:ListTasks", now);
        }
        assert_eq!(pace.take(HEALTH, now), Duration::ZERO);
        assert!(
            pace.take("ecs:DescribeTasks", now) > Duration::from_secs(10),
            "they share a bucket"
        );
        assert_eq!(pace.take("sns:Publish", now), Duration::ZERO);
        assert_eq!(pace.calls().get("ecs:ListTasks"), Some(&141));
    }

    #[test]
    fn few_throttled_calls_are_repeated() {
        let (pace, now) = (RateLimiter::new(100), Timestamp::from_secs(1_700_000_000));
        let repeated = |calls| {
            for _ in 0..calls {
                pace.take("ecs:ListTasks", now);
            }
            (0..10).take_while(|_| pace.may_repeat()).count()
        };
        assert_eq!([repeated(3), repeated(1), repeated(400), repeated(0)], [0, 1, 3, 0]);
    }

    #[test]
    fn the_reads_that_fit_into_a_time_are_known() {
        let in_a_minute = |share| {
            let pace = RateLimiter::new(share);
            (pace.balancing_reads_in(60), pace.task_reads_in(60))
        };
        assert_eq!(in_a_minute(25), (160, 700), "of ECS's own buckets twice the share");
        assert_eq!(in_a_minute(100), (640, 1300));
    }

    #[test]
    fn one_can_wait_until_checks_need_not() {
        let (pace, now) = (RateLimiter::new(50), Timestamp::from_secs(1_700_000_000));
        assert_eq!(pace.until_checks(10, now), Duration::ZERO);
        for _ in 0..20 {
            pace.take(HEALTH, now);
        }
        assert_eq!(pace.until_checks(5, now), Duration::from_secs(2), "ten reads, five a second");
        assert_eq!(pace.until_checks(1000, now), Duration::from_secs(4), "at most a full bucket");
        let later = now.plus_secs(2);
        assert!((0..10).all(|_| pace.take(HEALTH, later).is_zero()));
    }

    #[test]
    fn the_bucket_fills_again() {
        let (pace, now) = (RateLimiter::new(100), Timestamp::from_secs(1_700_000_000));
        for _ in 0..40 {
            pace.take(HEALTH, now);
        }
        assert!(pace.take(HEALTH, now) > Duration::ZERO);
        let later = now.plus_secs(5);
        assert!((0..40).all(|_| pace.take(HEALTH, later).is_zero()));
    }
}
