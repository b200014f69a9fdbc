//! A simulated AWS account: the parts of ECS, ELBv2, Application Auto Scaling, S3, EventBridge,
//! CloudTrail, SQS, SNS, DynamoDB, CloudWatch Logs, Secrets Manager and Cloud Control that
//! Portkeeper needs.
//!
//! There are two ways in. [`World::call`] takes an operation by name with its input as JSON, in
//! AWS's member names. [`http`] carries the same calls for the real SDK clients, in process or on a
//! loopback port. The clock is a number: the account changes only through calls and through
//! [`World::advance`].
//!
//! This crate knows AWS and nothing of Portkeeper: no finding, no plan, no ledger record. Its
//! README explains the layout and the source marks in comments.

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
mod reply;
pub mod s3;
pub mod scenario;
pub mod secretsmanager;
pub mod sns;
pub mod sqs;
mod target_type;
mod text;
pub mod time;
pub mod truth;

use account::{Account, Ids};
use api::{ApiError, Call, CallLog, Caller, Service};
use reply::Reply;
use serde_json::Value;

/// The whole simulated account.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since the Unix epoch. Changes only through [`World::advance`].
    now_ms: u64,
    /// Partition, Region and account number; builds ARNs.
    pub account: Account,
    /// Identifiers of new resources, from a seeded source.
    pub ids: Ids,
    /// Clusters, container instances, services, deployments, tasks.
    pub ecs: ecs::Ecs,
    /// Target groups, load balancers, listeners, rules, registered targets and their health.
    pub elbv2: elbv2::Elbv2,
    /// Scalable targets and their policies.
    pub applicationautoscaling: applicationautoscaling::ApplicationAutoScaling,
    /// Event rules and their targets.
    pub eventbridge: eventbridge::EventBridge,
    /// Management events that are not delivered yet.
    pub cloudtrail: cloudtrail::CloudTrail,
    /// Queues.
    pub sqs: sqs::Sqs,
    /// Topics and the messages published to them.
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
    /// Injected faults of client calls.
    pub faults: faults::Faults,
    /// What happened in the account, as sentences for people.
    pub journal: journal::Journal,
    /// Every API call with its caller, for assertions about calls.
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

    /// Performs one API call and records it in [`World::calls`].
    pub fn call(
        &mut self,
        caller: Caller,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ApiError> {
        self.reply(caller, service, operation, input).map(Reply::into_value)
    }

    /// Does the same for a caller that reads the response as text.
    pub(crate) fn reply(
        &mut self,
        caller: Caller,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Reply, ApiError> {
        let outcome = match (service, operation) {
            (Service::Ecs, "DescribeServices") => ecs::describe_services(self, input),
            (Service::Ecs, "DescribeTasks") => ecs::describe_tasks(self, input),
            _ => self.perform(caller, service, operation, input).map(Reply::from),
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

    fn perform(
        &mut self,
        caller: Caller,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ApiError> {
        match service {
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
        }
    }

    /// Advances the clock second by second. At each second, ECS, its agents, the load balancers and
    /// the other services do what is due.
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
