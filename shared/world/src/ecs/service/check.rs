//! AWS's validation of the load balancers of a new service or task set (F-6).

use crate::World;
use crate::api::ApiError;
use crate::ecs::state::definition::{NetworkMode, TaskDefinition};
use crate::ecs::state::service::LoadBalancer;
use crate::target_type::TargetType;
use serde_json::Value;

fn refuse(message: String) -> Result<(), ApiError> {
    Err(ApiError::refused("InvalidParameterException", message))
}

/// "up to five target groups per service" [DG register-multiple-targetgroups]; container and port
/// must exist in the task definition, the groups must fit its network mode and have a load
/// balancer. Texts from [MEM].
pub(in crate::ecs) fn load_balancers(
    world: &World,
    definition: &TaskDefinition,
    balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    if balancers.len() > 5 {
        return refuse("load balancers can have at most 5 items.".to_owned());
    }
    if world.ecs.behaviour.accept_broken_services {
        return Ok(());
    }
    for LoadBalancer { container, port, group, .. } in balancers {
        match definition.container(container) {
            None => {
                return refuse(format!(
                    "The container {container} does not exist in the task definition."
                ));
            }
            Some(found) if !found.has_port(*port) => {
                return refuse(format!(
                    "The container {container} did not have a container port {port} defined."
                ));
            }
            Some(_) => fits(world, definition, group)?,
        }
    }
    for balancer in balancers {
        let Some(alternate) = balancer.alternate() else {
            has_balancer(world, &balancer.group, &[&balancer.group])?;
            continue;
        };
        fits(world, definition, alternate)?;
        // Of two alternating groups, one is idle between deployments.
        has_balancer(world, &balancer.group, &[&balancer.group, alternate])?;
    }
    Ok(())
}

fn fits(world: &World, definition: &TaskDefinition, arn: &str) -> Result<(), ApiError> {
    let Some(group) = world.elbv2.group(arn) else {
        let text = "Unable to assume role and validate the specified targetGroupArn";
        return refuse(format!("{text}: {arn} was not found."));
    };
    if (group.target_type == TargetType::Ip) == (definition.network_mode == NetworkMode::Awsvpc) {
        return Ok(());
    }
    let mode = definition.shown.get("networkMode").and_then(Value::as_str).unwrap_or("bridge");
    let kind = group.target_type.name();
    refuse(format!(
        "The provided target group {arn} has target type {kind}, which is incompatible with the {mode} network mode \
         specified in the task definition."
    ))
}

fn has_balancer(world: &World, named: &str, groups: &[&str]) -> Result<(), ApiError> {
    let attached =
        |arn: &&str| world.elbv2.group(arn).is_some_and(|group| group.balancer.is_some());
    if groups.iter().any(attached) {
        return Ok(());
    }
    refuse(format!(
        "The target group with targetGroupArn {named} does not have an associated load balancer."
    ))
}
