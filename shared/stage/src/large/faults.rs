//! The faults: how each is caused, and where it is found once it is stable.

use super::{Planted, planted};
use crate::StageError;
use portkeeper_core::code::Code;
use portkeeper_world::World;
use portkeeper_world::ecs::Answer;
use portkeeper_world::truth::{LiveTarget, answering, live_targets, registered};
use serde_json::json;
use std::collections::BTreeSet;

/// How long a stopped task takes to end, and its replacement to run.
const REPLACED_SECS: u64 = 40;

/// How long until a stopped task has released its port and address, but its replacement has not
/// taken them yet.
const LEFT_SECS: u64 = 25;

/// The maximum number of tasks of other services to stop until a replacement starts on the machine
/// or the address.
const TRIES: usize = 6;

/// The subnets of the account.
const SUBNETS: usize = 3;

/// How many tasks to stop on a machine so that it has the most free capacity.
const ROOM: usize = 4;

/// A way in which AWS, or a person, breaks a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    LostRegistration,
    DeregisteredByHand,
    LeftBehind,
    PortReused,
    AddressReused,
    AddressByHand,
    ScalingGroup,
    OtherPort,
    OtherGroup,
    Failing,
    NoRule,
    GroupDeleted,
    ZoneOff,
    WrongType,
    WrongFamily,
    NoBindings,
}

/// Every fault, in the order in which services get them. The worst come first, for small accounts.
pub(super) const ALL: [Fault; 16] = [
    Fault::PortReused,
    Fault::LostRegistration,
    Fault::GroupDeleted,
    Fault::AddressReused,
    Fault::LeftBehind,
    Fault::DeregisteredByHand,
    Fault::Failing,
    Fault::AddressByHand,
    Fault::ScalingGroup,
    Fault::NoRule,
    Fault::ZoneOff,
    Fault::WrongType,
    Fault::WrongFamily,
    Fault::OtherPort,
    Fault::OtherGroup,
    Fault::NoBindings,
];

impl Fault {
    /// Returns the code that a first check reports while ECS still lists the stopped tasks: for an
    /// hour.
    fn code(self) -> Code {
        match self {
            Self::LostRegistration | Self::DeregisteredByHand => Code::Missing,
            Self::LeftBehind => Code::Stale,
            Self::PortReused | Self::AddressReused => Code::Hijacked,
            Self::AddressByHand | Self::ScalingGroup => Code::Foreign,
            Self::OtherPort => Code::WrongPort,
            Self::OtherGroup => Code::Misplaced,
            Self::Failing => Code::Unhealthy,
            Self::NoRule => Code::TargetGroupUnattached,
            Self::GroupDeleted => Code::TargetGroupMissing,
            Self::ZoneOff => Code::AzDisabled,
            Self::WrongType => Code::TargetTypeMismatch,
            Self::WrongFamily => Code::IpFamilyMismatch,
            Self::NoBindings => Code::BindingsMissing,
        }
    }

    fn story(self) -> &'static str {
        match self {
            Self::LostRegistration => {
                "ECS lost the registration of the task, and behaves as if it had succeeded"
            }
            Self::DeregisteredByHand => "a person deregistered the target; its task keeps running",
            Self::LeftBehind => "its task stopped, and ECS never deregistered the target",
            Self::PortReused => {
                "its task stopped, the target stayed, and the port went to another service's task"
            }
            Self::AddressReused => {
                "its task stopped, the target stayed, and the address went to another service's task"
            }
            Self::AddressByHand => "a person registered an address that belongs to no task",
            Self::ScalingGroup => {
                "an Auto Scaling group is attached to the target group: a machine on the group's port"
            }
            Self::OtherPort => {
                "a person registered the task's metrics port in the group of its requests"
            }
            Self::OtherGroup => {
                "a person registered the task's target in the service's other group, too"
            }
            Self::Failing => {
                "the program answers health checks with 502, and ECS does not replace it"
            }
            Self::NoRule => "a person deleted the only rule that forwards to the group",
            Self::GroupDeleted => {
                "a person deleted the rule and the group; the service keeps running"
            }
            Self::ZoneOff => "the load balancer serves one zone; tasks run in three",
            Self::WrongType => "the group accepts addresses; tasks in bridge mode have none",
            Self::WrongFamily => "the group accepts IPv6 addresses; the tasks have none",
            Self::NoBindings => "the agent does not report the task's port bindings",
        }
    }

    /// Returns whether the fault needs addresses of tasks instead of ports of machines.
    pub(super) fn wants_fargate(self) -> bool {
        matches!(
            self,
            Self::DeregisteredByHand
                | Self::AddressReused
                | Self::AddressByHand
                | Self::WrongFamily
                | Self::OtherGroup
        )
    }
}

/// A service of the account.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) group: String,
    /// The listener rule that forwards to the group.
    pub(super) rule: String,
    /// The group of its second port.
    pub(super) second: Option<String>,
    pub(super) fault: Option<Fault>,
}

