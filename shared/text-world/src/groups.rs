//! The lines about target groups and their targets.

use super::error::WordError;
use super::names;
use super::words::{Words, known, number, one_of};
use super::world::{Group, World};
use portkeeper_core::ids::HostPort;
use portkeeper_core::observation::{FoundGroup, HealthState, RegisteredTarget, TargetType};

const PART: &str = "`type=`, `family=`, `protocol=`, `port=`, `interval=`, `threshold=`, `lb=`, \
    `vpc=`, `check=`, `path=`, `codes=`, `unattached`, `missing` or `unread`";

/// `Protocol` and `IpAddressType` of ELBv2 `CreateTargetGroup`.
const PROTOCOLS: [&str; 9] =
    ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"];
const FAMILIES: [&str; 2] = ["ipv4", "ipv6"];

/// Restating a group keeps its targets.
pub fn state_group(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require("a target group")?;
    if words.take_if("gone") {
        world.groups.remove(&name);
        return words.end("the end of the line");
    }
    let mut found = plain();
    let (mut missing, mut unread, mut unattached, mut kind) = (false, false, false, None);
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("type", kind)) => found.target_type = known(kind, &TargetType::ALL)?,
            Some(("family", text)) => {
                one_of(text, &FAMILIES)?.clone_into(&mut found.ip_address_type);
            }
            Some(("protocol", text)) => {
                one_of(text, &PROTOCOLS)?.clone_into(&mut found.protocol);
            }
            Some(("port", text)) => {
                found.default_port = Some(HostPort::try_from(number::<i64>(text)?)?);
            }
            Some(("interval", text)) => found.health_interval_seconds = number(text)?,
            Some(("threshold", text)) => found.unhealthy_threshold = number(text)?,
            Some(("lb", name)) => kind = Some(name.to_owned()),
            Some(("vpc", name)) => found.vpc = Some(name.to_owned()),
            Some(("check", port)) => found.health_port = Some(port.to_owned()),
            Some(("path", path)) => found.health_path = Some(path.to_owned()),
            Some(("codes", codes)) => found.health_codes = Some(codes.to_owned()),
            None if word == "unattached" => unattached = true,
            None if word == "missing" => missing = true,
            None if word == "unread" => unread = true,
            _ => return Err(WordError::unexpected(&word, PART)),
        }
    }
    if !unattached {
        let by_protocol = if found.protocol.starts_with("HTTP") { "app" } else { "net" };
        let kind = kind.as_deref().unwrap_or(by_protocol);
        found.load_balancers.push(names::balancer(kind));
    }
    let arn = names::group(&name)?;
    if let Some(before) = world.groups.remove(&name) {
        found.targets = before.found.targets;
    }
    world.groups.insert(name, Group { arn, found, missing, unread });
    Ok(())
}

/// A group of which the text says nothing but its name.
fn plain() -> FoundGroup {
    FoundGroup {
        target_type: TargetType::Instance,
        protocol: "HTTP".to_owned(),
        default_port: None,
        ip_address_type: "ipv4".to_owned(),
        load_balancers: Vec::new(),
        health_interval_seconds: 30,
        unhealthy_threshold: 2,
        vpc: None,
        health_port: None,
        health_path: None,
        health_codes: None,
        targets: Vec::new(),
    }
}

pub fn state_target(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let group = words.require("a target group")?;
    let target = names::target(&words.require("a target")?)?;
    let state = words.require("a state such as `healthy`, or `gone`")?;
    let targets = &mut world.group(&group)?.found.targets;
    targets.retain(|other| other.target != target);
    if state == "gone" {
        return words.end("the end of the line");
    }
    let state = known(&state, &HealthState::ALL)?;
    let (mut reason, mut availability_zone) = (None, None);
    while let Some(word) = words.next() {
        match word.strip_prefix("zone=") {
            Some(zone) => availability_zone = Some(zone.to_owned()),
            None if reason.is_none() => reason = Some(word),
            None => return Err(WordError::unexpected(&word, "one reason, or `zone=`")),
        }
    }
    targets.push(RegisteredTarget { target, state, reason, availability_zone });
    Ok(())
}
