//! Operations on tasks.

use super::lifecycle::{self, NewTask};
use super::view;
use crate::World;
use crate::api::ApiError;
use crate::ecs::conventions::{batch, found, missing, paged, read, with_token};
use crate::ecs::lookup::{find_cluster, find_definition, find_service, ids};
use crate::ecs::placement;
use crate::ecs::state::definition::TaskDefinition;
use crate::ecs::state::tail;
use crate::ecs::state::task::Task;
use crate::input::Input;
use crate::reply::{Item, Reply};
use serde_json::{Value, json};
use std::sync::Arc;

/// By default only tasks with desired status RUNNING; `startedBy` "must be the only filter" [BC
/// `ListTasks`].
pub(in crate::ecs) fn list_tasks(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "cluster containerInstance family nextToken maxResults startedBy serviceName desiredStatus \
        launchType daemonName";
    let input = read("ListTasks", input, "", optional)?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let started_by = input.optional_text("startedBy")?;
    let others =
        ["containerInstance", "family", "serviceName", "desiredStatus", "launchType", "daemonName"];
    if started_by.is_some() && others.iter().any(|name| input.get(name).is_some()) {
        return Err(input.refuse("If you specify startedBy, it must be the only filter."));
    }
    let stop_wanted = match input.optional_text("desiredStatus")? {
        None | Some("RUNNING") => false,
        Some("STOPPED") => true,
        // "no results are returned for PENDING, because ECS never sets it" [BC
        // ListTasks.desiredStatus].
        Some("PENDING") => return Ok(json!({"taskArns": []})),
        Some(other) => return Err(input.refuse(format!("Invalid desiredStatus {other}"))),
    };
    let service = match input.optional_text("serviceName")? {
        Some(name) => Some(find_service(world, Some(&cluster), name)?),
        None => None,
    };
    let instance = input.optional_text("containerInstance")?.map(tail);
    let (family, launch_type) =
        (input.optional_text("family")?, input.optional_text("launchType")?);
    if input.get("daemonName").is_some() {
        return Ok(json!({"taskArns": []}));
    }
    let keep = |task: &Task| {
        task.cluster == cluster
            && task.stop_wanted() == stop_wanted
            && (service.is_none() || task.service == service)
            && (instance.is_none() || task.instance.as_deref() == instance)
            && (started_by.is_none() || task.started_by.as_deref() == started_by)
            && family.is_none_or(|family| task.definition.family == family)
            && launch_type.is_none_or(|launch_type| task.launch_type == launch_type)
    };
    let (ids, next) =
        paged(&input, &world.ecs.tasks, keep, world.ecs.behaviour.tasks_per_page.unwrap_or(100))?;
    let arns: Vec<&str> =
        ids.iter().filter_map(|id| Some(world.ecs.tasks.get(id)?.arn.as_str())).collect();
    Ok(with_token(json!({"taskArns": arns}), next))
}

/// At most 100 tasks per call; unknown ones are failures, not errors [BC `DescribeTasks`]. A task
/// of another cluster is an error.
pub(crate) fn describe_tasks(world: &mut World, input: &Value) -> Result<Reply, ApiError> {
    let input = read("DescribeTasks", input, "tasks", "cluster include")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let asked = ids(&input, &cluster, batch(&input, "tasks", "Tasks", 100)?)?;
    let stale = world.ecs.stale_reads > 0;
    world.ecs.stale_reads = world.ecs.stale_reads.saturating_sub(1);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        match world.ecs.tasks.get(id).filter(|task| task.cluster == cluster) {
            Some(task) if !stale => tasks.push(Item::Kept(view::shown(world, task))),
            // Eventual consistency: a new task has no previous version.
            Some(Task { previous: Some(previous), .. }) => {
                tasks.push(Item::Kept(Arc::clone(previous)));
            }
            _ => failures.push(missing(&world.account.ecs_arn("task", &format!("{cluster}/{id}")))),
        }
    }
    Ok(Reply::found("tasks", tasks, failures))
}

pub(in crate::ecs) fn stop_task(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("StopTask", input, "task", "cluster reason")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let id = tail(input.text("task")?);
    if world.ecs.tasks.get(id).is_none_or(|task| task.cluster != cluster) {
        return Err(input.refuse("The referenced task was not found."));
    }
    lifecycle::stop(
        world,
        id,
        "UserInitiated",
        input.optional_text("reason")?.unwrap_or("Task stopped by user"),
    );
    let task = world.ecs.tasks.get(id).map(|task| view::api(world, task));
    Ok(json!({"task": task}))
}

const RUN_OPTIONAL: &str = "capacityProviderStrategy cluster count enableECSManagedTags enableExecuteCommand group launchType \
    networkConfiguration overrides placementConstraints placementStrategy platformVersion propagateTags \
    referenceId startedBy tags clientToken volumeConfigurations";

/// Standalone tasks: `group` defaults to `family:<family>`, `startedBy` is the caller's [BC
/// `RunTask`].
pub(in crate::ecs) fn run_task(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("RunTask", input, "taskDefinition", RUN_OPTIONAL)?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let definition = find_definition(world, input.text("taskDefinition")?)?;
    let count = input.number_in("count", 1..=10)?.unwrap_or(1);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for turn in 0..count {
        match run_one(
            world,
            &input,
            &cluster,
            definition.clone(),
            usize::try_from(turn).unwrap_or(0),
        )? {
            Ok(id) => {
                tasks.extend(world.ecs.tasks.get(&id).map(|task| view::api(world, task)));
            }
            Err(reason) => failures.push(json!({"reason": reason})),
        }
    }
    Ok(found("tasks", tasks, failures))
}

fn run_one(
    world: &mut World,
    input: &Input<'_>,
    cluster: &str,
    definition: Arc<TaskDefinition>,
    turn: usize,
) -> Result<Result<String, &'static str>, ApiError> {
    let launch_type = input.optional_text("launchType")?.unwrap_or("EC2");
    let instance =
        match placement::place_on_instance(world, None, cluster, launch_type, &definition) {
            Ok(instance) => instance,
            Err(reason) => return Ok(Err(reason)),
        };
    let network = input.get("networkConfiguration").unwrap_or(&Value::Null);
    let new = NewTask {
        cluster: cluster.to_owned(),
        service: None,
        group: input
            .optional_text("group")?
            .map_or_else(|| format!("family:{}", definition.family), str::to_owned),
        started_by: input.optional_text("startedBy")?.map(str::to_owned),
        launch_type: launch_type.to_owned(),
        instance: instance.map(|instance| instance.id.clone()),
        subnet: placement::pick_subnet(world, network, instance, turn),
        behind_balancer: false,
        definition,
    };
    Ok(Ok(lifecycle::launch(world, new)))
}
