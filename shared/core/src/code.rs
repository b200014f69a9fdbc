//! The closed list of finding codes for alerts, metrics, the ledger and the documentation, and all
//! decisions that depend on a code.
#![deny(clippy::wildcard_enum_match_arm)]

mod follows;
mod severity;

pub use follows::Follows;
pub use severity::Severity;

use crate::action::ActionKind;
use crate::policy::Policy;
use crate::text_enum::text_enum;

text_enum! {
    /// The faults of a service's targets.
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
        /// No ECS task explains the target.
        Foreign = "foreign",
        /// Registered, and failing for longer than the group's own settings explain.
        Unhealthy = "unhealthy",
        /// The target group does not exist.
        TargetGroupMissing = "target_group_missing",
        /// No load balancer uses the target group, or no listener forwards to it.
        TargetGroupUnattached = "target_group_unattached",
        /// The group's target type does not match the task's network mode.
        TargetTypeMismatch = "target_type_mismatch",
        /// The group's IP family is not one that the task has.
        IpFamilyMismatch = "ip_family_mismatch",
        /// A task's address is outside the group's VPC, where ECS cannot register it.
        AzAllNeeded = "az_all_needed",
        /// The target's zone is not enabled for the load balancer.
        AzDisabled = "az_disabled",
        /// A running task without the port bindings or the address that it needs.
        BindingsMissing = "bindings_missing",
        /// The agent of a task's container instance has been disconnected for too long.
        AgentDisconnected = "agent_disconnected",
        /// The revision or task set of a task is undetermined.
        AmbiguousRevision = "ambiguous_revision",
        /// Tasks fail again and again: they fail health checks, end by themselves, or do not start.
        KillLoop = "kill_loop",
        /// Fewer tasks are running than desired, for longer than a deployment explains.
        BelowDesired = "below_desired",
        /// A deployment in progress lacks tasks, and none of its tasks has started for long.
        DeploymentStuck = "deployment_stuck",
        /// Running tasks belong in a group and none of them has a healthy target, and no other finding
        /// reports the whole outage.
        NoTraffic = "no_traffic",
        /// Another writer undoes the repairs of a target.
        Fight = "fight",
        /// A guard withheld a repair.
        LimitExceeded = "limit_exceeded",
    }
}

/// The condition under which an incident that checks no longer find is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The target is registered and receives traffic, or its task has stopped.
    Registered,
    /// The target passes its health checks, or is no longer registered.
    Serving,
    /// The target is no longer registered, or is explained.
    Deregistered,
    /// Nothing was repaired for the length of the fight window.
    NotUndone,
    /// The desired number of tasks is running.
    TasksRun,
    /// No task failed for a while.
    TasksLive,
    /// A target of the service is healthy, or no task is desired.
    Served,
    /// A check that read everything does not find it.
    NotFound,
    /// Only the version that knows the code can decide.
    Undetermined,
}

// All decisions that depend on a code are here and in `follows`, one for each code: the code does not compile until
// every decision covers a new code. No arm may cover codes that it does not name.
impl Code {
    /// The common code of a fault whose code changes as more is known: a stale target turns out to
    /// be hijacked, a missing one to be outside the group's VPC.
    #[must_use]
    pub fn family(&self) -> Self {
        match self {
            Self::Hijacked => Self::Stale,
            Self::AzAllNeeded => Self::Missing,
            Self::Missing
            | Self::Stale
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => self.clone(),
        }
    }

    /// The severity. Traffic that reaches the wrong task, or none, is critical.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Hijacked | Self::TargetGroupMissing | Self::NoTraffic => Severity::Critical,
            Self::Foreign
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::DeploymentStuck => Severity::Warning,
            Self::Missing
            | Self::Stale
            | Self::Misplaced
            | Self::WrongPort
            | Self::Unhealthy
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzAllNeeded
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::KillLoop
            | Self::BelowDesired
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => Severity::Error,
        }
    }

    /// Seconds from the first check until a second one confirms it. Agents disconnect several times
    /// an hour, and new tasks take minutes to start; guards act on findings that are already
    /// confirmed.
    #[must_use]
    pub fn confirm_seconds(&self, policy: &Policy) -> u32 {
        match self {
            Self::AgentDisconnected => policy.disconnected_seconds,
            Self::BelowDesired => policy.below_desired_seconds,
            Self::Fight | Self::LimitExceeded => 0,
            Self::Missing
            | Self::Stale
            | Self::Hijacked
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzAllNeeded
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Unknown(_) => policy.confirm_seconds,
        }
    }

    /// The repair that corrects it, with proof; none if only a person can correct it.
    #[must_use]
    pub fn repair(&self) -> Option<ActionKind> {
        match self {
            Self::Missing | Self::AzAllNeeded => Some(ActionKind::Register),
            Self::Stale | Self::Hijacked | Self::WrongPort => Some(ActionKind::Deregister),
            Self::Misplaced
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => None,
        }
    }

    /// The condition under which an incident with this code is over.
    #[must_use]
    pub fn ends(&self) -> Ends {
        match self {
            Self::Missing | Self::AzAllNeeded => Ends::Registered,
            Self::Unhealthy => Ends::Serving,
            Self::Stale | Self::Hijacked | Self::Misplaced | Self::WrongPort | Self::Foreign => {
                Ends::Deregistered
            }
            Self::Fight => Ends::NotUndone,
            Self::BelowDesired => Ends::TasksRun,
            Self::KillLoop => Ends::TasksLive,
            Self::NoTraffic => Ends::Served,
            Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::DeploymentStuck
            | Self::LimitExceeded => Ends::NotFound,
            Self::Unknown(_) => Ends::Undetermined,
        }
    }

    /// The same subject with another task is another incident.
    #[must_use]
    pub fn is_of_one_task(&self) -> bool {
        match self {
            Self::Missing | Self::AzAllNeeded => true,
            Self::Stale
            | Self::Hijacked
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// A single task receives no traffic because of it.
    #[must_use]
    pub fn stops_traffic(&self) -> bool {
        match self {
            Self::Missing | Self::AzAllNeeded | Self::Unhealthy => true,
            Self::Stale
            | Self::Hijacked
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// Requests reach another service's task as long as it lasts.
    #[must_use]
    pub fn misdirects_traffic(&self) -> bool {
        match self {
            Self::Hijacked => true,
            Self::Missing
            | Self::Stale
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzAllNeeded
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// Its own alert may wait while a guard's alert names its target. Critical findings and the
    /// guard's own findings are never suppressed.
    #[must_use]
    pub fn may_be_suppressed(&self) -> bool {
        match self {
            Self::Hijacked | Self::TargetGroupMissing | Self::NoTraffic | Self::LimitExceeded => {
                false
            }
            Self::Missing
            | Self::Stale
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::Unhealthy
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzAllNeeded
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::DeploymentStuck
            | Self::Fight
            | Self::Unknown(_) => true,
        }
    }
}
