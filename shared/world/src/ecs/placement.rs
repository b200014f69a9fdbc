//! Chooses the container instance and the subnet of a new task.
//!
//! `task::lifecycle` launches the task.

use super::counts::tasks_of;
use super::state::definition::{NetworkMode, TaskDefinition};
use super::state::instance::{Instance, InstanceStatus};
use super::state::service::Service;
use super::state::task::Task;
use crate::World;
use serde_json::Value;

/// Container instance id and subnet.
pub(super) type Placement = (Option<String>, Option<String>);

/// Spreads the service's tasks over zones, then over instances; subnets in turn.
pub(super) fn place(
    world: &World,
    service: &Service,
    definition: &TaskDefinition,
    network: &Value,
) -> Result<Placement, &'static str> {
    let instance = place_on_instance(
        world,
        Some(service),
        &service.cluster,
        &service.launch_type,
        definition,
    )?;
    Ok((
        instance.map(|instance| instance.id.clone()),
        pick_subnet(world, network, instance, service.tasks.len()),
    ))
}

/// The instance with the fewest tasks of this service in its Availability Zone, then on the
/// instance, then the fewest tasks of any service.
pub(super) fn place_on_instance<'a>(
    world: &'a World,
    service: Option<&Service>,
    cluster: &str,
    launch_type: &str,
    definition: &TaskDefinition,
) -> Result<Option<&'a Instance>, &'static str> {
    if launch_type == "FARGATE" {
        return Ok(None);
    }
    let usable = |instance: &&Instance| {
        instance.cluster == cluster
            && instance.status == InstanceStatus::Active
            && instance.connected
            && instance.external == (launch_type == "EXTERNAL")
    };
    let own = service.into_iter().flat_map(|service| tasks_of(world, service));
    let own: Vec<&Task> = own.filter(|task| task.is_present()).collect();
    let ports = static_ports(definition);
    let has_ports = |instance: &&Instance| {
        let on_it = |task: &&Task| task.instance.as_deref() == Some(&instance.id);
        // Tasks that have not bound their static ports yet already reserve them.
        let claimed = |port: &u16| {
            own.iter()
                .copied()
                .filter(on_it)
                .any(|task| static_ports(&task.definition).contains(port))
        };
        ports.iter().all(|port| instance.ports.is_free(*port) && !claimed(port))
    };
    let daemon = service.is_some_and(Service::is_daemon);
    let has_room = |instance: &&Instance| {
        !(daemon && own.iter().any(|task| task.instance.as_deref() == Some(&instance.id)))
    };
    let load = |instance: &&Instance| {
        let zone = own.iter().filter(|task| task.zone == instance.zone).count();
        let here = own.iter().filter(|task| task.instance.as_deref() == Some(&instance.id)).count();
        (zone, here, instance.load, instance.registered_ms, instance.ec2_id.clone())
    };
    let candidates: Vec<&Instance> = world.ecs.instances.values().filter(usable).collect();
    let reason = if candidates.is_empty() {
        "No Container Instances were found in your cluster"
    } else {
        "RESOURCE:PORTS"
    };
    candidates
        .into_iter()
        .filter(has_ports)
        .filter(has_room)
        .min_by_key(load)
        .map(Some)
        .ok_or(reason)
}

/// The host ports that a task needs regardless of the agent's choice.
fn static_ports(definition: &TaskDefinition) -> Vec<u16> {
    let mappings = definition.containers.iter().flat_map(|container| &container.ports);
    match definition.network_mode {
        NetworkMode::Host => mappings.flat_map(|mapping| mapping.container.iter()).collect(),
        NetworkMode::Bridge => {
            mappings.map(|mapping| mapping.host_port).filter(|port| *port > 0).collect()
        }
        NetworkMode::Awsvpc | NetworkMode::None => Vec::new(),
    }
}

/// A subnet of `networkConfiguration`: one in the instance's Availability Zone if there is an
/// instance, otherwise in turn.
pub(super) fn pick_subnet(
    world: &World,
    network: &Value,
    instance: Option<&Instance>,
    turn: usize,
) -> Option<String> {
    let subnets = network.pointer("/awsvpcConfiguration/subnets")?.as_array()?;
    let names: Vec<&str> = subnets.iter().filter_map(Value::as_str).collect();
    let in_zone = |name: &&&str| {
        let subnet = world.ecs.network.subnet(name);
        instance.is_some_and(|instance| subnet.is_some_and(|subnet| subnet.zone == instance.zone))
    };
    let near = names.iter().find(in_zone);
    near.or_else(|| names.get(turn.checked_rem(names.len())?)).map(|name| (*name).to_owned())
}
