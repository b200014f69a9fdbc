//! Operations on load balancers and listeners.

use super::balancers::{Listener, LoadBalancer};
use super::conventions::{balancer_not_found, listener_not_found, paged, read, who};
use super::rule_shapes;
use super::tag_api::read_tags;
use crate::World;
use crate::api::{ApiError, Caller};
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn create_load_balancer(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "Subnets SubnetMappings SecurityGroups Scheme Tags Type IpAddressType";
    let input = read("CreateLoadBalancer", input, "Name", optional)?;
    let name = input.text("Name")?;
    let kind = input.optional_text("Type")?.unwrap_or("application");
    if !matches!(kind, "application" | "network") {
        return Err(input.refuse(format!("Type '{kind}' is not simulated: application or network")));
    }
    let mut subnets = input.texts("Subnets")?;
    for mapping in input.list("SubnetMappings")? {
        subnets.extend(mapping.get("SubnetId").and_then(Value::as_str));
    }
    let (mut zones, mut vpc) = (BTreeMap::new(), None);
    for id in subnets {
        let Some(subnet) = world.ecs.network.subnet(id) else {
            return Err(ApiError::refused(
                "SubnetNotFound",
                format!("The subnet ID '{id}' is not valid"),
            ));
        };
        vpc.get_or_insert_with(|| subnet.vpc.clone());
        zones.insert(subnet.zone.clone(), id.to_owned());
    }
    let vpc = vpc.ok_or_else(|| input.refuse("At least one subnet must be specified"))?;
    let tags = read_tags(&input)?;
    let balancer = LoadBalancer {
        arn: String::new(),
        dns_name: String::new(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        scheme: input.optional_text("Scheme")?.unwrap_or("internet-facing").to_owned(),
        vpc,
        created_ms: world.now_ms(),
        zones,
        security_groups: json!(input.texts("SecurityGroups")?),
        family: input.optional_text("IpAddressType")?.unwrap_or("ipv4").to_owned(),
    };
    if let Some(held) = world.elbv2.balancers.values().find(|held| held.name == name) {
        // "If you attempt to create multiple load balancers with the same settings, each call
        // succeeds" [BC].
        return if held.has_settings_of(&balancer) {
            Ok(json!({"LoadBalancers": [held.to_json()]}))
        } else {
            let message = "A load balancer with the same name exists, but with different settings";
            Err(ApiError::refused("DuplicateLoadBalancerName", message))
        };
    }
    let (kind, suffix) = (if kind == "network" { "net" } else { "app" }, world.ids.suffix());
    let arn = world.account.elb_arn("loadbalancer", &format!("{kind}/{name}/{suffix}"));
    let scope = if balancer.scheme == "internal" { "internal-" } else { "" };
    let dns_name = format!("{scope}{name}-{suffix}.{}.elb.amazonaws.com", world.account.region);
    let balancer = LoadBalancer { arn: arn.clone(), dns_name, ..balancer };
    let shown = balancer.to_json();
    world.elbv2.tags.insert(arn.clone(), tags);
    world.elbv2.balancers.insert(arn, balancer);
    Ok(json!({"LoadBalancers": [shown]}))
}

pub(super) fn delete_load_balancer(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteLoadBalancer", input, "LoadBalancerArn", "")?;
    let arn = input.text("LoadBalancerArn")?;
    let listeners: Vec<String> = world
        .elbv2
        .listeners
        .values()
        .filter(|listener| listener.balancer == arn)
        .map(|l| l.arn.clone())
        .collect();
    for listener in &listeners {
        remove_listener(world, listener);
    }
    world.elbv2.balancers.remove(arn);
    world.elbv2.tags.remove(arn);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({}))
}

pub(super) fn describe_load_balancers(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeLoadBalancers", input, "", "LoadBalancerArns Names Marker PageSize")?;
    let (arns, names) = (input.texts("LoadBalancerArns")?, input.texts("Names")?);
    let balancers = &world.elbv2.balancers;
    let missing = arns.iter().find(|arn| !balancers.contains_key(**arn));
    let missing = missing.or_else(|| {
        names.iter().find(|name| !balancers.values().any(|balancer| balancer.name == **name))
    });
    if let Some(missing) = missing {
        return Err(ApiError::refused(
            "LoadBalancerNotFound",
            format!("Load balancers '[{missing}]' not found"),
        ));
    }
    let keep = |balancer: &LoadBalancer| {
        (arns.is_empty() || arns.contains(&balancer.arn.as_str()))
            && (names.is_empty() || names.contains(&balancer.name.as_str()))
    };
    paged(&input, balancers, keep, "LoadBalancers", LoadBalancer::to_json)
}

