//! Verifies the capacity and the network of the tasks.

use super::Checks;
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use serde_json::Value;

const STRATEGY: &str = "service.capacityProviderStrategy";

pub(super) fn verify(checks: &mut Checks<'_>) {
    let service = &checks.spec.service;
    let providers = list(service, "capacityProviderStrategy");
    if text(service, "launchType").is_some() && !providers.is_empty() {
        let message = "`launchType` and `capacityProviderStrategy` exclude each other: keep one";
        checks.error(ProblemCode::LaunchTypeAndStrategy, "service.launchType", message);
    }
    capacity(checks, providers);
    if checks.is_fargate() {
        on_fargate(checks, service);
    }
    for (member, most) in [("placementConstraints", 10), ("placementStrategy", 5)] {
        if list(service, member).len() > most {
            checks.error(
                ProblemCode::ListLength,
                format!("service.{member}"),
                format!("ECS accepts at most {most}"),
            );
        }
    }
    if checks.is_daemon() && !list(service, "placementStrategy").is_empty() {
        let message =
            "a DAEMON service runs on every instance, so there is nothing to choose: leave it out";
        checks.error(ProblemCode::DaemonPlacement, "service.placementStrategy", message);
    }
    network(checks, service);
}

fn capacity(checks: &mut Checks<'_>, providers: &[Value]) {
    if providers.is_empty() {
        return;
    }
    let names: Vec<&str> =
        providers.iter().filter_map(|provider| text(provider, "capacityProvider")).collect();
    let fargate = names.iter().filter(|name| name.starts_with("FARGATE")).count();
    if fargate > 0 && fargate < names.len() {
        let message = "Fargate and other capacity providers cannot be mixed in one service";
        checks.error(ProblemCode::MixedProviders, STRATEGY, message);
    }
    let levels = providers.iter().map(|provider| number(provider, "weight").unwrap_or(0));
    if levels.clone().all(|weight| weight == 0)
        && (providers.len() > 1 || providers.iter().any(has_weight))
    {
        let message = "every weight is 0, so no task would be placed: set a weight above 0";
        checks.error(ProblemCode::NoWeight, STRATEGY, message);
    }
    let with_base =
        providers.iter().filter(|provider| number(provider, "base").unwrap_or(0) > 0).count();
    if with_base > 1 {
        checks.error(
            ProblemCode::TwoBases,
            STRATEGY,
            "only one capacity provider may have a `base`",
        );
    }
}

fn has_weight(provider: &Value) -> bool {
    provider.get("weight").is_some()
}

fn on_fargate(checks: &mut Checks<'_>, service: &Value) {
    if checks.is_daemon() {
        let message = "Fargate has no instances, so it cannot run a DAEMON service: use REPLICA";
        checks.error(ProblemCode::DaemonOnFargate, "service.schedulingStrategy", message);
    }
    for member in ["placementConstraints", "placementStrategy"] {
        if !list(service, member).is_empty() {
            let message = "Fargate has no instances to choose from: omit it";
            checks.error(ProblemCode::NotOnFargate, format!("service.{member}"), message);
        }
    }
}

fn network(checks: &mut Checks<'_>, service: &Value) {
    let at = "service.networkConfiguration";
    let vpc =
        service.get("networkConfiguration").and_then(|network| network.get("awsvpcConfiguration"));
    match (checks.network_mode(), vpc) {
        (Some("awsvpc"), None) => {
            let message = "in awsvpc mode each task gets its own address: set `networkConfiguration.awsvpcConfiguration` with subnets and security groups";
            checks.error(ProblemCode::NoSubnets, "service", message);
        }
        (Some(mode), Some(_)) if mode != "awsvpc" => {
            let message = format!(
                "the tasks are in {mode} mode and use their instance's network: leave it out, or set `networkMode: awsvpc`"
            );
            checks.error(ProblemCode::NetworkWithoutAwsvpc, at, message);
        }
        _ => {}
    }
    let Some(vpc) = vpc else { return };
    let at = format!("{at}.awsvpcConfiguration");
    if vpc.get("subnets").is_some() && list(vpc, "subnets").is_empty() {
        checks.error(ProblemCode::NoSubnets, format!("{at}.subnets"), "set at least one subnet");
    }
    for (member, most, prefix) in [("subnets", 16, "subnet-"), ("securityGroups", 5, "sg-")] {
        let ids = list(vpc, member);
        if ids.len() > most {
            checks.error(
                ProblemCode::ListLength,
                format!("{at}.{member}"),
                format!("ECS takes at most {most}"),
            );
        }
        for (index, id) in ids.iter().enumerate() {
            if let Some(id) = id.as_str().filter(|id| !id.starts_with(prefix)) {
                let message = format!("`{id}` is not an id: ids here begin with `{prefix}`");
                checks.error(ProblemCode::BadId, format!("{at}.{member}[{index}]"), message);
            }
        }
    }
    if list(vpc, "securityGroups").is_empty() {
        let message = "without security groups, the tasks get the VPC's default one, which by default allows no traffic from a load balancer: name the intended ones";
        checks.warn(ProblemCode::NoSecurityGroups, &at, message);
    }
    if text(vpc, "assignPublicIp") == Some("ENABLED") && text(service, "launchType") == Some("EC2")
    {
        let message = "tasks on EC2 get no public address: set DISABLED, or leave it out";
        checks.error(ProblemCode::PublicIpOnEc2, format!("{at}.assignPublicIp"), message);
    }
}
