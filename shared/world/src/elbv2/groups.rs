//! The state of target groups and their targets.
//!
//! Knows the settings of a group and its form in the API. Does not decide whether a target is
//! healthy.

use crate::World;
use crate::target_type::TargetType;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The health check settings of a group.
#[derive(Debug, Clone)]
pub(crate) struct HealthCheck {
    pub protocol: String,
    /// `traffic-port` or a number.
    pub port: String,
    pub path: Option<String>,
    pub matcher: Option<Value>,
    pub enabled: bool,
    pub interval_secs: u64,
    pub timeout_secs: u64,
    pub healthy_threshold: u64,
    pub unhealthy_threshold: u64,
}

/// A target is identified by id and port: one instance may be registered on many ports [BC
/// `RegisterTargets`].
pub(crate) type TargetKey = (String, u16);

/// Why a health check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No task uses the address, or the program does not answer in time.
    Timeout,
    /// The connection is refused.
    Refused,
    /// The program answers with this HTTP status.
    Status(u16),
}

/// The result of the health checks so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The load balancer is still registering the target.
    Registering,
    /// Not enough checks yet.
    Checking,
    Healthy,
    Unhealthy(Failure),
}

/// One registered (or draining) target.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Only if the caller specified one.
    pub zone: Option<String>,
    pub found: Found,
    /// When `found` last changed.
    pub since_ms: u64,
    /// Consecutive checks that disagree with `found`.
    pub streak: u64,
    /// When the load balancer next processes it.
    pub next_ms: u64,
    /// The end of the deregistration delay, if it is draining.
    pub draining_until_ms: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub protocol: String,
    pub protocol_version: Option<String>,
    pub port: u16,
    pub vpc: String,
    pub target_type: TargetType,
    /// `ipv4` or `ipv6`.
    pub family: String,
    pub check: HealthCheck,
    pub attributes: BTreeMap<String, String>,
    pub targets: BTreeMap<TargetKey, Target>,
    /// The load balancer whose listeners or rules forward to this group: "LBs per TG: 1" [DG
    /// limits].
    pub balancer: Option<String>,
}

impl TargetGroup {
    pub(crate) fn is_network(&self) -> bool {
        matches!(self.protocol.as_str(), "TCP" | "UDP" | "TLS" | "TCP_UDP")
    }

    /// 0 to 3600 seconds, 300 by default [BC `TargetGroupAttribute`].
    pub(crate) fn deregistration_delay_ms(&self) -> u64 {
        let seconds = self.attributes.get("deregistration_delay.timeout_seconds");
        seconds.and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or(300).saturating_mul(1000)
    }

    /// As `DescribeTargetGroups` shows it.
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = json!({
            "TargetGroupArn": self.arn,
            "TargetGroupName": self.name,
            "Protocol": self.protocol,
            "Port": self.port,
            "VpcId": self.vpc,
            "HealthCheckProtocol": self.check.protocol,
            "HealthCheckPort": self.check.port,
            "HealthCheckEnabled": self.check.enabled,
            "HealthCheckIntervalSeconds": self.check.interval_secs,
            "HealthCheckTimeoutSeconds": self.check.timeout_secs,
            "HealthyThresholdCount": self.check.healthy_threshold,
            "UnhealthyThresholdCount": self.check.unhealthy_threshold,
            "LoadBalancerArns": self.balancer.iter().collect::<Vec<_>>(),
            "TargetType": self.target_type.name(),
            "IpAddressType": self.family,
        });
        if let Some(members) = shown.as_object_mut() {
            let optional = [
                ("HealthCheckPath", self.check.path.as_ref().map(|path| json!(path))),
                ("Matcher", self.check.matcher.clone()),
                ("ProtocolVersion", self.protocol_version.as_ref().map(|version| json!(version))),
            ];
            members.extend(
                optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))),
            );
        }
        shown
    }
}

impl World {
    /// Ends every deregistration delay of a group now.
    pub fn finish_draining(&mut self, group_arn: &str) {
        if let Some(group) = self.elbv2.groups.get_mut(group_arn) {
            group.targets.retain(|_, target| target.draining_until_ms.is_none());
        }
    }
}