pub(super) fn create_listener(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "Protocol Port SslPolicy Certificates AlpnPolicy Tags MutualAuthentication";
    let input = read("CreateListener", input, "LoadBalancerArn DefaultActions", optional)?;
    let balancer = input.text("LoadBalancerArn")?.to_owned();
    let held = world.elbv2.balancers.get(&balancer).ok_or_else(balancer_not_found)?;
    let (_, path) = held.arn.split_once(":loadbalancer/").ok_or_else(balancer_not_found)?;
    let port = input.port("Port")?.ok_or_else(|| input.refuse("A port must be specified"))?;
    let protocol = input.optional_text("Protocol")?.unwrap_or("HTTP").to_owned();
    check_protocol(&input, held, &protocol)?;
    let actions =
        rule_shapes::actions(world, &input, held, input.required_list("DefaultActions")?)?;
    let same_port = |listener: &&Listener| listener.balancer == balancer && listener.port == port;
    if let Some(listener) = world.elbv2.listeners.values().find(same_port) {
        // "This operation is idempotent" for the same settings [BC CreateListener].
        return if listener.actions == actions {
            Ok(json!({"Listeners": [listener.to_json()]}))
        } else {
            let message = format!(
                "A listener already exists on this port for this load balancer '{balancer}'"
            );
            Err(ApiError::refused("DuplicateListener", message))
        };
    }
    let arn = world.account.elb_arn("listener", &format!("{path}/{}", world.ids.suffix()));
    let tags = read_tags(&input)?;
    let listener =
        Listener { arn: arn.clone(), balancer, port, protocol, actions, options: options(&input) };
    let shown = listener.to_json();
    world.elbv2.tags.insert(arn.clone(), tags);
    world.elbv2.listeners.insert(arn, listener);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({"Listeners": [shown]}))
}

/// Checks the listener's protocol, and that HTTPS and TLS have a certificate.
fn check_protocol(
    input: &Input<'_>,
    balancer: &LoadBalancer,
    protocol: &str,
) -> Result<(), ApiError> {
    let allowed: &[&str] = if balancer.kind == "network" {
        &["TCP", "TLS", "TCP_UDP", "UDP"]
    } else {
        &["HTTPS", "HTTP"]
    };
    if !allowed.contains(&protocol) {
        return Err(input.refuse(format!(
            "Listener protocol '{protocol}' must be one of '{}'",
            allowed.join(", ")
        )));
    }
    if matches!(protocol, "HTTPS" | "TLS") && input.list("Certificates")?.is_empty() {
        return Err(
            input.refuse(format!("A certificate must be specified for {protocol} listeners"))
        );
    }
    Ok(())
}

fn options(input: &Input<'_>) -> Map<String, Value> {
    let names = ["Certificates", "SslPolicy", "AlpnPolicy", "MutualAuthentication"];
    names.into_iter().filter_map(|name| Some((name.to_owned(), input.get(name)?.clone()))).collect()
}

pub(super) fn modify_listener(
    world: &mut World,
    caller: Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let optional =
        "Port Protocol SslPolicy Certificates DefaultActions AlpnPolicy MutualAuthentication";
    let input = read("ModifyListener", input, "ListenerArn", optional)?;
    let arn = input.text("ListenerArn")?;
    let balancer = world
        .elbv2
        .listeners
        .get(arn)
        .map(|listener| listener.balancer.clone())
        .ok_or_else(|| listener_not_found(arn))?;
    let held = world.elbv2.balancers.get(&balancer).ok_or_else(balancer_not_found)?;
    let given = input.list("DefaultActions")?;
    let actions = rule_shapes::actions(world, &input, held, given)?;
    let (port, protocol) = (input.port("Port")?, input.optional_text("Protocol")?);
    let Some(listener) = world.elbv2.listeners.get_mut(arn) else {
        return Err(listener_not_found(arn));
    };
    listener.port = port.unwrap_or(listener.port);
    if let Some(protocol) = protocol {
        protocol.clone_into(&mut listener.protocol);
    }
    listener.options.extend(options(&input));
    if !given.is_empty() {
        listener.actions.clone_from(&actions);
    }
    let shown = listener.to_json();
    let text =
        format!("{} pointed a listener at {}", who(caller), world.elbv2.describe_actions(&actions));
    world.journal.push(world.now_ms(), Kind::Traffic, None, text);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({"Listeners": [shown]}))
}

fn remove_listener(world: &mut World, arn: &str) {
    world.elbv2.listeners.remove(arn);
    world.elbv2.tags.remove(arn);
    world.elbv2.rules.retain(|_, rule| rule.listener != arn);
}

pub(super) fn delete_listener(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteListener", input, "ListenerArn", "")?;
    let arn = input.text("ListenerArn")?;
    if !world.elbv2.listeners.contains_key(arn) {
        return Err(listener_not_found(arn));
    }
    remove_listener(world, arn);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({}))
}

pub(super) fn describe_listeners(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input =
        read("DescribeListeners", input, "", "LoadBalancerArn ListenerArns Marker PageSize")?;
    let (balancer, arns) = (input.optional_text("LoadBalancerArn")?, input.texts("ListenerArns")?);
    if balancer.is_none() && arns.is_empty() {
        return Err(input.refuse("You must specify either listener ARNs or a load balancer ARN"));
    }
    if balancer.is_some_and(|arn| !world.elbv2.balancers.contains_key(arn)) {
        return Err(balancer_not_found());
    }
    if let Some(missing) = arns.iter().find(|arn| !world.elbv2.listeners.contains_key(**arn)) {
        return Err(listener_not_found(missing));
    }
    let keep = |listener: &Listener| {
        balancer.is_none_or(|arn| listener.balancer == arn)
            && (arns.is_empty() || arns.contains(&listener.arn.as_str()))
    };
    paged(&input, &world.elbv2.listeners, keep, "Listeners", Listener::to_json)
}
