//! Subnets, security groups, VPCs, and room for fixed host ports.

use super::Live;
use crate::found::About;
use crate::members::{list, number, text, texts};
use crate::problem::ProblemCode;
use crate::spec::ListenerRef;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const AT: &str = "service.networkConfiguration.awsvpcConfiguration";

pub(super) fn verify(live: &mut Live<'_>) {
    let spec = live.spec;
    let vpc =
        spec.service.pointer("/networkConfiguration/awsvpcConfiguration").unwrap_or(&Value::Null);
    let mut vpcs: BTreeSet<String> = BTreeSet::new();
    for (member, about, found) in [
        ("subnets", About::Subnets, &live.found.subnets),
        ("securityGroups", About::SecurityGroups, &live.found.security_groups),
    ] {
        let Some(found) = found.as_ref().filter(|_| live.is_read(about)) else { continue };
        for (index, id) in texts(vpc, member).enumerate() {
            let at = format!("{AT}.{member}[{index}]");
            if let Some(vpc) = found.get(id) {
                vpcs.insert(vpc.clone());
            } else {
                let what = if member == "subnets" { "subnet" } else { "security group" };
                live.error(
                    ProblemCode::NoSuchNetwork,
                    at,
                    format!("{what} `{id}` not found in this account and region"),
                );
            }
        }
    }
    if vpcs.len() > 1 {
        let names: Vec<&str> = vpcs.iter().map(String::as_str).collect();
        let message = format!(
            "subnets and security groups are in several VPCs: {}; use those of one VPC",
            names.join(", ")
        );
        live.error(ProblemCode::SeveralVpcs, AT, message);
    } else if let Some(vpc) = vpcs.first() {
        same_vpc(live, vpc);
    }
    room_for_fixed_ports(live);
}

/// Tasks can be reached only from load balancers of their own VPC.
fn same_vpc(live: &mut Live<'_>, vpc: &str) {
    let spec = live.spec;
    let found = live.found;
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        let of_listener = found.listener(&entry.listener).map(|it| (&it.load_balancer, &it.vpc));
        let balancer = of_listener.or_else(|| match &entry.listener {
            ListenerRef::On { load_balancer, .. } => {
                found.load_balancers.get(load_balancer).map(|it| (load_balancer, &it.vpc))
            }
            ListenerRef::Arn(_) => None,
        });
        if let Some((name, other)) = balancer.filter(|(_, other)| *other != vpc) {
            let message = format!(
                "`{name}` is in {other}, and the tasks' subnets are in {vpc}: they must be in one VPC"
            );
            live.error(ProblemCode::OtherVpc, format!("loadBalancing[{index}].listener"), message);
        }
    }
    for (index, entry) in list(&spec.service, "loadBalancers").iter().enumerate() {
        let by_arn = text(entry, "targetGroupArn").and_then(|arn| found.group_at(arn));
        let group = by_arn.or_else(|| found.group_named(text(entry, "targetGroupName")?));
        if let Some(group) = group.filter(|group| group.vpc != vpc) {
            let message = format!(
                "the target group `{}` is in {}, and the tasks' subnets are in {vpc}",
                group.name, group.vpc
            );
            live.error(ProblemCode::OtherVpc, format!("service.loadBalancers[{index}]"), message);
        }
    }
}

/// With a fixed host port each instance has room for one task; a rolling deployment needs room for
/// one more.
fn room_for_fixed_ports(live: &mut Live<'_>) {
    let spec = live.spec;
    let Some(cluster) =
        live.found.cluster.as_ref().filter(|_| live.network_mode() == Some("bridge"))
    else {
        return;
    };
    if text(&spec.service, "schedulingStrategy") == Some("DAEMON")
        || cluster.registered_instances == 0
    {
        return;
    }
    let definition = spec.task_definition.as_ref().unwrap_or(&Value::Null);
    let mut fixed: BTreeMap<i64, String> = BTreeMap::new();
    for (index, container) in list(definition, "containerDefinitions").iter().enumerate() {
        for (position, mapping) in list(container, "portMappings").iter().enumerate() {
            if let Some(port) = number(mapping, "hostPort").filter(|port| *port != 0) {
                fixed.entry(port).or_insert(format!(
                    "taskDefinition.containerDefinitions[{index}].portMappings[{position}].hostPort"
                ));
            }
        }
    }
    let tasks = spec
        .scaling
        .as_ref()
        .map(|scaling| i64::from(scaling.max))
        .or_else(|| spec.desired_count())
        .unwrap_or(1);
    let least = spec
        .service
        .pointer("/deploymentConfiguration/minimumHealthyPercent")
        .and_then(Value::as_i64);
    let needed = tasks + i64::from(least.unwrap_or(100) == 100);
    let instances = i64::from(cluster.registered_instances);
    if needed <= instances {
        return;
    }
    for (port, at) in fixed {
        let message = format!(
            "with the host port fixed to {port}, {tasks} tasks need {needed} instances (one for a deployment that stops none first), and the cluster has {instances}: set `hostPort: 0`, or lower `minimumHealthyPercent`"
        );
        live.error(ProblemCode::StaticHostPort, at, message);
    }
}
