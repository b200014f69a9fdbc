//! Operations on scaling policies.

use super::{DIMENSION, NAMESPACE, Policy, no_target, of_ecs, resource};
use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{paging, time};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The predefined metrics that are simulated.
const METRICS: [&str; 5] = [
    "ALBRequestCountPerTarget",
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageMemoryUtilizationHighResolution",
];

/// Creates a policy, or replaces the one with the same name, which keeps its ARN.
pub(super) fn put(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let required = "PolicyName ServiceNamespace ResourceId ScalableDimension";
    let optional =
        "PolicyType StepScalingPolicyConfiguration TargetTrackingScalingPolicyConfiguration";
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "PutScalingPolicy",
        input,
        required,
        optional,
    )?;
    let (id, name) = (resource(&input)?, input.text("PolicyName")?);
    let target = world.applicationautoscaling.targets.get(id).ok_or_else(|| no_target(id))?;
    let kind = input.optional_text("PolicyType")?.unwrap_or("StepScaling");
    let member = match kind {
        "StepScaling" => "StepScalingPolicyConfiguration",
        "TargetTrackingScaling" => "TargetTrackingScalingPolicyConfiguration",
        other => return Err(input.refuse(format!("Policy type {other} is not simulated"))),
    };
    let configuration = Value::Object(input.map(member)?.clone());
    if kind == "TargetTrackingScaling" {
        let metric = tracked(&input, &configuration)?;
        let same = |(other, policy): (&String, &Policy)| {
            other != name && metric_of(&policy.configuration.1) == metric
        };
        if metric.is_some() && target.policies.iter().any(same) {
            let text = "Only one TargetTrackingScaling policy for a given metric specification is allowed.";
            return Err(input.refuse(text));
        }
    }
    let held = target.policies.get(name).map(|policy| (policy.arn.clone(), policy.created_ms));
    let (arn, created_ms) = held.unwrap_or_else(|| {
        let path = format!(
            "scalingPolicy:{}:resource/{NAMESPACE}/{id}:policyName/{name}",
            world.ids.uuid()
        );
        (world.account.arn("autoscaling", &path), world.now_ms())
    });
    let alarms = alarms(world, id, kind);
    let policy = Policy {
        arn: arn.clone(),
        kind: kind.to_owned(),
        configuration: (member, configuration),
        alarms: alarms.clone(),
        created_ms,
    };
    if let Some(target) = world.applicationautoscaling.targets.get_mut(id) {
        target.policies.insert(name.to_owned(), policy);
    }
    Ok(json!({"PolicyARN": arn, "Alarms": alarms}))
}

/// Checks a target tracking configuration and returns its predefined metric.
fn tracked<'a>(input: &Input<'a>, configuration: &'a Value) -> Result<Option<&'a str>, ApiError> {
    let optional = "PredefinedMetricSpecification CustomizedMetricSpecification ScaleOutCooldown ScaleInCooldown \
        DisableScaleIn";
    let place = "TargetTrackingScalingPolicyConfiguration";
    let given = input.nested(place, configuration, "TargetValue", optional)?;
    if !given.get("TargetValue").is_some_and(Value::is_number) {
        return Err(ApiError::refused("SerializationException", "TargetValue must be a number"));
    }
    given.number("ScaleOutCooldown")?;
    given.number("ScaleInCooldown")?;
    let specification = given.get("PredefinedMetricSpecification");
    match (specification, given.get("CustomizedMetricSpecification")) {
        (None, Some(_)) => Ok(None),
        (Some(specification), None) => {
            let place = "PredefinedMetricSpecification";
            let metric =
                given.nested(place, specification, "PredefinedMetricType", "ResourceLabel")?;
            let kind = metric.text("PredefinedMetricType")?;
            if !METRICS.contains(&kind) {
                return Err(input.refuse(format!(
                    "Metric type {kind} is not supported for ecs:service:DesiredCount"
                )));
            }
            let label = metric.optional_text("ResourceLabel")?;
            let label_fits = label
                .is_some_and(|label| label.starts_with("app/") && label.contains("/targetgroup/"));
            if (kind == "ALBRequestCountPerTarget") != label_fits {
                return Err(
                    input.refuse(format!("ResourceLabel does not fit the metric type {kind}"))
                );
            }
            Ok(Some(kind))
        }
        _ => Err(input.refuse(
            "Exactly one of a predefined and a customized metric specification must be given",
        )),
    }
}

