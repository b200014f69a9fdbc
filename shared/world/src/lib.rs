//! A simulated AWS account: ECS, ELBv2, Application Auto Scaling, S3, EventBridge, CloudTrail, SQS,
//! SNS, DynamoDB, CloudWatch Logs, Secrets Manager and Cloud Control, as far as Portkeeper needs
//! them.
//!
//! One state, two faces: [`World::call`] takes an operation by name with AWS's own member names as
//! JSON, and the HTTP face ([`http`]) carries the same calls behind the real SDK clients, in
//! process or on a loopback port. The clock is a number; nothing happens unless time is advanced or
//! somebody calls.
//!
//! This crate knows AWS and knows nothing of Portkeeper: no finding, no plan, no ledger record.

pub mod account;
pub mod api;
pub mod applicationautoscaling;
pub mod cloudcontrol;
pub mod cloudtrail;
pub mod cloudwatchlogs;
mod digest;
pub mod dynamodb;
pub mod ecs;
pub mod elbv2;
pub mod eventbridge;
pub mod faults;
pub mod http;
mod input;
pub mod journal;
pub mod limits;
mod paging;
pub mod s3;
pub mod scenario;
pub mod secretsmanager;
pub mod sns;
pub mod sqs;
mod target_type;
pub mod time;
pub mod truth;

use account::{Account, Ids};
use api::{ApiError, Call, CallLog, Caller, Service};
use serde_json::Value;

/// The whole simulated account.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since the Unix epoch. Moves only through [`World::advance`].
    now_ms: u64,
    /// Partition, region and account number; builds ARNs.
    pub account: Account,
    /// Identifiers of new resources, from their own seeded source.
    pub ids: Ids,
    /// Clusters, container instances, services, deployments, tasks.
    pub ecs: ecs::Ecs,
    /// Target groups, load balancers, listeners, rules, registered targets and their health.
    pub elbv2: elbv2::Elbv2,
    /// Scalable targets and their policies.
    pub applicationautoscaling: applicationautoscaling::ApplicationAutoScaling,
    /// Event rules and their targets.
    pub eventbridge: eventbridge::EventBridge,
    /// What is written down of calls, and by whom they were made.
    pub cloudtrail: cloudtrail::CloudTrail,
    /// Queues.
    pub sqs: sqs::Sqs,
    /// Topics and what was published to them.
    pub sns: sns::Sns,
    /// Tables.
    pub dynamodb: dynamodb::DynamoDb,
    /// Buckets and the versions of their objects.
    pub s3: s3::S3,
    /// Log groups.
    pub cloudwatchlogs: cloudwatchlogs::CloudWatchLogs,
    /// Security groups and roles.
    pub cloudcontrol: cloudcontrol::CloudControl,
    /// Secrets.
    pub secretsmanager: secretsmanager::SecretsManager,
    /// What was told to go wrong at the HTTP and API edge.
    pub faults: faults::Faults,
    /// What happened in the account, in order, for people to read.
    pub journal: journal::Journal,
    /// Every API call with its caller, for counting and for checking what was asked.
    pub calls: CallLog,
}

impl World {
    /// An empty account. The same seed gives the same identifiers and the same scheduling choices.
    #[must_use]
    pub fn new(seed: u64, start_ms: u64) -> Self {
        Self {
            now_ms: start_ms,
            account: Account::default(),
            ids: Ids::new(seed),
            ecs: ecs::Ecs::new(seed),
            elbv2: elbv2::Elbv2::default(),
            applicationautoscaling: applicationautoscaling::ApplicationAutoScaling::new(seed),
            eventbridge: eventbridge::EventBridge::default(),
            cloudtrail: cloudtrail::CloudTrail::default(),
            sqs: sqs::Sqs::default(),
            sns: sns::Sns::default(),
            dynamodb: dynamodb::DynamoDb::default(),
            s3: s3::S3::default(),
            cloudwatchlogs: cloudwatchlogs::CloudWatchLogs::default(),
            cloudcontrol: cloudcontrol::CloudControl::default(),
            secretsmanager: secretsmanager::SecretsManager::default(),
            faults: faults::Faults::default(),
            journal: journal::Journal::default(),
            calls: CallLog::default(),
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// One API call, recorded in [`World::calls`] with its outcome.
    pub fn call(
        &mut self,
        caller: Caller,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let outcome = match service {
            Service::Ecs => ecs::call(self, operation, input),
            Service::Elbv2 => elbv2::call(self, caller, operation, input),
            Service::Sqs => sqs::call(self, operation, input),
            Service::Sns => sns::call(self, operation, input),
            Service::DynamoDb => dynamodb::call(self, operation, input),
            Service::SecretsManager => secretsmanager::call(self, operation, input),
            Service::EventBridge => eventbridge::call(self, operation, input),
            Service::S3 => s3::call(self, operation, input),
            Service::ApplicationAutoScaling => applicationautoscaling::call(self, operation, input),
            Service::CloudWatchLogs => cloudwatchlogs::call(self, operation, input),
            Service::CloudControl => cloudcontrol::call(self, operation, input),
        };
        if service == Service::Elbv2 {
            cloudtrail::record(self, caller, operation, input, outcome.as_ref().err());
        }
        let at_ms = self.now_ms;
        self.calls.push(Call {
            at_ms,
            caller,
            service,
            operation: operation.to_owned(),
            input: input.clone(),
            error: outcome.as_ref().err().cloned(),
        });
        outcome
    }

    /// Moves the clock, second by second, letting ECS, the agents and the load balancers do what is
    /// due.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now_ms.saturating_add(ms);
        while self.now_ms < end {
            let step = (1000 - self.now_ms % 1000).min(end - self.now_ms);
            self.now_ms += step;
            if self.now_ms.is_multiple_of(1000) {
                ecs::tick(self);
                elbv2::tick(self);
                cloudtrail::tick(self);
                sqs::tick(self);
                applicationautoscaling::tick(self);
            }
        }
    }
}
