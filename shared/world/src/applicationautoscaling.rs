//! Application Auto Scaling of ECS services: scalable targets, scaling policies, and changes of
//! desired counts.
//!
//! Knows desired counts only. Alarms have names but are never evaluated. Scheduled and predictive
//! scaling, and services other than ECS, are not simulated. Source:
//! <https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html>.

mod policy_api;
mod target_api;
#[cfg(test)]
mod tests;

use crate::World;
use crate::api::{ApiError, Caller, Service};
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// How often targets are evaluated: the period of the alarms that target tracking creates.
const LOOK_MS: u64 = 60_000;

#[derive(Debug)]
pub struct ApplicationAutoScaling {
    /// By resource id, such as `service/shop/web`.
    targets: BTreeMap<String, Target>,
    /// Simulates varying load: now and then the desired count of a target with a policy changes to
    /// another value within its limits.
    pub load_wanders: bool,
    rng: fastrand::Rng,
}

#[derive(Debug)]
struct Target {
    arn: String,
    min: u32,
    max: u32,
    suspended: Value,
    tags: BTreeMap<String, String>,
    created_ms: u64,
    /// By name.
    policies: BTreeMap<String, Policy>,
}

#[derive(Debug)]
struct Policy {
    arn: String,
    kind: String,
    /// The member that holds the configuration, and the configuration as it was given.
    configuration: (&'static str, Value),
    alarms: Value,
    created_ms: u64,
}

impl ApplicationAutoScaling {
    /// No targets. The seed is for the varying load.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { targets: BTreeMap::new(), load_wanders: false, rng: fastrand::Rng::with_seed(seed) }
    }
}

impl World {
    /// Scales `cluster/service` to a desired count within the limits of its target. Returns false
    /// if it has no target or already has that count.
    pub fn scale_service(&mut self, service: &str, wanted: u32) -> bool {
        let Some(target) = self.applicationautoscaling.targets.get(&format!("service/{service}"))
        else {
            return false;
        };
        let wanted = wanted.clamp(target.min, target.max);
        let Some((cluster, name)) = service.split_once('/') else { return false };
        if self.ecs.desired_count(service).is_none_or(|now| now == wanted) {
            return false;
        }
        let text = format!("scaling sets the desired count of {service} to {wanted}");
        self.journal.push(self.now_ms, Kind::Deployment, Some(service), text);
        let input = json!({"cluster": cluster, "service": name, "desiredCount": wanted});
        self.call(Caller::Ecs, Service::Ecs, "UpdateService", &input).is_ok()
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "RegisterScalableTarget" => target_api::register(world, input),
        "DescribeScalableTargets" => target_api::describe(world, input),
        "DeregisterScalableTarget" => target_api::deregister(world, input),
        "ListTagsForResource" => target_api::list_tags(world, input),
        "TagResource" => target_api::tag(world, input),
        "PutScalingPolicy" => policy_api::put(world, input),
        "DescribeScalingPolicies" => policy_api::describe(world, input),
        "DeleteScalingPolicy" => policy_api::delete(world, input),
        _ => Err(ApiError::unknown_operation(Service::ApplicationAutoScaling, operation)),
    }
}

/// Once a minute, moves targets with a policy back within their limits or to another count.
pub fn tick(world: &mut World) {
    if !world.now_ms.is_multiple_of(LOOK_MS) {
        return;
    }
    let scaling: Vec<(String, u32, u32)> = (world.applicationautoscaling.targets.iter())
        .filter(|(_, target)| !target.policies.is_empty())
        .filter_map(|(id, target)| {
            Some((id.strip_prefix("service/")?.to_owned(), target.min, target.max))
        })
        .collect();
    for (service, min, max) in scaling {
        let Some(now) = world.ecs.desired_count(&service) else { continue };
        let moves = world.applicationautoscaling.load_wanders
            && world.applicationautoscaling.rng.u8(0..4) == 0;
        let wanted = if moves { world.applicationautoscaling.rng.u32(min..=max) } else { now };
        world.scale_service(&service, wanted);
    }
}

/// The resource of the input, after checking its namespace and dimension.
fn resource<'a>(input: &Input<'a>) -> Result<&'a str, ApiError> {
    of_ecs(input)?;
    let id = input.text("ResourceId")?;
    let parts: Vec<&str> = id.split('/').collect();
    match (parts.as_slice(), input.text("ScalableDimension")?) {
        (["service", _, _], DIMENSION) => Ok(id),
        (["service", _, _], _) => {
            Err(input.refuse("Unsupported service namespace, resource type or scalable dimension"))
        }
        _ => Err(input.refuse(format!(
            "Resource ID {id} is not valid for ecs:service:DesiredCount: service/cluster/service"
        ))),
    }
}

fn of_ecs(input: &Input<'_>) -> Result<(), ApiError> {
    match input.text("ServiceNamespace")? {
        NAMESPACE => Ok(()),
        other => Err(input.refuse(format!("Service namespace {other} is not simulated: ecs"))),
    }
}

fn no_target(id: &str) -> ApiError {
    let text = format!(
        "No scalable target found for service namespace: {NAMESPACE}, resource ID: {id}, scalable dimension: {DIMENSION}"
    );
    ApiError::refused("ObjectNotFoundException", text)
}