fn metric_of(configuration: &Value) -> Option<&str> {
    configuration.pointer("/PredefinedMetricSpecification/PredefinedMetricType")?.as_str()
}

/// Target tracking creates two alarms.
fn alarms(world: &mut World, id: &str, kind: &str) -> Value {
    if kind != "TargetTrackingScaling" {
        return json!([]);
    }
    let alarm = |which: &str| {
        let name = format!("TargetTracking-{id}-{which}-{}", world.ids.uuid());
        json!({"AlarmName": name, "AlarmARN": world.account.arn("cloudwatch", &format!("alarm:{name}"))})
    };
    ["AlarmHigh", "AlarmLow"].map(alarm).into_iter().collect()
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "PolicyNames ResourceId ScalableDimension MaxResults NextToken";
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "DescribeScalingPolicies",
        input,
        "ServiceNamespace",
        optional,
    )?;
    of_ecs(&input)?;
    let (id, names) = (input.optional_text("ResourceId")?, input.texts("PolicyNames")?);
    if input.optional_text("ScalableDimension")?.is_some() && id.is_none() {
        return Err(input.refuse("A scalable dimension needs a resource ID"));
    }
    let mut shown = BTreeMap::new();
    for (target, held) in &world.applicationautoscaling.targets {
        for (name, policy) in &held.policies {
            if id.is_none_or(|id| id == target)
                && (names.is_empty() || names.contains(&name.as_str()))
            {
                shown.insert(format!("{target}/{name}"), show(target, name, policy));
            }
        }
    }
    let limit = input
        .number_in("MaxResults", 1..=10)?
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(10);
    let (keys, next) = paging::page(&shown, |_| true, input.optional_text("NextToken")?, limit)
        .ok_or_else(|| {
            ApiError::refused("InvalidNextTokenException", "The next token supplied was invalid")
        })?;
    let policies: Vec<Value> = keys.iter().filter_map(|key| shown.remove(key)).collect();
    Ok(paging::with_next(json!({"ScalingPolicies": policies}), "NextToken", next))
}

fn show(target: &str, name: &str, policy: &Policy) -> Value {
    let (member, configuration) = &policy.configuration;
    let mut shown = Map::new();
    for (name, value) in [
        ("PolicyARN", json!(policy.arn)),
        ("PolicyName", json!(name)),
        ("ServiceNamespace", json!(NAMESPACE)),
        ("ResourceId", json!(target)),
        ("ScalableDimension", json!(DIMENSION)),
        ("PolicyType", json!(policy.kind)),
        (*member, configuration.clone()),
        ("Alarms", policy.alarms.clone()),
        ("CreationTime", time::epoch(policy.created_ms)),
    ] {
        shown.insert(name.to_owned(), value);
    }
    Value::Object(shown)
}

pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let required = "PolicyName ServiceNamespace ResourceId ScalableDimension";
    let input =
        Input::read(Service::ApplicationAutoScaling, "DeleteScalingPolicy", input, required, "")?;
    let (id, name) = (resource(&input)?, input.text("PolicyName")?);
    let target = world.applicationautoscaling.targets.get_mut(id).ok_or_else(|| no_target(id))?;
    let text = format!(
        "No scaling policy found for service namespace: {NAMESPACE}, resource ID: {id}, policy name: {name}"
    );
    let gone = || ApiError::refused("ObjectNotFoundException", text);
    target.policies.remove(name).map(|_| json!({})).ok_or_else(gone)
}
