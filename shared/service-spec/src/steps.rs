//! The steps to apply a spec, with their differences, and the writes that execute them. People read
//! differences: values that may be secret are masked when a difference is created, not when it is
//! shown.

mod write;

pub use write::Write;

use super::problem::Problem;
use super::spec::{HealthCheck, ScalingMetric};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All steps, in this order. None of them may run while a problem is an error or a step is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecPlan {
    /// Each resource that the spec requests, including unchanged ones.
    pub steps: Vec<Step>,
    /// Problems that the plan itself finds, such as a rule that another one hides.
    pub problems: Vec<Problem>,
}

/// What the plan does with one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The kind of resource.
    pub resource: Resource,
    /// Its name.
    pub name: String,
    /// What the plan does with it.
    pub action: StepAction,
    /// Its ARN, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The differences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The writes, in this order.
    #[serde(skip)]
    pub writes: Vec<Write>,
}

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A log group.
    LogGroup,
    /// A revision of a task definition.
    TaskDefinition,
    /// A target group.
    TargetGroup,
    /// A listener of a Network Load Balancer.
    Listener,
    /// A rule of an Application Load Balancer's listener.
    ListenerRule,
    /// The service.
    Service,
    /// Its scaling target.
    ScalableTarget,
    /// A scaling policy.
    ScalingPolicy,
}

impl Resource {
    /// The name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::LogGroup => "log group",
            Self::TaskDefinition => "task definition",
            Self::TargetGroup => "target group",
            Self::Listener => "listener",
            Self::ListenerRule => "listener rule",
            Self::Service => "service",
            Self::ScalableTarget => "scaling limits of",
            Self::ScalingPolicy => "scaling policy",
        }
    }
}

/// What the plan does with a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// It is created.
    Create,
    /// It is changed in place.
    Change,
    /// It stays as it is.
    Keep,
    /// It is deleted.
    Delete,
    /// It cannot be changed in place, for this reason.
    Refuse(String),
}

/// A member that differs, as text. Values that may be secret are masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The member: `containerDefinitions[web].image`.
    pub path: String,
    /// The current value, in JSON; none: it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The requested value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A resource that exists, or that an earlier step of the same plan creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ref {
    /// It exists: its ARN.
    Existing(String),
    /// An earlier step creates it: its ARN is among [`CreatedArns`].
    #[serde(rename = "made")]
    New(NewResource),
}

/// Names what a write creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum NewResource {
    /// The new revision of the task definition.
    TaskDefinition,
    /// The target group of this name.
    TargetGroup(String),
    /// The listener whose default action forwards to the target group of this name.
    Listener(String),
    /// The rule that leads to the target group of this name.
    ListenerRule(String),
}

/// The ARNs that writes returned.
pub type CreatedArns = BTreeMap<NewResource, String>;

/// A member of an input that only an earlier write can provide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    /// The member, as a JSON pointer: `/loadBalancers/0/targetGroupArn`.
    pub pointer: String,
    /// What is filled in.
    pub with: NewResource,
}

/// A rule's priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The spec chose it: if another rule takes it in the meantime, the step fails.
    Fixed(u32),
    /// The plan chose it: if another rule takes it in the meantime, `rules::free_priority` returns
    /// the next one.
    Automatic(u32),
}

impl Priority {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Fixed(number) | Self::Automatic(number) => number,
        }
    }
}

/// The conditions of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Host patterns.
    pub hosts: Vec<String>,
    /// Path patterns.
    pub paths: Vec<String>,
}

/// The members of a target group that `CreateTargetGroup` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTargetGroup {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// HTTP1, HTTP2, GRPC.
    pub protocol_version: Option<String>,
    /// The default port: the container's, so that its purpose is visible.
    pub port: u16,
    /// `instance` or `ip`.
    pub target_type: String,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: Option<String>,
    /// Its VPC.
    pub vpc: String,
    /// Health checks.
    pub health_check: HealthCheck,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A scaling policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it tracks.
    pub metric: ScalingMetric,
    /// The target value.
    pub value: f64,
    /// Seconds to wait after tasks were added.
    pub scale_out_cooldown_seconds: Option<u32>,
    /// Seconds to wait after tasks were removed.
    pub scale_in_cooldown_seconds: Option<u32>,
    /// `ResourceLabel`, for requests per target: from the listener's load balancer and the target
    /// group.
    pub label: Option<ResourceLabel>,
}

/// `app/<load balancer>/<id>/targetgroup/<group>/<id>`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLabel {
    /// The load balancer's ARN.
    pub load_balancer: String,
    /// The target group.
    pub group: Ref,
}
