//! Task sets of services with the EXTERNAL or `CODE_DEPLOY` deployment controller.

use super::conventions::{missing, read};
use super::deployment_view::{self, task_set_arn};
use super::lookup::{find_definition, find_service, gone};
use super::service::check;
use super::state::service::{
    Controller, Deployment, LoadBalancer, Revision, Rollout, Service, ServiceStatus,
};
use super::state::tail;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Map, Value, json};

/// The settings of a new task set.
#[derive(Debug)]
pub(super) struct NewTaskSet {
    pub revision: Revision,
    pub scale: u32,
    pub external_id: Option<String>,
}

/// Adds a task set, which is not primary, to a service and returns its id.
pub(super) fn add(world: &mut World, key: &str, new: NewTaskSet) -> Result<String, ApiError> {
    let now = world.now_ms();
    let id = new.revision.id.clone();
    let service = world.ecs.services.get_mut(key).ok_or_else(gone)?;
    service.revisions.insert(id.clone(), new.revision);
    let set = Deployment {
        id: id.clone(),
        primary: false,
        rollout: Rollout::InProgress,
        reason: String::new(),
        created_ms: now,
        updated_ms: now,
        stage: None,
        source: None,
        scale: new.scale,
        external_id: new.external_id,
    };
    service.deployments.insert(0, set);
    (service.steady, service.next_run_ms) = (false, now);
    world.journal.push(
        now,
        Kind::Deployment,
        Some(key),
        format!("task set {id} of {key} was created"),
    );
    Ok(id)
}

/// `scale` is a percentage of the service's desired count [BC Scale]. Absent means 100.
fn read_scale(input: &Input<'_>) -> Result<u32, ApiError> {
    let Some(scale) = input.get("scale") else { return Ok(100) };
    input.nested("scale", scale, "", "value unit")?;
    let value =
        scale.get("value").and_then(|value| format!("{:.0}", value.as_f64()?).parse::<u32>().ok());
    value
        .filter(|value| *value <= 100)
        .ok_or_else(|| input.refuse("Scale value must be between 0 and 100"))
}

/// Only for the EXTERNAL deployment controller; at most five task sets [BC `CreateTaskSet`].
pub(super) fn create_task_set(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "externalId networkConfiguration loadBalancers serviceRegistries launchType capacityProviderStrategy \
        platformVersion scale clientToken tags";
    let input = read("CreateTaskSet", input, "cluster service taskDefinition", optional)?;
    let key = find_service(world, Some(input.text("cluster")?), input.text("service")?)?;
    let service = world.ecs.services.get(&key).ok_or_else(gone)?;
    if service.controller != Controller::External || service.status != ServiceStatus::Active {
        return Err(input
            .refuse("CreateTaskSet can only be called on an ACTIVE service with an EXTERNAL deployment controller."));
    }
    let definition = find_definition(world, input.text("taskDefinition")?)?;
    let load_balancers = LoadBalancer::read_all(&input)?;
    check::load_balancers(world, &definition, &load_balancers)?;
    let (scale, network) =
        (read_scale(&input)?, input.get("networkConfiguration").cloned().unwrap_or(Value::Null));
    let external_id = input.optional_text("externalId")?.map(str::to_owned);
    let launch_type = input.optional_text("launchType")?.map(str::to_owned);
    let (id, created_ms) = (world.ids.deployment(), world.now_ms());
    if let (Some(service), Some(launch_type)) = (world.ecs.services.get_mut(&key), launch_type) {
        service.launch_type = launch_type;
    }
    let options = Map::new();
    let revision = Revision { id, definition, load_balancers, network, options, created_ms };
    let id = add(world, &key, NewTaskSet { revision, scale, external_id })?;
    shown(world, &key, &id)
}

fn shown(world: &World, key: &str, id: &str) -> Result<Value, ApiError> {
    let service = world.ecs.services.get(key).ok_or_else(gone)?;
    let set = service.deployments.iter().find(|set| set.id == id).ok_or_else(not_found)?;
    Ok(json!({"taskSet": deployment_view::task_set(world, service, set)}))
}

fn not_found() -> ApiError {
    ApiError::refused("TaskSetNotFoundException", "The specified task set wasn't found.")
}

/// Edits the task set of the input.
fn edit(
    world: &mut World,
    input: &Input<'_>,
    member: &str,
    edit: impl FnOnce(&mut Service, &str),
) -> Result<Value, ApiError> {
    let key = find_service(world, Some(input.text("cluster")?), input.text("service")?)?;
    let id = tail(input.text(member)?).to_owned();
    let now = world.now_ms();
    let service = world.ecs.services.get_mut(&key).ok_or_else(gone)?;
    service.deployment_mut(&id).ok_or_else(not_found)?.updated_ms = now;
    (service.steady, service.next_run_ms) = (false, now);
    edit(service, &id);
    shown(world, &key, &id)
}

pub(super) fn update_task_set(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("UpdateTaskSet", input, "cluster service taskSet scale", "")?;
    let scale = read_scale(&input)?;
    edit(world, &input, "taskSet", |service, id| {
        service.deployment_mut(id).into_iter().for_each(|set| set.scale = scale);
    })
}

pub(super) fn update_primary(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("UpdateServicePrimaryTaskSet", input, "cluster service primaryTaskSet", "")?;
    edit(world, &input, "primaryTaskSet", |service, id| {
        for set in &mut service.deployments {
            set.primary = set.id == id;
        }
    })
}

/// Without `force` only a task set scaled to 0 can be deleted [BC `DeleteTaskSet`]. ECS stops its
/// tasks.
pub(super) fn delete_task_set(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteTaskSet", input, "cluster service taskSet", "force")?;
    let key = find_service(world, Some(input.text("cluster")?), input.text("service")?)?;
    let id = tail(input.text("taskSet")?).to_owned();
    let mut answer = shown(world, &key, &id)?;
    let now = world.now_ms();
    let service = world.ecs.services.get_mut(&key).ok_or_else(gone)?;
    let scale = service.deployment_mut(&id).map_or(0, |set| set.scale);
    if scale > 0 && !input.flag("force")? {
        return Err(input.refuse("Cannot delete a TaskSet that is scaled above 0 without force."));
    }
    service.deployments.retain(|set| set.id != id);
    service.next_run_ms = now;
    if let Some(set) = answer.get_mut("taskSet").and_then(Value::as_object_mut) {
        set.insert("status".to_owned(), json!("DRAINING"));
    }
    Ok(answer)
}

pub(super) fn describe_task_sets(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTaskSets", input, "cluster service", "taskSets include")?;
    let key = find_service(world, Some(input.text("cluster")?), input.text("service")?)?;
    let service = world.ecs.services.get(&key).ok_or_else(gone)?;
    if service.controller == Controller::Ecs {
        return Err(
            input.refuse("Task sets exist only for services with a CODE_DEPLOY or EXTERNAL deployment controller.")
        );
    }
    let asked: Vec<&str> = input.texts("taskSets")?.into_iter().map(tail).collect();
    let sets = service
        .deployments
        .iter()
        .filter(|set| asked.is_empty() || asked.contains(&set.id.as_str()));
    let sets: Vec<Value> = sets.map(|set| deployment_view::task_set(world, service, set)).collect();
    let unknown = asked.iter().filter(|id| !service.deployments.iter().any(|set| set.id == **id));
    let failures: Vec<Value> =
        unknown.map(|id| missing(&task_set_arn(world, service, id))).collect();
    Ok(json!({"taskSets": sets, "failures": failures}))
}
