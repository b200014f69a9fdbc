//! Exports a spec of an existing service: what AWS returns, without read-only members and defaults.
//! A plan for this spec on the same account changes only tags.

use super::difference::is_default;
use super::found::Found;
use super::members::{list, number, says_nothing, text};
use super::plan::metric_of_policy;
use super::shapes::{Shape, Shapes, TASK_DEFINITION};
use super::spec::ScalingMetric;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The shape of the service's input.
const SERVICE: &str = "CreateServiceRequest";

/// Members that the spec contains elsewhere or not at all: the role is the service-linked one, and
/// the service runs the spec's own task definition.
const NOT_OF_SERVICE: [&str; 5] = ["cluster", "taskDefinition", "clientToken", "tags", "role"];

/// Members of the service that are left out where they have these values, which are AWS's own.
const DEFAULTS: [(&str, &str); 4] = [
    ("/propagateTags", "NONE"),
    ("/schedulingStrategy", "REPLICA"),
    ("/deploymentController/type", "ECS"),
    ("/deploymentConfiguration/strategy", "ROLLING"),
];

/// Why no spec of the service can be exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExported {
    /// There is no such cluster.
    #[error("cluster not found: check its name, the region, and the account of the credentials")]
    NoCluster,
    /// There is no such service.
    #[error("service not found")]
    NoService,
    /// Its task definition was not found.
    #[error("task definition of the service not found")]
    NoTaskDefinition,
}

/// The spec, as JSON. `cluster`: as the user names it. `found` must have the service, and the task
/// definition that it runs.
pub fn export(cluster: &str, found: &Found) -> Result<Value, NotExported> {
    let shapes = Shapes::load();
    if found.cluster.is_none() {
        return Err(NotExported::NoCluster);
    }
    let service = found.service.as_ref().ok_or(NotExported::NoService)?;
    let definition = found.task_definition.as_ref().ok_or(NotExported::NoTaskDefinition)?;
    let mut input = cleaned(&shapes, SERVICE, &with_deployment(&service.shown));
    let mut task_definition = cleaned(&shapes, TASK_DEFINITION, &definition.shown);
    for (value, tags) in [(&mut input, &service.tags), (&mut task_definition, &definition.tags)] {
        let tags = tags_of_people(tags);
        if !tags.is_empty() {
            set(value, "tags", Value::Array(tags));
        }
    }
    let mut spec =
        json!({ "cluster": cluster, "taskDefinition": task_definition, "service": input });
    if let Some(scaling) = scaling(found) {
        set(&mut spec, "scaling", scaling);
    }
    Ok(spec)
}

fn set(value: &mut Value, member: &str, to: Value) {
    if let Some(members) = value.as_object_mut() {
        members.insert(member.to_owned(), to);
    }
}

/// ECS shows some members only with the primary deployment.
fn with_deployment(shown: &Value) -> Value {
    let mut service = shown.clone();
    for member in NOT_OF_SERVICE {
        if let Some(members) = service.as_object_mut() {
            members.remove(member);
        }
    }
    let primary =
        list(shown, "deployments").iter().find(|it| text(it, "status") == Some("PRIMARY"));
    for member in
        ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"]
    {
        if let Some(value) =
            primary.and_then(|primary| primary.get(member)).filter(|_| shown.get(member).is_none())
        {
            set(&mut service, member, value.clone());
        }
    }
    for (pointer, default) in DEFAULTS {
        let (parent, member) = pointer.rsplit_once('/').unwrap_or_default();
        let is_default = service.pointer(pointer).and_then(Value::as_str) == Some(default);
        if let Some(members) =
            service.pointer_mut(parent).and_then(Value::as_object_mut).filter(|_| is_default)
        {
            members.remove(member);
        }
    }
    // If there is a strategy, the launch type only follows from it.
    if !list(shown, "capacityProviderStrategy").is_empty()
        && let Some(members) = service.as_object_mut()
    {
        members.remove("launchType");
    }
    if number(&service, "healthCheckGracePeriodSeconds") == Some(0)
        && let Some(members) = service.as_object_mut()
    {
        members.remove("healthCheckGracePeriodSeconds");
    }
    service
}

/// Only members that the input accepts, without AWS's defaults.
fn cleaned(shapes: &Shapes, shape: &str, shown: &Value) -> Value {
    match (shapes.get(shape), shown) {
        (Shape::Structure { members, .. }, Value::Object(given)) => {
            let kept = members.iter().filter_map(|member| {
                let value = given.get(member.name)?;
                let is_needed = member.required || member.name == "desiredCount";
                if !is_needed && is_default(member.name, Some(value), shown) {
                    return None;
                }
                let value = cleaned(shapes, member.shape, value);
                (is_needed || !says_nothing(Some(&value))).then(|| (member.name.to_owned(), value))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        (Shape::List { of, .. }, Value::Array(elements)) => {
            Value::Array(elements.iter().map(|element| cleaned(shapes, of, element)).collect())
        }
        _ => shown.clone(),
    }
}

fn tags_of_people(tags: &BTreeMap<String, String>) -> Vec<Value> {
    let tags = tags
        .iter()
        .filter(|(key, _)| !key.starts_with("portkeeper:spec") && !key.starts_with("aws:"));
    tags.map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// Exports the limits and Portkeeper's own policies. Other policies are left out.
fn scaling(found: &Found) -> Option<Value> {
    let scaling = found.scaling.as_ref()?;
    let mut exported = json!({ "min": scaling.min, "max": scaling.max });
    for (name, policy) in &scaling.policies {
        // Requests are counted for a target group of `loadBalancing`, which an exported spec does
        // not have.
        let metric =
            metric_of_policy(name).filter(|metric| *metric != ScalingMetric::RequestsPerTarget);
        let (Some(metric), Some(value)) = (metric, policy.get("TargetValue")) else { continue };
        let mut tracking = json!({ "value": value });
        for (member, shown) in [
            ("scaleOutCooldownSeconds", "ScaleOutCooldown"),
            ("scaleInCooldownSeconds", "ScaleInCooldown"),
        ] {
            if let Some(seconds) = policy.get(shown).filter(|seconds| seconds.is_u64()) {
                set(&mut tracking, member, seconds.clone());
            }
        }
        set(&mut exported, metric.as_str(), tracking);
    }
    Some(exported)
}
