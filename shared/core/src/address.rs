//! The host ports and addresses that a task occupies, and the target that a load balancer entry
//! refers to.
//!
//! Uses network modes and bindings; does not know what is registered. Source of the rules: Amazon
//! ECS `PortMapping`, `NetworkBinding`; ELBv2 `RegisterTargets`.
//!
//! AWS facts: F-3.5.

use crate::code::Code;
use crate::ids::{ContainerPort, HostPort, Target, TargetGroupArn, TargetId};
use crate::observation::{
    Binding, FoundGroup, NetworkMode, Observation, TargetType, Task, TaskStatus,
};
use std::net::IpAddr;

/// GENEVE targets always use this port, whatever the container port (ELBv2 `TargetDescription`).
const GENEVE_PORT: i64 = 6081;

/// A load balancer entry for one task: this container port belongs to this group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub group: TargetGroupArn,
    pub container: String,
    /// The port inside it.
    pub port: ContainerPort,
}

/// The target to which an entry refers for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// This target.
    Known(Target),
    /// These: the task has several, and these of them are registered in the group.
    Registered(Vec<Target>),
    /// It is unknown now; the target may be any within this reach.
    Unknown {
        why: String,
        /// The possible targets.
        reach: Reach,
    },
    /// The group can never hold this task.
    Misfit {
        /// The code of the finding.
        code: Code,
        why: String,
    },
}

/// The possible targets of an undetermined task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Any port of this instance, or of this address.
    Host(TargetId),
    /// Any instance.
    AnyInstance,
    /// Any address.
    AnyIp,
    /// Anything.
    Anything,
}

impl Reach {
    /// Whether a target with this id is within the reach.
    #[must_use]
    pub fn covers(&self, id: &TargetId) -> bool {
        match self {
            Self::Host(host) => host == id,
            Self::AnyInstance => matches!(id, TargetId::Instance(_)),
            Self::AnyIp => matches!(id, TargetId::Ip(_)),
            Self::Anything => true,
        }
    }
}

/// The network mode of a task, from its own description or its task definition.
fn network_mode(observation: &Observation, task: &Task) -> Option<NetworkMode> {
    if task.network_interface.is_some() {
        return Some(NetworkMode::Awsvpc);
    }
    if task.containers.iter().any(|container| !container.bindings.is_empty()) {
        return Some(NetworkMode::Bridge);
    }
    observation
        .task_definitions
        .get(&task.task_definition)
        .map(|definition| definition.network_mode.clone())
}

/// The EC2 instance on which a task was placed.
#[must_use]
pub fn instance_of(observation: &Observation, task: &Task) -> Option<TargetId> {
    let instance = observation.container_instances.get(task.container_instance.as_ref()?)?;
    TargetId::try_from(instance.ec2_instance.clone())
        .ok()
        .filter(|id| matches!(id, TargetId::Instance(_)))
}

/// The possible targets of a task with unknown ports.
fn reach_of(observation: &Observation, task: &Task) -> Reach {
    match (
        instance_of(observation, task),
        network_mode(observation, task),
        &task.container_instance,
    ) {
        (_, Some(NetworkMode::Awsvpc), _) => Reach::AnyIp,
        (Some(instance), Some(_), _) => Reach::Host(instance),
        (None, Some(_), _) => Reach::AnyInstance,
        // Neither bindings nor an interface yet: it may get an address of its own or a port of its
        // instance.
        (_, None, _) => Reach::Anything,
    }
}

/// The target that `entry` means for `task` in `group`.
#[must_use]
pub fn address(
    observation: &Observation,
    task: &Task,
    entry: &Entry,
    group: &FoundGroup,
) -> Address {
    let Some(mode) = network_mode(observation, task) else {
        let why = "the task has no port bindings and no network interface yet, and its task definition is unknown".to_owned();
        return Address::Unknown { why, reach: reach_of(observation, task) };
    };
    match (&mode, &group.target_type) {
        (NetworkMode::Awsvpc, TargetType::Ip) => own_address(task, entry, group),
        (NetworkMode::Bridge | NetworkMode::Default, TargetType::Instance) => {
            on_instance(observation, task, |instance| bound_port(task, entry, group, instance))
        }
        (NetworkMode::Host, TargetType::Instance) => on_instance(observation, task, |instance| {
            host_mode_port(observation, task, entry, instance)
        }),
        (mode, target_type) => Address::Misfit {
            code: Code::TargetTypeMismatch,
            why: format!(
                "the group accepts {target_type} targets, but a task in network mode {mode} cannot be one"
            ),
        },
    }
}

