//! The closed list of finding codes, used in alerts, metrics, the ledger and the documentation, and
//! everything that depends on a code.
#![deny(clippy::wildcard_enum_match_arm)]

mod severity;

pub use severity::Severity;

use crate::action::ActionKind;
use crate::policy::Policy;
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

/// When an incident of a code is over that no check finds any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The target is registered and serves, or its task has ended.
    Registered,
    /// The target passes its health checks, or is no longer registered.
    Serving,
    /// The target is no longer registered, or is explained.
    Deregistered,
    /// Nothing was repaired for the length of the fight window.
    NotUndone,
    /// As many tasks run as are desired.
    TasksRun,
    /// No task was stopped for failed health checks for a while.
    TasksLive,
    /// A check that read everything does not find it.
    NotFound,
    /// Only the version that knows the code can say.
    Undetermined,
}

/// The calls by others that an incident of a code can follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// The target was deregistered after its task had started.
    Deregistration,
    /// The target was registered.
    Registration,
    /// The target was registered after its task had stopped.
    LateRegistration,
    /// The target was registered or deregistered.
    AnyWrite,
    /// The group was deleted.
    GroupDeletion,
    /// A listener or a rule of the group's load balancer was changed. Which groups got requests by
    /// it, the event of its change does not say.
    BalancerChange,
    /// No call leads to it.
    Nothing,
}

// Everything that depends on a code is decided here, once for each: a new code does not compile
// until it has an answer to every question. No arm may stand for codes that it does not name.
impl Code {
    /// Codes of one fault, as more of it is known, have one name here: a stale target turns out to
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
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => self.clone(),
        }
    }

    /// How loud. Traffic that reaches the wrong program, or no program, is critical.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Hijacked | Self::TargetGroupMissing => Severity::Critical,
            Self::Foreign | Self::AgentDisconnected | Self::AmbiguousRevision => Severity::Warning,
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
    /// an hour, and new tasks take minutes to start; guards stand on what is confirmed already.
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
            | Self::Unknown(_) => policy.confirm_seconds,
        }
    }

    /// The repair that corrects it, if that is proved; none where only a person can.
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
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => None,
        }
    }

    /// When an incident of it is over.
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
            Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::LimitExceeded => Ends::NotFound,
            Self::Unknown(_) => Ends::Undetermined,
        }
    }

    /// Of another task it is another incident, although its subject is the same.
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
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// It keeps a single task from getting traffic.
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
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// Requests reach another program than the service's, as long as it lasts.
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
            | Self::Fight
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }

    /// Its own alert may wait while a guard's alert names its target. What is critical is worth its
    /// own, and so is what the guard has to say.
    #[must_use]
    pub fn may_be_suppressed(&self) -> bool {
        match self {
            Self::Hijacked | Self::TargetGroupMissing | Self::LimitExceeded => false,
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
            | Self::Fight
            | Self::Unknown(_) => true,
        }
    }

    /// The calls by people or other tools that it can follow from.
    #[must_use]
    pub fn may_follow_a_call(&self) -> Follows {
        match self {
            Self::Missing | Self::AzAllNeeded => Follows::Deregistration,
            Self::Stale | Self::Hijacked => Follows::LateRegistration,
            Self::Foreign | Self::WrongPort | Self::Misplaced => Follows::Registration,
            Self::Fight => Follows::AnyWrite,
            Self::TargetGroupMissing => Follows::GroupDeletion,
            Self::TargetGroupUnattached | Self::AzDisabled => Follows::BalancerChange,
            Self::Unhealthy
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::LimitExceeded
            | Self::Unknown(_) => Follows::Nothing,
        }
    }

    /// It never comes about without a call by a person or another tool. For other codes ECS may
    /// have made the call, or may have failed to: where no call is known, no other caller is missed.
    #[must_use]
    pub fn must_follow_a_call(&self) -> bool {
        match self {
            Self::Missing
            | Self::Misplaced
            | Self::WrongPort
            | Self::Foreign
            | Self::TargetGroupMissing
            | Self::TargetGroupUnattached
            | Self::Fight => true,
            Self::Stale
            | Self::Hijacked
            | Self::Unhealthy
            | Self::TargetTypeMismatch
            | Self::IpFamilyMismatch
            | Self::AzAllNeeded
            | Self::AzDisabled
            | Self::BindingsMissing
            | Self::AgentDisconnected
            | Self::AmbiguousRevision
            | Self::KillLoop
            | Self::BelowDesired
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }
}
