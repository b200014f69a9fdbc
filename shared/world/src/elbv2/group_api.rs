//! Operations on target groups.

use super::attribute_api;
use super::conventions::{balancer_not_found, group_not_found, paged, read};
use super::groups::{HealthCheck, TargetGroup};
use super::tag_api::read_tags;
use crate::World;
use crate::api::ApiError;
use crate::ecs::DEFAULT_VPC;
use crate::input::Input;
use crate::target_type::TargetType;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HEALTH_OPTIONAL: &str = "HealthCheckProtocol HealthCheckPort HealthCheckEnabled HealthCheckPath HealthCheckIntervalSeconds \
    HealthCheckTimeoutSeconds HealthyThresholdCount UnhealthyThresholdCount Matcher";

pub(super) fn create_target_group(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "Protocol ProtocolVersion Port VpcId TargetType Tags IpAddressType TargetControlPort \
        HealthCheckProtocol HealthCheckPort HealthCheckEnabled HealthCheckPath HealthCheckIntervalSeconds \
        HealthCheckTimeoutSeconds HealthyThresholdCount UnhealthyThresholdCount Matcher";
    let input = read("CreateTargetGroup", input, "Name", optional)?;
    let name = input.text("Name")?;
    check_name(&input, name)?;
    let group = new_group(&input, name)?;
    if let Some(existing) = world.elbv2.groups.values().find(|existing| existing.name == name) {
        return if same_settings(existing, &group) {
            Ok(json!({"TargetGroups": [existing.to_json()]}))
        } else {
            let message = format!(
                "A target group with the same name '{name}' exists, but with different settings"
            );
            Err(ApiError::refused("DuplicateTargetGroupName", message))
        };
    }
    if world.elbv2.groups.len() >= world.elbv2.limits.target_groups {
        let text = format!(
            "The maximum number of target groups, {}, is reached",
            world.elbv2.limits.target_groups
        );
        return Err(ApiError::refused("TooManyTargetGroups", text));
    }
    let arn = world.account.elb_arn("targetgroup", &format!("{name}/{}", world.ids.suffix()));
    let tags = read_tags(&input)?;
    world.elbv2.tags.insert(arn.clone(), tags);
    let group = TargetGroup { arn: arn.clone(), ..group };
    let shown = group.to_json();
    world.elbv2.groups.insert(arn, group);
    Ok(json!({"TargetGroups": [shown]}))
}

/// "at most 32 characters, alphanumeric or hyphens, must not begin or end with a hyphen" [BC
/// `CreateTargetGroup.Name`].
fn check_name(input: &Input<'_>, name: &str) -> Result<(), ApiError> {
    let allowed = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if name.is_empty()
        || name.len() > 32
        || !allowed
        || name.starts_with('-')
        || name.ends_with('-')
    {
        return Err(input.refuse(format!("The target group name '{name}' is not valid")));
    }
    Ok(())
}

fn new_group(input: &Input<'_>, name: &str) -> Result<TargetGroup, ApiError> {
    let target_type = match input.optional_text("TargetType")?.unwrap_or("instance") {
        "instance" => TargetType::Instance,
        "ip" => TargetType::Ip,
        other => {
            return Err(
                input.refuse(format!("TargetType '{other}' is not simulated: instance or ip"))
            );
        }
    };
    let protocol = input.text("Protocol")?.to_owned();
    let port = input.port("Port")?.ok_or_else(|| input.refuse("A port must be specified"))?;
    let network = matches!(protocol.as_str(), "TCP" | "UDP" | "TLS" | "TCP_UDP");
    // Defaults by protocol [BC CreateTargetGroup].
    let mut check = HealthCheck {
        protocol: if network { "TCP" } else { "HTTP" }.to_owned(),
        port: "traffic-port".to_owned(),
        path: (!network).then(|| "/".to_owned()),
        matcher: (!network).then(|| json!({"HttpCode": "200"})),
        enabled: true,
        interval_secs: 30,
        timeout_secs: if network { 10 } else { 5 },
        healthy_threshold: 5,
        unhealthy_threshold: 2,
    };
    set_health_check(&mut check, network, input)?;
    let version = input.optional_text("ProtocolVersion")?;
    Ok(TargetGroup {
        arn: String::new(),
        name: name.to_owned(),
        protocol_version: (!network).then(|| version.unwrap_or("HTTP1").to_owned()),
        protocol,
        port,
        vpc: input.optional_text("VpcId")?.unwrap_or(DEFAULT_VPC).to_owned(),
        target_type,
        family: input.optional_text("IpAddressType")?.unwrap_or("ipv4").to_owned(),
        check,
        attributes: attribute_api::defaults(network),
        targets: BTreeMap::new(),
        balancer: None,
    })
}

/// `CreateTargetGroup` "is idempotent: multiple target groups with the same settings, each call
/// succeeds" [BC].
fn same_settings(one: &TargetGroup, other: &TargetGroup) -> bool {
    let settings = |group: &TargetGroup| {
        let mut shown = group.to_json();
        for varying in ["TargetGroupArn", "LoadBalancerArns"] {
            shown.as_object_mut().and_then(|members| members.remove(varying));
        }
        shown
    };
    settings(one) == settings(other)
}

