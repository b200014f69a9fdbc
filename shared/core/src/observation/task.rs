//! A task, its containers, its placement and its task definition.
//!
//! AWS facts: F-1.1, F-10.7.

use crate::ids::{ContainerInstanceArn, ContainerPort, HostPort, TaskArn, TaskDefinitionArn};
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

text_enum! {
    /// The last status of a task, or its desired status. [Task
    /// lifecycle](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html)
    TaskStatus {
        Provisioning = "PROVISIONING", Pending = "PENDING", Activating = "ACTIVATING", Running = "RUNNING",
        Deactivating = "DEACTIVATING", Stopping = "STOPPING", Deprovisioning = "DEPROVISIONING",
        Stopped = "STOPPED", Deleted = "DELETED",
    }
}

impl TaskStatus {
    /// Whether the task has stopped completely.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Stopped | Self::Deleted)
    }
}

/// A task, as `DescribeTasks` and events describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub arn: TaskArn,
    /// `service:<name>` for tasks of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `ecs-svc/<digits>` for tasks of a service: the deployment, or the task set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    pub task_definition: TaskDefinitionArn,
    /// Its container instance; absent on Fargate and before placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_instance: Option<ContainerInstanceArn>,
    /// `launchType` is EXTERNAL (ECS Anywhere): AWS does not load-balance these.
    #[serde(default)]
    pub anywhere: bool,
    /// The last status that ECS knows.
    pub last_status: TaskStatus,
    /// The desired status. If it is STOPPED while `last_status` is RUNNING, the task is stopping.
    pub desired_status: TaskStatus,
    /// Counts the changes of this task.
    #[serde(default)]
    pub version: u64,
    /// Whether the agent (or Fargate) is connected, so that the rest of this description is
    /// current.
    #[serde(default = "yes")]
    pub connected: bool,
    /// When it reached RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it reached STOPPED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// Why it stopped, as a code: `ServiceSchedulerInitiated`, `EssentialContainerExited`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<String>,
    /// Why it stopped, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// Whether ECS says that it has deregistered the task's targets: its attachment to the load
    /// balancer is DELETED.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deregistered: bool,
    /// The task's own network interface (awsvpc).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<NetworkInterface>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
}

fn yes() -> bool {
    true
}

impl Task {
    /// Whether it is to run and does not run yet.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        self.is_counted() && self.last_status != TaskStatus::Running
    }

    /// Whether it is on its way from RUNNING to STOPPED.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        use TaskStatus::{Deactivating, Deprovisioning, Stopping};
        matches!(self.last_status, Deactivating | Stopping | Deprovisioning)
    }

    /// Whether this task stands for one that ECS counts among those that start or run. A task that
    /// is to stop never does, so that it cannot replace one that is missing from a list: should ECS
    /// count it for a while, the list is taken for incomplete.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let starts_or_runs = matches!(
            self.last_status,
            TaskStatus::Provisioning
                | TaskStatus::Pending
                | TaskStatus::Activating
                | TaskStatus::Running
        );
        starts_or_runs && self.desired_status == TaskStatus::Running
    }

    /// The service that this task belongs to. Both fields that ECS sets must match, because callers
    /// of `RunTask` choose `group` and `startedBy` freely.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let started_by_service =
            self.started_by.as_deref().is_some_and(|by| by.starts_with("ecs-svc/"));
        self.group
            .as_deref()
            .and_then(|group| group.strip_prefix("service:"))
            .filter(|_| started_by_service)
    }

    /// The container that had this host port and has stopped, while the task may run on; none if a
    /// container that has not stopped has the port.
    #[must_use]
    pub fn stopped_container(&self, port: HostPort) -> Option<&Container> {
        let mut here = self.containers.iter().filter(|container| container.has_bound(port));
        let first = here.next().filter(|container| container.stopped)?;
        here.all(|container| container.stopped).then_some(first)
    }
}

/// A task's own network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkInterface {
    /// Its IPv4 address; unknown while the interface is being created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<IpAddr>,
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
    /// Its `lastStatus` is STOPPED. The task runs on if the container is not essential, and another
    /// task may get its host ports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

impl Container {
    fn has_bound(&self, port: HostPort) -> bool {
        self.bindings.iter().any(|binding| {
            let offset = port.get().checked_sub(binding.host_port.get());
            offset.is_some_and(|offset| offset < binding.length)
        })
    }
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
    /// The number of consecutive ports: 1 unless the binding is a range.
    #[serde(default = "one")]
    pub length: u16,
}

fn one() -> u16 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstance {
    /// `i-…`, or `mi-…` for ECS Anywhere. Never changes.
    pub ec2_instance: String,
    /// The state, if this check read it; absent if only the immutable id is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ContainerInstanceState>,
}

/// The part of a container instance that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerInstanceState {
    /// ACTIVE, DRAINING, INACTIVE, …; `MISSING` if ECS no longer knows it.
    pub status: String,
    /// Whether the agent is connected.
    pub agent_connected: bool,
}

impl ContainerInstanceState {
    /// Whether ECS manages the container instance now, so that it shows every task there.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.agent_connected && self.is_managed()
    }

    /// Whether it is registered in its cluster.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        matches!(self.status.as_str(), "ACTIVE" | "DRAINING")
    }
}

text_enum! {
    /// The network mode of a task definition.
    NetworkMode { Bridge = "bridge", Host = "host", Awsvpc = "awsvpc", None = "none", Default = "default" }
}

/// The part of a task definition that determines ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinition {
    /// The network mode. Absent in AWS means bridge on Linux.
    pub network_mode: NetworkMode,
    /// Container ports by container.
    pub ports: BTreeMap<String, Vec<ContainerPort>>,
}
