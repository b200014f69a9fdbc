//! Operations on container instances.

use super::{event, loss, view};
use crate::World;
use crate::api::ApiError;
use crate::ecs::conventions::{batch, found, missing, paged, read, with_token};
use crate::ecs::lookup::{find_cluster, ids};
use crate::ecs::state::instance::{Instance, InstanceStatus};
use crate::ecs::state::tail;
use crate::ecs::state::task::{Status, Task};
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Value, json};

pub(in crate::ecs) fn list(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input =
        read("ListContainerInstances", input, "", "cluster filter nextToken maxResults status")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let hosts = input.optional_text("filter")?.map(|it| hosts(&input, it)).transpose()?;
    let status = input.optional_text("status")?;
    let keep = |instance: &Instance| {
        let listed = match status {
            Some(status) => instance.status.name() == status,
            None => instance.status != InstanceStatus::Inactive,
        };
        let is_asked = hosts.as_ref().is_none_or(|hosts| hosts.contains(&instance.ec2_id));
        instance.cluster == cluster && listed && is_asked
    };
    let (ids, next) = paged(&input, &world.ecs.instances, keep, 100)?;
    let arn = |id: &String| world.account.ecs_arn("container-instance", &format!("{cluster}/{id}"));
    let arns: Vec<String> = ids.iter().map(arn).collect();
    Ok(with_token(json!({"containerInstanceArns": arns}), next))
}

/// The EC2 instances that an expression of the cluster query language names. Of that language only
/// this form is simulated: `ec2InstanceId in ['i-1','i-2']` [DG `cluster-query-language`].
fn hosts(input: &Input<'_>, filter: &str) -> Result<Vec<String>, ApiError> {
    let list = filter.strip_prefix("ec2InstanceId in [").and_then(|rest| rest.strip_suffix(']'));
    let list =
        list.ok_or_else(|| input.refuse(format!("The filter {filter} is not simulated.")))?;
    let name = |text: &str| text.trim().trim_matches('\'').to_owned();
    Ok(list.split(',').map(name).collect())
}

/// At most 100 instances per call; unknown ones are failures. AWS shows a deregistered one as
/// INACTIVE for a while [BC `DeregisterContainerInstance`]; here it stays forever.
pub(in crate::ecs) fn describe(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeContainerInstances", input, "containerInstances", "cluster include")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let asked =
        ids(&input, &cluster, batch(&input, "containerInstances", "Container instances", 100)?)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        let arn = world.account.ecs_arn("container-instance", &format!("{cluster}/{id}"));
        match world.ecs.instances.get(id).filter(|instance| instance.cluster == cluster) {
            Some(instance) => instances.push(view::show(world, instance)),
            None => failures.push(missing(&arn)),
        }
    }
    Ok(found("containerInstances", instances, failures))
}

/// Without `force` an instance with running tasks cannot be deregistered. With it, tasks become
/// orphans: their containers keep running, ECS no longer tracks them and deregisters their targets
/// [DG `deregister_container_instance`].
pub(in crate::ecs) fn deregister(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeregisterContainerInstance", input, "containerInstance", "cluster force")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let id = tail(input.text("containerInstance")?).to_owned();
    let not_found = || input.refuse("Container instance not found.");
    let known = world.ecs.instances.get(&id).is_some_and(|instance| instance.cluster == cluster);
    if !known {
        return Err(not_found());
    }
    let busy =
        |task: &Task| task.instance.as_deref() == Some(&id) && task.status != Status::Stopped;
    if !input.flag("force")? && world.ecs.tasks.values().any(busy) {
        return Err(input.refuse("Found running tasks on the instance."));
    }
    loss::deregister_instance(world, &id);
    let instance = world.ecs.instances.get(&id).ok_or_else(not_found)?;
    Ok(json!({"containerInstance": view::show(world, instance)}))
}

/// Sets ACTIVE or DRAINING, for at most ten instances per call [BC
/// `UpdateContainerInstancesState`].
pub(in crate::ecs) fn update_state(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        read("UpdateContainerInstancesState", input, "containerInstances status", "cluster")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let status = match input.text("status")? {
        "ACTIVE" => InstanceStatus::Active,
        "DRAINING" => InstanceStatus::Draining,
        other => {
            return Err(
                input.refuse(format!("Container instances cannot be put in the status {other}"))
            );
        }
    };
    let asked =
        ids(&input, &cluster, batch(&input, "containerInstances", "Container instances", 10)?)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        let now = world.now_ms();
        let held = world.ecs.instances.get_mut(id);
        let Some(instance) =
            held.filter(|held| held.cluster == cluster && held.status != InstanceStatus::Inactive)
        else {
            failures.push(missing(
                &world.account.ecs_arn("container-instance", &format!("{cluster}/{id}")),
            ));
            continue;
        };
        instance.status = status;
        instance.version += 1;
        let text = format!("{} is {}", instance.ec2_id, status.name());
        world.journal.push(now, Kind::Agent, None, text);
        event::emit(world, id);
        instances.extend(world.ecs.instances.get(id).map(|instance| view::show(world, instance)));
    }
    for service in world.ecs.services.values_mut().filter(|service| service.cluster == cluster) {
        service.next_run_ms = 0;
    }
    Ok(found("containerInstances", instances, failures))
}
