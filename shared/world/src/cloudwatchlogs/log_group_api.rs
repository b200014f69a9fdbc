//! Operations on log groups, their retention and their tags.

use super::Group;
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{World, paging};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// "Possible values are" [BC `PutRetentionPolicy`].
const RETENTION_DAYS: [u64; 23] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653, 3654,
];

pub(super) fn create_log_group(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(
        Service::CloudWatchLogs,
        "CreateLogGroup",
        input,
        "logGroupName",
        "kmsKeyId tags logGroupClass",
    )?;
    let name = input.text("logGroupName")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
        return Err(input.refuse(format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    if world.cloudwatchlogs.groups.contains_key(name) {
        return Err(ApiError::refused(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let group = Group {
        name: name.to_owned(),
        retention_days: None,
        class: input.optional_text("logGroupClass")?.unwrap_or("STANDARD").to_owned(),
        key: input.optional_text("kmsKeyId")?.map(str::to_owned),
        tags: read_tags(&input)?,
        created_ms: world.now_ms(),
    };
    world.cloudwatchlogs.groups.insert(name.to_owned(), group);
    Ok(json!({}))
}

fn read_tags(input: &Input<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    let tags: Option<_> = input.optional_map("tags")?.into_iter().flatten().map(pair).collect();
    tags.ok_or_else(|| input.refuse("tags must be strings"))
}

pub(super) fn describe_log_groups(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "logGroupNamePrefix logGroupNamePattern nextToken limit logGroupClass";
    let input = Input::read(Service::CloudWatchLogs, "DescribeLogGroups", input, "", optional)?;
    let (prefix, part) =
        (input.optional_text("logGroupNamePrefix")?, input.optional_text("logGroupNamePattern")?);
    if prefix.is_some() && part.is_some() {
        return Err(input.refuse(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let class = input.optional_text("logGroupClass")?;
    let limit = input
        .number_in("limit", 1..=50)?
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(50);
    let keep = |group: &Group| {
        prefix.is_none_or(|prefix| group.name.starts_with(prefix))
            && part.is_none_or(|part| group.name.to_lowercase().contains(&part.to_lowercase()))
            && class.is_none_or(|class| group.class == class)
    };
    let (names, next) =
        paging::page(&world.cloudwatchlogs.groups, keep, input.optional_text("nextToken")?, limit)
            .ok_or_else(|| input.refuse("The specified nextToken is invalid."))?;
    let groups = names.iter().filter_map(|name| world.cloudwatchlogs.groups.get(name));
    let shown: Vec<Value> = groups.map(|group| show(world, group)).collect();
    Ok(paging::with_next(json!({"logGroups": shown}), "nextToken", next))
}

fn show(world: &World, group: &Group) -> Value {
    let arn = arn(world, &group.name);
    let mut shown = json!({
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": 0,
        "logGroupClass": group.class,
    });
    if let Some(members) = shown.as_object_mut() {
        members
            .extend(group.retention_days.map(|days| ("retentionInDays".to_owned(), json!(days))));
        members.extend(group.key.as_ref().map(|key| ("kmsKeyId".to_owned(), json!(key))));
    }
    shown
}

fn arn(world: &World, name: &str) -> String {
    world.account.arn("logs", &format!("log-group:{name}"))
}

pub(super) fn put_retention_policy(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(
        Service::CloudWatchLogs,
        "PutRetentionPolicy",
        input,
        "logGroupName retentionInDays",
        "",
    )?;
    let days = input.number("retentionInDays")?.filter(|days| RETENTION_DAYS.contains(days));
    let days = days.ok_or_else(|| {
        let allowed: Vec<String> = RETENTION_DAYS.iter().map(u64::to_string).collect();
        input.refuse(format!(
            "1 validation error detected: Value at 'retentionInDays' failed to satisfy constraint: Member must satisfy \
             enum value set: [{}]",
            allowed.join(", ")
        ))
    })?;
    group(world, &input)?.retention_days = Some(days);
    Ok(json!({}))
}

pub(super) fn delete_retention_policy(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        Input::read(Service::CloudWatchLogs, "DeleteRetentionPolicy", input, "logGroupName", "")?;
    group(world, &input)?.retention_days = None;
    Ok(json!({}))
}

pub(super) fn delete_log_group(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(Service::CloudWatchLogs, "DeleteLogGroup", input, "logGroupName", "")?;
    world
        .cloudwatchlogs
        .groups
        .remove(input.text("logGroupName")?)
        .map(|_| json!({}))
        .ok_or_else(gone)
}

pub(super) fn tag_resource(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(Service::CloudWatchLogs, "TagResource", input, "resourceArn tags", "")?;
    let (name, tags) = (named(world, &input)?, read_tags(&input)?);
    world.cloudwatchlogs.groups.get_mut(&name).ok_or_else(gone)?.tags.extend(tags);
    Ok(json!({}))
}

pub(super) fn list_tags_for_resource(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input =
        Input::read(Service::CloudWatchLogs, "ListTagsForResource", input, "resourceArn", "")?;
    let name = named(world, &input)?;
    Ok(json!({"tags": world.cloudwatchlogs.groups.get(&name).ok_or_else(gone)?.tags}))
}

/// The log group name in an ARN. The ARN must not end with `:*` [BC `TagResource`].
fn named(world: &World, input: &Input<'_>) -> Result<String, ApiError> {
    let given = input.text("resourceArn")?;
    let name = given.strip_prefix(arn(world, "").as_str()).filter(|name| !name.contains(':'));
    name.map(str::to_owned)
        .ok_or_else(|| input.refuse(format!("The resource ARN {given} is not valid")))
}

fn group<'w>(world: &'w mut World, input: &Input<'_>) -> Result<&'w mut Group, ApiError> {
    world.cloudwatchlogs.groups.get_mut(input.text("logGroupName")?).ok_or_else(gone)
}

fn gone() -> ApiError {
    ApiError::refused("ResourceNotFoundException", "The specified log group does not exist.")
}
