//! The service by itself, and its target groups as AWS names them.

use super::{Checks, is_ecs_name};
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use portkeeper_core::ids::TargetGroupArn;
use serde_json::Value;

/// ECS accepts this many target groups for a service.
const MOST_GROUPS: usize = 5;

pub(super) fn verify(checks: &mut Checks<'_>) {
    let service = &checks.spec.service;
    if let Some(name) = text(service, "serviceName")
        && (name.is_empty() || name.len() > 255 || !is_ecs_name(name))
    {
        let message = "a service's name has 1 to 255 letters, digits, hyphens and underscores";
        checks.error(ProblemCode::BadName, "service.serviceName", message);
    }
    desired_count(checks, service);
    grace_period(checks, service);
    for (index, entry) in list(service, "loadBalancers").iter().enumerate() {
        load_balancer(checks, &format!("service.loadBalancers[{index}]"), entry);
    }
    count_groups(checks, service);
    if service.get("enableExecuteCommand").and_then(Value::as_bool) == Some(true)
        && checks
            .spec
            .task_definition
            .as_ref()
            .is_some_and(|definition| text(definition, "taskRoleArn").is_none())
    {
        let message =
            "`aws ecs execute-command` needs a task role: set `taskDefinition.taskRoleArn`";
        checks.error(ProblemCode::NoTaskRole, "service.enableExecuteCommand", message);
    }
    service_connect(checks, service);
}

fn desired_count(checks: &mut Checks<'_>, service: &Value) {
    let count = number(service, "desiredCount");
    if checks.is_daemon() {
        if count.is_some() {
            let message =
                "a DAEMON service runs one task on each instance: leave `desiredCount` out";
            checks.error(ProblemCode::DaemonDesiredCount, "service.desiredCount", message);
        }
    } else if count.is_none()
        && checks.spec.scaling.is_none()
        && !checks.is_told("service.desiredCount")
    {
        checks.error(
            ProblemCode::NoDesiredCount,
            "service",
            "set `desiredCount`: how many tasks should run",
        );
    }
    if count.is_some_and(|count| count < 0) {
        checks.error(ProblemCode::OutOfRange, "service.desiredCount", "must be 0 or more");
    }
}

fn grace_period(checks: &mut Checks<'_>, service: &Value) {
    let at = "service.healthCheckGracePeriodSeconds";
    let seconds = number(service, "healthCheckGracePeriodSeconds");
    if seconds.is_some_and(|seconds| seconds < 0) {
        checks.error(ProblemCode::OutOfRange, at, "must be 0 or more seconds");
    }
    if !checks.is_balanced() {
        if seconds.is_some() {
            let message = "a grace period applies to load balancer health checks, but this service has no load balancer: omit it, or add `loadBalancing`";
            checks.error(ProblemCode::GraceWithoutLoadBalancer, at, message);
        }
        return;
    }
    let slow = checks.containers().find_map(|(_, container)| {
        let seconds =
            number(container.get("healthCheck")?, "startPeriod").filter(|seconds| *seconds > 0)?;
        Some((text(container, "name").unwrap_or("a container").to_owned(), seconds))
    });
    if let Some((name, needs)) = slow.filter(|(_, needs)| seconds.unwrap_or(0) < *needs) {
        let message = format!(
            "`{name}` may take {needs} s to start, and the load balancer's checks count after {} s: ECS would stop tasks that are still starting; set at least {needs}",
            seconds.unwrap_or(0)
        );
        let at = if seconds.is_some() { at } else { "service" };
        checks.warn(ProblemCode::GraceTooShort, at, message);
    }
}

