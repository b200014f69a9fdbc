//! Which API calls by people or other tools lead to a finding, by its code.

use super::Code;

/// The API calls that can lead to an incident of a code.
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
    /// A listener or a rule of the group's load balancer was changed. The event of the change does
    /// not name the groups that it affects.
    BalancerChange,
    /// No call leads to it.
    Nothing,
}

// No arm may cover codes that it does not name.
impl Code {
    /// The API calls by people or other tools that can lead to it.
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
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::LimitExceeded
            | Self::Unknown(_) => Follows::Nothing,
        }
    }

    /// It never occurs without a call by a person or another tool. For other codes, ECS may have
    /// made the call or failed to make it, so a missing call means nothing.
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
            | Self::DeploymentStuck
            | Self::NoTraffic
            | Self::LimitExceeded
            | Self::Unknown(_) => false,
        }
    }
}
