//! How fast ECS is and what may differ between accounts. Knows no state.

use std::collections::BTreeSet;

/// When ECS registers the targets of a task that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterAt {
    /// While ACTIVATING [DG task-lifecycle-explanation, 2026].
    Activating,
    /// So many seconds after RUNNING, as older services with one target group do [DG23
    /// task-lifecycle].
    AfterRunning(u64),
}

/// How long ECS and its agents take for each step of a task's life, in seconds. A step of 0 happens
/// in the next second.
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
    /// Each step of a task takes up to so many seconds more, by chance from the world's seed.
    pub jitter_secs: u64,
    /// When targets are registered.
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

/// Which running tasks the service scheduler replaces, beyond the grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replaces {
    /// None: an unhealthy target stays as it is.
    Nothing,
    /// Those whose target fails its health checks [BC `CreateService`].
    Unhealthy,
    /// Also those whose target is not found or draining. Reports conflict about that (F-1.3).
    UnhealthyOrUnregistered,
}

/// What may differ between accounts, agent versions and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Which running tasks ECS replaces.
    pub replaces: Replaces,
    /// Docker 20.10.6 and later without the agent's own allocation: IPv6 bindings get another host
    /// port.
    pub separate_v6_ports: bool,
    /// Lets `CreateService` accept load balancers that AWS would refuse, to build accounts that are
    /// broken already.
    pub accept_broken_services: bool,
    /// Names of roles that callers may not pass on (`iam:PassRole`).
    pub roles_not_passable: BTreeSet<String>,
    /// The account has no service-linked role for ECS, which services behind load balancers need.
    pub no_service_linked_role: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            replaces: Replaces::Unhealthy,
            separate_v6_ports: false,
            accept_broken_services: false,
            roles_not_passable: BTreeSet::new(),
            no_service_linked_role: false,
        }
    }
}
