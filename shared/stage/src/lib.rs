//! A simulated account with Portkeeper deployed in it: rules, queue, dead-letter queue, table,
//! topic, and the real handlers behind the real SDK clients. It acts as Lambda: it receives batches
//! from the queue and invokes the handlers with them.
//!
//! The demo, `replay`, the tests, the simulation and the benchmarks use it. It connects Portkeeper
//! as `template.yaml` does and makes no decisions. [`specs`] adds the bucket and the function that
//! creates services from specs; [`large`] builds an account with hundreds of services and planted
//! faults.

pub mod large;
pub mod specs;

use aws_lambda_events::event::sqs::SqsEvent;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_reconcile::CheckReport;
use portkeeper_sweep::SweepReport;
use portkeeper_world::World;
use portkeeper_world::account::Account;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::cloudtrail::client_role;
use portkeeper_world::http::{SharedWorld, sdk_config};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;

/// The queue of the stage.
pub const QUEUE: &str = "checks";
/// Its dead-letter queue.
pub const DEAD_LETTERS: &str = "checks-dead-letters";
/// The ledger's table.
pub const TABLE: &str = "ledger";
/// The topic for alerts.
pub const TOPIC: &str = "alerts";

// As in template.yaml; a test compares them.

/// The maximum number of messages in a batch.
pub const BATCH_SIZE: usize = 100;
/// How often Lambda receives a message before SQS moves it to the dead-letter queue.
pub const MAX_RECEIVE_COUNT: u32 = 5;
/// How long a received message stays hidden, in seconds.
const VISIBILITY_TIMEOUT_SECS: u32 = 365;
/// The default settle time in seconds, as the parameter has it. SQS delays the queue's messages by
/// it.
const SETTLE_SECS: &str = "90";
/// How often the schedule starts the sweep: the parameter's default.
pub const SWEEP_EVERY_SECS: u64 = 300;
/// How long a sweep may take.
pub const SWEEP_TIMEOUT_SECS: u32 = 290;

/// 2026-11-23T00:00:00Z: any fixed time works.
const START_MS: u64 = 1_795_392_000_000;

/// An error that stopped the stage from being built or continued.
pub type StageError = Box<dyn Error + Send + Sync>;

/// The result of one batch.
#[derive(Debug)]
pub struct Delivery {
    /// The world's time, in milliseconds.
    pub at_ms: u64,
    /// One report for each service that was checked.
    pub reports: Vec<CheckReport>,
    /// The messages that return to the queue.
    pub failed: usize,
}

/// An account with Portkeeper deployed in it.
pub struct Stage {
    /// Locks the account. Never hold the lock across an `await`.
    pub world: SharedWorld,
    aws: Aws,
    /// The sweep's own process.
    sweeper: Aws,
    variables: BTreeMap<String, String>,
    config: Config,
}

impl Stage {
    /// Creates an empty account and deploys Portkeeper in it, with these settings in addition to
    /// the defaults.
    pub fn new(seed: u64, settings: &[(&str, &str)]) -> Result<Self, StageError> {
        Self::in_account(Account::default(), seed, settings)
    }

    /// Does the same in an account with another ID, region or partition.
    pub fn in_account(
        account: Account,
        seed: u64,
        settings: &[(&str, &str)],
    ) -> Result<Self, StageError> {
        let mut world = World::new(seed, START_MS);
        world.account = account;
        Self::in_world(world, settings)
    }

    /// Does the same in an existing account, with a clock of its own.
    pub fn in_world(mut world: World, settings: &[(&str, &str)]) -> Result<Self, StageError> {
        let settle = settings.iter().rev().find(|(name, _)| *name == "PORTKEEPER_SETTLE_SECONDS");
        let mut variables = deploy(&mut world, settle.map_or(SETTLE_SECS, |(_, value)| value))?;
        let world = SharedWorld::new(world);
        variables
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_lookup(&|name| variables.get(name).cloned())?;
        let (aws, sweeper) = (clients(&world, &config), clients(&world, &config).repeating());
        Ok(Self { world, aws, sweeper, variables, config })
    }

    /// Clears the caches of the warm functions, as if new instances had started.
    pub fn cold_start(&mut self) {
        self.aws = clients(&self.world, &self.config);
        self.sweeper = clients(&self.world, &self.config).repeating();
    }

    /// Returns the configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the configuration as the environment of a function that runs as a process.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Returns the clients of the function.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Advances time second by second and delivers every batch that is due.
    pub async fn run(&mut self, seconds: u64) -> Result<Vec<Delivery>, StageError> {
        let mut deliveries = Vec::new();
        let end = self.world.lock().now_ms().saturating_add(seconds.saturating_mul(1000));
        while self.world.lock().now_ms() < end {
            self.world.lock().advance_secs(1);
            while let Some(delivery) = self.deliver().await? {
                deliveries.push(delivery);
            }
        }
        Ok(deliveries)
    }

    /// Delivers one batch, if one is due.
    pub async fn deliver(&mut self) -> Result<Option<Delivery>, StageError> {
        let batch = take_batch(&mut self.world.lock(), QUEUE, BATCH_SIZE);
        let Some(batch) = batch else { return Ok(None) };
        let delivery = self.handle(&batch).await?;
        Ok(Some(delivery))
    }

    /// Returns the clients of the sweep.
    #[must_use]
    pub fn sweeper(&self) -> &Aws {
        &self.sweeper
    }

