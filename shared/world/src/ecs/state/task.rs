//! The state of tasks and their containers.

use super::definition::{NetworkMode, Ports, TaskDefinition};
use crate::reply::Shown;
use std::sync::{Arc, OnceLock};

/// A program's answer to a connection or a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Ok,
    Status(u16),
    /// The connection is refused.
    Refused,
    /// No answer in time.
    Silence,
}

/// `lastStatus`, in the order of a task's life [DG task-lifecycle-explanation].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The host port of a container port.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub bind_ip: &'static str,
    pub container: Ports,
    pub host: Ports,
    pub protocol: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub id: String,
    pub name: String,
    pub status: &'static str,
    pub bindings: Vec<Binding>,
    pub exit_code: Option<i32>,
}

/// The network interface of an awsvpc task.
#[derive(Debug, Clone)]
pub(crate) struct Eni {
    pub attachment: String,
    pub id: String,
    pub mac: String,
    pub subnet: String,
    /// `PRECREATED` has no address yet.
    pub status: &'static str,
    pub v4: Option<String>,
    pub v6: Option<String>,
}

/// The progress of a task's registration by ECS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registration {
    /// Nothing is scheduled.
    None,
    /// ECS will register the targets at this time.
    Due(u64),
    /// ECS has registered the targets, or behaves as if it had.
    Done,
    /// ECS has deregistered the targets.
    Removed,
    /// The task has stopped, and ECS did not deregister the targets. The attachment says so
    /// [INF]: AWS does not document what it says then.
    Kept,
}

#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub code: &'static str,
    pub reason: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub id: String,
    pub arn: String,
    pub cluster: String,
    pub definition: Arc<TaskDefinition>,
    /// Container instance id.
    pub instance: Option<String>,
    /// EC2 instance id, kept here because the instance may be deregistered before the task.
    pub ec2_id: Option<String>,
    pub zone: String,
    pub group: String,
    pub started_by: Option<String>,
    /// `cluster/service`.
    pub service: Option<String>,
    /// The 19 digits of the deployment or task set that started it.
    pub deployment: Option<String>,
    pub launch_type: String,
    pub status: Status,
    pub version: u64,
    pub connected: bool,
    pub containers: Vec<Container>,
    pub eni: Option<Eni>,
    /// Attachment id of the `elb` attachment of tasks behind a load balancer.
    pub elb_attachment: Option<String>,
    pub registration: Registration,
    pub answers: Answer,
    /// The agent reports no bindings although the ports are bound.
    pub bindings_lost: bool,
    /// A container exited, but the agent has not reported it yet.
    pub crashed: bool,
    pub created_ms: u64,
    pub started_ms: Option<u64>,
    pub stopping_ms: Option<u64>,
    pub execution_stopped_ms: Option<u64>,
    pub stopped_ms: Option<u64>,
    pub updated_ms: u64,
    /// Why it stops or has stopped. If set, `desiredStatus` is STOPPED.
    pub stop: Option<Stop>,
    /// When the next status change is due.
    pub due_ms: Option<u64>,
    /// The previous version, as in the API.
    pub previous: Option<Arc<Shown>>,
    /// As in the API, once a response has shown it.
    pub shown: OnceLock<Arc<Shown>>,
}

impl Task {
    pub(crate) fn mode(&self) -> NetworkMode {
        self.definition.network_mode
    }

    pub(crate) fn stop_wanted(&self) -> bool {
        self.stop.is_some()
    }

    pub(crate) fn desired(&self) -> &'static str {
        if self.stop_wanted() { "STOPPED" } else { "RUNNING" }
    }

    /// Whether its containers are on their instance, or will be.
    pub(crate) fn is_present(&self) -> bool {
        self.status < Status::Deprovisioning
    }

    /// Whether its desired status is RUNNING and it is ACTIVATING or RUNNING.
    pub(crate) fn is_live(&self) -> bool {
        !self.stop_wanted() && matches!(self.status, Status::Activating | Status::Running)
    }

    /// Whether its events say that ECS has deregistered its targets.
    pub(crate) fn is_deregistered(&self) -> bool {
        self.registration == Registration::Removed
    }

    /// `task 1f3a9c02 of shop/web`, for messages.
    pub(crate) fn title(&self) -> String {
        let short = self.id.get(..8).unwrap_or(&self.id);
        match &self.service {
            Some(service) => format!("task {short} of {service}"),
            None => format!("standalone task {short} ({})", self.group),
        }
    }

    /// Where it listens, for messages.
    pub(crate) fn place(&self) -> String {
        let address = self.eni.as_ref().and_then(|eni| eni.v4.as_ref().or(eni.v6.as_ref()));
        let port = self
            .containers
            .iter()
            .flat_map(|container| &container.bindings)
            .map(|binding| binding.host.first)
            .next();
        match (address, &self.ec2_id, port) {
            (Some(address), _, _) => format!(" on {address}"),
            (None, Some(ec2_id), Some(port)) => format!(" on {ec2_id}:{port}"),
            (None, Some(ec2_id), None) => format!(" on {ec2_id}"),
            (None, None, _) => String::new(),
        }
    }
}
