//! The shop with a bucket for specs, and helpers that upload specs and read their results.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "A test fails by panicking."
)]

use crate::shop::CLUSTER;
use portkeeper_stage::specs::{BUCKET, SPECS_DEAD_LETTERS, SPECS_QUEUE, SpecStage};
use portkeeper_stage::{Stage, TABLE, TOPIC};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::sqs;
use serde_json::{Value, json};
use std::sync::MutexGuard;

/// The key of the spec in most tests.
pub const KEY: &str = "specs/orders.yaml";

/// A service of two tasks behind the load balancer `front`, in bridge mode.
pub const ORDERS: &str = "\
cluster: shop
taskDefinition:
  family: orders
  networkMode: bridge
  containerDefinitions:
    - name: app
      image: orders:1
      memory: 128
      essential: true
      portMappings:
        - containerPort: 8080
service:
  serviceName: orders
  desiredCount: 2
  launchType: EC2
  healthCheckGracePeriodSeconds: 30
loadBalancing:
  - container: app
    port: 8080
    listener: {loadBalancer: front, port: 80}
    path: /orders/*
    targetGroup:
      healthCheck: {path: /health, intervalSeconds: 10}
";

/// An account in which Portkeeper creates services from specs: a cluster `shop` with two instances,
/// and a load balancer `front`.
pub struct Desk {
    /// The account with the complete Portkeeper deployed in it.
    pub specs: SpecStage,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Desk {
    /// Builds the account with these settings in addition to the defaults.
    #[must_use]
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let stage = Stage::new(1, &[]).expect("the stage stands");
        {
            let mut world = stage.world.lock();
            world.make_cluster(CLUSTER).expect("a cluster");
            world.make_instances(CLUSTER, 2).expect("container instances");
            make_front(&mut world);
        }
        Self { specs: SpecStage::new(stage, settings).expect("the desk stands") }
    }

    /// Locks the account. Never hold the lock across an `await`.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.specs.world().lock()
    }

    /// Uploads a spec.
    pub fn drop_spec(&self, key: &str, text: &str) {
        self.drop_bytes(key, text.as_bytes());
    }

    /// Uploads an object with any bytes.
    pub fn drop_bytes(&self, key: &str, bytes: &[u8]) {
        self.world().drop_object(BUCKET, key, bytes).expect("an object");
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) {
        self.world().delete_object(BUCKET, key).expect("a removal");
    }

    /// Sends a message to the queue of spec events.
    pub fn send(&self, body: &str) {
        sqs::send(&mut self.world(), SPECS_QUEUE, body, Some(0)).expect("the queue is there");
    }

    /// Delivers one message. Returns true if the function handled it.
    pub async fn deliver(&self) -> bool {
        self.specs.deliver().await.expect("the function runs").expect("a message is due")
    }

    /// Advances time and delivers the messages that are due.
    pub async fn run(&mut self, seconds: u64) {
        drop(self.specs.run(seconds).await.expect("the stage plays on"));
    }

    /// Uploads a spec and advances time by ten minutes.
    pub async fn carry_out(&mut self, text: &str) -> Value {
        self.drop_spec(KEY, text);
        self.run(600).await;
        self.result(KEY)
    }

    /// Returns the result that is stored next to a spec.
    #[must_use]
    pub fn result(&self, key: &str) -> Value {
        self.specs.result(key).unwrap_or_else(|| panic!("no result for {key}"))
    }

    /// Returns the state of a result: `ready`, `refused`, …
    #[must_use]
    pub fn status(&self, key: &str) -> String {
        self.specs
            .result(key)
            .map_or("none".to_owned(), |result| result["status"].as_str().unwrap_or("?").to_owned())
    }

    /// Returns the steps of a result, as `target_group orders: done`.
    #[must_use]
    pub fn steps(&self, key: &str) -> Vec<String> {
        let result = self.result(key);
        let steps = result["steps"].as_array().expect("steps").iter();
        let text = |step: &Value, name: &str| step[name].as_str().unwrap_or("?").to_owned();
        steps
            .map(|step| {
                format!(
                    "{} {}: {}",
                    text(step, "resource"),
                    text(step, "name"),
                    text(step, "outcome")
                )
            })
            .collect()
    }

    /// Returns the problems of a result, as `error code at`.
    #[must_use]
    pub fn problems(&self, key: &str) -> Vec<String> {
        let result = self.result(key);
        let problems = result["problems"].as_array().expect("problems").iter();
        let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or("?").to_owned();
        problems
            .map(|it| format!("{} {} {}", text(it, "weight"), text(it, "code"), text(it, "at")))
            .collect()
    }

    /// Adds a fault.
    pub fn fault(&self, rule: Rule) {
        self.world().faults.add(rule);
    }

    /// From now on AWS answers every call of this operation with this error.
    pub fn refuse_all(&self, service: Service, operation: &str, code: &str, message: &str) {
        self.fault(Rule::new(service, operation, Fault::fail(code, message, 400)).forever());
    }

    /// Calls ECS as a person would, for the cluster.
    pub fn ecs(&self, operation: &str, mut input: Value) -> Value {
        input["cluster"] = json!(CLUSTER);
        self.world().person_ecs(operation, &input).expect(operation)
    }

    /// Calls Elastic Load Balancing as a person would.
    pub fn elb(&self, operation: &str, input: &Value) -> Value {
        self.world().person_elb(operation, input).expect(operation)
    }

    /// Calls CloudWatch Logs as a person would.
    pub fn logs(&self, operation: &str, input: &Value) -> Value {
        self.world()
            .call(Caller::Person, Service::CloudWatchLogs, operation, input)
            .expect(operation)
    }

    /// Returns the service as ECS describes it, or null if it does not exist.
    #[must_use]
    pub fn service(&self, name: &str) -> Value {
        self.ecs("DescribeServices", json!({"services": [name], "include": ["TAGS"]}))["services"]
            [0]
        .clone()
    }

    /// Returns every resource of the kinds that specs create, one line each, without the listener's
    /// default rule.
    #[must_use]
    pub fn things(&self) -> Vec<String> {
        let mut things = Vec::new();
        let revisions =
            self.world().person_ecs("ListTaskDefinitions", &json!({"status": "ACTIVE"}));
        for arn in revisions.expect("a list")["taskDefinitionArns"].as_array().expect("ARNs") {
            things.push(format!("task definition {}", tail(arn)));
        }
        for group in
            self.elb("DescribeTargetGroups", &json!({}))["TargetGroups"].as_array().expect("groups")
        {
            things.push(format!(
                "target group {}",
                group["TargetGroupName"].as_str().expect("a name")
            ));
        }
        for rule in self.rules() {
            things.push(format!("rule {}", rule["Priority"].as_str().expect("a priority")));
        }
        let services = self.ecs("ListServices", json!({}))["serviceArns"].clone();
        for arn in services.as_array().expect("ARNs") {
            things.push(format!("service {}", tail(arn)));
        }
        things
    }

    /// Returns the rules of the listener on `front`, without the default one.
    #[must_use]
    pub fn rules(&self) -> Vec<Value> {
        let balancer = self.elb("DescribeLoadBalancers", &json!({"Names": ["front"]}));
        let arn = &balancer["LoadBalancers"][0]["LoadBalancerArn"];
        let listener = self.elb("DescribeListeners", &json!({"LoadBalancerArn": arn}));
        let listener = &listener["Listeners"][0]["ListenerArn"];
        let rules = self.elb("DescribeRules", &json!({"ListenerArn": listener}))["Rules"].clone();
        rules
            .as_array()
            .expect("rules")
            .iter()
            .filter(|rule| rule["Priority"] != "default")
            .cloned()
            .collect()
    }

    /// Returns the number of healthy targets of a group.
    #[must_use]
    pub fn healthy(&self, group: &str) -> usize {
        let described = self.elb("DescribeTargetGroups", &json!({"Names": [group]}));
        let arn = &described["TargetGroups"][0]["TargetGroupArn"];
        let health = self.elb("DescribeTargetHealth", &json!({"TargetGroupArn": arn}));
        let targets = health["TargetHealthDescriptions"].as_array().expect("targets").iter();
        targets.filter(|target| target["TargetHealth"]["State"] == "healthy").count()
    }

    /// Returns the messages that SNS accepted, as `spec_ready specs/orders.yaml`.
    #[must_use]
    pub fn alerts(&self) -> Vec<String> {
        let world = self.world();
        let published =
            world.sns.published(TOPIC).iter().filter(|it| it.attributes.contains_key("spec"));
        published.map(|it| format!("{} {}", it.attributes["code"], it.attributes["spec"])).collect()
    }

    /// Returns how often clients called an operation.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.world().calls.of(operation).count()
    }

    /// Returns the inputs of clients' calls of an operation.
    #[must_use]
    pub fn inputs(&self, operation: &str) -> Vec<Value> {
        self.world().calls.of(operation).map(|call| call.input.clone()).collect()
    }

    /// Returns the message bodies in the dead-letter queue.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<String> {
        let world = self.world();
        world.sqs.messages(SPECS_DEAD_LETTERS).map(|message| message.body.clone()).collect()
    }

    /// Sets or clears the kill switch, as a person would.
    pub fn switch(&self, writes: &str) {
        let item =
            json!({"pk": {"S": "switch"}, "writes": {"S": writes}, "why": {"S": "a freeze"}});
        let put = json!({"TableName": TABLE, "Item": item});
        self.world().call(Caller::Person, Service::DynamoDb, "PutItem", &put).expect("the switch");
    }
}

fn tail(arn: &Value) -> String {
    arn.as_str().expect("an ARN").rsplit('/').next().expect("a name").to_owned()
}

/// Creates a load balancer with a listener that does not forward to a target group yet.
pub fn make_front(world: &mut World) {
    let subnets = world.default_subnets();
    let balancer = json!({"Name": "front", "Type": "application", "Subnets": subnets});
    let made = world.person_elb("CreateLoadBalancer", &balancer).expect("a load balancer");
    let nowhere = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
    let listener = json!({
        "LoadBalancerArn": made["LoadBalancers"][0]["LoadBalancerArn"],
        "Protocol": "HTTP",
        "Port": 80,
        "DefaultActions": nowhere,
    });
    world.person_elb("CreateListener", &listener).expect("a listener");
}