impl Site {
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }

    /// Returns the live targets of its first group, lowest first.
    fn live(&self, world: &World) -> Vec<LiveTarget> {
        let own = |it: &LiveTarget| it.service == self.name && it.target_group_arn == self.group;
        let mut live: Vec<LiveTarget> = live_targets(world).into_iter().filter(own).collect();
        live.sort_by_key(|it| (it.port, address_order(&it.id)));
        live
    }

    fn lowest(&self, world: &World) -> Result<LiveTarget, StageError> {
        self.live(world)
            .into_iter()
            .next()
            .ok_or_else(|| format!("{} has no target", self.key()).into())
    }
}

/// Returns a key that sorts addresses by number: 10.0.16.9 comes before 10.0.16.10.
fn address_order(id: &str) -> (Option<std::net::Ipv4Addr>, String) {
    (id.parse().ok(), id.to_owned())
}

/// Causes the faults that need a running account. Returns those whose subject is known at once; see
/// [`find`] for the rest.
pub(super) fn plant(world: &mut World, sites: &[Site]) -> Result<Vec<Planted>, StageError> {
    let mut all = Vec::new();
    for site in sites {
        if let Some(fault) = site.fault {
            all.extend(plant_one(world, sites, site, fault)?);
        }
    }
    Ok(all)
}

/// Causes one fault. Returns none if only [`find`] can determine its subject.
fn plant_one(
    world: &mut World,
    sites: &[Site],
    site: &Site,
    fault: Fault,
) -> Result<Option<Planted>, StageError> {
    let mut shown = fault;
    let subject = match fault {
        Fault::LostRegistration => return Ok(None),
        Fault::ZoneOff | Fault::WrongType | Fault::WrongFamily => group_name(&site.group),
        Fault::NoRule | Fault::GroupDeleted => {
            world.person_elb("DeleteRule", &json!({"RuleArn": site.rule}))?;
            if fault == Fault::GroupDeleted {
                world.person_elb("DeleteTargetGroup", &json!({"TargetGroupArn": site.group}))?;
            }
            group_name(&site.group)
        }
        Fault::PortReused | Fault::AddressReused | Fault::LeftBehind => {
            let (target, reused) = match fault {
                Fault::PortReused => reuse_port(world, sites, site)?,
                Fault::AddressReused => reuse_address(world, sites, site)?,
                _ => (stop_and_keep(world, site)?, true),
            };
            shown = if reused { fault } else { Fault::LeftBehind };
            about(&site.group, &target.id, target.port)
        }
        Fault::AddressByHand | Fault::ScalingGroup | Fault::OtherPort => {
            let (id, port) = match fault {
                Fault::AddressByHand => ("10.0.47.200".to_owned(), 8080),
                Fault::ScalingGroup => (world.add_host(None, None), 80),
                _ => other_port(world, &site.lowest(world)?)?,
            };
            by_hand(world, "RegisterTargets", &site.group, &id, port)?;
            about(&site.group, &id, port)
        }
        Fault::DeregisteredByHand => {
            let target = site.lowest(world)?;
            by_hand(world, "DeregisterTargets", &site.group, &target.id, target.port)?;
            about(&site.group, &target.id, target.port)
        }
        Fault::OtherGroup => {
            let target = site.lowest(world)?;
            let second = site.second.as_deref().ok_or("the service has no second group")?;
            by_hand(world, "RegisterTargets", second, &target.id, target.port)?;
            about(second, &target.id, target.port)
        }
        Fault::Failing => {
            let target = site.lowest(world)?;
            world.set_answer(&target.task_arn, Answer::Status(502))?;
            about(&site.group, &target.id, target.port)
        }
        Fault::NoBindings => {
            let task = site.lowest(world)?.task_arn;
            world.lose_bindings(&task, true)?;
            format!("task {}", task.rsplit('/').next().unwrap_or(&task))
        }
    };
    Ok(Some(planted(site, &shown.code(), subject, shown.story())))
}

/// Finds the subject of a fault that is visible only once the account is stable: the task whose
/// registration ECS lost is known once every other task is registered.
pub(super) fn find(world: &World, sites: &[Site]) -> Result<Vec<Planted>, StageError> {
    let lost = sites.iter().filter(|site| site.fault == Some(Fault::LostRegistration));
    let find_one = |site: &Site| {
        let there: BTreeSet<(String, u16)> =
            registered(world, &site.group).into_iter().map(|(id, port, _)| (id, port)).collect();
        let missing =
            site.live(world).into_iter().find(|it| !there.contains(&(it.id.clone(), it.port)));
        let missing =
            missing.ok_or_else(|| format!("every target of {} is registered", site.key()))?;
        let about = about(&site.group, &missing.id, missing.port);
        Ok(planted(site, &Code::Missing, about, Fault::LostRegistration.story()))
    };
    lost.map(find_one).collect()
}

