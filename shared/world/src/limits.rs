//! The published request quotas (token buckets) of ECS and Elastic Load Balancing.
//!
//! Sources: "Request throttling for the Amazon ECS API" and "Request throttling for the Elastic
//! Load Balancing API" in AWS's documentation. Other services publish no quota that a Lambda
//! function reaches, so their calls are never throttled here.

use crate::api::Service;
use std::collections::BTreeMap;

/// Operations that share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// ECS: tasks and container instances, read.
    ClusterResourceRead,
    /// ECS: services, read.
    ServiceRead,
    /// ECS: service revisions.
    ServiceRevision,
    /// ECS: task definitions, read.
    TaskDefinitionRead,
    /// ECS: clusters, read.
    ClusterRead,
    /// Elastic Load Balancing: all `Describe*`.
    BalancingRead,
    /// Elastic Load Balancing: `RegisterTargets` and `DeregisterTargets`.
    Registration,
    /// Elastic Load Balancing: every call of the account.
    Balancing,
}

/// A bucket's size and refill rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The bucket's size.
    pub burst: u32,
    /// Tokens added each second.
    pub per_second: u32,
}

impl Bucket {
    /// The buckets from which a call takes a token.
    #[must_use]
    pub fn of(service: Service, operation: &str) -> &'static [Self] {
        match (service, operation) {
            (
                Service::Ecs,
                "DescribeTasks"
                | "ListTasks"
                | "DescribeContainerInstances"
                | "ListContainerInstances",
            ) => &[Self::ClusterResourceRead],
            (Service::Ecs, "DescribeServices" | "ListServices") => &[Self::ServiceRead],
            (Service::Ecs, "DescribeServiceRevisions") => &[Self::ServiceRevision],
            (Service::Ecs, "DescribeTaskDefinition") => &[Self::TaskDefinitionRead],
            (Service::Ecs, "DescribeClusters" | "ListClusters") => &[Self::ClusterRead],
            (Service::Elbv2, "RegisterTargets" | "DeregisterTargets") => {
                &[Self::Registration, Self::Balancing]
            }
            (Service::Elbv2, read) if read.starts_with("Describe") => {
                &[Self::BalancingRead, Self::Balancing]
            }
            (Service::Elbv2, _) => &[Self::Balancing],
            _ => &[],
        }
    }

    /// The published quota.
    #[must_use]
    pub fn rate(self) -> Rate {
        let (burst, per_second) = match self {
            Self::ClusterResourceRead | Self::ServiceRead => (100, 20),
            Self::ServiceRevision | Self::TaskDefinitionRead | Self::ClusterRead => (50, 20),
            Self::BalancingRead | Self::Balancing => (40, 10),
            Self::Registration => (20, 4),
        };
        Rate { burst, per_second }
    }
}

/// The buckets of an account, initially full.
#[derive(Debug, Default)]
pub struct RateLimits {
    /// For each used bucket, when it will be full again, in microseconds.
    full_at: BTreeMap<Bucket, u64>,
    refused: u64,
}

impl RateLimits {
    /// Whether AWS accepts a call now. A throttled call takes no token.
    pub(crate) fn admit(&mut self, now_ms: u64, service: Service, operation: &str) -> bool {
        let now = now_ms.saturating_mul(1000);
        let buckets = Bucket::of(service, operation);
        let full_after = |bucket: &Bucket| {
            let Rate { burst, per_second } = bucket.rate();
            let interval = 1_000_000 / u64::from(per_second);
            let full_at = self.full_at.get(bucket).copied().unwrap_or(0).max(now) + interval;
            (full_at <= now + u64::from(burst) * interval).then_some((*bucket, full_at))
        };
        let Some(taken) = buckets.iter().map(full_after).collect::<Option<Vec<_>>>() else {
            self.refused += 1;
            return false;
        };
        self.full_at.extend(taken);
        true
    }

    /// How many calls were throttled.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(
        limits: &mut RateLimits,
        now_ms: u64,
        service: Service,
        operation: &str,
        calls: usize,
    ) -> usize {
        (0..calls).filter(|_| limits.admit(now_ms, service, operation)).count()
    }

    #[test]
    fn the_bucket_at_once_and_its_rate_after_that() {
        let mut limits = RateLimits::default();
        assert_eq!(admitted(&mut limits, 0, Service::Ecs, "DescribeTasks", 150), 100);
        assert_eq!(
            admitted(&mut limits, 1000, Service::Ecs, "ListTasks", 150),
            20,
            "they share a bucket"
        );
        assert_eq!(
            admitted(&mut limits, 1000, Service::Ecs, "DescribeServices", 150),
            100,
            "this has its own"
        );
        assert_eq!(
            admitted(&mut limits, 60_000, Service::Ecs, "ListTasks", 150),
            100,
            "never more than its size"
        );
        assert_eq!(limits.refused(), 50 + 130 + 50 + 50);
    }

    #[test]
    fn registrations_take_from_the_reads_of_the_account() {
        let mut limits = RateLimits::default();
        assert_eq!(admitted(&mut limits, 0, Service::Elbv2, "RegisterTargets", 30), 20);
        assert_eq!(
            admitted(&mut limits, 0, Service::Elbv2, "DescribeTargetHealth", 30),
            20,
            "40 for all together"
        );
        assert_eq!(admitted(&mut limits, 500, Service::Elbv2, "DescribeTargetHealth", 30), 5);
        assert_eq!(
            admitted(&mut limits, 0, Service::Sqs, "SendMessage", 1000),
            1000,
            "no published limit"
        );
    }
}
