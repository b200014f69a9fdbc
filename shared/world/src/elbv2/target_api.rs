//! `RegisterTargets` and `DeregisterTargets`.
//!
//! Knows which targets AWS accepts, not which target *should* be registered. Only the record of
//! writes asks `truth` for that.

use super::conventions::{read, who};
use super::groups::{Found, Target, TargetGroup};
use super::health;
use super::writes::{Write, WriteKind};
use crate::World;
use crate::api::{ApiError, Caller};
use crate::input::Input;
use crate::journal::Kind;
use crate::target_type::TargetType;
use crate::truth;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Targets per target group [DG limits]. The threshold of `TooManyRegistrationsForTargetId` is not
/// published, so that error is not simulated.
const TARGETS_PER_GROUP: usize = 1000;

/// A `TargetDescription` of an input.
struct Named {
    id: String,
    port: u16,
    zone: Option<String>,
}

/// Reads `Targets`; an omitted port is the group's port [BC `TargetDescription.Port`].
fn read_targets(
    input: &Input<'_>,
    group: &TargetGroup,
    targets: &[Value],
) -> Result<Vec<Named>, ApiError> {
    let read_one = |target| {
        let target = input.nested("Targets", target, "Id", "Port AvailabilityZone")?;
        Ok(Named {
            id: target.text("Id")?.to_owned(),
            port: target.port("Port")?.unwrap_or(group.port),
            zone: target.optional_text("AvailabilityZone")?.map(str::to_owned),
        })
    };
    targets.iter().map(read_one).collect()
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::refused("InvalidTarget", message)
}

/// The error for an Availability Zone that does not fit the address, which has no code of its own.
fn invalid_zone(message: String) -> ApiError {
    ApiError::refused("ValidationError", message)
}

/// One invalid target fails the whole call and nothing is registered [MEM]. Registering a
/// registered target changes nothing [MEM].
pub(super) fn register_targets(
    world: &mut World,
    caller: Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let input = read("RegisterTargets", input, "TargetGroupArn Targets", "")?;
    let arn = input.text("TargetGroupArn")?;
    let group = world.elbv2.find_group(arn)?;
    let named = read_targets(&input, group, input.required_list("Targets")?)?;
    for target in &named {
        check_target(world, group, target)?;
    }
    let fresh = named
        .iter()
        .filter(|target| !group.targets.contains_key(&(target.id.clone(), target.port)));
    if group.targets.len() + fresh.count() > TARGETS_PER_GROUP {
        let message =
            format!("Target group '{arn}' cannot hold more than {TARGETS_PER_GROUP} targets");
        return Err(ApiError::refused("TooManyTargets", message));
    }
    for target in named {
        register(world, caller, arn, target);
    }
    Ok(json!({}))
}

/// Instance targets must be running and in the group's VPC. IP targets must be addresses, and one
/// outside the VPC needs an Availability Zone [BC `RegisterTargets`,
/// `TargetDescription.AvailabilityZone`].
fn check_target(world: &World, group: &TargetGroup, target: &Named) -> Result<(), ApiError> {
    let id = &target.id;
    if group.target_type == TargetType::Instance {
        let Some(host) = world.ecs.hosts.get(id) else {
            return Err(invalid(format!("The following targets are not valid instances: '{id}'")));
        };
        if !host.running {
            return Err(invalid(format!(
                "The following targets are not in a running state and cannot be registered: '{id}'"
            )));
        }
        if host.vpc != group.vpc {
            return Err(invalid(format!(
                "The following targets are not in the target group VPC '{}': '{id}'",
                group.vpc
            )));
        }
        return Ok(());
    }
    let Ok(address) = id.parse::<IpAddr>() else {
        return Err(invalid(format!("The IP address '{id}' is not valid")));
    };
    if address.is_ipv6() != (group.family == "ipv6") {
        return Err(invalid(format!(
            "The IP address '{id}' is not of the target group's type {}",
            group.family
        )));
    }
    check_zone(world, group, target)?;
    // "you must wait for the deregistration delay to complete before you can register the same IP
    // address again" [DG elb application register-targets]. Which error RegisterTargets returns is
    // [UNV]; this one is a guess.
    let draining =
        |(key, held): (&(String, u16), &Target)| key.0 == *id && held.draining_until_ms.is_some();
    if group.targets.iter().any(draining) {
        return Err(invalid(format!(
            "The IP address '{id}' is draining and cannot be registered until the deregistration delay ends"
        )));
    }
    Ok(())
}

