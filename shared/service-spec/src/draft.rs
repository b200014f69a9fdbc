//! Builds a [`Spec`] from the JSON of a whole spec. The reader has already reported what is missing
//! or wrong; this module leaves it out, so that the rest can still be verified.

use super::members::{list, number, text, texts};
use super::problem::{Position, Problem, ProblemCode};
use super::spec::{
    BlueGreen, HealthCheck, ListenerRef, LoadBalancing, LogGroup, OnDelete, Scaling, ScalingMetric,
    ScalingTarget, Spec, TargetGroupSpec,
};
use portkeeper_core::ids::ContainerPort;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member names of scaling, and what they track.
const METRICS: [ScalingMetric; 3] =
    [ScalingMetric::Cpu, ScalingMetric::Memory, ScalingMetric::RequestsPerTarget];

/// Builds the spec, and reports members that contradict each other.
pub(super) fn draft(
    root: &Value,
    positions: BTreeMap<String, Position>,
    problems: &mut Vec<Problem>,
) -> Spec {
    let mut service = root.get("service").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let cluster = cluster(root, &service, problems);
    if let Some(members) = service.as_object_mut() {
        members.remove("cluster");
        if members.remove("clientToken").is_some() {
            let message = "Portkeeper chooses the token, so that one spec creates one service; this one is ignored";
            problems.push(Problem::warning(
                ProblemCode::ClientToken,
                "service.clientToken",
                message,
            ));
        }
    }
    let task_definition = root.get("taskDefinition").cloned();
    let target_type = target_type(task_definition.as_ref(), &service);
    let name = text(&service, "serviceName").unwrap_or_default().to_owned();
    let entries = list(root, "loadBalancing").iter();
    let load_balancing =
        entries.filter_map(|entry| load_balancing(entry, &name, target_type)).collect();
    Spec {
        cluster,
        task_definition,
        service,
        load_balancing,
        scaling: root.get("scaling").and_then(scaling),
        log_groups: list(root, "logGroups").iter().filter_map(log_group).collect(),
        tags: string_map(root.get("tags")),
        on_delete: if text(root, "onDelete") == Some("delete") {
            OnDelete::Delete
        } else {
            OnDelete::Keep
        },
        positions,
    }
}

fn cluster(root: &Value, service: &Value, problems: &mut Vec<Problem>) -> String {
    match (text(root, "cluster"), text(service, "cluster")) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            let message = format!("`cluster` is {ours}, but here it is {theirs}; keep one of them");
            problems.push(Problem::error(ProblemCode::TwoClusters, "service.cluster", message));
            ours.to_owned()
        }
        (Some(cluster), _) | (None, Some(cluster)) => cluster.to_owned(),
        (None, None) => {
            problems.push(Problem::error(
                ProblemCode::MissingMember,
                "cluster",
                "`cluster` is missing: set it to the cluster's name or ARN",
            ));
            String::new()
        }
    }
}

/// Targets are addresses if each task has its own, and otherwise instances with a port.
fn target_type(task_definition: Option<&Value>, service: &Value) -> &'static str {
    let has_address = match task_definition {
        Some(definition) => text(definition, "networkMode") == Some("awsvpc"),
        None => service.get("networkConfiguration").is_some(),
    };
    if has_address { "ip" } else { "instance" }
}

fn load_balancing(entry: &Value, service: &str, target_type: &str) -> Option<LoadBalancing> {
    let empty = Value::Null;
    let listener = entry.get("listener").unwrap_or(&empty);
    let listener = match listener.as_str() {
        Some(arn) => ListenerRef::Arn(arn.to_owned()),
        None => ListenerRef::On {
            load_balancer: text(listener, "loadBalancer").unwrap_or_default().to_owned(),
            port: number(listener, "port")
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or_default(),
        },
    };
    let port = number(entry, "port").and_then(|port| ContainerPort::try_from(port).ok());
    Some(LoadBalancing {
        container: text(entry, "container").unwrap_or_default().to_owned(),
        // Any number would do: the reader has already reported that it is missing.
        port: port.or_else(|| ContainerPort::try_from(80).ok())?,
        listener,
        hosts: one_or_several(entry, "host"),
        paths: one_or_several(entry, "path"),
        priority: small(entry, "priority"),
        certificate: owned(entry, "certificateArn"),
        group: group(entry.get("targetGroup").unwrap_or(&empty), service, target_type),
        blue_green: entry.get("blueGreen").and_then(blue_green),
    })
}

