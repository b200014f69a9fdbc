//! Parses the parts of a task that AWS writes in more than one way.
//!
//! Events and API answers differ: `eni` or `ElasticNetworkInterface`, empty lists or none, `cpu:
//! "null"`.
//!
//! AWS facts: F-2.2.

use crate::ids::{
    ClusterArn, ContainerInstanceArn, ContainerPort, HostPort, NotAnId, TaskArn, TaskDefinitionArn,
};
use crate::observation::{Binding, Container, NetworkInterface, Task, TaskStatus};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Reads a member that AWS may leave out: `null` counts as absent, too. The [API
/// model](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html) requires no
/// member of a task.
pub(crate) fn or_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An attachment of a task: its type and its details by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttachmentParts {
    /// `eni` in events, `ElasticNetworkInterface` in API answers; other types have no address.
    #[serde(rename = "type", deserialize_with = "or_absent")]
    pub kind: String,
    /// `PRECREATED`, `ATTACHED`, `DELETED`, …
    #[serde(deserialize_with = "or_absent")]
    pub status: String,
    /// Names and values.
    #[serde(deserialize_with = "or_absent")]
    pub details: Vec<Detail>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// Such as `privateIPv4Address`.
    #[serde(deserialize_with = "or_absent")]
    pub name: String,
    #[serde(deserialize_with = "or_absent")]
    pub value: String,
}

/// `containers[].networkInterfaces[]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerAddress {
    pub private_ipv4_address: Option<String>,
    pub ipv6_address: Option<String>,
}

/// Returns whether ECS says that it has deregistered the task's targets. The attachment to a load
/// balancer is an `elb` in events; it names no target group.
#[must_use]
pub fn is_deregistered(attachments: &[AttachmentParts]) -> bool {
    let is_balancer = |kind: &str| {
        let kind = kind.to_ascii_lowercase();
        kind == "elb" || kind.contains("loadbalanc")
    };
    attachments.iter().any(|part| is_balancer(&part.kind) && part.status == "DELETED")
}

impl NetworkInterface {
    /// The interface of a task from its attachments and its containers' interfaces, or none when
    /// the task has none (bridge and host mode). An interface that is still being created has no
    /// address yet.
    #[must_use]
    pub fn from_parts(
        attachments: &[AttachmentParts],
        addresses: &[ContainerAddress],
    ) -> Option<Self> {
        let eni = attachments
            .iter()
            .find(|part| matches!(part.kind.as_str(), "eni" | "ElasticNetworkInterface"));
        if eni.is_none() && addresses.is_empty() {
            return None;
        }
        // A detail without a value does not hide a later one of the same name.
        let detail = |name: &str| {
            let has_value =
                |it: &&Detail| it.name.eq_ignore_ascii_case(name) && !it.value.is_empty();
            eni.and_then(|eni| eni.details.iter().find(has_value)).map(|it| it.value.clone())
        };
        let ipv4 = addresses.iter().find_map(|address| address.private_ipv4_address.clone());
        let ipv6 = addresses.iter().find_map(|address| address.ipv6_address.clone());
        let parse = |text: Option<String>| text.and_then(|text| text.parse::<IpAddr>().ok());
        Some(Self {
            ipv4: parse(ipv4.or_else(|| detail("privateIPv4Address"))),
            ipv6: parse(
                ipv6.or_else(|| detail("privateIPv6Address").or_else(|| detail("ipv6Address"))),
            ),
            subnet: detail("subnetId"),
        })
    }
}

/// `containers[].networkBindings[]`: single ports or ranges, as AWS writes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingParts {
    /// The host address.
    #[serde(rename = "bindIP")]
    pub bind_ip: Option<String>,
    /// `tcp`, `udp`.
    pub protocol: Option<String>,
    /// A single port.
    pub container_port: Option<i64>,
    /// A single port.
    pub host_port: Option<i64>,
    /// `8000-8010`
    pub container_port_range: Option<String>,
    /// `32800-32810`
    pub host_port_range: Option<String>,
}

