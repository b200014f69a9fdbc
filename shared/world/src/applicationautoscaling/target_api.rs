//! Operations on scalable targets.

use super::{DIMENSION, NAMESPACE, Target, no_target, of_ecs, resource};
use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{paging, time};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROLE: &str = "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService";

/// Registers a target, or updates the given members of a registered one. Tags apply only to a new
/// one.
pub(super) fn register(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let required = "ServiceNamespace ResourceId ScalableDimension";
    let optional = "MinCapacity MaxCapacity RoleARN SuspendedState Tags";
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "RegisterScalableTarget",
        input,
        required,
        optional,
    )?;
    let id = resource(&input)?;
    if world.ecs.desired_count(id.strip_prefix("service/").unwrap_or(id)).is_none() {
        return Err(input.refuse(format!("ECS service doesn't exist: {id}")));
    }
    let number = |name: &str| input.number_in(name, 0..=u64::from(u32::MAX));
    let capacity = |given: Option<u64>, held: Option<u32>, which: &str| {
        let given = given.and_then(|given| u32::try_from(given).ok());
        given.or(held).ok_or_else(|| {
            input.refuse(format!("{which} capacity is required for a new scalable target"))
        })
    };
    let held = world.applicationautoscaling.targets.get(id);
    let min = capacity(number("MinCapacity")?, held.map(|target| target.min), "Minimum")?;
    let max = capacity(number("MaxCapacity")?, held.map(|target| target.max), "Maximum")?;
    if max < min {
        return Err(input.refuse("Maximum capacity cannot be less than minimum capacity"));
    }
    let suspended = input.get("SuspendedState").cloned();
    let tags = read_tags(&input)?;
    if held.is_some() && !tags.is_empty() {
        return Err(
            input.refuse("Tags can only be given for a new scalable target: use TagResource")
        );
    }
    let arn = world
        .account
        .arn("application-autoscaling", &format!("scalable-target/0{}", world.ids.hex(35)));
    let now = world.now_ms();
    let target =
        world.applicationautoscaling.targets.entry(id.to_owned()).or_insert_with(|| Target {
            arn,
            min,
            max,
            suspended: json!({
                "DynamicScalingInSuspended": false,
                "DynamicScalingOutSuspended": false,
                "ScheduledScalingSuspended": false,
            }),
            tags,
            created_ms: now,
            policies: BTreeMap::new(),
        });
    (target.min, target.max) = (min, max);
    if let Some(suspended) = suspended {
        target.suspended = suspended;
    }
    Ok(json!({"ScalableTargetARN": target.arn}))
}

fn read_tags(input: &Input<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let pair = |(key, value): (&String, &Value)| Some((key.clone(), text(value)?));
    let tags: Option<_> = input.optional_map("Tags")?.into_iter().flatten().map(pair).collect();
    tags.ok_or_else(|| input.refuse("Tags must be strings"))
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "ResourceIds ScalableDimension MaxResults NextToken";
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "DescribeScalableTargets",
        input,
        "ServiceNamespace",
        optional,
    )?;
    of_ecs(&input)?;
    let asked = input.texts("ResourceIds")?;
    let of_dimension =
        input.optional_text("ScalableDimension")?.is_none_or(|dimension| dimension == DIMENSION);
    let limit = input
        .number_in("MaxResults", 1..=50)?
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(50);
    let targets = &world.applicationautoscaling.targets;
    let keep = |target: &Target| {
        let id = targets.iter().find(|(_, held)| held.arn == target.arn).map(|(id, _)| id.as_str());
        of_dimension && (asked.is_empty() || id.is_some_and(|id| asked.contains(&id)))
    };
    let (ids, next) = paging::page(targets, keep, input.optional_text("NextToken")?, limit)
        .ok_or_else(|| {
            ApiError::refused("InvalidNextTokenException", "The next token supplied was invalid")
        })?;
    let shown: Vec<Value> =
        ids.iter().filter_map(|id| Some(show(world, id, targets.get(id)?))).collect();
    Ok(paging::with_next(json!({"ScalableTargets": shown}), "NextToken", next))
}

fn show(world: &World, id: &str, target: &Target) -> Value {
    json!({
        "ServiceNamespace": NAMESPACE,
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.min,
        "MaxCapacity": target.max,
        "RoleARN": world.account.role_arn(ROLE),
        "CreationTime": time::epoch(target.created_ms),
        "SuspendedState": target.suspended,
        "ScalableTargetARN": target.arn,
    })
}

/// "Deregistering a scalable target deletes the scaling policies that are associated with it" [BC].
pub(super) fn deregister(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let required = "ServiceNamespace ResourceId ScalableDimension";
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "DeregisterScalableTarget",
        input,
        required,
        "",
    )?;
    let id = resource(&input)?;
    world.applicationautoscaling.targets.remove(id).map(|_| json!({})).ok_or_else(|| no_target(id))
}

pub(super) fn list_tags(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(
        Service::ApplicationAutoScaling,
        "ListTagsForResource",
        input,
        "ResourceARN",
        "",
    )?;
    let arn = input.text("ResourceARN")?;
    let target = world.applicationautoscaling.targets.values().find(|target| target.arn == arn);
    target.map(|target| json!({"Tags": target.tags})).ok_or_else(|| no_resource(arn))
}

pub(super) fn tag(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        Input::read(Service::ApplicationAutoScaling, "TagResource", input, "ResourceARN Tags", "")?;
    let (arn, tags) = (input.text("ResourceARN")?, read_tags(&input)?);
    let target = world.applicationautoscaling.targets.values_mut().find(|target| target.arn == arn);
    target.ok_or_else(|| no_resource(arn))?.tags.extend(tags);
    Ok(json!({}))
}

fn no_resource(arn: &str) -> ApiError {
    ApiError::refused(
        "ResourceNotFoundException",
        format!("The specified resource doesn't exist: {arn}"),
    )
}
