//! A large simulated account for trying out `portkeeper audit`: several clusters, hundreds of
//! services in bridge mode and on Fargate behind shared load balancers, and a fixed set of faults
//! spread over them.
//!
//! It knows each fault, where it is, and which finding a first check reports for it. It does not
//! know how Portkeeper arrives at the finding: tests compare an audit with the list.

mod faults;

use crate::StageError;
use faults::{Fault, Site};
use portkeeper_core::code::Code;
use portkeeper_world::World;
use portkeeper_world::ecs::Replaces;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use serde_json::{Value, json};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Services of one cluster if the number of clusters is not given.
const SERVICES_PER_CLUSTER: u32 = 250;

/// Tasks in bridge mode on one machine.
const TASKS_PER_INSTANCE: u32 = 20;

/// "Target groups per Application Load Balancer: 100" (ELBv2 quotas).
const GROUPS_PER_BALANCER: usize = 100;

/// Names of services; a number follows.
const NAMES: [&str; 10] =
    ["api", "auth", "billing", "cart", "catalog", "mail", "orders", "search", "stock", "web"];

/// After this time every task runs and every target is healthy.
const START_SECS: u64 = 60;

/// After this time every fault is stable: the settle time has passed, and failing tasks have failed
/// often enough.
const REST_SECS: u64 = 150;

/// The largest number of tasks. More would exhaust the addresses of the account's three subnets, or
/// take minutes to start.
const MOST_TASKS: u32 = 20_000;

/// The longest time that [`LargeAccount::build`] takes on the account's own clock, in seconds.
pub const MOST_SECONDS: u64 = 620;

/// The size of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeAccount {
    /// The number of clusters. Services are spread over them evenly.
    pub clusters: u32,
    /// The number of services in all clusters together.
    pub services: u32,
    /// The number of tasks of each service.
    pub tasks: u32,
}

/// A planted fault, and the finding that a first check reports for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planted {
    /// `cluster/service`.
    pub service: String,
    /// The finding.
    pub code: String,
    /// The group and target, the group, or the task, as findings name their subject.
    pub about: String,
    /// How the fault was caused.
    pub story: &'static str,
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<23} {:<16} {}", self.code, self.service, self.about)
    }
}

impl LargeAccount {
    /// Returns the size for this number of services and of tasks each, in clusters of up to 250
    /// services.
    #[must_use]
    pub fn new(services: u32, tasks: u32) -> Self {
        Self { clusters: services.div_ceil(SERVICES_PER_CLUSTER).max(1), services, tasks }
    }

