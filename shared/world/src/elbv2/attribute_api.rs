//! Attributes of target groups, with their defaults by load balancer type [BC
//! `TargetGroupAttribute`].

use super::conventions::read;
use super::groups::TargetGroup;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OF_ALL: [(&str, &str); 7] = [
    ("deregistration_delay.timeout_seconds", "300"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("stickiness.enabled", "false"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
];

const OF_APPLICATIONS: [(&str, &str); 7] = [
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
];

const OF_NETWORKS: [(&str, &str); 6] = [
    ("deregistration_delay.connection_termination.enabled", "false"),
    ("preserve_client_ip.enabled", "true"),
    ("proxy_protocol_v2.enabled", "false"),
    ("stickiness.type", "source_ip"),
    ("target_health_state.unhealthy.connection_termination.enabled", "true"),
    ("target_health_state.unhealthy.draining_interval_seconds", "0"),
];

/// The attributes of a new group.
pub(super) fn defaults(network: bool) -> BTreeMap<String, String> {
    let own: &[(&str, &str)] = if network { &OF_NETWORKS } else { &OF_APPLICATIONS };
    OF_ALL.iter().chain(own).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn show(group: &TargetGroup) -> Value {
    let pairs = group.attributes.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    json!({"Attributes": pairs.collect::<Vec<_>>()})
}

pub(super) fn describe_attributes(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTargetGroupAttributes", input, "TargetGroupArn", "")?;
    Ok(show(world.elbv2.find_group(input.text("TargetGroupArn")?)?))
}

/// Changes all given attributes, or none.
pub(super) fn modify_attributes(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("ModifyTargetGroupAttributes", input, "TargetGroupArn Attributes", "")?;
    let group = world.elbv2.find_group_mut(input.text("TargetGroupArn")?)?;
    input.required_list("Attributes")?;
    let given = input.pairs("Attributes", "Key", "Value")?;
    for (key, value) in &given {
        if !group.attributes.contains_key(key) {
            return Err(
                input.refuse(format!("Target group attribute key '{key}' is not recognized"))
            );
        }
        check(&input, key, value)?;
    }
    group.attributes.extend(given);
    Ok(show(group))
}

fn check(input: &Input<'_>, key: &str, value: &str) -> Result<(), ApiError> {
    let number = value.parse::<u64>().ok();
    let (fits, allowed) = match key {
        "deregistration_delay.timeout_seconds" => (number.is_some_and(|n| n <= 3600), "0 to 3600"),
        "slow_start.duration_seconds" => {
            (number.is_some_and(|n| n == 0 || (30..=900).contains(&n)), "0, or 30 to 900")
        }
        "stickiness.lb_cookie.duration_seconds" | "stickiness.app_cookie.duration_seconds" => {
            (number.is_some_and(|n| (1..=604_800).contains(&n)), "1 to 604800")
        }
        "stickiness.type" => (
            matches!(value, "lb_cookie" | "app_cookie" | "source_ip"),
            "lb_cookie, app_cookie or source_ip",
        ),
        _ if key.ends_with(".enabled") && !key.contains("cross_zone") => {
            (matches!(value, "true" | "false"), "true or false")
        }
        _ => (true, ""),
    };
    if fits {
        Ok(())
    } else {
        Err(input.refuse(format!("'{value}' is not a valid value for {key}: {allowed}")))
    }
}
