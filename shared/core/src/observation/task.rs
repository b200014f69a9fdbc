//! A task, its containers, where it was placed and what it runs.
//!
//! AWS facts: F-1.1, F-10.7.

use crate::ids::{ContainerInstanceArn, ContainerPort, HostPort, TaskArn, TaskDefinitionArn};
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

text_enum! {
    /// Where a task is in its life, and where it should be. [Task
    /// lifecycle](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html)
    TaskStatus {
        Provisioning = "PROVISIONING", Pending = "PENDING", Activating = "ACTIVATING", Running = "RUNNING",
        Deactivating = "DEACTIVATING", Stopping = "STOPPING", Deprovisioning = "DEPROVISIONING",
        Stopped = "STOPPED", Deleted = "DELETED",
    }
}

impl TaskStatus {
    /// ECS counts the task among those that start or run. A task on its way out is in no count, and
    /// must not stand in for one that a list lacks.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::Provisioning | Self::Pending | Self::Activating | Self::Running)
    }

    /// Nothing of the task runs any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Stopped | Self::Deleted)
    }
}

/// A task, as `DescribeTasks` and the events tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its ARN.
    pub arn: TaskArn,
    /// `service:<name>` for tasks of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `ecs-svc/<digits>` for tasks of a service: the deployment, or the task set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// Where it was placed; absent on Fargate and before placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_instance: Option<ContainerInstanceArn>,
    /// `launchType` is EXTERNAL (ECS Anywhere): AWS does not load-balance these.
    #[serde(default)]
    pub anywhere: bool,
    /// What ECS last heard.
    pub last_status: TaskStatus,
    /// What ECS wants. STOPPED while `last_status` is RUNNING: the task is on its way out.
    pub desired_status: TaskStatus,
    /// Counts the changes of this task.
    #[serde(default)]
    pub version: u64,
    /// The agent (or Fargate) is in contact, so that the rest of this description is current.
    #[serde(default = "yes")]
    pub connected: bool,
    /// When it reached RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it reached STOPPED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// Who stopped it: `ServiceSchedulerInitiated`, `EssentialContainerExited`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<String>,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// The task's own network interface (awsvpc).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<NetworkInterface>,
    /// Its containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
}

fn yes() -> bool {
    true
}

impl Task {
    /// The service that this task belongs to: both marks that ECS sets must be there, because
    /// callers of `RunTask` choose `group` and `startedBy` freely.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let started_by_service =
            self.started_by.as_deref().is_some_and(|by| by.starts_with("ecs-svc/"));
        self.group
            .as_deref()
            .and_then(|group| group.strip_prefix("service:"))
            .filter(|_| started_by_service)
    }
}

/// A task's own network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkInterface {
    /// Its IPv4 address; unknown while the interface is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<IpAddr>,
    /// Its IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<IpAddr>,
    /// Its subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// Its port bindings (bridge mode). Always empty in host mode and awsvpc mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
}

/// `networkBindings[]`: a port of the container on a port of the host, or a range of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The host address it is bound to; absent, `0.0.0.0` and `::` mean every address of a family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_ip: Option<String>,
    /// `tcp` or `udp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The first port inside the container.
    pub container_port: ContainerPort,
    /// The first port on the host.
    pub host_port: HostPort,
    /// How many ports follow one another from there: 1 unless the binding is a range.
    #[serde(default = "one")]
    pub length: u16,
}

fn one() -> u16 {
    1
}

/// A container instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstance {
    /// `i-…`, or `mi-…` for ECS Anywhere. Never changes.
    pub ec2_instance: String,
    /// What was read just now; absent when only the immutable id is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ContainerInstanceState>,
}

/// The part of a container instance that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstanceState {
    /// ACTIVE, DRAINING, INACTIVE, …; `MISSING` when ECS does not know it any more.
    pub status: String,
    /// The agent is in contact.
    pub agent_connected: bool,
}

text_enum! {
    /// The network mode of a task definition.
    NetworkMode { Bridge = "bridge", Host = "host", Awsvpc = "awsvpc", None = "none", Default = "default" }
}

/// The part of a task definition that decides ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinition {
    /// The network mode. Absent in AWS means bridge on Linux.
    pub network_mode: NetworkMode,
    /// Container ports by container.
    pub ports: BTreeMap<String, Vec<ContainerPort>>,
}
