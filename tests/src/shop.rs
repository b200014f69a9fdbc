//! A simulated account with one cluster and the real handler, and helpers that cause faults and
//! read the state.
//!
//! Every test that uses it ends with one more check: if a client ever deregistered the target of a
//! task whose desired status was RUNNING, the test fails, whatever else it verifies.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "A test fails by panicking."
)]

use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_core::event::{ServiceCheck, recheck_message};
use portkeeper_core::ids::{ClusterArn, ServiceKey, TargetGroupArn};
use portkeeper_reconcile::CheckReport;
use portkeeper_stage::{Delivery, QUEUE, Stage, TABLE, TOPIC};
use portkeeper_world::World;
use portkeeper_world::account::Account;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::elbv2::{TargetType, Write, WriteKind};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::sqs;
use portkeeper_world::truth;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

/// The cluster.
pub const CLUSTER: &str = "shop";

/// A deregistration by a person is repaired like any other.
pub const PERSON_IS_NOT_AWAITED: [(&str, &str); 1] = [("PORTKEEPER_PERSON_MINUTES", "0")];

/// An account with a cluster `shop`.
pub struct Shop {
    /// The account and the function in it.
    pub stage: Stage,
}

/// A service of one container `app` with container port 8080, behind one group.
#[must_use]
pub fn behind(name: &str, group: &str) -> ServiceSpec {
    ServiceSpec::new(CLUSTER, name).container("app", &[8080]).behind(group, "app", 8080)
}

impl Shop {
    /// Creates a cluster with this number of container instances and no service.
    #[must_use]
    pub fn new(instances: usize, settings: &[(&str, &str)]) -> Self {
        Self::in_account(Account::default(), instances, settings)
    }

    /// Does the same in an account with another ID, region or partition.
    #[must_use]
    pub fn in_account(account: Account, instances: usize, settings: &[(&str, &str)]) -> Self {
        let stage = Stage::in_account(account, 1, settings).expect("the stage stands");
        let shop = Self { stage };
        shop.world().make_cluster(CLUSTER).expect("a cluster");
        shop.world().make_instances(CLUSTER, instances).expect("container instances");
        shop
    }

    /// Creates a service `web` in bridge mode with this number of tasks in `web-tg`, running and
    /// healthy. The function has not received its events yet.
    #[must_use]
    pub fn with_web(instances: usize, tasks: u32) -> Self {
        Self::with_web_and(&[], instances, tasks)
    }

    fn with_web_and(settings: &[(&str, &str)], instances: usize, tasks: u32) -> Self {
        let shop = Self::new(instances, settings);
        let group = shop.alb_group("web-tg");
        shop.make(&behind("web", &group).desired(tasks));
        shop.pass(30);
        shop
    }

    /// Creates the same service and delivers every event, so that the ledger holds its targets.
    pub async fn settled_web(instances: usize, tasks: u32) -> Self {
        let mut shop = Self::with_web(instances, tasks);
        shop.settle().await;
        shop
    }

    /// The same with these settings.
    pub async fn settled_web_with(settings: &[(&str, &str)], instances: usize, tasks: u32) -> Self {
        let mut shop = Self::with_web_and(settings, instances, tasks);
        shop.settle().await;
        shop
    }

    /// Delivers every pending event, then clears the recorded calls.
    pub async fn settle(&mut self) {
        self.run(300).await;
        self.world().calls.clear();
    }