fn load_balancer(checks: &mut Checks<'_>, at: &str, entry: &Value) {
    let arn = text(entry, "targetGroupArn").filter(|arn| !arn.is_empty());
    let named = text(entry, "targetGroupName");
    let classic = text(entry, "loadBalancerName").filter(|name| !name.is_empty());
    match (arn, named, classic) {
        (None, None, None) => {
            let message = "name the target group: `targetGroupArn`, or `targetGroupName` for an existing one; or let `loadBalancing` create one";
            checks.error(ProblemCode::NoTargetGroup, at, message);
        }
        (Some(arn), None, None) => group_arn(checks, &format!("{at}.targetGroupArn"), arn),
        (None, None, Some(_)) => classic_load_balancer(checks, at, entry),
        (None, Some(_), None) => {}
        _ => {
            let message = "set only one of `targetGroupArn`, `targetGroupName` and (for a Classic Load Balancer) `loadBalancerName`";
            checks.error(ProblemCode::TwoTargetGroups, at, message);
        }
    }
    let (container, port) = (text(entry, "containerName"), number(entry, "containerPort"));
    for (member, is_missing) in [
        ("containerName", entry.get("containerName").is_none()),
        ("containerPort", entry.get("containerPort").is_none()),
    ] {
        if is_missing {
            checks.error(
                ProblemCode::MissingMember,
                at,
                format!("`{member}` is missing: set which container receives the requests"),
            );
        }
    }
    if let (Some(container), Some(port)) = (container, port) {
        let (at_name, at_port) = (format!("{at}.containerName"), format!("{at}.containerPort"));
        checks.container_port(&at_name, &at_port, container, port, None);
        if classic.is_none() {
            checks.static_host_port(container, port);
        }
    }
}

fn group_arn(checks: &mut Checks<'_>, at: &str, arn: &str) {
    if TargetGroupArn::try_from(arn).is_ok() {
        return;
    }
    let what = if arn.contains(":loadbalancer/") {
        "this is the ARN of a load balancer"
    } else if arn.contains(":listener") {
        "this is the ARN of a listener"
    } else if !arn.starts_with("arn:") {
        "this is not an ARN (a name goes into `targetGroupName`)"
    } else {
        "this is not the ARN of a target group"
    };
    let message = format!("{what}; the ARN of a target group contains `:targetgroup/`");
    checks.error(ProblemCode::NotATargetGroup, at, message);
}

/// A Classic Load Balancer has one port for all instances.
fn classic_load_balancer(checks: &mut Checks<'_>, at: &str, entry: &Value) {
    let at = format!("{at}.loadBalancerName");
    if checks.network_mode() == Some("awsvpc") {
        let message = "a Classic Load Balancer registers instances, but in awsvpc mode each task has its own address: use a target group of type ip";
        checks.error(ProblemCode::ClassicWithAwsvpc, at, message);
        return;
    }
    let (Some(name), Some(port)) = (text(entry, "containerName"), number(entry, "containerPort"))
    else {
        return;
    };
    let mapping =
        checks.container(name).into_iter().flat_map(|container| list(container, "portMappings"));
    let is_dynamic = |mapping: &Value| number(mapping, "hostPort").unwrap_or(0) == 0;
    let found = mapping.into_iter().find(|mapping| number(mapping, "containerPort") == Some(port));
    if checks.network_mode() == Some("bridge") && found.is_some_and(is_dynamic) {
        let message = format!(
            "a Classic Load Balancer has one fixed port for all instances, but port {port} of `{name}` has a different host port on each: use a target group, or set `hostPort`"
        );
        checks.error(ProblemCode::ClassicWithDynamicPort, at, message);
    }
}

fn count_groups(checks: &mut Checks<'_>, service: &Value) {
    let ours = checks.spec.load_balancing.len();
    let count = list(service, "loadBalancers").len() + ours;
    if count > MOST_GROUPS {
        let message = format!(
            "the service would have {count} target groups; ECS accepts at most {MOST_GROUPS}"
        );
        let at = if ours > 0 { "loadBalancing" } else { "service.loadBalancers" };
        checks.error(ProblemCode::TooManyGroups, at, message);
    }
}

/// Service Connect finds ports by their names.
fn service_connect(checks: &mut Checks<'_>, service: &Value) {
    if checks.spec.task_definition.is_none() {
        return;
    }
    let names: Vec<&str> = checks
        .containers()
        .flat_map(|(_, container)| {
            list(container, "portMappings").iter().filter_map(|mapping| text(mapping, "name"))
        })
        .collect();
    let connect = service
        .get("serviceConnectConfiguration")
        .map(|it| list(it, "services"))
        .unwrap_or_default();
    for (index, entry) in connect.iter().enumerate() {
        let Some(port_name) =
            text(entry, "portName").filter(|port_name| !names.contains(port_name))
        else {
            continue;
        };
        let hint = super::names("the named ports are", names.iter().copied());
        let message = format!(
            "no port mapping has the name `{port_name}`{hint}; name one with `portMappings[].name`"
        );
        checks.error(
            ProblemCode::NoSuchPortName,
            format!("service.serviceConnectConfiguration.services[{index}].portName"),
            message,
        );
    }
}
