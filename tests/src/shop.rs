//! A simulated account with the real handler in it, one cluster, and short ways to break things and
//! to look.
//!
//! Whatever a test does with it, it ends with the question that matters: did a client ever
//! deregister the target of a task that was meant to run? If so the test fails, also when it
//! checked something else.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "A test fails by panicking."
)]

use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_core::event::{ServiceCheck, look_again_message};
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
    /// A cluster with so many container instances and no service.
    #[must_use]
    pub fn new(instances: usize, settings: &[(&str, &str)]) -> Self {
        Self::in_account(Account::default(), instances, settings)
    }

    /// The same in an account of another number, region or partition.
    #[must_use]
    pub fn in_account(account: Account, instances: usize, settings: &[(&str, &str)]) -> Self {
        let stage = Stage::in_account(account, 1, settings).expect("the stage stands");
        let shop = Self { stage };
        shop.world().make_cluster(CLUSTER).expect("a cluster");
        shop.world().make_instances(CLUSTER, instances).expect("container instances");
        shop
    }

    /// A bridge service `web` of so many tasks behind `web-tg`, running and healthy; its events are
    /// still on their way.
    #[must_use]
    pub fn with_web(instances: usize, tasks: u32) -> Self {
        let shop = Self::new(instances, &[]);
        let group = shop.alb_group("web-tg");
        shop.make(&behind("web", &group).desired(tasks));
        shop.pass(30);
        shop
    }

    /// The same, long ago: every event is handled and the ledger knows the targets.
    pub async fn settled_web(instances: usize, tasks: u32) -> Self {
        let mut shop = Self::with_web(instances, tasks);
        shop.settle().await;
        shop
    }

    /// Lets all events of what was made be handled, then forgets the calls and writes nothing off:
    /// a quiet account.
    pub async fn settle(&mut self) {
        self.run(300).await;
        self.world().calls.clear();
    }

    /// The account. Never hold it across an `await`.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.stage.world.lock()
    }

    /// The function's clients.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        self.stage.aws()
    }

    /// The function's configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.stage.config()
    }

    /// A target group for instances behind a load balancer of its own; gives its ARN.
    #[must_use]
    pub fn alb_group(&self, name: &str) -> String {
        self.world().make_alb_group(name, TargetType::Instance).expect("a target group")
    }

    /// A person deletes a group, and the rule that leads to it.
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

    /// Makes a service.
    pub fn make(&self, spec: &ServiceSpec) {
        self.world().make_service(spec).expect("a service");
    }

    /// A call to ECS by a person, for a service of the cluster.
    pub fn ecs(&self, operation: &str, mut input: Value) -> Value {
        input["cluster"] = json!(CLUSTER);
        self.world().person_ecs(operation, &input).expect(operation)
    }

    /// `UpdateService` by a person.
    pub fn update(&self, service: &str, mut change: Value) {
        change["service"] = json!(service);
        self.ecs("UpdateService", change);
    }

    /// A call to Elastic Load Balancing by a person.
    pub fn elb(&self, operation: &str, input: &Value) -> Value {
        self.world().person_elb(operation, input).expect(operation)
    }

    /// A person registers or deregisters a target.
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

    /// The next call of this operation is answered with this error.
    pub fn fail_next(&self, service: Service, operation: &str, code: &str, status: u16) {
        self.fault(Rule::new(
            service,
            operation,
            Fault::fail(code, "as the test wants it", status),
        ));
    }

    /// Puts a message into the queue of checks, visible at once.
    pub fn send(&self, body: &str) {
        sqs::send(&mut self.world(), QUEUE, body, Some(0)).expect("the queue is there");
    }

    /// Lets time pass without delivering anything.
    pub fn pass(&self, seconds: u64) {
        self.world().advance_secs(seconds);
    }

    /// Lets time pass and delivers what is due.
    pub async fn run(&mut self, seconds: u64) -> Vec<Delivery> {
        self.stage.run(seconds).await.expect("the stage plays on")
    }

    /// Asks for a look at these services, now, as the sweep does.
    pub fn ask(&self, services: &[&str]) {
        for service in services {
            let body = look_again_message(&self.key(service), &BTreeMap::new(), 0).to_string();
            self.send(&body);
        }
    }

    /// Lets time pass, and asks for a look at these services every 30 seconds.
    pub async fn watch(&mut self, services: &[&str], seconds: u64) {
        for _ in 0..seconds / 30 {
            self.ask(services);
            self.run(30).await;
        }
    }

    /// Looks at a service now and gives the report. Only for a queue with nothing else due.
    pub async fn look(&mut self, service: &str) -> CheckReport {
        let mut reports = self.look_at(&[service]).await.reports;
        assert_eq!(reports.len(), 1, "one service is checked: {reports:#?}");
        reports.remove(0)
    }

    /// Looks at these services now, all with one batch.
    pub async fn look_at(&mut self, services: &[&str]) -> Delivery {
        self.ask(services);
        self.stage.deliver().await.expect("the handler runs").expect("a message is due")
    }

    /// The key of a service of the cluster.
    #[must_use]
    pub fn key(&self, service: &str) -> ServiceKey {
        let cluster = self.world().account.ecs_arn("cluster", CLUSTER);
        ServiceKey {
            cluster: ClusterArn::try_from(cluster).expect("an ARN"),
            service: service.to_owned(),
        }
    }

    /// A check of a service, as a look-again message asks for it.
    #[must_use]
    pub fn check(&self, service: &str) -> ServiceCheck {
        ServiceCheck {
            messages: BTreeSet::from(["m".to_owned()]),
            ..ServiceCheck::of(self.key(service))
        }
    }

    /// The ARN of a group by its name.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        self.world().elbv2.group_arn(name).expect("the group").to_owned()
    }

    /// The same, parsed.
    #[must_use]
    pub fn group_arn(&self, name: &str) -> TargetGroupArn {
        TargetGroupArn::try_from(self.group(name)).expect("an ARN")
    }

    /// The ARNs of a service's tasks that are meant to run.
    #[must_use]
    pub fn tasks(&self, service: &str) -> Vec<String> {
        self.world().running_tasks(&format!("{CLUSTER}/{service}")).expect("tasks")
    }

    /// What is registered or draining in a group: id, port, state.
    #[must_use]
    pub fn targets(&self, group: &str) -> Vec<(String, u16, &'static str)> {
        let arn = self.group(group);
        truth::registered(&self.world(), &arn)
    }

    /// The states in a group, sorted.
    #[must_use]
    pub fn states(&self, group: &str) -> Vec<&'static str> {
        let mut states: Vec<&str> =
            self.targets(group).into_iter().map(|(_, _, state)| state).collect();
        states.sort_unstable();
        states
    }

    /// The targets that the running tasks of a service should have, as `group id:port`, sorted.
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

    /// What clients wrote, as `register web-tg i-1:32768`. What changed nothing counts too.
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

    /// The alerts that SNS took, as `critical hijacked opened`, in order.
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

    /// The texts of the alerts, subjects first.
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

    /// How often clients called an operation since the calls were last forgotten.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.world().calls.of(operation).count()
    }

    /// Clients' calls since they were last forgotten, as `DescribeTasks 1`, in alphabetical order.
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

    /// The inputs of a client's calls of one operation, in order.
    #[must_use]
    pub fn inputs(&self, operation: &str) -> Vec<Value> {
        self.world().calls.of(operation).map(|call| call.input.clone()).collect()
    }

    /// The ledger's record of a service, as JSON; null where there is none.
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

/// The name in a target group's ARN.
fn name_of(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}