impl Binding {
    /// A binding; an error if it has neither two ports nor two ranges of the same length.
    pub fn from_parts(parts: &BindingParts) -> Result<Self, NotAnId> {
        let wanted = "a port binding with two ports or two ranges of the same length";
        let unusable = || NotAnId { text: format!("{parts:?}"), wanted };
        let ranges = parts.container_port_range.as_deref().zip(parts.host_port_range.as_deref());
        let (container, host, length) = match (parts.container_port.zip(parts.host_port), ranges) {
            (Some((container, host)), _) => (container, host, 1),
            (None, Some((container, host))) => {
                let (container_first, container_length) = range(container).ok_or_else(unusable)?;
                let (host_first, host_length) = range(host).ok_or_else(unusable)?;
                if container_length != host_length {
                    return Err(unusable());
                }
                (container_first, host_first, host_length)
            }
            (None, None) => return Err(unusable()),
        };
        Ok(Self {
            bind_ip: parts.bind_ip.clone(),
            protocol: parts.protocol.clone(),
            container_port: ContainerPort::try_from(container)?,
            host_port: HostPort::try_from(host)?,
            length,
        })
    }
}

/// `8000-8010` as its first port and its length. A single `8000` is a range of one.
fn range(text: &str) -> Option<(i64, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some((i64::from(first), length))
}

/// The maximum number of characters kept of a text from AWS. The beginning names the subject; the
/// rest may be a container's own error, of any length.
const TEXT_KEPT: usize = 400;

/// The beginning of a text from AWS, so that observations stay small.
#[must_use]
pub fn in_short(text: &str) -> String {
    match text.char_indices().nth(TEXT_KEPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The `detail` of a Task State Change event: the `Task` of the API with ISO 8601 times. These
/// members request the check, so they must be readable; the rest is only evidence.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDetail {
    pub task_arn: TaskArn,
    pub cluster_arn: ClusterArn,
    pub last_status: String,
    pub group: Option<String>,
    pub started_by: Option<String>,
    #[serde(default, deserialize_with = "or_absent")]
    pub version: u64,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The members that only show what the task's targets were; many members are not read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TaskEvidence {
    #[serde(deserialize_with = "or_absent")]
    desired_status: String,
    task_definition_arn: Option<String>,
    container_instance_arn: Option<String>,
    launch_type: Option<String>,
    connectivity: Option<String>,
    started_at: Option<String>,
    stopped_at: Option<String>,
    stop_code: Option<String>,
    stopped_reason: Option<String>,
    #[serde(deserialize_with = "or_absent")]
    attachments: Vec<AttachmentParts>,
    #[serde(deserialize_with = "or_absent")]
    containers: Vec<ContainerDetail>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerDetail {
    #[serde(deserialize_with = "or_absent")]
    name: String,
    last_status: Option<String>,
    #[serde(deserialize_with = "or_absent")]
    network_bindings: Vec<BindingParts>,
    #[serde(deserialize_with = "or_absent")]
    network_interfaces: Vec<ContainerAddress>,
}

impl TaskDetail {
    /// The task as the event shows it; none if a part of it cannot be parsed: then it proves
    /// nothing. Portkeeper checks the service in either case.
    pub(crate) fn into_task(self) -> Option<Task> {
        let moment = |text: Option<String>| text.and_then(|text| Timestamp::try_from(text).ok());
        let parts: TaskEvidence = serde_json::from_value(Value::Object(self.rest)).ok()?;
        let addresses: Vec<ContainerAddress> = parts
            .containers
            .iter()
            .flat_map(|container| container.network_interfaces.clone())
            .collect();
        let container_instance = match parts.container_instance_arn {
            Some(arn) => Some(ContainerInstanceArn::try_from(arn).ok()?),
            None => None,
        };
        let containers = parts.containers.into_iter().map(|container| {
            let bindings = container
                .network_bindings
                .iter()
                .map(Binding::from_parts)
                .collect::<Result<_, _>>()
                .ok()?;
            let stopped = container.last_status.as_deref() == Some("STOPPED");
            Some(Container { name: container.name, bindings, stopped })
        });
        Some(Task {
            arn: self.task_arn,
            group: self.group,
            started_by: self.started_by,
            task_definition: TaskDefinitionArn::try_from(parts.task_definition_arn?).ok()?,
            container_instance,
            anywhere: parts.launch_type.as_deref() == Some("EXTERNAL"),
            last_status: TaskStatus::from(self.last_status),
            desired_status: TaskStatus::from(parts.desired_status),
            version: self.version,
            connected: parts.connectivity.as_deref() != Some("DISCONNECTED"),
            started_at: moment(parts.started_at),
            stopped_at: moment(parts.stopped_at),
            stop_code: parts.stop_code,
            stopped_reason: parts.stopped_reason.as_deref().map(in_short),
            deregistered: is_deregistered(&parts.attachments),
            network_interface: NetworkInterface::from_parts(&parts.attachments, &addresses),
            containers: containers.collect::<Option<Vec<_>>>()?,
        })
    }
}