fn group_name(arn: &str) -> String {
    arn.split('/').nth(1).unwrap_or(arn).to_owned()
}

fn about(group: &str, id: &str, port: u16) -> String {
    format!("{} {id}:{port}", group_name(group))
}

fn by_hand(
    world: &mut World,
    operation: &str,
    group: &str,
    id: &str,
    port: u16,
) -> Result<(), StageError> {
    world.person_elb(
        operation,
        &json!({"TargetGroupArn": group, "Targets": [{"Id": id, "Port": port}]}),
    )?;
    Ok(())
}

fn stop(world: &mut World, target: &LiveTarget) -> Result<(), StageError> {
    let input =
        json!({"cluster": target.cluster, "task": target.task_arn, "reason": "stopped by hand"});
    world.person_ecs("StopTask", &input)?;
    Ok(())
}

/// Stops the task on the lowest port or address. ECS does not deregister its target.
fn stop_and_keep(world: &mut World, site: &Site) -> Result<LiveTarget, StageError> {
    let target = site.lowest(world)?;
    world.keep_targets(&site.key(), 1);
    stop(world, &target)?;
    Ok(target)
}

/// Returns the task's machine, and the host port of its other container port.
fn other_port(world: &mut World, target: &LiveTarget) -> Result<(String, u16), StageError> {
    let input = json!({"cluster": target.cluster, "tasks": [target.task_arn]});
    let answer = world.person_ecs("DescribeTasks", &input)?;
    let bindings = answer
        .pointer("/tasks/0/containers/0/networkBindings")
        .and_then(serde_json::Value::as_array);
    let mut ports =
        bindings.into_iter().flatten().filter_map(|binding| binding.get("hostPort")?.as_u64());
    let other =
        ports.find(|port| *port != u64::from(target.port)).ok_or("the task has one port only")?;
    Ok((target.id.clone(), u16::try_from(other)?))
}

/// Returns the services of the same cluster whose tasks may be moved: those without a fault of
/// their own.
fn sound<'a>(sites: &'a [Site], site: &'a Site) -> impl Iterator<Item = &'a Site> {
    sites.iter().filter(move |other| other.fault.is_none() && other.cluster == site.cluster)
}

/// Leaves a stopped task's target registered, restarts the agent, and lets a task of another
/// service start on the same machine and get the port: after a restart an agent assigns the lowest
/// free port. ECS places tasks by load, so this function first stops a few tasks on the machine.
/// Returns whether a task started there; an account with few machines may have none to move.
fn reuse_port(
    world: &mut World,
    sites: &[Site],
    site: &Site,
) -> Result<(LiveTarget, bool), StageError> {
    let target = stop_and_keep(world, site)?;
    world.advance_secs(REPLACED_SECS);
    let sound: Vec<&Site> = sound(sites, site).collect();
    let is_sound = |it: &LiveTarget| sound.iter().any(|other| other.name == it.service);
    let above = |it: &LiveTarget| it.id == target.id && it.port > target.port && is_sound(it);
    for other in live_targets(world).into_iter().filter(above).take(ROOM) {
        stop(world, &other)?;
    }
    world.advance_secs(REPLACED_SECS);
    world.restart_agent(&target.id)?;
    let comes = |world: &World, other: &Site| {
        let live = other.live(world);
        let on_a_machine = live.first().is_some_and(|it| it.id.starts_with("i-"));
        (on_a_machine && live.iter().all(|it| it.id != target.id))
            .then(|| live.into_iter().next())
            .flatten()
    };
    let mut tries = 0;
    for other in sound {
        let Some(task) = comes(world, other).filter(|_| tries < TRIES) else { continue };
        tries += 1;
        stop(world, &task)?;
        world.advance_secs(LEFT_SECS);
        if answering(world, &target.id, target.port).is_some() {
            return Ok((target, true));
        }
    }
    Ok((target, false))
}

/// Does the same with an address: a subnet assigns its lowest free address first. A service uses
/// its subnets in turn, so one of a few successive replacements starts in the subnet of the
/// address.
fn reuse_address(
    world: &mut World,
    sites: &[Site],
    site: &Site,
) -> Result<(LiveTarget, bool), StageError> {
    let target = stop_and_keep(world, site)?;
    world.advance_secs(LEFT_SECS);
    let order = address_order(&target.id);
    let mut tries = 0;
    for other in sound(sites, site).flat_map(|other| std::iter::repeat_n(other, SUBNETS)) {
        // A higher address, so that the one that this task releases is not the lowest free one.
        let highest = other.live(world).into_iter().next_back().filter(|_| tries < TRIES);
        let Some(task) =
            highest.filter(|it| address_order(&it.id).0.is_some() && address_order(&it.id) > order)
        else {
            continue;
        };
        tries += 1;
        stop(world, &task)?;
        world.advance_secs(LEFT_SECS);
        if answering(world, &target.id, target.port).is_some() {
            return Ok((target, true));
        }
    }
    Ok((target, false))
}