    /// Builds the account in a world of its own. The world starts far enough in the past that its
    /// clock shows the current time at the end, so that a reader with a real clock sees tasks that
    /// have been running for a while.
    pub fn come_up(self, seed: u64) -> Result<(World, Vec<Planted>), StageError> {
        if self.services.saturating_mul(self.tasks) > MOST_TASKS {
            return Err(format!("it takes up to {MOST_TASKS} tasks, all services together").into());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now_ms = u64::try_from(now.as_millis())?;
        let mut world = World::new(seed, now_ms.saturating_sub(MOST_SECONDS * 1000));
        let planted = self.build(&mut world)?;
        let left_ms = now_ms.saturating_sub(world.now_ms());
        world.advance(left_ms);
        // The calls and the journal of the construction are not needed, and large in an account of
        // this size.
        world.calls.clear();
        Ok((world, planted))
    }

    /// Builds the account in a fresh world, waits until it runs, causes the faults of the list, and
    /// waits until they are stable. Each fault has a service of its own. If there are too few
    /// services, the last faults are omitted.
    pub fn build(self, world: &mut World) -> Result<Vec<Planted>, StageError> {
        // ECS would replace the failing tasks and reject the services that can never work.
        world.ecs.behaviour.replaces = Replaces::Nothing;
        world.ecs.behaviour.accept_broken_services = true;
        self.make_clusters(world)?;
        let mut front = Front::default();
        let mut faulty = faults::ALL.iter().copied();
        let mut sites = Vec::new();
        for number in 0..self.services {
            let fault = if self.is_chosen(number) { faulty.next() } else { None };
            sites.push(self.make_service(world, &mut front, number, fault)?);
        }
        world.advance_secs(START_SECS);
        let mut planted = faults::plant(world, &sites)?;
        world.advance_secs(REST_SECS);
        planted.extend(faults::find(world, &sites)?);
        planted.sort();
        Ok(planted)
    }

    /// Returns the services that get a fault: evenly spread, and at most every other one.
    fn is_chosen(self, number: u32) -> bool {
        let faults = u32::try_from(faults::ALL.len()).unwrap_or(u32::MAX);
        let step = (self.services / faults.max(1)).max(2);
        number % step == step / 2
    }

    fn make_clusters(self, world: &mut World) -> Result<(), StageError> {
        let of_cluster = self.services.div_ceil(self.clusters.max(1));
        let machines = (of_cluster * self.tasks).div_ceil(TASKS_PER_INSTANCE).max(3);
        for number in 0..self.clusters {
            let name = cluster_name(number);
            world.make_cluster(&name)?;
            world.make_instances(&name, usize::try_from(machines)?)?;
        }
        Ok(())
    }

    /// Returns the service with this number: three of five in bridge mode, the others on Fargate,
    /// unless its fault needs a specific mode.
    fn make_service(
        self,
        world: &mut World,
        front: &mut Front,
        number: u32,
        fault: Option<Fault>,
    ) -> Result<Site, StageError> {
        let cluster = cluster_name(number % self.clusters.max(1));
        let purpose = NAMES.get(number as usize % NAMES.len()).copied().unwrap_or("service");
        let name = format!("{purpose}-{:03}", number + 1);
        let on_fargate = fault.map_or(number % 5 >= 3, Fault::wants_fargate);
        let target_type = match fault {
            Some(Fault::WrongType) => TargetType::Ip,
            _ if on_fargate => TargetType::Ip,
            _ => TargetType::Instance,
        };
        let family = if fault == Some(Fault::WrongFamily) { "ipv6" } else { "ipv4" };
        let entry = match fault {
            Some(Fault::ZoneOff) => Front::make_in_one_zone(world, &name, target_type)?,
            _ => front.make_group(world, &name, target_type, family)?,
        };
        let mut spec =
            ServiceSpec::new(&cluster, &name).container("app", &[8080, 9090]).desired(self.tasks);
        spec = if on_fargate { spec.fargate() } else { spec };
        spec = spec.behind(&entry.group, "app", 8080);
        let mut second = None;
        if fault == Some(Fault::OtherGroup) {
            let metrics =
                front.make_group(world, &format!("{name}-metrics"), target_type, family)?;
            spec = spec.behind(&metrics.group, "app", 9090);
            second = Some(metrics.group);
        }
        if fault == Some(Fault::LostRegistration) {
            world.lose_registrations(&format!("{cluster}/{name}"), 1);
        }
        world.make_service(&spec)?;
        Ok(Site { cluster, name, group: entry.group, rule: entry.rule, second, fault })
    }
}

fn cluster_name(number: u32) -> String {
    format!("prod-{}", number + 1)
}

/// Creates the load balancers, each with a listener and a rule for each group.
#[derive(Debug, Default)]
struct Front {
    listener: String,
    balancers: usize,
    groups: usize,
}

/// Creates a group and the rule that forwards to it.
struct Entrance {
    group: String,
    rule: String,
}

impl Front {
    fn make_group(
        &mut self,
        world: &mut World,
        name: &str,
        target_type: TargetType,
        family: &str,
    ) -> Result<Entrance, StageError> {
        if self.groups.is_multiple_of(GROUPS_PER_BALANCER) {
            self.balancers += 1;
            let subnets = world.default_subnets();
            self.listener = make_listener(world, &format!("front-{}", self.balancers), &subnets)?;
        }
        self.groups += 1;
        let input = json!({
            "Name": name, "Protocol": "HTTP", "Port": 80, "TargetType": target_type.name(), "IpAddressType": family,
            "HealthCheckIntervalSeconds": 30,
        });
        let group = made(
            &world.person_elb("CreateTargetGroup", &input)?,
            "/TargetGroups/0/TargetGroupArn",
        )?;
        let rule = json!({
            "ListenerArn": self.listener,
            "Priority": self.groups,
            "Conditions": [{"Field": "host-header", "Values": [format!("{name}.example.com")]}],
            "Actions": [{"Type": "forward", "TargetGroupArn": group}],
        });
        let rule = made(&world.person_elb("CreateRule", &rule)?, "/Rules/0/RuleArn")?;
        Ok(Entrance { group, rule })
    }

    /// Creates a group behind a load balancer of its own that serves one zone only.
    fn make_in_one_zone(
        world: &mut World,
        name: &str,
        target_type: TargetType,
    ) -> Result<Entrance, StageError> {
        let subnets: Vec<String> = world.default_subnets().into_iter().take(1).collect();
        let mut own = Self {
            listener: make_listener(world, &format!("{name}-alb"), &subnets)?,
            balancers: 0,
            groups: 1,
        };
        own.make_group(world, name, target_type, "ipv4")
    }
}

fn make_listener(world: &mut World, name: &str, subnets: &[String]) -> Result<String, StageError> {
    let balancer =
        world.person_elb("CreateLoadBalancer", &json!({"Name": name, "Subnets": subnets}))?;
    let listener = json!({
        "LoadBalancerArn": made(&balancer, "/LoadBalancers/0/LoadBalancerArn")?,
        "Protocol": "HTTP",
        "Port": 80,
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    });
    made(&world.person_elb("CreateListener", &listener)?, "/Listeners/0/ListenerArn")
}

/// Returns the ARN at this position of an answer.
fn made(answer: &Value, pointer: &str) -> Result<String, StageError> {
    let arn = answer.pointer(pointer).and_then(Value::as_str);
    arn.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {answer}").into())
}

/// Returns the finding with this code about `about` in the service of `site`.
fn planted(site: &Site, code: &Code, about: String, story: &'static str) -> Planted {
    Planted { service: site.key(), code: code.to_string(), about, story }
}
