//! The type of a target group's targets.
//!
//! In a module of its own because both sides need it: ELBv2 to register targets, and ECS to register
//! its tasks. Knows neither of them.

/// What a group's targets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetType {
    /// EC2 instances by id.
    Instance,
    /// IP addresses.
    Ip,
}

impl TargetType {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
        }
    }
}