    /// Runs the real sweep with the timeout of template.yaml.
    pub async fn sweep(&mut self) -> Result<SweepReport, StageError> {
        let deadline = self.aws.now().plus_secs(SWEEP_TIMEOUT_SECS);
        Ok(portkeeper_sweep::handle(&self.sweeper, &self.config, deadline).await?)
    }

    /// Invokes the real handler with a batch, then deletes or returns its messages as Lambda would.
    pub async fn handle(&mut self, batch: &Value) -> Result<Delivery, StageError> {
        let at_ms = self.world.lock().now_ms();
        let event: SqsEvent = serde_json::from_value(batch.clone())?;
        let mut reports = Vec::new();
        let record = &mut |report: &CheckReport| reports.push(report.clone());
        let response =
            portkeeper_reconcile::handle_and_report(&self.aws, &self.config, event, record).await;
        let failed = response.batch_item_failures.len();
        let response = serde_json::to_value(response)?;
        finish_batch(&mut self.world.lock(), QUEUE, batch, Ok(&response));
        Ok(Delivery { at_ms, reports, failed })
    }
}

/// Returns the clients of a function that starts now.
#[must_use]
pub fn clients(world: &SharedWorld, config: &Config) -> Aws {
    Aws::from_sdk_config(&sdk_config(world)).at_share(config.api_share_percent)
}

/// Creates the resources of template.yaml that the functions use. Returns the functions'
/// environment variables.
fn deploy(world: &mut World, settle_secs: &str) -> Result<BTreeMap<String, String>, StageError> {
    let dead_letters =
        call(world, Service::Sqs, "CreateQueue", &json!({ "QueueName": DEAD_LETTERS }))?;
    let attributes =
        json!({ "QueueUrl": text(&dead_letters, "QueueUrl")?, "AttributeNames": ["QueueArn"] });
    let dead_letters = call(world, Service::Sqs, "GetQueueAttributes", &attributes)?;
    let arn = dead_letters
        .pointer("/Attributes/QueueArn")
        .and_then(Value::as_str)
        .ok_or("no QueueArn")?;
    let redrive =
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT }).to_string();
    let attributes = json!({
        "DelaySeconds": settle_secs,
        "VisibilityTimeout": VISIBILITY_TIMEOUT_SECS.to_string(),
        "RedrivePolicy": redrive,
    });
    let queue = call(
        world,
        Service::Sqs,
        "CreateQueue",
        &json!({ "QueueName": QUEUE, "Attributes": attributes }),
    )?;
    let table = json!({
        "TableName": TABLE,
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    call(world, Service::DynamoDb, "CreateTable", &table)?;
    let topic = call(world, Service::Sns, "CreateTopic", &json!({ "Name": TOPIC }))?;
    for (name, pattern) in rules() {
        world.eventbridge.put_rule(name, pattern, QUEUE)?;
    }
    Ok(BTreeMap::from([
        ("PORTKEEPER_CHECKS_QUEUE_URL".to_owned(), text(&queue, "QueueUrl")?),
        ("PORTKEEPER_LEDGER_TABLE".to_owned(), TABLE.to_owned()),
        ("PORTKEEPER_ALERTS_TOPIC_ARN".to_owned(), text(&topic, "TopicArn")?),
        ("PORTKEEPER_OWN_ROLES".to_owned(), client_role(&world.account)),
    ]))
}

/// Returns the rules of template.yaml that send events to the queue of checks: each rule's name
/// there, and its event pattern. A test compares them.
#[must_use]
pub fn rules() -> [(&'static str, Value); 4] {
    [
        (
            "TaskRule",
            json!({
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": {
                    "lastStatus": ["RUNNING", "STOPPED"],
                    "group": [{ "prefix": "service:" }],
                    "startedBy": [{ "prefix": "ecs-svc/" }],
                },
            }),
        ),
        (
            "ServiceRule",
            json!({
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "detail": { "eventName": [
                    "SERVICE_STEADY_STATE",
                    "TASKSET_STEADY_STATE",
                    "TASKS_STOPPED",
                    "SERVICE_TASK_START_IMPAIRED",
                    "SERVICE_DEPLOYMENT_COMPLETED",
                    "SERVICE_DEPLOYMENT_FAILED",
                    "SERVICE_DESIRED_COUNT_UPDATED",
                ] },
            }),
        ),
        ("DeploymentRule", deployments_that_ended()),
        (
            "CallRule",
            json!({
                "source": ["aws.elasticloadbalancing"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventName": [
                        "RegisterTargets",
                        "DeregisterTargets",
                        "DeleteTargetGroup",
                        "DeleteListener",
                        "DeleteRule",
                        "ModifyRule",
                        "ModifyListener",
                    ],
                    "errorCode": [{ "exists": false }],
                    "userIdentity": { "invokedBy": [
                        { "exists": false },
                        { "anything-but": "ecs.amazonaws.com" },
                    ] },
                },
            }),
        ),
    ]
}

/// Returns the event pattern of deployments that have ended. Both functions have a rule with it.
fn deployments_that_ended() -> Value {
    json!({
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "detail": { "eventName": ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"] },
    })
}

fn call(
    world: &mut World,
    service: Service,
    operation: &str,
    input: &Value,
) -> Result<Value, StageError> {
    Ok(world.call(Caller::Person, service, operation, input)?)
}

fn text(answer: &Value, member: &str) -> Result<String, StageError> {
    let found = answer.get(member).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no {member} in {answer}").into())
}
