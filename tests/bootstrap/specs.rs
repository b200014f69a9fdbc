//! The program `create-service`, from the object in the bucket to tasks that receive traffic.

use crate::account::Account;
use crate::process::Process;
use portkeeper_stage::specs::{BATCH_SIZE, TIMEOUT_SECS, rules};
use portkeeper_tests::desk::{ORDERS, make_front};
use portkeeper_tests::runtime_api::{Answer, RuntimeApi};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::{Value, json};

const BUCKET: &str = "specs";
const QUEUE: &str = "specs";
const KEY: &str = "specs/orders.yaml";

/// Creates what template.yaml deploys for specs. Returns the program's variables.
fn deploy(world: &mut World) -> Vec<(String, String)> {
    let mut queue = |name: &str| {
        let made = world
            .call(Caller::Person, Service::Sqs, "CreateQueue", &json!({"QueueName": name}))
            .unwrap();
        made["QueueUrl"].as_str().unwrap().to_owned()
    };
    let (queue_url, dead_letters_url) = (queue(QUEUE), queue("specs-dead-letters"));
    world.make_bucket(BUCKET).unwrap();
    for (name, pattern) in rules(BUCKET) {
        world.eventbridge.put_rule(name, pattern, QUEUE).unwrap();
    }
    let own = [
        ("PORTKEEPER_SPEC_BUCKET", BUCKET.to_owned()),
        ("PORTKEEPER_SPECS_QUEUE_URL", queue_url),
        ("PORTKEEPER_SPECS_DEAD_LETTERS_URL", dead_letters_url),
    ];
    own.map(|(name, value)| (name.to_owned(), value)).into()
}

/// An account, and the program in it.
struct Deployed {
    account: Account,
    api: RuntimeApi,
    process: Process,
}

impl Deployed {
    async fn new() -> Self {
        let account = Account::new().await;
        let own = {
            let mut world = account.world.lock();
            make_front(&mut world);
            deploy(&mut world)
        };
        let variables: Vec<(String, String)> = account.variables().into_iter().chain(own).collect();
        let api = RuntimeApi::start().await;
        let process = Process::start("create-service", &api, &variables);
        Self { account, api, process }
    }

    /// Advances the account's clock and lets the program handle the visible messages. The test does
    /// not sleep.
    async fn run(&self, seconds: u64) {
        for _ in 0..seconds / 5 {
            self.account.world.lock().advance_secs(5);
            loop {
                let batch = take_batch(&mut self.account.world.lock(), QUEUE, BATCH_SIZE);
                let Some(batch) = batch else { break };
                let answer = self
                    .api
                    .invoke(&batch, TIMEOUT_SECS.into())
                    .await
                    .unwrap_or_else(|| panic!("{}", self.process.said()));
                let response =
                    if let Answer::Response(response) = &answer { Ok(response) } else { Err(()) };
                finish_batch(&mut self.account.world.lock(), QUEUE, &batch, response);
            }
        }
    }

    fn drop_spec(&self, text: &str) {
        self.account.world.lock().drop_object(BUCKET, KEY, text).unwrap();
    }

    fn result(&self) -> Value {
        let world = self.account.world.lock();
        let bytes = world.s3.object(BUCKET, "results/orders.yaml.json");
        serde_json::from_slice(bytes.unwrap_or_else(|| panic!("{}", self.process.said()))).unwrap()
    }

    fn healthy(&self) -> usize {
        let mut world = self.account.world.lock();
        let described =
            world.person_elb("DescribeTargetGroups", &json!({"Names": ["orders"]})).unwrap();
        let arn = &described["TargetGroups"][0]["TargetGroupArn"];
        let health =
            world.person_elb("DescribeTargetHealth", &json!({"TargetGroupArn": arn})).unwrap();
        let targets = health["TargetHealthDescriptions"].as_array().unwrap().iter();
        targets.filter(|target| target["TargetHealth"]["State"] == "healthy").count()
    }

    fn count(&self, operation: &str) -> usize {
        self.account.world.lock().calls.of(operation).count()
    }
}

/// The whole path: uploaded, running, registered, healthy; changed; uploaded again; a failed
/// deployment; removed.
#[tokio::test]
async fn a_spec_lives_its_whole_life() {
    let deployed = Deployed::new().await;
    let text = format!("{ORDERS}onDelete: delete\n");
    deployed.drop_spec(&text);
    deployed.run(300).await;
    let result = deployed.result();
    assert_eq!(result["status"], "ready", "{result:#}\n{}", deployed.process.said());
    assert_eq!(deployed.healthy(), 2);

    deployed.drop_spec(&text.replace("orders:1", "orders:2"));
    deployed.run(300).await;
    assert_eq!(deployed.result()["status"], "ready", "{:#}", deployed.result());
    assert_eq!((deployed.count("UpdateService"), deployed.healthy()), (1, 2));

    deployed.drop_spec(&text.replace("orders:1", "orders:2"));
    deployed.run(60).await;
    assert_eq!(deployed.result()["status"], "ready");
    assert_eq!((deployed.count("UpdateService"), deployed.count("RegisterTaskDefinition")), (1, 2));

    deployed.drop_spec(&text.replace("orders:1", "orders:3"));
    deployed.run(5).await;
    assert!(deployed.account.world.lock().roll_back("shop/orders"));
    deployed.run(300).await;
    let result = deployed.result();
    assert_eq!(result["status"], "failed", "{result:#}");
    assert_eq!(deployed.healthy(), 2);

    deployed.account.world.lock().delete_object(BUCKET, KEY).unwrap();
    deployed.run(1800).await;
    let result = deployed.result();
    assert_eq!(result["status"], "deleted", "{result:#}");
    let alerts = deployed.account.alerts();
    let codes: Vec<&str> = alerts.iter().map(|alert| alert.split(' ').next().unwrap()).collect();
    assert_eq!(codes, ["spec_ready", "spec_ready", "spec_failed", "spec_deleted"]);
}

/// The program refuses a bad spec, and the same process applies the next one.
#[tokio::test]
async fn a_bad_spec_is_refused_and_the_next_one_is_made() {
    let deployed = Deployed::new().await;
    deployed.drop_spec("cluster: shop\nservice: {serviceNam: orders}\n");
    deployed.run(10).await;
    assert_eq!(deployed.result()["status"], "refused");
    deployed.drop_spec(ORDERS);
    deployed.run(300).await;
    assert_eq!(deployed.result()["status"], "ready", "{:#}", deployed.result());
}

/// Every variable that is missing is named.
#[tokio::test]
async fn it_does_not_start_without_its_variables() {
    let api = RuntimeApi::start().await;
    let (succeeded, said) = Process::start("create-service", &api, &[]).ended();
    assert!(!succeeded, "{said}");
    for name in ["PORTKEEPER_SPEC_BUCKET", "PORTKEEPER_SPECS_QUEUE_URL", "PORTKEEPER_LEDGER_TABLE"]
    {
        assert!(said.contains(&format!("{name} is not set")), "`{name}` is not in:\n{said}");
    }
}
