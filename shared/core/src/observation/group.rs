//! A target group and what is registered in it.
//!
//! AWS facts: F-4.

use crate::ids::{HostPort, Target};
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What kind of targets a group accepts. It never changes.
    TargetType { Instance = "instance", Ip = "ip", Lambda = "lambda", Alb = "alb" }
}

/// A target group: read, or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every group is there, so a box would save nothing"
)]
pub enum TargetGroup {
    /// Described, with all its registered targets.
    Found(FoundGroup),
    /// ELBv2 says `TargetGroupNotFound`.
    Missing,
}

/// A target group that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundGroup {
    pub target_type: TargetType,
    /// HTTP, HTTPS, TCP, TLS, UDP, `TCP_UDP`, GENEVE, QUIC, …
    pub protocol: String,
    /// The port of a target that is registered without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_port: Option<HostPort>,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<String>,
    /// The load balancers that use this group.
    #[serde(default)]
    pub load_balancers: Vec<String>,
    /// Health check interval in seconds.
    pub health_interval_seconds: u32,
    /// How many failed checks make a target unhealthy.
    pub unhealthy_threshold: u32,
    /// The port of the health checks, if it is not the target's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_port: Option<String>,
    /// The path of the health checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_path: Option<String>,
    /// The codes of a successful health check, such as `200-299`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_codes: Option<String>,
    /// Every target that ELBv2 returned, including draining ones.
    #[serde(default)]
    pub targets: Vec<RegisteredTarget>,
}

text_enum! {
    /// [TargetHealth.State](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html)
    HealthState {
        Initial = "initial", Healthy = "healthy", Unhealthy = "unhealthy",
        /// Registered, only unhealthy: the word "draining" in it misleads (an NLB attribute).
        ///
        UnhealthyDraining = "unhealthy.draining",
        Unused = "unused", Draining = "draining", Unavailable = "unavailable",
    }
}

/// A target as `DescribeTargetHealth` returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredTarget {
    /// Id and port.
    pub target: Target,
    pub state: HealthState,
    /// AWS's reason code, such as `Target.Timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The zone; `all` for an address outside the group's VPC. Instances show one only if the
    /// registration named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
}

impl RegisteredTarget {
    /// Whether it is being deregistered: ELBv2 finishes its requests and sends no new ones.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state == HealthState::Draining
    }

    /// Whether the target is registered: every state but "draining" and "never registered".
    #[must_use]
    pub fn is_registered(&self) -> bool {
        match self.state {
            HealthState::Draining => false,
            HealthState::Unused => self.reason.as_deref() != Some("Target.NotRegistered"),
            _ => true,
        }
    }

    /// Registered, but ELBv2 sends it no requests for a reason of its own, such as a stopped
    /// instance, and not for one of its group.
    #[must_use]
    pub fn is_unusable(&self) -> bool {
        self.state == HealthState::Unused && self.is_registered() && !self.is_not_in_use()
    }

    /// The group has no listener, or the target's zone is not enabled.
    #[must_use]
    pub fn is_not_in_use(&self) -> bool {
        self.state == HealthState::Unused && self.reason.as_deref() == Some("Target.NotInUse")
    }
}
