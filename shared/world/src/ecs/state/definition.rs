//! The state of task definitions: containers, ports, network mode.

use crate::api::ApiError;
use crate::input::Input;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    Bridge,
    Host,
    Awsvpc,
    None,
}

impl NetworkMode {
    /// `bridge` is the default on Linux [BC `TaskDefinition.networkMode`].
    fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("bridge" | "default") => Some(Self::Bridge),
            Some("host") => Some(Self::Host),
            Some("awsvpc") => Some(Self::Awsvpc),
            Some("none") => Some(Self::None),
            Some(_) => None,
        }
    }
}

/// One port or a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub first: u16,
    pub count: u16,
    /// Given as `containerPortRange`, even if it holds one port.
    pub range: bool,
}

impl Ports {
    pub(crate) fn one(port: u16) -> Self {
        Self { first: port, count: 1, range: false }
    }

    pub(crate) fn last(self) -> u16 {
        self.first.saturating_add(self.count.saturating_sub(1))
    }

    /// The offset of a port in the range.
    pub(crate) fn offset(self, port: u16) -> Option<u16> {
        port.checked_sub(self.first).filter(|offset| *offset < self.count)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last()
    }

    fn parse_range(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
        let count = last.checked_sub(first)?.checked_add(1)?;
        (first > 0).then_some(Self { first, count, range: true })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct PortMapping {
    pub container: Ports,
    /// 0 means dynamic.
    pub host_port: u16,
    pub protocol: String,
}

#[derive(Debug, Clone)]
pub(crate) struct ContainerDefinition {
    pub name: String,
    pub image: String,
    pub cpu: u64,
    pub memory: Option<u64>,
    pub ports: Vec<PortMapping>,
}

impl ContainerDefinition {
    /// Whether a load balancer entry may name this container port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.ports.iter().any(|mapping| mapping.container.offset(port).is_some())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TaskDefinition {
    pub arn: String,
    pub family: String,
    pub revision: u32,
    pub network_mode: NetworkMode,
    pub containers: Vec<ContainerDefinition>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// As in `DescribeTaskDefinition`.
    pub shown: Value,
    pub tags: Value,
    /// Whether it is INACTIVE, so that no new service or task can use it.
    pub deregistered: bool,
}

impl TaskDefinition {
    /// Whether it fits Fargate, which needs awsvpc and task-level CPU and memory.
    pub(crate) fn fits_fargate(&self) -> bool {
        self.network_mode == NetworkMode::Awsvpc && self.cpu.is_some() && self.memory.is_some()
    }

    pub(crate) fn container(&self, name: &str) -> Option<&ContainerDefinition> {
        self.containers.iter().find(|container| container.name == name)
    }
}

/// Reads network mode and containers from a `RegisterTaskDefinition` input.
pub(crate) fn read_containers(
    input: &Input<'_>,
) -> Result<(NetworkMode, Vec<ContainerDefinition>), ApiError> {
    let mode = input.optional_text("networkMode")?;
    let mode =
        NetworkMode::parse(mode).ok_or_else(|| input.refuse("Invalid 'networkMode' setting"))?;
    let containers = input.list("containerDefinitions")?;
    if containers.is_empty() {
        return Err(incomplete("Container list cannot be empty."));
    }
    let containers = containers.iter().map(|container| read_container(input, mode, container));
    Ok((mode, containers.collect::<Result<_, _>>()?))
}

/// Unlike for other invalid parameters, this is a `ClientException` [GH
/// cloudformation-user-guide#454, #612, aws-cli#5924].
fn incomplete(message: &str) -> ApiError {
    ApiError::refused("ClientException", message)
}

fn read_container(
    input: &Input<'_>,
    mode: NetworkMode,
    container: &Value,
) -> Result<ContainerDefinition, ApiError> {
    let text = |name: &str| container.get(name).and_then(Value::as_str);
    let number = |name: &str| container.get(name).and_then(Value::as_u64);
    let name =
        text("name").ok_or_else(|| incomplete("Container.name should not be null or empty."))?;
    let image =
        text("image").ok_or_else(|| incomplete("Container.image should not be null or empty."))?;
    let mut ports = Vec::new();
    for mapping in container.get("portMappings").and_then(Value::as_array).into_iter().flatten() {
        let optional = "containerPort hostPort protocol name appProtocol containerPortRange";
        let mapping = input.nested("portMappings", mapping, "", optional)?;
        let container =
            match (mapping.port("containerPort")?, mapping.optional_text("containerPortRange")?) {
                (Some(port), None) => Ports::one(port),
                (None, Some(range)) => Ports::parse_range(range)
                    .ok_or_else(|| input.refuse(format!("Invalid containerPortRange {range}")))?,
                _ => {
                    return Err(input.refuse(
                        "Exactly one of containerPort and containerPortRange must be given",
                    ));
                }
            };
        let host_port = u16::try_from(mapping.number("hostPort")?.unwrap_or(0)).unwrap_or(0);
        // "awsvpc/host: hostPort must be blank or equal to containerPort" [BC
        // PortMapping.hostPort].
        if matches!(mode, NetworkMode::Awsvpc | NetworkMode::Host)
            && ![0, container.first].contains(&host_port)
        {
            let message = "When networkMode=awsvpc or host, the host ports and container ports in port mappings must match.";
            return Err(ApiError::refused("ClientException", message));
        }
        let protocol = mapping.optional_text("protocol")?.unwrap_or("tcp").to_owned();
        ports.push(PortMapping { container, host_port, protocol });
    }
    Ok(ContainerDefinition {
        name: name.to_owned(),
        image: image.to_owned(),
        cpu: number("cpu").unwrap_or(0),
        memory: number("memory"),
        ports,
    })
}
