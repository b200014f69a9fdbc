//! A spec that could be read: AWS's two inputs as they are, and what Portkeeper adds to them.

use super::members::{list, number, text, texts};
use super::problem::Position;
use portkeeper_core::ids::ContainerPort;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A spec that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The input of `RegisterTaskDefinition`, if the spec has its own task definition: as it
    /// reaches AWS.
    pub task_definition: Option<Value>,
    /// The input of `CreateService`, as written: without what `cluster`, `loadBalancing` and `tags`
    /// add.
    pub service: Value,
    /// Target groups and listener rules to create.
    pub load_balancing: Vec<LoadBalancing>,
    /// How the number of tasks follows the load.
    pub scaling: Option<Scaling>,
    /// Log groups to create.
    pub log_groups: Vec<LogGroup>,
    /// Tags for everything that is created.
    pub tags: BTreeMap<String, String>,
    /// What happens when the object is removed.
    pub on_delete: OnDelete,
    pub(super) positions: BTreeMap<String, Position>,
}

/// What happens when the spec's object is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// Everything stays as it is.
    #[default]
    Keep,
    /// The service is drained, and then deleted with everything that was created for it.
    Delete,
}

/// A container behind a listener: the target group that is created, and the rule that forwards to
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancing {
    /// The container's name in the task definition.
    pub container: String,
    /// The port on which the program listens in it.
    pub port: ContainerPort,
    /// The listener.
    pub listener: ListenerRef,
    /// Host names that lead here, with `*` and `?`.
    pub hosts: Vec<String>,
    /// Paths that lead here, with `*` and `?`.
    pub paths: Vec<String>,
    /// The rule's priority; none: the lowest that is free in the configured band.
    pub priority: Option<u32>,
    /// The certificate of a new TLS listener of a Network Load Balancer.
    pub certificate: Option<String>,
    /// The target group.
    pub group: TargetGroupSpec,
    /// For blue/green, linear and canary deployments: how traffic is shifted.
    pub blue_green: Option<BlueGreen>,
}

/// A listener, as a spec names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerRef {
    /// By its ARN.
    Arn(String),
    /// By the load balancer's name and the port.
    On {
        /// The load balancer's name.
        load_balancer: String,
        /// The port on which it listens.
        port: u16,
    },
}

impl std::fmt::Display for ListenerRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Arn(arn) => f.write_str(arn),
            Self::On { load_balancer, port } => write!(f, "{load_balancer}:{port}"),
        }
    }
}

/// The target group that a spec requests. Omitted members have AWS's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupSpec {
    /// Its name.
    pub name: String,
    /// HTTP, HTTPS, TCP, TLS, UDP or `TCP_UDP`.
    pub protocol: String,
    /// HTTP1, HTTP2 or GRPC.
    pub protocol_version: Option<String>,
    /// `instance` or `ip`, as the network mode requires.
    pub target_type: String,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: Option<String>,
    /// Health checks.
    pub health_check: HealthCheck,
    /// Attributes by AWS's own keys, such as `deregistration_delay.timeout_seconds`.
    pub attributes: BTreeMap<String, String>,
}

/// A target group's health checks. Omitted members have AWS's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// HTTP, HTTPS, TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `traffic-port` or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The codes of success: `200-299`, or gRPC codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<String>,
    /// Seconds between two checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
    /// Seconds until a check without an answer has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// How many successful checks make a target healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_threshold: Option<u32>,
    /// How many failed checks make a target unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold: Option<u32>,
}

/// What ECS needs to shift traffic between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueGreen {
    /// The name of the second target group; it is created like the first.
    pub alternate_group: String,
    /// The role with which ECS changes the rule.
    pub role: String,
    /// The ARN of a rule for test traffic.
    pub test_listener_rule: Option<String>,
}

/// How the number of tasks follows the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// The minimum number of tasks.
    pub min: u32,
    /// The maximum number of tasks.
    pub max: u32,
    /// What is tracked.
    pub targets: Vec<ScalingTarget>,
}

/// A metric that scaling keeps near a target value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScalingTarget {
    /// The metric.
    pub metric: ScalingMetric,
    /// The value.
    pub value: f64,
    /// Seconds to wait after tasks were added.
    pub scale_out_cooldown_seconds: Option<u32>,
    /// Seconds to wait after tasks were removed.
    pub scale_in_cooldown_seconds: Option<u32>,
    /// For requests per target: which entry of `loadBalancing`, by its target group's name.
    pub group: Option<String>,
}

/// The predefined metrics of Application Auto Scaling for ECS services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScalingMetric {
    /// Percent of the reserved CPU.
    Cpu,
    /// Percent of the reserved memory.
    Memory,
    /// Requests per minute for each target, of an Application Load Balancer.
    RequestsPerTarget,
}

impl ScalingMetric {
    /// AWS's name for it.
    #[must_use]
    pub const fn predefined(self) -> &'static str {
        match self {
            Self::Cpu => "ECSServiceAverageCPUUtilization",
            Self::Memory => "ECSServiceAverageMemoryUtilization",
            Self::RequestsPerTarget => "ALBRequestCountPerTarget",
        }
    }

    /// The name in a spec.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::RequestsPerTarget => "requestsPerTarget",
        }
    }
}

/// A log group to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// How long events are kept; none: forever.
    pub retention_days: Option<u32>,
}

impl Spec {
    /// The service's name. A spec without one is refused when it is read.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.service.get("serviceName").and_then(Value::as_str).unwrap_or_default()
    }

    /// The family of the spec's own task definition.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        self.task_definition.as_ref()?.get("family")?.as_str()
    }
}

/// The capacity providers that are Fargate.
const FARGATE_PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

impl Spec {
    /// Whether the tasks run on Fargate, as far as the spec says.
    #[must_use]
    pub fn is_fargate(&self) -> bool {
        let providers: Vec<&str> = list(&self.service, "capacityProviderStrategy")
            .iter()
            .filter_map(|it| text(it, "capacityProvider"))
            .collect();
        match text(&self.service, "launchType") {
            Some(launch_type) => launch_type == "FARGATE",
            None if !providers.is_empty() => {
                providers.iter().all(|name| FARGATE_PROVIDERS.contains(name))
            }
            // If neither is set, the cluster's default strategy decides, and the task definition
            // shows which launch types it supports.
            None => self.requires() == ["FARGATE"],
        }
    }

    /// The launch types that the spec's own task definition requires.
    pub(super) fn requires(&self) -> Vec<&str> {
        self.task_definition
            .iter()
            .flat_map(|definition| texts(definition, "requiresCompatibilities"))
            .collect()
    }

    /// How many tasks the service should run, as far as the spec says.
    pub(super) fn desired_count(&self) -> Option<i64> {
        number(&self.service, "desiredCount")
            .or_else(|| self.scaling.as_ref().map(|scaling| i64::from(scaling.min)))
    }
}
