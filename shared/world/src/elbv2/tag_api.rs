//! Operations on the tags of load balancers, listeners, rules and target groups.

use super::conventions::{group_not_found, read};
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// "Maximum number of tags per resource: 50" [DG limits].
const MOST_TAGS: usize = 50;

/// The `Tags` member of a create or tag operation.
pub(super) fn read_tags(input: &Input<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    let tags = input.pairs("Tags", "Key", "Value")?;
    if tags.len() > MOST_TAGS {
        return Err(too_many());
    }
    match tags.keys().find(|key| key.to_lowercase().starts_with("aws:")) {
        Some(key) => Err(input.refuse(format!("The tag key '{key}' is reserved for AWS"))),
        None => Ok(tags),
    }
}

pub(super) fn add_tags(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("AddTags", input, "ResourceArns Tags", "")?;
    let added = read_tags(&input)?;
    for arn in known_resources(world, &input)? {
        let tags = world.elbv2.tags.entry(arn).or_default();
        let new = added.keys().filter(|key| !tags.contains_key(*key)).count();
        if tags.len() + new > MOST_TAGS {
            return Err(too_many());
        }
        tags.extend(added.clone());
    }
    Ok(json!({}))
}

pub(super) fn remove_tags(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("RemoveTags", input, "ResourceArns TagKeys", "")?;
    let keys = input.texts("TagKeys")?;
    for arn in known_resources(world, &input)? {
        world.elbv2.tags.entry(arn).or_default().retain(|key, _| !keys.contains(&key.as_str()));
    }
    Ok(json!({}))
}

fn too_many() -> ApiError {
    ApiError::refused(
        "TooManyTags",
        format!("The limit of {MOST_TAGS} tags per resource was reached"),
    )
}

/// At most 20 resources per call [MEM].
pub(super) fn describe_tags(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTags", input, "ResourceArns", "")?;
    let show = |arn: String| {
        let tags = world.elbv2.tags.get(&arn).into_iter().flatten();
        let tags: Vec<Value> =
            tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"ResourceArn": arn, "Tags": tags})
    };
    let shown: Vec<Value> = known_resources(world, &input)?.into_iter().map(show).collect();
    Ok(json!({"TagDescriptions": shown}))
}

fn known_resources(world: &World, input: &Input<'_>) -> Result<Vec<String>, ApiError> {
    input.required_list("ResourceArns")?;
    let arns = input.texts("ResourceArns")?;
    if arns.len() > 20 {
        return Err(input.refuse("Up to 20 resources can be given"));
    }
    let elb = &world.elbv2;
    let known = |arn: &str| {
        elb.groups.contains_key(arn)
            || elb.balancers.contains_key(arn)
            || elb.listeners.contains_key(arn)
            || elb.rules.contains_key(arn)
    };
    let check = |arn: &&str| match *arn {
        arn if known(arn) => Ok(arn.to_owned()),
        arn if arn.contains(":targetgroup/") => Err(group_not_found()),
        arn => Err(ApiError::refused("LoadBalancerNotFound", format!("'{arn}' not found"))),
    };
    arns.iter().map(check).collect()
}
