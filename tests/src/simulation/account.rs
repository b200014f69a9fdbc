//! The account of a seed: clusters, instances, and services of every kind behind load balancers.
//!
//! The simulation creates every resource as a person would, and keeps only what a person would
//! remember of it.

use super::dice::{Dice, one_in, weighted};
use super::history::Place;
use fastrand::Rng;
use portkeeper_core::policy::Mode;
use portkeeper_stage::StageError;
use portkeeper_world::World;
use portkeeper_world::ecs::{RegisterAt, Replaces};
use portkeeper_world::elbv2::{TargetType, WriteKind};
use portkeeper_world::scenario::{Frontend, ServiceSpec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The container of every service, and its port. Services in host mode get ports of their own.
const CONTAINER: &str = "app";
const PORT: u16 = 8080;
const SECOND_PORT: u16 = 9090;
const FIRST_HOST_PORT: u16 = 7000;

/// One account in this many has a service with very many tasks. Such a seed takes ten times as
/// long.
const MASS: u32 = 25;

/// One such service in this many has more tasks than a record holds incidents.
const LARGE: u32 = 8;

/// The kind of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bridge,
    /// Two container ports in two groups.
    TwoGroups,
    Host,
    Awsvpc,
    Fargate,
    BlueGreen,
    CodeDeploy,
    External,
}

impl Kind {
    pub(crate) fn target_type(self) -> TargetType {
        match self {
            Self::Awsvpc | Self::Fargate | Self::BlueGreen => TargetType::Ip,
            _ => TargetType::Instance,
        }
    }

    /// Another service may register its tasks in the same group.
    fn shares(self) -> bool {
        matches!(self, Self::Bridge | Self::Awsvpc | Self::Fargate)
    }
}

/// A service as its team knows it.
#[derive(Debug, Clone)]
pub(crate) struct ServiceModel {
    pub cluster: String,
    pub name: String,
    pub arn: String,
    pub kind: Kind,
    pub spec: ServiceSpec,
    /// Every group in which its tasks may be registered.
    pub groups: Vec<String>,
    /// The rule that `CODE_DEPLOY` switches to another group.
    pub rule: String,
    /// The value of its mode tag.
    pub mode: Mode,
    /// When the tag last changed.
    pub mode_since_ms: u64,
    /// Its ledger item was changed from outside.
    pub ledger_touched: bool,
    /// A person deleted it.
    pub deleted: bool,
}

impl ServiceModel {
    /// `cluster/service`
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }
}

/// A container instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceModel {
    pub cluster: String,
    pub id: String,
    pub connected: bool,
}

/// Another writer of a target group.
#[derive(Debug, Clone)]
pub(crate) enum Opponent {
    /// Registers the targets of its own list.
    Keeper {
        group: String,
        list: Vec<(String, u16)>,
        /// Also deregisters targets that are not on its list.
        exact: bool,
        every_ms: u64,
        next_ms: u64,
    },
    /// A program outside ECS, such as one under systemd, that registers its address at these times.
    Outsider { place: Place, due: Vec<u64> },
    /// Sends the same forged message at these times.
    Forger { message: String, due: Vec<u64> },
    /// Undoes Portkeeper's writes in a group, up to this many times.
    Undoer {
        group: String,
        left: u32,
        /// The number of writes that it has read.
        seen: usize,
        /// Its next actions, and when it executes them.
        due: Vec<(u64, WriteKind, Place)>,
    },
}

/// The whole account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Names and ARNs.
    pub clusters: Vec<(String, String)>,
    pub instances: Vec<InstanceModel>,
    pub services: Vec<ServiceModel>,
    /// An EC2 instance without an agent.
    pub stranger: String,
    /// Tasks whose agent reports no bindings, or reported none for a while.
    pub unbound: Vec<String>,
    /// Tasks that fail their health checks.
    pub sick: Vec<String>,
    /// Answers of `DescribeTasks` up to this one may be outdated.
    pub old_answers: usize,
    /// The writers of target groups other than ECS and Portkeeper.
    pub opponents: Vec<Opponent>,
    /// When each EC2 instance with a single container instance began to drain.
    pub draining_since_ms: BTreeMap<String, u64>,
    /// EC2 instances that are or were several container instances.
    pub joined_again: BTreeSet<String>,
    /// When an outage of an AWS service ends.
    pub outage_until_ms: Option<u64>,
    /// The time since which the kill switch has been set.
    pub stopped_since_ms: Option<u64>,
    /// Groups that no load balancer forwards to any longer, or that were deleted.
    pub damaged: BTreeSet<String>,
}

impl Account {
    pub(crate) fn service(&self, key: &str) -> Option<&ServiceModel> {
        self.services.iter().find(|service| service.key() == key)
    }