fn own_address(task: &Task, entry: &Entry, group: &FoundGroup) -> Address {
    let (ipv4, ipv6) =
        task.network_interface.as_ref().map_or((None, None), |eni| (eni.ipv4, eni.ipv6));
    let wants_ipv6 = group.ip_address_type == "ipv6";
    let port = if group.protocol == "GENEVE" { HostPort::try_from(GENEVE_PORT).ok() } else { None };
    match if wants_ipv6 { ipv6 } else { ipv4 } {
        Some(ip) => Address::Known(Target {
            id: TargetId::Ip(ip),
            port: port.unwrap_or(entry.port.as_host_port()),
        }),
        None if ipv4.is_none() && ipv6.is_none() => Address::Unknown {
            why: "its network interface has no address yet".to_owned(),
            reach: Reach::AnyIp,
        },
        None => Address::Misfit {
            code: Code::IpFamilyMismatch,
            why: format!(
                "the group accepts {} addresses, but the task has none",
                group.ip_address_type
            ),
        },
    }
}

fn on_instance(
    observation: &Observation,
    task: &Task,
    port: impl FnOnce(TargetId) -> Address,
) -> Address {
    match instance_of(observation, task) {
        Some(instance) => port(instance),
        None => Address::Unknown {
            why: "the EC2 instance of its container instance is unknown".to_owned(),
            reach: Reach::AnyInstance,
        },
    }
}

/// The host port of a binding for this container port.
fn host_port(binding: &Binding, port: ContainerPort) -> Option<HostPort> {
    let offset = port.get().checked_sub(binding.container_port.get())?;
    if offset >= binding.length {
        return None;
    }
    HostPort::try_from(i64::from(binding.host_port.get()) + i64::from(offset)).ok()
}

fn protocol_fits(binding: &Binding, group: &FoundGroup) -> bool {
    let protocol = binding.protocol.as_deref().unwrap_or("tcp");
    match group.protocol.as_str() {
        "UDP" | "QUIC" => protocol == "udp",
        "TCP_UDP" | "TCP_QUIC" => true,
        _ => protocol == "tcp",
    }
}

/// Bridge mode: Docker binds a container port separately for IPv4 and IPv6, since 20.10.6 possibly
/// to different host ports (moby#42288). The load balancer uses the binding of the group's family.
fn bound_port(task: &Task, entry: &Entry, group: &FoundGroup, instance: TargetId) -> Address {
    let reach = Reach::Host(instance.clone());
    let Some(container) =
        task.containers.iter().find(|container| container.name == entry.container)
    else {
        return Address::Unknown {
            why: format!("the task has no container `{}`", entry.container),
            reach,
        };
    };
    let of_port: Vec<(&Binding, HostPort)> = container
        .bindings
        .iter()
        .filter(|binding| protocol_fits(binding, group))
        .filter_map(|binding| host_port(binding, entry.port).map(|port| (binding, port)))
        .collect();
    let wants_ipv6 = group.ip_address_type == "ipv6";
    let is_ipv6 = |binding: &Binding| binding.bind_ip.as_deref().is_some_and(|ip| ip.contains(':'));
    let mut ports: Vec<HostPort> = of_port
        .iter()
        .filter(|(binding, _)| is_ipv6(binding) == wants_ipv6)
        .map(|(_, port)| *port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    match (ports.as_slice(), of_port.is_empty()) {
        ([port], _) => Address::Known(Target { id: instance, port: *port }),
        ([], true) => {
            let why =
                format!("container `{}` has no binding for port {}", entry.container, entry.port);
            Address::Unknown { why, reach }
        }
        ([], false) => Address::Misfit {
            code: Code::IpFamilyMismatch,
            why: format!(
                "port {} is bound, but to no {} address",
                entry.port, group.ip_address_type
            ),
        },
        (several, _) => {
            let registered = registered_of(several, group, &instance);
            // A stopped task has none of its ports; what is registered there proves nothing.
            if !registered.is_empty() && !task.last_status.is_over() {
                return Address::Registered(registered);
            }
            let ports = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let why = format!("port {} is bound to several host ports ({ports})", entry.port);
            Address::Unknown { why, reach }
        }
    }
}

/// Those of several host ports of one container port that the group holds: all of them lead to the
/// task. `NetworkBinding` does not say which one ECS registers, for example the one of tcp or of udp
/// behind a group of protocol `TCP_UDP`, or the fixed or the dynamic one
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_NetworkBinding.html>).
fn registered_of(ports: &[HostPort], group: &FoundGroup, instance: &TargetId) -> Vec<Target> {
    let registered = group.targets.iter().filter(|it| it.is_registered()).map(|it| &it.target);
    registered.filter(|it| it.id == *instance && ports.contains(&it.port)).cloned().collect()
}

