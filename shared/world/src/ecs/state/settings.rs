//! How fast ECS is, and behaviour that differs between accounts. Has no state.

use std::collections::BTreeSet;

/// When ECS registers the targets of a new task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterAt {
    /// While ACTIVATING [DG task-lifecycle-explanation, 2026].
    Activating,
    /// This many seconds after RUNNING, as for older services with one target group [DG23
    /// task-lifecycle].
    AfterRunning(u64),
}

/// The duration of each step of a task's life, in seconds. A step of 0 happens in the next second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From creation to PENDING.
    pub provisioning_secs: u64,
    /// From PENDING to ACTIVATING.
    pub pending_secs: u64,
    /// From ACTIVATING to RUNNING.
    pub activating_secs: u64,
    /// From DEACTIVATING (targets are deregistered) to STOPPING.
    pub deactivating_secs: u64,
    /// From STOPPING (SIGTERM) until the containers are gone.
    pub stopping_secs: u64,
    /// From DEPROVISIONING to STOPPED.
    pub deprovisioning_secs: u64,
    /// Each step takes up to this many seconds longer, chosen by the world's seed.
    pub jitter_secs: u64,
    pub register_at: RegisterAt,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            provisioning_secs: 2,
            pending_secs: 3,
            activating_secs: 3,
            deactivating_secs: 5,
            stopping_secs: 3,
            deprovisioning_secs: 2,
            jitter_secs: 0,
            register_at: RegisterAt::Activating,
        }
    }
}

/// Which running tasks the service scheduler replaces after the grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replaces {
    /// No tasks.
    Nothing,
    /// Tasks whose target fails its health checks [BC `CreateService`].
    Unhealthy,
    /// In addition, tasks whose target is not found or draining. Reports contradict each other
    /// about that (F-1.3).
    UnhealthyOrUnregistered,
}

/// Behaviour that differs between accounts and agent versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    pub replaces: Replaces,
    /// IPv6 bindings get another host port, as with Docker 20.10.6 and later if the agent does not
    /// choose the ports.
    pub separate_v6_ports: bool,
    /// `CreateService` accepts load balancers that AWS would reject, to build accounts that are
    /// already broken.
    pub accept_broken_services: bool,
    /// Names of roles that callers may not pass (`iam:PassRole`).
    pub roles_not_passable: BTreeSet<String>,
    /// The account has no service-linked role for ECS, which services behind load balancers need.
    pub no_service_linked_role: bool,
    /// The most tasks in a page of `ListTasks`, fewer than the 100 of AWS: a large cluster is then a
    /// small one.
    pub tasks_per_page: Option<usize>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            replaces: Replaces::Unhealthy,
            separate_v6_ports: false,
            accept_broken_services: false,
            roles_not_passable: BTreeSet::new(),
            no_service_linked_role: false,
            tasks_per_page: None,
        }
    }
}