fn set_health_check(
    check: &mut HealthCheck,
    network: bool,
    input: &Input<'_>,
) -> Result<(), ApiError> {
    if let Some(protocol) = input.optional_text("HealthCheckProtocol")? {
        protocol.clone_into(&mut check.protocol);
        let allowed: &[&str] = if network { &["HTTP", "HTTPS", "TCP"] } else { &["HTTP", "HTTPS"] };
        if !allowed.contains(&protocol) {
            let text = format!(
                "Health check protocol '{protocol}' must be one of '{}'",
                allowed.join(", ")
            );
            return Err(input.refuse(text));
        }
        let http = protocol.starts_with("HTTP");
        check.path = if http { check.path.take().or_else(|| Some("/".to_owned())) } else { None };
        check.matcher = if http {
            check.matcher.take().or_else(|| Some(json!({"HttpCode": "200-399"})))
        } else {
            None
        };
    }
    if let Some(port) = input.optional_text("HealthCheckPort")? {
        port.clone_into(&mut check.port);
    }
    if let Some(path) = input.optional_text("HealthCheckPath")? {
        check.path = Some(path.to_owned());
    }
    if let Some(matcher) = input.get("Matcher") {
        check.matcher = Some(matcher.clone());
    }
    if check.protocol == "TCP" && (check.path.is_some() || check.matcher.is_some()) {
        return Err(
            input.refuse("Health check path and matcher cannot be specified for TCP health checks")
        );
    }
    if input.get("HealthCheckEnabled").is_some() {
        check.enabled = input.flag("HealthCheckEnabled")?;
    }
    check.interval_secs =
        input.number_in("HealthCheckIntervalSeconds", 5..=300)?.unwrap_or(check.interval_secs);
    check.timeout_secs =
        input.number_in("HealthCheckTimeoutSeconds", 2..=120)?.unwrap_or(check.timeout_secs);
    check.healthy_threshold =
        input.number_in("HealthyThresholdCount", 2..=10)?.unwrap_or(check.healthy_threshold);
    check.unhealthy_threshold =
        input.number_in("UnhealthyThresholdCount", 2..=10)?.unwrap_or(check.unhealthy_threshold);
    // The timeout of a TCP check may equal its interval.
    let longest = if network { check.interval_secs } else { check.interval_secs.saturating_sub(1) };
    if check.timeout_secs > longest {
        return Err(input.refuse("Health check interval must be greater than the timeout."));
    }
    Ok(())
}

pub(super) fn modify_target_group(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ModifyTargetGroup", input, "TargetGroupArn", HEALTH_OPTIONAL)?;
    let group = world.elbv2.find_group_mut(input.text("TargetGroupArn")?)?;
    let mut check = group.check.clone();
    set_health_check(&mut check, group.is_network(), &input)?;
    group.check = check;
    Ok(json!({"TargetGroups": [group.to_json()]}))
}

/// "You can delete a target group if it is not referenced by any actions" [BC `DeleteTargetGroup`];
/// its targets go with it.
pub(super) fn delete_target_group(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteTargetGroup", input, "TargetGroupArn", "")?;
    let arn = input.text("TargetGroupArn")?;
    if world.elbv2.group(arn).is_some_and(|group| group.balancer.is_some()) {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(ApiError::refused("ResourceInUse", message));
    }
    // Deleting a group that does not exist succeeds [MEM].
    world.elbv2.groups.remove(arn);
    world.elbv2.tags.remove(arn);
    Ok(json!({}))
}

/// Pages hold at most 400 groups. An ARN or name that is not found is an error, not an empty
/// response [BC].
pub(super) fn describe_target_groups(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read(
        "DescribeTargetGroups",
        input,
        "",
        "LoadBalancerArn TargetGroupArns Names Marker PageSize",
    )?;
    let (arns, names) = (input.texts("TargetGroupArns")?, input.texts("Names")?);
    let balancer = input.optional_text("LoadBalancerArn")?;
    if [!arns.is_empty(), !names.is_empty(), balancer.is_some()]
        .into_iter()
        .filter(|given| *given)
        .count()
        > 1
    {
        return Err(input.refuse(
            "Target group ARNs, names and a load balancer ARN cannot be specified at the same time",
        ));
    }
    let groups = &world.elbv2.groups;
    if arns.iter().any(|arn| !groups.contains_key(*arn))
        || names.iter().any(|name| !groups.values().any(|group| group.name == *name))
    {
        return Err(group_not_found());
    }
    if balancer.is_some_and(|arn| !world.elbv2.balancers.contains_key(arn)) {
        return Err(balancer_not_found());
    }
    let keep = |group: &TargetGroup| {
        (arns.is_empty() || arns.contains(&group.arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
            && (balancer.is_none() || group.balancer.as_deref() == balancer)
    };
    paged(&input, groups, keep, "TargetGroups", TargetGroup::to_json)
}
