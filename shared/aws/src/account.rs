//! The clients of one account and Region, their retries and time-outs, and what they cache between
//! checks. This module knows how to reach AWS, and none of the calls.

use crate::cache::Cache;
use crate::failure::{Failure, FailureKind};
use crate::lazy::{Lazily, https_client, lazily};
use crate::rate_limiter::RateLimiter;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{AsyncSleep as _, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// The number of attempts of one call, including the first. With the back-off below, a call
/// survives about 10 s of throttling; if it lasts longer, waiting in the queue is better.
const MAX_ATTEMPTS: u32 = 4;

/// The first pause after a failed attempt. ELBv2 refills four registrations and ten reads each
/// second, so after a shorter pause the bucket would still be empty.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);

/// The longest pause between attempts, so that a call ends well before the function's own time-out.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The time-out for opening a connection. Within a Region this takes milliseconds; a lost packet
/// costs one second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The time-out for the first byte of a response. The slowest measured response is that of
/// `DescribeTargetHealth` for a thousand targets.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The time-out for one attempt, including the connection, so it is a little longer than the
/// time-out for the first byte.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// The time-out for one call with all its attempts: four attempts of six seconds, with short pauses
/// between them.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(25);

/// The clients for one account and Region.
pub struct Aws {
    pub(crate) ecs: Lazily<aws_sdk_ecs::Client>,
    pub(crate) elb: Lazily<aws_sdk_elasticloadbalancingv2::Client>,
    pub(crate) sns: Lazily<aws_sdk_sns::Client>,
    pub(crate) sqs: Lazily<aws_sdk_sqs::Client>,
    pub(crate) dynamodb: Lazily<aws_sdk_dynamodb::Client>,
    pub(crate) warm: Cache,
    pace: RateLimiter,
    repeats: bool,
    time: SharedTimeSource,
    sleep: Option<SharedAsyncSleep>,
}

impl Aws {
    /// Clients of a function on Lambda: see [`sdk_config`]. All share one HTTP client and its
    /// connections.
    pub async fn connect() -> Self {
        Self::from_sdk_config(&sdk_config().await)
    }

    /// Creates clients from an existing configuration, and keeps its HTTP client, credentials, time
    /// source and sleep. Retries and time-outs are those of production.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig) -> Self {
        let config = Self::patient(config);
        Self {
            ecs: lazily(&config, aws_sdk_ecs::Client::new),
            elb: lazily(&config, aws_sdk_elasticloadbalancingv2::Client::new),
            sns: lazily(&config, aws_sdk_sns::Client::new),
            sqs: lazily(&config, aws_sdk_sqs::Client::new),
            dynamodb: lazily(&config, aws_sdk_dynamodb::Client::new),
            warm: Cache::default(),
            pace: RateLimiter::new(100),
            repeats: false,
            time: config.time_source().unwrap_or_default(),
            sleep: config.sleep_impl(),
        }
    }

    /// Returns the same configuration with Portkeeper's retries and time-outs.
    #[must_use]
    pub fn patient(config: &SdkConfig) -> SdkConfig {
        config.to_builder().retry_config(retries()).timeout_config(timeouts()).build()
    }

    /// Returns the same clients, limited to this share, in percent, of the calls that AWS allows an
    /// account.
    #[must_use]
    pub fn at_share(self, percent: u32) -> Self {
        Self { pace: RateLimiter::new(percent), ..self }
    }

    /// Returns the same clients, which repeat a throttled call about tasks even after the SDK gave
    /// up, as long as that happens to few calls. For a reading in which one page of tasks concerns
    /// every service of a cluster; elsewhere, waiting in the queue is better.
    #[must_use]
    pub fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// Returns whether a failed call must be repeated.
    pub(crate) fn may_repeat(&self, failure: &Failure) -> bool {
        self.repeats && failure.kind == FailureKind::Throttled && self.pace.may_repeat()
    }

    /// Waits until a call of this action is within Portkeeper's share. Every call starts with it.
    ///
    /// It comes before the SDK, so that waiting counts towards none of the SDK's time-outs.
    pub async fn acquire(&self, action: &'static str) {
        // I-SHARE: "so waiting counts towards no time-out"
        self.wait(self.pace.take(action, self.now())).await;
    }

    /// Waits until this many services can be checked without a call that waits for the rate limit.
    /// Wait here before a service is described: after that, every proof ages, and waiting for the
    /// share would let proofs expire. Returns `false`, without waiting, if they cannot be checked
    /// before the deadline.
    pub async fn until_checks_can_be_made(
        &self,
        services: usize,
        deadline: Option<Timestamp>,
    ) -> bool {
        let now = self.now();
        let wait = self.pace.until_checks(services, now);
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let begins = now.as_millis().saturating_add(millis);
        if deadline.is_some_and(|deadline| begins >= deadline.as_millis()) {
            return false;
        }
        self.wait(wait).await;
        true
    }

    async fn wait(&self, wait: Duration) {
        if let Some(sleep) = self.sleep.as_ref().filter(|_| !wait.is_zero()) {
            sleep.sleep(wait).await;
        }
    }

    /// Returns the number of calls by IAM action. A call that the SDK repeated counts once.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.pace.calls()
    }

    /// Returns the number of API calls that this process has made so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        Spent { calls: self.calls().values().sum(), throttles: self.throttled() }
    }

    /// Converts an error of the SDK to a [`Failure`]. If AWS throttled the call until the SDK gave
    /// up, the call is counted.
    pub fn failure<E>(
        &self,
        action: &'static str,
        resource: impl Into<String>,
        error: SdkError<E, HttpResponse>,
    ) -> Failure
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failure = Failure::of_sdk_error(action, resource, error);
        if failure.kind == FailureKind::Throttled {
            self.pace.note_throttled();
        }
        failure
    }

    /// The number of calls that AWS throttled until the SDK gave up.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.pace.throttled()
    }

    /// Returns how many target groups can be read in this many seconds within Portkeeper's share.
    #[must_use]
    pub fn groups_read_in(&self, seconds: u32) -> usize {
        self.pace.balancing_reads_in(seconds)
    }

    /// Returns how many calls that list or describe tasks fit into this many seconds.
    #[must_use]
    pub fn task_reads_in(&self, seconds: u32) -> usize {
        self.pace.task_reads_in(seconds)
    }

    /// Returns the current time, by the clock that also signs the requests.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        moment(&self.time)
    }
}

/// Returns the current time of a clock.
pub(crate) fn moment(time: &SharedTimeSource) -> Timestamp {
    let since_epoch = time.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Counts of API calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// All calls. A call that the SDK repeated counts once.
    pub calls: u64,
    /// Those that AWS throttled until the SDK gave up.
    pub throttles: u64,
}

impl Spent {
    /// Returns the calls made between the two counts.
    #[must_use]
    pub fn until(self, later: Self) -> Self {
        Self {
            calls: later.calls.saturating_sub(self.calls),
            throttles: later.throttles.saturating_sub(self.throttles),
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

/// Reads credentials and Region from the environment, where Lambda puts them, and the endpoints
/// that are set there (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_ECS`, …), with Portkeeper's retries
/// and time-outs. The process reads credentials neither from files nor from another server: Lambda
/// has none, and setting up these sources took longer than the rest of the start.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .http_client(https_client())
        .retry_config(retries())
        .timeout_config(timeouts())
        .load()
        .await
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(INITIAL_BACKOFF)
        .with_max_backoff(MAX_BACKOFF)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}
