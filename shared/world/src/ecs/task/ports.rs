//! Host ports and sockets of a task: assigned, listening, released.

use crate::World;
use crate::ecs::state::definition::{NetworkMode, Ports};
use crate::ecs::state::task::{Binding, Task};

/// Binds the task's host ports. In bridge mode the agent assigns them, with one binding for IPv4
/// and one for IPv6. Both have the same port, except if Docker chose the ports (20.10.6 and later).
/// Returns false if no port is free.
pub(super) fn bind(world: &mut World, task: &mut Task) -> bool {
    let separate_v6 = world.ecs.behaviour.separate_v6_ports;
    if matches!(task.mode(), NetworkMode::Awsvpc | NetworkMode::None) {
        return true;
    }
    let crate::ecs::Ecs { instances, sockets: listening, programs, .. } = &mut world.ecs;
    let Some(instance) = task.instance.as_ref().and_then(|id| instances.get_mut(id)) else {
        return false;
    };
    // Another agent's task, an orphan or a program outside ECS may listen on the same EC2 instance.
    let host = instance.ec2_id.clone();
    let is_free = |port: u16| {
        let key = (host.clone(), port);
        !listening.contains_key(&key) && !programs.contains(&key)
    };
    if task.mode() == NetworkMode::Host {
        // Programs bind container ports on the instance itself; Docker and the agent report no
        // bindings.
        let mut ports = sockets(task).into_iter();
        return ports.all(|(_, port)| is_free(port) && instance.ports.occupy(port));
    }
    for container in &mut task.containers {
        let Some(definition) = task.definition.container(&container.name) else { continue };
        for mapping in &definition.ports {
            let count = mapping.container.count;
            let mut choose = || match mapping.host_port {
                0 => instance.ports.assign(count, is_free),
                port => (is_free(port) && instance.ports.occupy(port)).then_some(port),
            };
            let Some(v4) = choose() else { return false };
            let v6 = if separate_v6 && mapping.host_port == 0 { choose() } else { Some(v4) };
            for (bind_ip, first) in [("0.0.0.0", Some(v4)), ("::", v6)] {
                container.bindings.extend(first.map(|first| Binding {
                    bind_ip,
                    container: mapping.container,
                    host: Ports { first, ..mapping.container },
                    protocol: mapping.protocol.clone(),
                }));
            }
        }
    }
    true
}

/// The sockets on which the task's programs listen.
pub(super) fn sockets(task: &Task) -> Vec<(String, u16)> {
    let mappings = || task.definition.containers.iter().flat_map(|container| &container.ports);
    let bindings = || task.containers.iter().flat_map(|container| &container.bindings);
    let (addresses, ports): (Vec<&String>, Vec<u16>) = match task.mode() {
        NetworkMode::Awsvpc => {
            let addresses = task.eni.iter().flat_map(|eni| eni.v4.iter().chain(&eni.v6)).collect();
            (addresses, mappings().flat_map(|mapping| mapping.container.iter()).collect())
        }
        NetworkMode::Bridge => (
            task.ec2_id.iter().collect(),
            bindings().flat_map(|binding| binding.host.iter()).collect(),
        ),
        NetworkMode::Host => (
            task.ec2_id.iter().collect(),
            mappings().flat_map(|mapping| mapping.container.iter()).collect(),
        ),
        NetworkMode::None => (Vec::new(), Vec::new()),
    };
    addresses
        .iter()
        .flat_map(|address| ports.iter().map(|port| ((*address).clone(), *port)))
        .collect()
}

/// The programs have ended: frees their sockets and host ports.
pub(super) fn release(world: &mut World, id: &str) {
    let Some(task) = world.ecs.tasks.get(id) else { return };
    for (host, port) in sockets(task) {
        let key = (host, port);
        if world.ecs.sockets.get(&key).is_none_or(|holder| holder != id) {
            continue;
        }
        world.ecs.sockets.remove(&key);
        if let Some(instance) =
            task.instance.as_ref().and_then(|instance| world.ecs.instances.get_mut(instance))
        {
            instance.ports.release(port);
        }
    }
}