    /// Locks the account. Never hold the lock across an `await`.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.stage.world.lock()
    }

    /// Returns the function's clients.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        self.stage.aws()
    }

    /// Returns the function's configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.stage.config()
    }

    /// Creates a target group for instances behind a load balancer of its own. Returns its ARN.
    #[must_use]
    pub fn alb_group(&self, name: &str) -> String {
        self.world().make_alb_group(name, TargetType::Instance).expect("a target group")
    }

    /// Deletes a group and the rule that forwards to it, as a person would.
    pub fn delete_group(&self, name: &str) {
        let group = self.group(name);
        let described = self.elb("DescribeTargetGroups", &json!({"TargetGroupArns": [group]}));
        for balancer in
            described["TargetGroups"][0]["LoadBalancerArns"].as_array().into_iter().flatten()
        {
            let listeners = self.elb("DescribeListeners", &json!({"LoadBalancerArn": balancer}));
            for listener in listeners["Listeners"].as_array().into_iter().flatten() {
                self.elb("DeleteListener", &json!({"ListenerArn": listener["ListenerArn"]}));
            }
        }
        self.elb("DeleteTargetGroup", &json!({"TargetGroupArn": group}));
    }

    /// Creates a service.
    pub fn make(&self, spec: &ServiceSpec) {
        self.world().make_service(spec).expect("a service");
    }

    /// Calls ECS as a person would, for a service of the cluster.
    pub fn ecs(&self, operation: &str, mut input: Value) -> Value {
        input["cluster"] = json!(CLUSTER);
        self.world().person_ecs(operation, &input).expect(operation)
    }

    /// Calls `UpdateService` as a person would.
    pub fn update(&self, service: &str, mut change: Value) {
        change["service"] = json!(service);
        self.ecs("UpdateService", change);
    }

    /// Calls Elastic Load Balancing as a person would.
    pub fn elb(&self, operation: &str, input: &Value) -> Value {
        self.world().person_elb(operation, input).expect(operation)
    }

    /// Registers or deregisters a target, as a person would.
    pub fn by_hand(&self, operation: &str, group: &str, id: &str, port: u16) {
        self.elb(
            operation,
            &json!({"TargetGroupArn": group, "Targets": [{"Id": id, "Port": port}]}),
        );
    }

    /// Adds a fault.
    pub fn fault(&self, rule: Rule) {
        self.world().faults.add(rule);
    }

    /// AWS answers the next call of this operation with this error.
    pub fn fail_next(&self, service: Service, operation: &str, code: &str, status: u16) {
        self.fault(Rule::new(
            service,
            operation,
            Fault::fail(code, "as the test wants it", status),
        ));
    }

    /// Sends a message to the queue of checks, visible at once.
    pub fn send(&self, body: &str) {
        sqs::send(&mut self.world(), QUEUE, body, Some(0)).expect("the queue is there");
    }

    /// Advances time without delivering messages.
    pub fn pass(&self, seconds: u64) {
        self.world().advance_secs(seconds);
    }

    /// Advances time and delivers the messages that are due.
    pub async fn run(&mut self, seconds: u64) -> Vec<Delivery> {
        self.stage.run(seconds).await.expect("the stage plays on")
    }

    /// Requests a check of these services now, as the sweep does.
    pub fn ask(&self, services: &[&str]) {
        for service in services {
            let body = recheck_message(&self.key(service), &BTreeMap::new(), 0).to_string();
            self.send(&body);
        }
    }

    /// Advances time and requests a check of these services every 30 seconds.
    pub async fn watch(&mut self, services: &[&str], seconds: u64) {
        for _ in 0..seconds / 30 {
            self.ask(services);
            self.run(30).await;
        }
    }

    /// Checks a service now and returns the report. No other message may be due.
    pub async fn look(&mut self, service: &str) -> CheckReport {
        let mut reports = self.look_at(&[service]).await.reports;
        assert_eq!(reports.len(), 1, "one service is checked: {reports:#?}");
        reports.remove(0)
    }

    /// Checks these services now, all in one batch.
    pub async fn look_at(&mut self, services: &[&str]) -> Delivery {
        self.ask(services);
        self.stage.deliver().await.expect("the handler runs").expect("a message is due")
    }

    /// Returns the key of a service of the cluster.
    #[must_use]
    pub fn key(&self, service: &str) -> ServiceKey {
        let cluster = self.world().account.ecs_arn("cluster", CLUSTER);
        ServiceKey {
            cluster: ClusterArn::try_from(cluster).expect("an ARN"),
            service: service.to_owned(),
        }
    }

    /// Returns the request for a check of a service, as a recheck message holds it.
    #[must_use]
    pub fn check(&self, service: &str) -> ServiceCheck {
        ServiceCheck {
            messages: BTreeSet::from(["m".to_owned()]),
            ..ServiceCheck::of(self.key(service))
        }
    }

    /// Returns the ARN of a group by its name.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        self.world().elbv2.group_arn(name).expect("the group").to_owned()
    }

    /// The same, parsed.
    #[must_use]
    pub fn group_arn(&self, name: &str) -> TargetGroupArn {
        TargetGroupArn::try_from(self.group(name)).expect("an ARN")
    }

    /// Returns the ARNs of a service's tasks whose desired status is RUNNING.
    #[must_use]
    pub fn tasks(&self, service: &str) -> Vec<String> {
        self.world().running_tasks(&format!("{CLUSTER}/{service}")).expect("tasks")
    }

    /// Returns the registered and draining targets of a group: id, port, state.
    #[must_use]
    pub fn targets(&self, group: &str) -> Vec<(String, u16, &'static str)> {
        let arn = self.group(group);
        truth::registered(&self.world(), &arn)
    }

    /// Returns the states of a group's targets, sorted.
    #[must_use]
    pub fn states(&self, group: &str) -> Vec<&'static str> {
        let mut states: Vec<&str> =
            self.targets(group).into_iter().map(|(_, _, state)| state).collect();
        states.sort_unstable();
        states
    }

    /// Returns the expected targets of a service's running tasks, as `group id:port`, sorted.
    #[must_use]
    pub fn wanted(&self, service: &str) -> Vec<String> {
        let world = self.world();
        let live = truth::live_targets(&world);
        let wanted =
            live.into_iter().filter(|it| it.service == service && it.desired_status == "RUNNING");
        let wanted: BTreeSet<String> = wanted
            .map(|it| format!("{} {}:{}", name_of(&it.target_group_arn), it.id, it.port))
            .collect();
        wanted.into_iter().collect()
    }

    /// Returns the clients' writes, as `register web-tg i-1:32768`, including those that changed
    /// nothing.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        let world = self.world();
        let ours = world.elbv2.writes().iter().filter(|write| write.caller == Caller::Client);
        ours.map(|write| {
            let verb = match write.kind {
                WriteKind::Register => "register",
                WriteKind::Deregister => "deregister",
            };
            format!("{verb} {} {}:{}", name_of(&write.group), write.id, write.port)
        })
        .collect()
    }

    /// Returns the alerts that SNS accepted, as `critical hijacked opened`, in order.
    #[must_use]
    pub fn alerts(&self) -> Vec<String> {
        let world = self.world();
        let published = world.sns.published(TOPIC).iter();
        published
            .map(|it| {
                ["severity", "code", "state"].map(|name| it.attributes[name].as_str()).join(" ")
            })
            .collect()
    }

    /// Returns the texts of the alerts, subjects first.
    #[must_use]
    pub fn alert_texts(&self) -> Vec<String> {
        let world = self.world();
        let published = world.sns.published(TOPIC).iter();
        published
            .map(|it| {
                format!("{}\n{}", it.subject.as_deref().unwrap_or_default(), it.text_for("email"))
            })
            .collect()
    }

    /// Returns how often clients called an operation since the calls were last cleared.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.world().calls.of(operation).count()
    }

    /// Returns the clients' calls since they were last cleared, as `DescribeTasks 1`, in
    /// alphabetical order.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let world = self.world();
        let mut lines: Vec<String> = world
            .calls
            .counts()
            .into_iter()
            .map(|((_, operation), count)| format!("{operation} {count}"))
            .collect();
        lines.sort();
        lines
    }

    /// Returns the inputs of the clients' calls of one operation, in order.
    #[must_use]
    pub fn inputs(&self, operation: &str) -> Vec<Value> {
        self.world().calls.of(operation).map(|call| call.input.clone()).collect()
    }

    /// Returns the ledger record of a service as JSON, or null if there is none.
    #[must_use]
    pub fn record(&self, service: &str) -> Value {
        let world = self.world();
        let item = portkeeper_world::dynamodb::item(&world, TABLE, &format!("{CLUSTER}/{service}"));
        let text = item.and_then(|item| item.get("record")?.get("S")?.as_str());
        text.map_or(Value::Null, |text| serde_json::from_str(text).expect("a record is JSON"))
    }

    fn harm(&self) -> Vec<Write> {
        let world = self.world();
        let wrong =
            |write: &&Write| write.caller == Caller::Client && write.is_wrong_deregistration();
        world.elbv2.writes().iter().filter(wrong).cloned().collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.harm(), [], "a running task lost its own target");
        }
    }
}

/// Returns the name in a target group's ARN.
fn name_of(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}