    /// Returns the services that may register tasks in a group.
    pub(crate) fn users<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a ServiceModel> {
        self.services
            .iter()
            .filter(move |service| service.groups.iter().any(|other| other == group))
    }

    /// Returns every group once.
    pub(crate) fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> =
            self.services.iter().flat_map(|service| service.groups.clone()).collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

/// The settings that differ from the defaults of the deployed stack. Shorter and tighter ones lead
/// to more races.
pub(crate) fn settings(random: &mut Rng) -> Vec<(&'static str, &'static str)> {
    let one = |random: &mut Rng, choices: &[&'static str]| {
        random.choice(choices.iter().copied()).unwrap_or_default()
    };
    vec![
        ("PORTKEEPER_SETTLE_SECONDS", one(random, &["30", "90", "90"])),
        ("PORTKEEPER_CONFIRM_SECONDS", one(random, &["20", "60", "60"])),
        ("PORTKEEPER_PERSON_MINUTES", one(random, &["0", "1", "2"])),
        ("PORTKEEPER_MAX_DEREGISTRATIONS", one(random, &["1", "2", "5"])),
        ("PORTKEEPER_MAX_DEREGISTRATION_PERCENT", one(random, &["0", "10"])),
    ]
}

/// Builds the account of a seed.
pub(crate) fn build(world: &mut World, dice: &mut Dice) -> Result<Account, StageError> {
    let random = &mut dice.world;
    world.ecs.timing.jitter_secs = random.u64(0..4);
    world.ecs.timing.register_at = if one_in(random, 4) {
        RegisterAt::AfterRunning(random.u64(0..40))
    } else {
        RegisterAt::Activating
    };
    if one_in(random, 3) {
        world.ecs.timing.stopping_secs = random.u64(30..400);
    }
    let replaces = [Replaces::Nothing, Replaces::Unhealthy, Replaces::UnhealthyOrUnregistered];
    world.ecs.behaviour.replaces = random.choice(replaces).unwrap_or(Replaces::Unhealthy);
    world.ecs.behaviour.separate_v6_ports = one_in(random, 4);
    let mut account = Account::default();
    for name in ["shop", "bank"].iter().take(random.usize(1..3)) {
        account.clusters.push(((*name).to_owned(), world.make_cluster(name)?));
        for id in world.make_instances(name, random.usize(2..5))? {
            account.instances.push(InstanceModel {
                cluster: (*name).to_owned(),
                id,
                connected: true,
            });
        }
    }
    account.stranger = world.add_host(None, None);
    for number in 0..random.usize(2..6) {
        add_service(world, random, &mut account, number)?;
    }
    if one_in(random, MASS) {
        make_big(world, random, &account)?;
    }
    for group in account.groups() {
        let seconds = random.choice(["10", "60", "300"]).unwrap_or("60");
        let attributes =
            json!([{ "Key": "deregistration_delay.timeout_seconds", "Value": seconds }]);
        let input = json!({ "TargetGroupArn": group, "Attributes": attributes });
        world.person_elb("ModifyTargetGroupAttributes", &input)?;
    }
    Ok(account)
}

/// Creates a service with enough tasks that lists have several pages and deployments move many
/// targets at once.
fn make_big(world: &mut World, random: &mut Rng, account: &Account) -> Result<(), StageError> {
    let fitting = account
        .services
        .iter()
        .filter(|service| matches!(service.kind, Kind::Bridge | Kind::Fargate));
    let Some(service) = random.choice(fitting.collect::<Vec<_>>()) else { return Ok(()) };
    let desired = if one_in(random, LARGE) { random.u32(301..340) } else { random.u32(30..130) };
    let input =
        json!({ "cluster": service.cluster, "service": service.name, "desiredCount": desired });
    world.person_ecs("UpdateService", &input)?;
    Ok(())
}

fn add_service(
    world: &mut World,
    random: &mut Rng,
    account: &mut Account,
    number: usize,
) -> Result<(), StageError> {
    let kinds = [
        (6, Kind::Bridge),
        (3, Kind::TwoGroups),
        (2, Kind::Host),
        (2, Kind::Awsvpc),
        (4, Kind::Fargate),
        (2, Kind::BlueGreen),
        (1, Kind::CodeDeploy),
        (1, Kind::External),
    ];
    let cluster =
        random.choice(account.clusters.iter()).map(|(name, _)| name.clone()).unwrap_or_default();
    // Addresses are unique in a VPC, so that services of several clusters may share a group of
    // them. The instances of two clusters may share a group, too.
    let mixed = one_in(random, 3);
    let reaches = |other: &&ServiceModel| {
        other.cluster == cluster || mixed || other.kind.target_type() == TargetType::Ip
    };
    let shared = account.services.iter().filter(|other| other.kind.shares()).filter(reaches);
    let shared: Vec<ServiceModel> = shared.cloned().collect();
    let twin = random.choice(shared.iter()).filter(|_| one_in(random, 2)).cloned();
    let kind = twin
        .as_ref()
        .map_or_else(|| weighted(random, &kinds).unwrap_or(Kind::Bridge), |twin| twin.kind);
    let name = format!("s{number}");
    let prefix = format!("{cluster}-{name}");
    let mut front = match &twin {
        Some(twin) => {
            Frontend { group: twin.groups.first().cloned().unwrap_or_default(), ..nowhere() }
        }
        None if kind.shares() && one_in(random, 6) => {
            world.make_nlb(&prefix, kind.target_type())?
        }
        None => world.make_alb(&prefix, kind.target_type())?,
    };
    let mut groups = vec![front.group.clone()];
    let mut spec = ServiceSpec::new(&cluster, &name).desired(random.u32(1..5));
    let host_port = FIRST_HOST_PORT + u16::try_from(number)?;
    spec = match kind {
        Kind::Bridge | Kind::CodeDeploy | Kind::External => spec.container(CONTAINER, &[PORT]),
        Kind::TwoGroups => spec.container(CONTAINER, &[PORT, SECOND_PORT]),
        Kind::Host => spec.host().container(CONTAINER, &[host_port]),
        Kind::Awsvpc => spec.awsvpc().container(CONTAINER, &[PORT]),
        Kind::Fargate | Kind::BlueGreen => spec.fargate().container(CONTAINER, &[PORT]),
    };
    let second = format!("{prefix}-b");
    spec = match kind {
        Kind::BlueGreen => {
            groups.push(world.make_bare_group(&second, kind.target_type())?);
            let strategy = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1 });
            let alternate = groups.last().cloned().unwrap_or_default();
            spec.behind_blue_green(&front, &alternate, CONTAINER, PORT)
                .with("deploymentConfiguration", strategy)
        }
        Kind::TwoGroups => {
            groups.push(world.make_alb_group(&second, kind.target_type())?);
            let alternate = groups.last().cloned().unwrap_or_default();
            spec.behind(&front.group, CONTAINER, PORT).behind(&alternate, CONTAINER, SECOND_PORT)
        }
        Kind::CodeDeploy => {
            groups.push(world.make_bare_group(&second, kind.target_type())?);
            let controller = json!({ "type": "CODE_DEPLOY" });
            spec.behind(&front.group, CONTAINER, PORT).with("deploymentController", controller)
        }
        Kind::Host => spec.behind(&front.group, CONTAINER, host_port),
        Kind::Bridge | Kind::Awsvpc | Kind::Fargate | Kind::External => {
            spec.behind(&front.group, CONTAINER, PORT)
        }
    };
    let arn = if kind == Kind::External {
        make_external(world, &spec)?
    } else {
        world.make_service(&spec)?
    };
    account.services.push(ServiceModel {
        cluster,
        name,
        arn,
        kind,
        spec,
        groups,
        rule: std::mem::take(&mut front.rule),
        mode: Mode::Repair,
        mode_since_ms: 0,
        ledger_touched: false,
        deleted: false,
    });
    Ok(())
}

