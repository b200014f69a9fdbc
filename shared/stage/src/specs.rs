//! Adds a bucket for specs to the stage. An uploaded object reaches the real function that creates
//! services through a rule and a queue, as in template.yaml.

use crate::{Delivery, Stage, StageError, TABLE, deployments_that_ended};
use aws_lambda_events::event::sqs::SqsEvent;
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_create_service::{Dependencies, handle};
use portkeeper_service_spec_aws::SpecAws;
use portkeeper_service_spec_aws::config::SpecConfig;
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::http::{SharedWorld, sdk_config};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The bucket of specs and results.
pub const BUCKET: &str = "specs-of-the-shop";
/// The queue of spec events.
pub const SPECS_QUEUE: &str = "specs";
/// Its dead-letter queue.
pub const SPECS_DEAD_LETTERS: &str = "specs-dead-letters";

// As in template.yaml; a test compares them.

/// The maximum number of messages in a batch.
pub const BATCH_SIZE: usize = 1;
/// How often Lambda receives a message before SQS moves it to the dead-letter queue.
const MAX_RECEIVE_COUNT: u32 = 20;
/// How long a received message stays hidden, in seconds.
const VISIBILITY_TIMEOUT_SECS: u32 = 360;
/// The function's timeout.
pub const TIMEOUT_SECS: u32 = 60;

/// An account in which Portkeeper creates services from specs.
pub struct SpecStage {
    /// The account with the rest of Portkeeper deployed in it.
    pub stage: Stage,
    office: Dependencies,
    settings: BTreeMap<String, String>,
}

impl SpecStage {
    /// Deploys the resources that specs need into the account of a stage, with these settings in
    /// addition to the defaults.
    pub fn new(stage: Stage, settings: &[(&str, &str)]) -> Result<Self, StageError> {
        let mut variables = deploy(&mut stage.world.lock())?;
        variables.insert(
            "PORTKEEPER_CHECKS_QUEUE_URL".to_owned(),
            stage.config().checks_queue_url.clone(),
        );
        variables.insert("PORTKEEPER_LEDGER_TABLE".to_owned(), TABLE.to_owned());
        variables.insert(
            "PORTKEEPER_ALERTS_TOPIC_ARN".to_owned(),
            stage.config().alerts_topic_arn.clone(),
        );
        variables
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let office = office(&stage.world, &variables)?;
        Ok(Self { stage, office, settings: variables })
    }

    /// The account.
    #[must_use]
    pub fn world(&self) -> &SharedWorld {
        &self.stage.world
    }

    /// The function's variables.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// Returns a function that starts now, in addition to the warm one.
    pub fn another(&self) -> Result<Dependencies, StageError> {
        office(&self.stage.world, &self.settings)
    }

    /// Returns the function's dependencies.
    #[must_use]
    pub fn office(&self) -> &Dependencies {
        &self.office
    }

    /// Receives one message, if one is due, as Lambda does.
    pub fn take(&self) -> Option<Value> {
        take_batch(&mut self.stage.world.lock(), SPECS_QUEUE, BATCH_SIZE)
    }

    /// Delivers one message, if one is due. Returns true if the function handled it, false if it
    /// returns to the queue.
    pub async fn deliver(&self) -> Result<Option<bool>, StageError> {
        let Some(batch) = self.take() else { return Ok(None) };
        let event: SqsEvent = serde_json::from_value(batch.clone())?;
        let deadline = self.office.aws.shared.now().plus_secs(TIMEOUT_SECS);
        let response = handle(&self.office, event, deadline).await;
        let done = response.batch_item_failures.is_empty();
        let response = serde_json::to_value(response)?;
        finish_batch(&mut self.stage.world.lock(), SPECS_QUEUE, &batch, Ok(&response));
        Ok(Some(done))
    }

    /// Advances time second by second and delivers every message that is due. Returns the results
    /// of the checks.
    pub async fn run(&mut self, seconds: u64) -> Result<Vec<Delivery>, StageError> {
        let mut deliveries = Vec::new();
        let end = self.stage.world.lock().now_ms().saturating_add(seconds.saturating_mul(1000));
        while self.stage.world.lock().now_ms() < end {
            while self.deliver().await?.is_some() {}
            while let Some(delivery) = self.stage.deliver().await? {
                deliveries.push(delivery);
            }
            self.stage.world.lock().advance_secs(1);
        }
        Ok(deliveries)
    }

    /// Returns the result that is stored next to a spec, if there is one.
    #[must_use]
    pub fn result(&self, spec: &str) -> Option<Value> {
        let key = format!("results/{}.json", spec.strip_prefix("specs/").unwrap_or(spec));
        let world = self.stage.world.lock();
        serde_json::from_slice(world.s3.object(BUCKET, &key)?).ok()
    }
}

fn office(
    world: &SharedWorld,
    variables: &BTreeMap<String, String>,
) -> Result<Dependencies, StageError> {
    let sdk = sdk_config(world);
    let config = SpecConfig::from_variables(variables)?;
    Ok(Dependencies {
        aws: SpecAws::from_sdk_config(&sdk, config.shared.api_share_percent),
        dead_letters: DeadLetters::from_sdk_config(&sdk, config.dead_letters_url.clone()),
        config,
        // Here, people read the standard output.
        emit: |_| (),
    })
}

/// Creates the resources of template.yaml for specs. Returns the function's own environment
/// variables.
fn deploy(world: &mut World) -> Result<BTreeMap<String, String>, StageError> {
    let mut queue = |name: &str, attributes: Value| {
        let input = json!({ "QueueName": name, "Attributes": attributes });
        let made = world.call(Caller::Person, Service::Sqs, "CreateQueue", &input)?;
        let url = made.get("QueueUrl").and_then(Value::as_str).ok_or("no QueueUrl")?.to_owned();
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let answer = world.call(Caller::Person, Service::Sqs, "GetQueueAttributes", &asked)?;
        let arn = answer
            .pointer("/Attributes/QueueArn")
            .and_then(Value::as_str)
            .ok_or("no QueueArn")?
            .to_owned();
        Ok::<_, StageError>((url, arn))
    };
    let (dead_letters_url, dead_letters_arn) = queue(SPECS_DEAD_LETTERS, json!({}))?;
    let redrive =
        json!({ "deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": MAX_RECEIVE_COUNT })
            .to_string();
    let attributes = json!({
        "VisibilityTimeout": VISIBILITY_TIMEOUT_SECS.to_string(),
        "RedrivePolicy": redrive,
    });
    let (queue_url, _) = queue(SPECS_QUEUE, attributes)?;
    world.make_bucket(BUCKET)?;
    for (name, pattern) in rules(BUCKET) {
        world.eventbridge.put_rule(name, pattern, SPECS_QUEUE)?;
    }
    Ok(BTreeMap::from([
        ("PORTKEEPER_SPEC_BUCKET".to_owned(), BUCKET.to_owned()),
        ("PORTKEEPER_SPECS_QUEUE_URL".to_owned(), queue_url),
        ("PORTKEEPER_SPECS_DEAD_LETTERS_URL".to_owned(), dead_letters_url),
    ]))
}

/// Returns the rules of template.yaml that send events to the queue of spec events: each rule's
/// name there, and its event pattern. A test compares them.
#[must_use]
pub fn rules(bucket: &str) -> [(&'static str, Value); 2] {
    let objects = json!({
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": { "bucket": { "name": [bucket] }, "object": { "key": [{ "prefix": "specs/" }] } },
    });
    [("SpecObjectRule", objects), ("SpecDeploymentRule", deployments_that_ended())]
}