fn group(group: &Value, service: &str, target_type: &str) -> TargetGroupSpec {
    let mut attributes = string_map(group.get("attributes"));
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.entry(key.to_owned()).or_insert(value);
        }
    };
    let seconds = |name: &str| number(group, name).map(|number| number.to_string());
    set("deregistration_delay.timeout_seconds", seconds("deregistrationDelaySeconds"));
    set("slow_start.duration_seconds", seconds("slowStartSeconds"));
    set("load_balancing.algorithm.type", owned(group, "loadBalancingAlgorithm"));
    if let Some(stickiness) = group.get("stickiness") {
        let kind = owned(stickiness, "type");
        let duration = number(stickiness, "durationSeconds").map(|number| number.to_string());
        set("stickiness.enabled", Some("true".to_owned()));
        if let Some(kind) = kind.as_deref().filter(|kind| kind.ends_with("_cookie")) {
            set(&format!("stickiness.{kind}.duration_seconds"), duration);
        }
        set("stickiness.type", kind);
        set("stickiness.app_cookie.cookie_name", owned(stickiness, "cookieName"));
    }
    TargetGroupSpec {
        name: text(group, "name").unwrap_or(service).to_owned(),
        protocol: text(group, "protocol").unwrap_or("HTTP").to_owned(),
        protocol_version: owned(group, "protocolVersion"),
        target_type: text(group, "targetType").unwrap_or(target_type).to_owned(),
        ip_address_type: owned(group, "ipAddressType"),
        health_check: group.get("healthCheck").map(health_check).unwrap_or_default(),
        attributes,
    }
}

fn health_check(check: &Value) -> HealthCheck {
    HealthCheck {
        protocol: owned(check, "protocol"),
        port: owned(check, "port"),
        path: owned(check, "path"),
        codes: owned(check, "codes"),
        interval_seconds: small(check, "intervalSeconds"),
        timeout_seconds: small(check, "timeoutSeconds"),
        healthy_threshold: small(check, "healthyThreshold"),
        unhealthy_threshold: small(check, "unhealthyThreshold"),
    }
}

fn blue_green(blue_green: &Value) -> Option<BlueGreen> {
    Some(BlueGreen {
        alternate_group: owned(blue_green, "alternateTargetGroup")?,
        role: owned(blue_green, "roleArn")?,
        test_listener_rule: owned(blue_green, "testListenerRuleArn"),
    })
}

fn scaling(scaling: &Value) -> Option<Scaling> {
    let targets = METRICS.into_iter().filter_map(|metric| {
        let tracking = scaling.get(metric.as_str())?;
        let value = tracking.as_f64().or_else(|| tracking.get("value")?.as_f64())?;
        Some(ScalingTarget {
            metric,
            value,
            scale_out_cooldown_seconds: small(tracking, "scaleOutCooldownSeconds"),
            scale_in_cooldown_seconds: small(tracking, "scaleInCooldownSeconds"),
            group: owned(tracking, "targetGroup"),
        })
    });
    Some(Scaling {
        min: small(scaling, "min")?,
        max: small(scaling, "max")?,
        targets: targets.collect(),
    })
}

fn log_group(group: &Value) -> Option<LogGroup> {
    Some(LogGroup { name: owned(group, "name")?, retention_days: small(group, "retentionDays") })
}

fn owned(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(str::to_owned)
}

fn small(value: &Value, name: &str) -> Option<u32> {
    u32::try_from(number(value, name)?).ok()
}

fn one_or_several(value: &Value, name: &str) -> Vec<String> {
    match text(value, name) {
        Some(one) => vec![one.to_owned()],
        None => texts(value, name).map(str::to_owned).collect(),
    }
}

fn string_map(value: Option<&Value>) -> BTreeMap<String, String> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
