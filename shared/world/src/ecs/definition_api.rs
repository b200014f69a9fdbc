//! Operations on task definitions.

use super::conventions::{paged, read, with_token};
use super::lookup::find_definition;
use super::state::definition::{TaskDefinition, read_containers};
use super::state::tail;
use super::{definition_rules, shapes};
use crate::World;
use crate::api::ApiError;
use crate::time;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Every call creates a new revision, even with the same content [BC; F-6].
pub(super) fn register(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input_value = input;
    let input = shapes::read("RegisterTaskDefinition", input)?;
    let family = input.text("family")?;
    let (network_mode, containers) = read_containers(&input)?;
    definition_rules::check(world, &input, network_mode)?;
    let revisions = world.ecs.definitions.get(family).map_or(0, Vec::len);
    let revision = u32::try_from(revisions).unwrap_or(u32::MAX).saturating_add(1);
    let arn = world.account.ecs_arn("task-definition", &format!("{family}:{revision}"));
    let mut shown: Map<String, Value> = input_value.as_object().cloned().unwrap_or_default();
    let tags = shown.remove("tags").unwrap_or_else(|| json!([]));
    complete_containers(&mut shown);
    for (name, value) in [
        ("taskDefinitionArn", json!(arn)),
        ("revision", json!(revision)),
        ("status", json!("ACTIVE")),
        ("registeredAt", time::epoch(world.now_ms())),
        ("registeredBy", json!(world.account.role_arn("deployer"))),
    ] {
        shown.insert(name.to_owned(), value);
    }
    for (name, value) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
        shown.entry(name).or_insert(value);
    }
    let mut definition = TaskDefinition {
        arn,
        family: family.to_owned(),
        revision,
        network_mode,
        containers,
        cpu: input.optional_text("cpu")?.map(str::to_owned),
        memory: input.optional_text("memory")?.map(str::to_owned),
        shown: Value::Object(shown),
        tags,
        deregistered: false,
    };
    let compatibilities =
        if definition.fits_fargate() { json!(["EC2", "FARGATE"]) } else { json!(["EC2"]) };
    if let Some(shown) = definition.shown.as_object_mut() {
        shown.insert("compatibilities".to_owned(), compatibilities);
    }
    let answer = json!({"taskDefinition": definition.shown, "tags": definition.tags});
    world.ecs.definitions.entry(family.to_owned()).or_default().push(Arc::new(definition));
    Ok(answer)
}

/// The revision becomes INACTIVE. Services continue to use it, and its number is not reused.
pub(super) fn deregister(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeregisterTaskDefinition", input, "taskDefinition", "")?;
    let name = input.text("taskDefinition")?;
    if !tail(name).contains(':') {
        return Err(ApiError::refused(
            "ClientException",
            "Invalid task definition: a revision must be given.",
        ));
    }
    let found = find_definition(world, name)?;
    if found.deregistered {
        return Err(ApiError::refused(
            "ClientException",
            "The specified task definition is inactive.",
        ));
    }
    let now = time::epoch(world.now_ms());
    let revisions = world.ecs.definitions.get_mut(&found.family).into_iter().flatten();
    let mut answer = Value::Null;
    for held in revisions.filter(|held| held.arn == found.arn) {
        let held = Arc::make_mut(held);
        held.deregistered = true;
        if let Some(shown) = held.shown.as_object_mut() {
            shown.insert("status".to_owned(), json!("INACTIVE"));
            shown.insert("deregisteredAt".to_owned(), now.clone());
        }
        answer = held.shown.clone();
    }
    Ok(json!({"taskDefinition": answer}))
}

/// AWS returns the defaults of container and port mapping members: cpu 0, essential, hostPort 0 or
/// equal to the container port.
fn complete_containers(shown: &mut Map<String, Value>) {
    let same_port =
        matches!(shown.get("networkMode").and_then(Value::as_str), Some("awsvpc" | "host"));
    let containers = shown.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        for (name, value) in [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("portMappings", json!([])),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
        ] {
            container.entry(name).or_insert(value);
        }
        let mappings = container.get_mut("portMappings").and_then(Value::as_array_mut);
        for mapping in mappings.into_iter().flatten().filter_map(Value::as_object_mut) {
            mapping.entry("protocol").or_insert(json!("tcp"));
            if let Some(port) = mapping.get("containerPort").cloned() {
                mapping.entry("hostPort").or_insert(if same_port { port } else { json!(0) });
            }
        }
    }
}

/// The revisions of one or all families, ordered by family and revision. ACTIVE ones by default.
pub(super) fn list(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "familyPrefix status sort nextToken maxResults";
    let input = read("ListTaskDefinitions", input, "", optional)?;
    let deregistered = match input.optional_text("status")? {
        None | Some("ACTIVE") => false,
        Some("INACTIVE") => true,
        Some(other) => {
            return Err(
                input.refuse(format!("Status {other} is not simulated: ACTIVE or INACTIVE"))
            );
        }
    };
    if input.optional_text("sort")? == Some("DESC") {
        return Err(input.refuse("Sorting in descending order is not simulated"));
    }
    // "The full family name": not a prefix [BC ListTaskDefinitions.familyPrefix].
    let family = input.optional_text("familyPrefix")?;
    let all = world.ecs.definitions.values().flatten();
    let numbered = all.map(|one| (format!("{}:{:010}", one.family, one.revision), one)).collect();
    let keep = |one: &&Arc<TaskDefinition>| {
        one.deregistered == deregistered && family.is_none_or(|family| one.family == family)
    };
    let (keys, next) = paged(&input, &numbered, keep, 100)?;
    let arns: Vec<&str> =
        keys.iter().filter_map(|key| Some(numbered.get(key)?.arn.as_str())).collect();
    Ok(with_token(json!({"taskDefinitionArns": arns}), next))
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTaskDefinition", input, "taskDefinition", "include")?;
    let definition = find_definition(world, input.text("taskDefinition")?)?;
    let tags =
        if input.texts("include")?.contains(&"TAGS") { definition.tags.clone() } else { json!([]) };
    Ok(json!({"taskDefinition": definition.shown, "tags": tags}))
}