/// Host mode has no bindings: the container listens on the instance's own port.
fn host_mode_port(
    observation: &Observation,
    task: &Task,
    entry: &Entry,
    instance: TargetId,
) -> Address {
    let declared = observation
        .task_definitions
        .get(&task.task_definition)
        .and_then(|definition| definition.ports.get(&entry.container))
        .is_some_and(|ports| ports.contains(&entry.port));
    if declared {
        return Address::Known(Target { id: instance, port: entry.port.as_host_port() });
    }
    let why = format!(
        "container `{}` has no port {} in its task definition",
        entry.container, entry.port
    );
    Address::Unknown { why, reach: Reach::Host(instance) }
}

/// The ports or addresses that a live task occupies, load-balanced or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupied {
    /// Ports of an instance: the first port and their number.
    Ports(TargetId, HostPort, u16),
    /// Every port of this address.
    Address(TargetId),
    /// Unknown, within this reach.
    Unknown(Reach),
}

impl Occupied {
    /// Whether it certainly includes `target`.
    #[must_use]
    pub fn holds(&self, target: &Target) -> bool {
        match self {
            Self::Ports(id, first, length) => {
                let offset = target.port.get().checked_sub(first.get());
                *id == target.id && offset.is_some_and(|offset| offset < *length)
            }
            Self::Address(id) => *id == target.id,
            Self::Unknown(_) => false,
        }
    }

    /// Whether it may include `target`.
    #[must_use]
    pub fn may_hold(&self, target: &Target) -> bool {
        matches!(self, Self::Unknown(reach) if reach.covers(&target.id))
    }
}

/// Everything that a live task occupies. A stopped task occupies nothing.
#[must_use]
pub fn occupied(observation: &Observation, task: &Task) -> Vec<Occupied> {
    if task.last_status.is_over() { Vec::new() } else { last_occupied(observation, task) }
}

/// Everything that a task occupies, or occupied while it ran.
#[must_use]
pub fn last_occupied(observation: &Observation, task: &Task) -> Vec<Occupied> {
    if let Some(eni) = &task.network_interface {
        let known: Vec<Occupied> = [eni.ipv4, eni.ipv6]
            .into_iter()
            .flatten()
            .map(|ip| Occupied::Address(TargetId::Ip(ip)))
            .collect();
        return if known.is_empty() { vec![Occupied::Unknown(Reach::AnyIp)] } else { known };
    }
    let definition = observation.task_definitions.get(&task.task_definition);
    let Some(instance) = instance_of(observation, task) else {
        return vec![Occupied::Unknown(reach_of(observation, task))];
    };
    let bound = task.containers.iter().flat_map(|container| &container.bindings);
    let mut bound: Vec<Occupied> = bound
        .map(|binding| Occupied::Ports(instance.clone(), binding.host_port, binding.length))
        .collect();
    if !bound.is_empty() {
        // A container that waits for another one (`dependsOn`) gets its ports later.
        if task.last_status != TaskStatus::Running {
            bound.push(Occupied::Unknown(Reach::Host(instance)));
        }
        return bound;
    }
    match definition {
        Some(definition) if definition.network_mode == NetworkMode::Host => {
            let ports = definition.ports.values().flatten();
            ports.map(|port| Occupied::Ports(instance.clone(), port.as_host_port(), 1)).collect()
        }
        Some(definition) if definition.ports.values().all(Vec::is_empty) => Vec::new(),
        Some(_) | None => vec![Occupied::Unknown(reach_of(observation, task))],
    }
}

/// Whether a container of a task on an instance can listen on a host port for the requests and
/// checks of a group: it has not stopped, and the port is one of the group's protocol and address
/// family. The numbers of tcp and udp ports, and of IPv4 and IPv6, are independent.
#[must_use]
pub fn may_listen(
    observation: &Observation,
    task: &Task,
    group: Option<&FoundGroup>,
    port: HostPort,
) -> bool {
    let live = task.containers.iter().filter(|container| !container.stopped);
    if task.containers.iter().any(|container| !container.bindings.is_empty()) {
        return live.flat_map(|container| &container.bindings).any(|binding| {
            let offset = port.get().checked_sub(binding.host_port.get());
            offset.is_some_and(|offset| offset < binding.length)
                && group.is_none_or(|group| leads_to(binding, group))
        });
    }
    let has_stopped =
        |name: &String| task.containers.iter().any(|it| it.name == *name && it.stopped);
    observation.task_definitions.get(&task.task_definition).is_none_or(|definition| {
        definition.ports.iter().any(|(name, ports)| {
            !has_stopped(name) && ports.iter().any(|it| it.as_host_port() == port)
        })
    })
}

/// Whether requests of a group arrive at a binding of the target's port.
fn leads_to(binding: &Binding, group: &FoundGroup) -> bool {
    let ip = binding.bind_ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok());
    let wants_ipv6 = group.ip_address_type == "ipv6";
    let is_reached = ip.is_none_or(|ip| ip.is_ipv6() == wants_ipv6 && !ip.is_loopback());
    is_reached && (group.protocol == "GENEVE" || protocol_fits(binding, group))
}