fn nowhere() -> Frontend {
    Frontend {
        balancer: String::new(),
        listener: String::new(),
        rule: String::new(),
        group: String::new(),
    }
}

/// Creates a service whose task sets an external deployment tool creates.
fn make_external(world: &mut World, spec: &ServiceSpec) -> Result<String, StageError> {
    let input = json!({
        "cluster": spec.cluster,
        "serviceName": spec.name,
        "desiredCount": spec.desired,
        "deploymentController": { "type": "EXTERNAL" },
    });
    let created = world.person_ecs("CreateService", &input)?;
    let set = add_task_set(world, spec)?;
    make_primary(world, spec, &set)?;
    let arn = created.pointer("/service/serviceArn").and_then(Value::as_str);
    Ok(arn.ok_or("CreateService gave no ARN")?.to_owned())
}

/// Returns the id of the new task set.
pub(crate) fn add_task_set(world: &mut World, spec: &ServiceSpec) -> Result<String, StageError> {
    let definition = world.make_definition(spec)?;
    let input = json!({
        "cluster": spec.cluster,
        "service": spec.name,
        "taskDefinition": definition,
        "loadBalancers": spec.load_balancers,
        "launchType": "EC2",
    });
    let created = world.person_ecs("CreateTaskSet", &input)?;
    let id = created.pointer("/taskSet/id").and_then(Value::as_str);
    Ok(id.ok_or("CreateTaskSet gave no id")?.to_owned())
}

pub(crate) fn make_primary(
    world: &mut World,
    spec: &ServiceSpec,
    set: &str,
) -> Result<(), StageError> {
    let primary = json!({ "cluster": spec.cluster, "service": spec.name, "primaryTaskSet": set });
    world.person_ecs("UpdateServicePrimaryTaskSet", &primary)?;
    Ok(())
}