fn check_zone(world: &World, group: &TargetGroup, target: &Named) -> Result<(), ApiError> {
    let id = &target.id;
    match (world.ecs.network.subnet_of(&group.vpc, id), target.zone.as_deref()) {
        // kubernetes-sigs/aws-load-balancer-controller#3084
        (None, None) => Err(invalid_zone(format!(
            "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the \
             IP address '{id}' is outside the VPC"
        ))),
        // kubernetes-sigs/aws-load-balancer-controller#561
        (Some(subnet), Some("all")) => Err(invalid_zone(format!(
            "The IP address '{id}' is within the VPC, and cannot have its Availability Zone overridden to 'all' from \
             '{}'",
            subnet.zone
        ))),
        _ => Ok(()),
    }
}

fn register(world: &mut World, caller: Caller, arn: &str, named: Named) {
    let now = world.now_ms();
    let owner = truth::owner(world, arn, &named.id, named.port);
    let Some(group) = world.elbv2.groups.get_mut(arn) else { return };
    let key = (named.id.clone(), named.port);
    let effective = group.targets.get(&key).is_none_or(|target| target.draining_until_ms.is_some());
    if effective {
        let target = Target {
            zone: named.zone,
            found: Found::Registering,
            since_ms: now,
            streak: 0,
            next_ms: now,
            draining_until_ms: None,
        };
        group.targets.insert(key, target);
    }
    record(world, caller, WriteKind::Register, arn, (named.id, named.port), effective, owner);
}

/// "If the specified target does not exist, the action returns successfully" [BC
/// `DeregisterTargets`]. An id without a port means the group's port, so it does not match a target
/// registered on another port [INF].
pub(super) fn deregister_targets(
    world: &mut World,
    caller: Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let input = read("DeregisterTargets", input, "TargetGroupArn Targets", "")?;
    let arn = input.text("TargetGroupArn")?;
    let group = world.elbv2.find_group(arn)?;
    for named in read_targets(&input, group, input.required_list("Targets")?)? {
        deregister(world, caller, arn, named);
    }
    Ok(json!({}))
}

/// The target stays `draining` until the deregistration delay has passed ("status keeps showing
/// draining" [DG23 alb]). In a group without traffic it is removed at once [UNV].
fn deregister(world: &mut World, caller: Caller, arn: &str, named: Named) {
    let now = world.now_ms();
    let owner = truth::owner(world, arn, &named.id, named.port);
    let key = (named.id, named.port);
    let Some(group) = world.elbv2.groups.get(arn) else { return };
    let held = group.targets.get(&key).filter(|target| target.draining_until_ms.is_none());
    let effective = held.is_some();
    let delay = group.deregistration_delay_ms();
    let drains = held.is_some_and(|target| health::unusable(world, group, &key, target).is_none())
        && delay > 0;
    if let Some(group) = world.elbv2.groups.get_mut(arn).filter(|_| effective) {
        if let Some(target) = group.targets.get_mut(&key).filter(|_| drains) {
            target.draining_until_ms = Some(now + delay);
            target.next_ms = now + delay;
        } else {
            group.targets.remove(&key);
        }
    }
    record(world, caller, WriteKind::Deregister, arn, key, effective, owner);
}

fn record(
    world: &mut World,
    caller: Caller,
    kind: WriteKind,
    group: &str,
    (id, port): (String, u16),
    effective: bool,
    owner: Option<String>,
) {
    if effective {
        let (verb, preposition) = match kind {
            WriteKind::Register => ("registered", "in"),
            WriteKind::Deregister => ("deregistered", "from"),
        };
        let text = format!(
            "{} {verb} {id}:{port} {preposition} {}",
            who(caller),
            world.elbv2.name_of(group)
        );
        let subject = if caller == Caller::Person { Kind::Person } else { Kind::Registration };
        let service = truth::answering(world, &id, port)
            .map(|program| format!("{}/{}", program.cluster, program.service));
        world.journal.push(world.now_ms(), subject, service.as_deref(), text);
    }
    let at_ms = world.now_ms();
    world.elbv2.writes.push(Write {
        at_ms,
        caller,
        kind,
        group: group.to_owned(),
        id,
        port,
        effective,
        owner,
    });
}
