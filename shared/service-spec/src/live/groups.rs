//! Verifies that listeners and target groups exist, and that they fit the tasks and each other.

use super::Live;
use crate::found::{About, FoundListener, FoundTargetGroup};
use crate::members::{list, text};
use crate::problem::ProblemCode;
use crate::spec::{ListenerRef, LoadBalancing};
use serde_json::Value;

pub(super) fn verify(live: &mut Live<'_>) {
    let spec = live.spec;
    if live.is_read(About::Listeners) {
        for (index, entry) in spec.load_balancing.iter().enumerate() {
            listener(live, &format!("loadBalancing[{index}]"), entry);
        }
    }
    if !live.is_read(About::Groups) {
        return;
    }
    for (index, entry) in list(&spec.service, "loadBalancers").iter().enumerate() {
        let at = format!("service.loadBalancers[{index}]");
        named_group(live, &at, entry, ("targetGroupArn", "targetGroupName"), true);
        if let Some(advanced) = entry.get("advancedConfiguration") {
            let at = format!("{at}.advancedConfiguration");
            named_group(
                live,
                &at,
                advanced,
                ("alternateTargetGroupArn", "alternateTargetGroupName"),
                false,
            );
        }
    }
}

fn listener(live: &mut Live<'_>, at: &str, entry: &LoadBalancing) {
    let at_listener = format!("{at}.listener");
    let protocol = entry.group.protocol.as_str();
    let is_http = protocol.starts_with("HTTP");
    if let Some(listener) = live.found.listener(&entry.listener) {
        fits(live, at, entry, listener);
        return;
    }
    let ListenerRef::On { load_balancer, port } = &entry.listener else {
        live.error(
            ProblemCode::NoSuchListener,
            at_listener,
            "no listener with this ARN was found in this account and region",
        );
        return;
    };
    let Some(balancer) = live.found.load_balancers.get(load_balancer) else {
        let message = format!(
            "load balancer `{load_balancer}` not found in this account and region: check the name"
        );
        live.error(ProblemCode::NoSuchLoadBalancer, at_listener, message);
        return;
    };
    if balancer.kind == "network" && !is_http {
        // Portkeeper creates it.
        return;
    }
    if balancer.kind == "network" {
        let message = format!(
            "`{load_balancer}` is a Network Load Balancer: set `targetGroup.protocol: TCP` (or TLS, UDP, TCP_UDP)"
        );
        live.error(ProblemCode::ProtocolOfOtherKind, format!("{at}.targetGroup.protocol"), message);
        return;
    }
    let ports: Vec<String> = live
        .found
        .listeners
        .iter()
        .filter(|listener| listener.load_balancer == *load_balancer)
        .map(|listener| format!("{} ({})", listener.port, listener.protocol))
        .collect();
    let hint = if ports.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it listens on {}", ports.join(", "))
    };
    let message = format!("`{load_balancer}` has no listener on port {port}; {hint}");
    live.error(ProblemCode::NoSuchListener, at_listener, message);
}

fn fits(live: &mut Live<'_>, at: &str, entry: &LoadBalancing, listener: &FoundListener) {
    let is_http = entry.group.protocol.starts_with("HTTP");
    let at_protocol = format!("{at}.targetGroup.protocol");
    match listener.kind.as_str() {
        "application" if !is_http => {
            let message = format!(
                "`{}` is an Application Load Balancer: its target groups have the protocol HTTP or HTTPS",
                listener.load_balancer
            );
            live.error(ProblemCode::ProtocolOfOtherKind, at_protocol, message);
        }
        "network" if is_http => {
            let message = format!(
                "`{}` is a Network Load Balancer: set `targetGroup.protocol: TCP` (or TLS, UDP, TCP_UDP)",
                listener.load_balancer
            );
            live.error(ProblemCode::ProtocolOfOtherKind, at_protocol, message);
        }
        "application" | "network" => {}
        kind => {
            let message = format!(
                "`{}` is a {kind} load balancer; a service needs an Application or Network Load Balancer",
                listener.load_balancer
            );
            live.error(ProblemCode::ProtocolOfOtherKind, format!("{at}.listener"), message);
        }
    }
    if entry.group.protocol_version.as_deref() == Some("GRPC") && listener.protocol != "HTTPS" {
        let message = format!(
            "gRPC needs an HTTPS listener, but the listener on port {} uses {}",
            listener.port, listener.protocol
        );
        live.error(ProblemCode::GrpcWithoutHttps, format!("{at}.listener"), message);
    }
}

/// Verifies a target group that the service names. `leads`: whether requests must reach it from the
/// start.
fn named_group(live: &mut Live<'_>, at: &str, entry: &Value, members: (&str, &str), leads: bool) {
    let (arn, name) = (text(entry, members.0), text(entry, members.1));
    let (member, found, named) = match (arn, name) {
        (Some(arn), _) => (members.0, live.found.group_at(arn), arn),
        (None, Some(name)) => (members.1, live.found.group_named(name), name),
        (None, None) => return,
    };
    let at = format!("{at}.{member}");
    let Some(group) = found else {
        live.error(
            ProblemCode::NoSuchGroup,
            at,
            format!("target group `{named}` not found in this account and region"),
        );
        return;
    };
    if leads && group.load_balancers.is_empty() {
        let message = format!(
            "no listener forwards to the target group `{}`, and ECS refuses such a group: create a rule that forwards to it, or let `loadBalancing` create both",
            group.name
        );
        live.error(ProblemCode::GroupWithoutListener, &at, message);
    }
    target_type(live, &at, group);
}

fn target_type(live: &mut Live<'_>, at: &str, group: &FoundTargetGroup) {
    let Some(mode) = live.network_mode() else { return };
    let kind = group.target_type.as_str();
    let message = match (mode, kind) {
        ("awsvpc", "ip") | ("bridge" | "host", "instance") => return,
        ("awsvpc", _) => {
            format!(
                "in awsvpc mode each task has its own address, but `{}` accepts targets of type {kind}: use a group of type ip",
                group.name
            )
        }
        ("none", _) => "tasks in network mode none have no port".to_owned(),
        _ => format!(
            "in {mode} mode tasks are reached by a port of their instance, but `{}` accepts targets of type {kind}: use a group of type instance",
            group.name
        ),
    };
    live.error(ProblemCode::TargetType, at, message);
}
