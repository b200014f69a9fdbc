//! The type of a target group's targets.
//!
//! Has its own module because both ELBv2 and ECS use it and ELBv2 imports ECS.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetType {
    /// EC2 instances, by instance id.
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
