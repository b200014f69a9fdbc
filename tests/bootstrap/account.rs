//! An account behind HTTP whose clock shows the real time, as the program's does.
//!
//! Its past is simulated in virtual time, so the test never sleeps.

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_core::event::recheck_message;
use portkeeper_core::ids::{ClusterArn, ServiceKey};
use portkeeper_reconcile::handle_and_report;
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::elbv2::{TargetType, Write};
use portkeeper_world::http::{Server, SharedWorld, sdk_config, serve};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::sqs::{finish_batch, send, take_batch};
use portkeeper_world::truth;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub const QUEUE: &str = "checks";
const TABLE: &str = "ledger";
const TOPIC: &str = "alerts";

/// The age of the account in seconds: ECS still lists every task that stopped since then.
const PAST_SECS: u64 = 3000;

fn real_now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// An account with a service `web` of three tasks, in order, and a server in front of it.
pub struct Account {
    pub world: SharedWorld,
    server: Server,
    config: Config,
    variables: BTreeMap<String, String>,
}

impl Account {
    pub async fn new() -> Self {
        let mut world = World::new(1, real_now_ms() - PAST_SECS * 1000);
        let mut call = |service, operation: &str, input: &Value| {
            world.call(Caller::Person, service, operation, input).expect(operation)
        };
        let queue = call(Service::Sqs, "CreateQueue", &json!({"QueueName": QUEUE}));
        let topic = call(Service::Sns, "CreateTopic", &json!({"Name": TOPIC}));
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        call(Service::DynamoDb, "CreateTable", &table);
        world.make_cluster("shop").unwrap();
        world.make_instances("shop", 3).unwrap();
        let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
        let spec =
            ServiceSpec::new("shop", "web").container("app", &[8080]).behind(&group, "app", 8080);
        world.make_service(&spec.desired(3)).unwrap();
        world.advance_secs(600);
        let variables: BTreeMap<String, String> = BTreeMap::from([
            (
                "PORTKEEPER_CHECKS_QUEUE_URL".to_owned(),
                queue["QueueUrl"].as_str().unwrap().to_owned(),
            ),
            (
                "PORTKEEPER_ALERTS_TOPIC_ARN".to_owned(),
                topic["TopicArn"].as_str().unwrap().to_owned(),
            ),
            ("PORTKEEPER_LEDGER_TABLE".to_owned(), TABLE.to_owned()),
            ("PORTKEEPER_LOG".to_owned(), "debug".to_owned()),
        ]);
        let config = Config::from_variables(&variables).unwrap();
        let world = SharedWorld::new(world);
        let server = serve(world.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { world, server, config, variables }
    }

    /// The program's environment in this account.
    pub fn variables(&self) -> Vec<(String, String)> {
        let endpoint = ("AWS_ENDPOINT_URL".to_owned(), self.server.endpoint_url());
        self.variables.clone().into_iter().chain([endpoint]).collect()
    }

    /// A task stops and ECS leaves its target behind; minutes ago another instance of the function
    /// found it in a first check. Then the account's clock is set to the real time. Returns the
    /// target.
    pub async fn leave_a_target_behind(&self) -> String {
        self.look().await;
        let before = self.wanted();
        {
            let mut world = self.world.lock();
            world.keep_targets("shop/web", 1);
            let fewer = json!({"cluster": "shop", "service": "web", "desiredCount": 2});
            world.person_ecs("UpdateService", &fewer).unwrap();
            world.advance_secs(600);
        }
        self.look().await;
        let after = self.wanted();
        {
            let mut world = self.world.lock();
            let rest = real_now_ms().saturating_sub(world.now_ms());
            world.advance(rest);
        }
        before.into_iter().find(|target| !after.contains(target)).unwrap()
    }

    /// Runs a check with the same handler in this process, by the account's clock.
    async fn look(&self) {
        self.ask("web");
        let batch = take_batch(&mut self.world.lock(), QUEUE, 100).unwrap();
        let event: SqsEvent = serde_json::from_value(batch.clone()).unwrap();
        let aws = Aws::from_sdk_config(&sdk_config(&self.world));
        let response = handle_and_report(&aws, &self.config, event, &mut |_| {}).await;
        finish_batch(
            &mut self.world.lock(),
            QUEUE,
            &batch,
            Ok(&serde_json::to_value(response).unwrap()),
        );
    }

    /// Requests a check of a service, now.
    pub fn ask(&self, service: &str) {
        let cluster = self.world.lock().account.ecs_arn("cluster", "shop");
        let key = ServiceKey {
            cluster: ClusterArn::try_from(cluster).unwrap(),
            service: service.to_owned(),
        };
        self.send(&recheck_message(&key, &BTreeMap::new(), 0).to_string());
    }

    /// Sends a message to the queue.
    pub fn send(&self, body: &str) {
        send(&mut self.world.lock(), QUEUE, body, Some(0)).unwrap();
    }

    /// Returns the id of the message that contains this text.
    pub fn message_with(&self, text: &str) -> String {
        let world = self.world.lock();
        let found = world.sqs.messages(QUEUE).find(|message| message.body.contains(text)).unwrap();
        found.id.clone()
    }

    fn wanted(&self) -> Vec<String> {
        let live = truth::live_targets(&self.world.lock());
        live.into_iter().map(|target| format!("{}:{}", target.id, target.port)).collect()
    }

    fn ours(&self) -> Vec<Write> {
        let world = self.world.lock();
        world
            .elbv2
            .writes()
            .iter()
            .filter(|write| write.caller == Caller::Client)
            .cloned()
            .collect()
    }

    /// Returns the program's writes, such as `Deregister i-1:32768`.
    pub fn writes(&self) -> Vec<String> {
        self.ours()
            .iter()
            .map(|write| format!("{:?} {}:{}", write.kind, write.id, write.port))
            .collect()
    }

    /// Returns the published alerts, such as `stale opened`.
    pub fn alerts(&self) -> Vec<String> {
        let world = self.world.lock();
        let published = world.sns.published(TOPIC).iter();
        published
            .map(|it| format!("{} {}", it.attributes["code"], it.attributes["state"]))
            .collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let wrong = self.ours().into_iter().filter(Write::is_wrong_deregistration);
            assert_eq!(wrong.collect::<Vec<_>>(), [], "a running task lost its own target");
        }
    }
}
