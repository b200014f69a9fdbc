//! The closed list of finding codes, used in alerts, metrics, the ledger and the documentation.

use crate::text_enum::text_enum;

text_enum! {
    /// What can be wrong with a service's targets.
    Code {
        /// A running task's target is not registered.
        Missing = "missing",
        /// A stopped task's target is still registered.
        Stale = "stale",
        /// A stale target whose port or address now belongs to another service's task.
        Hijacked = "hijacked",
        /// A task's target, registered in a group that is not its revision's.
        Misplaced = "misplaced",
        /// The right instance or address with a port that is not the load-balanced container port.
        WrongPort = "wrong_port",
        /// Nothing in ECS explains the target.
        Foreign = "foreign",
        /// Registered, and failing for longer than the group's own settings explain.
        Unhealthy = "unhealthy",
        /// The target group does not exist.
        TargetGroupMissing = "target_group_missing",
        /// The target group belongs to no load balancer, or no listener leads to it.
        TargetGroupUnattached = "target_group_unattached",
        /// The group takes another kind of target than the task's network mode gives.
        TargetTypeMismatch = "target_type_mismatch",
        /// The group's IP family is not one that the task has.
        IpFamilyMismatch = "ip_family_mismatch",
        /// A task's address is outside the group's VPC, where ECS cannot register it.
        AzAllNeeded = "az_all_needed",
        /// The target's zone is not enabled for the load balancer.
        AzDisabled = "az_disabled",
        /// A running task without the port bindings or the address that it needs.
        BindingsMissing = "bindings_missing",
        /// The agent of a task's container instance has been out of contact for long.
        AgentDisconnected = "agent_disconnected",
        /// It cannot be told which revision or task set a task belongs to.
        AmbiguousRevision = "ambiguous_revision",
        /// Tasks are stopped again and again for failed load balancer health checks.
        KillLoop = "kill_loop",
        /// Fewer tasks run than are wanted, for long, with no deployment in progress.
        BelowDesired = "below_desired",
        /// Somebody undoes the repairs of a target.
        Fight = "fight",
        /// A guard withheld a repair.
        LimitExceeded = "limit_exceeded",
    }
}

impl Code {
    /// Every code of this version, in the order in which documentation lists them.
    pub const ALL: [Self; 20] = [
        Self::Missing,
        Self::Stale,
        Self::Hijacked,
        Self::Misplaced,
        Self::WrongPort,
        Self::Foreign,
        Self::Unhealthy,
        Self::TargetGroupMissing,
        Self::TargetGroupUnattached,
        Self::TargetTypeMismatch,
        Self::IpFamilyMismatch,
        Self::AzAllNeeded,
        Self::AzDisabled,
        Self::BindingsMissing,
        Self::AgentDisconnected,
        Self::AmbiguousRevision,
        Self::KillLoop,
        Self::BelowDesired,
        Self::Fight,
        Self::LimitExceeded,
    ];

    /// Codes of one fault, as more of it is known, have one name here: a stale target turns out to
    /// be hijacked, a missing one to be outside the group's VPC.
    #[must_use]
    pub fn family(&self) -> Self {
        match self {
            Self::Hijacked => Self::Stale,
            Self::AzAllNeeded => Self::Missing,
            other => other.clone(),
        }
    }

    /// How loud. Traffic that reaches the wrong program, or no program, is critical.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Hijacked | Self::TargetGroupMissing => Severity::Critical,
            Self::Foreign | Self::AgentDisconnected | Self::AmbiguousRevision => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// How loud an alert is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it in the morning.
    Warning,
    /// A task without traffic, or a repair that was stopped.
    Error,
    /// Requests reach the wrong program, or none.
    Critical,
}

impl Severity {
    /// As the message attribute `severity` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}
