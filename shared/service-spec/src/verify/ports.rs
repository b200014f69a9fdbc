//! Port mappings, and how they fit the network mode.
//!
//! AWS facts: F-6, F-11.5.

use super::Checks;
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn verify(checks: &mut Checks<'_>) {
    let Some(mode) = checks.network_mode() else { return };
    let mut host_ports: BTreeMap<(i64, &str), String> = BTreeMap::new();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for (at, container) in checks.containers() {
        unfit_for_mode(checks, mode, &at, container);
        for (index, mapping) in list(container, "portMappings").iter().enumerate() {
            let at = format!("{at}.portMappings[{index}]");
            one(checks, mode, &at, mapping);
            if let Some(port) = taken(mode, mapping)
                && let Some(first) = host_ports.insert(port, at.clone())
            {
                let message = format!(
                    "{first} already uses the port {}/{}; a task can use each port only once",
                    port.0, port.1
                );
                checks.error(ProblemCode::DuplicatePort, &at, message);
            }
            if let Some(name) = text(mapping, "name")
                && let Some(first) = names.insert(name, at.clone())
            {
                checks.error(
                    ProblemCode::DuplicateName,
                    format!("{at}.name"),
                    format!("duplicate name `{name}`, first in {first}"),
                );
            }
        }
    }
}

/// The port that is used on the host, or on the task's own address.
fn taken<'a>(mode: &str, mapping: &'a Value) -> Option<(i64, &'a str)> {
    let protocol = text(mapping, "protocol").unwrap_or("tcp");
    let port = match mode {
        "bridge" => number(mapping, "hostPort")?,
        _ => number(mapping, "containerPort")?,
    };
    (port != 0).then_some((port, protocol))
}

fn one(checks: &mut Checks<'_>, mode: &str, at: &str, mapping: &Value) {
    let container_port = number(mapping, "containerPort");
    let range = text(mapping, "containerPortRange");
    match (container_port, range) {
        (None, None) if mapping.get("containerPort").is_none() => {
            checks.error(ProblemCode::MissingMember, at, "the mapping needs a `containerPort`");
        }
        (Some(_), Some(_)) => {
            checks.error(
                ProblemCode::PortAndRange,
                at,
                "set `containerPort` or `containerPortRange`, not both",
            );
        }
        (Some(port), None) if !(1..=65535).contains(&port) => {
            checks.error(
                ProblemCode::OutOfRange,
                format!("{at}.containerPort"),
                "a port is from 1 to 65535",
            );
        }
        _ => {}
    }
    let Some(host_port) = number(mapping, "hostPort") else { return };
    let at = format!("{at}.hostPort");
    if !(0..=65535).contains(&host_port) {
        checks.error(
            ProblemCode::OutOfRange,
            at,
            "a host port is from 1 to 65535, or 0 for a dynamic port",
        );
    } else if ["host", "awsvpc"].contains(&mode)
        && container_port.is_some_and(|port| host_port != port)
    {
        let why = if mode == "host" {
            "the container uses the network of the host"
        } else {
            "the task has its own address"
        };
        let message = format!(
            "in {mode} mode {why}: leave `hostPort` out, or make it equal to `containerPort`"
        );
        checks.error(ProblemCode::HostPortDiffers, at, message);
    }
}

/// Members of a container that a network mode does not support.
fn unfit_for_mode(checks: &mut Checks<'_>, mode: &str, at: &str, container: &Value) {
    if mode == "none" && !list(container, "portMappings").is_empty() {
        let message =
            "network mode none has no network, and therefore no ports: choose bridge or awsvpc";
        checks.error(ProblemCode::PortsWithoutNetwork, format!("{at}.portMappings"), message);
    }
    if mode != "bridge" && !list(container, "links").is_empty() {
        let message = format!(
            "links exist only in bridge mode; in {mode} mode containers reach each other on localhost"
        );
        checks.error(ProblemCode::NotInMode, format!("{at}.links"), message);
    }
    if ["awsvpc", "host"].contains(&mode) && container.get("hostname").is_some() {
        let message = format!("ECS does not accept `hostname` in {mode} mode: omit it");
        checks.error(ProblemCode::NotInMode, format!("{at}.hostname"), message);
    }
}
