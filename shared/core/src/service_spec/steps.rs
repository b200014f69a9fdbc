//! What has to be done for a spec: steps with their differences, and the writes that carry them out.
//!
//! A difference is made for people: what may be secret is masked when it is made, not when it is shown.

use super::problem::Problem;
use super::spec::{HealthCheck, ScalingMetric};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// All that has to be done, in this order; nothing of it while a problem is an error or a step is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecPlan {
    /// Each thing that the spec asks for, also those that stay as they are.
    pub steps: Vec<Step>,
    /// What the plan itself has to say, such as a rule that another one hides.
    pub problems: Vec<Problem>,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What kind of thing.
    pub resource: Resource,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub action: StepAction,
    /// Its ARN, where it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The calls that do it, in this order.
    #[serde(skip)]
    pub writes: Vec<Write>,
}

/// The kinds of things.
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

/// What becomes of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// It is made.
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

/// A member that differs, as people read it. What may be secret is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The member: `containerDefinitions[web].image`.
    pub path: String,
    /// As it is, in JSON; none: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Something that exists, or that an earlier step of the same plan makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ref {
    /// It exists: its ARN.
    Existing(String),
    /// It is made: look for it among [`Made`].
    Made(Thing),
}

/// Names what a write makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Thing {
    /// The new revision of the task definition.
    TaskDefinition,
    /// The target group of this name.
    TargetGroup(String),
    /// The listener whose default action forwards to the target group of this name.
    Listener(String),
    /// The rule that leads to the target group of this name.
    ListenerRule(String),
}

/// The ARNs that writes gave.
pub type Made = BTreeMap<Thing, String>;

/// A member of an input that only an earlier write can give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blank {
    /// The member, as a JSON pointer: `/loadBalancers/0/targetGroupArn`.
    pub pointer: String,
    /// What is filled in.
    pub with: Thing,
}

/// A rule's priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Chosen by the spec: if somebody takes it in the meantime, the step fails.
    Fixed(u32),
    /// Chosen by the plan: if somebody takes it in the meantime, `rules::free_priority` gives the next one.
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

/// What a rule asks for.
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
    /// The default port: the container's, so that people see what it is for.
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
    /// At which value.
    pub value: f64,
    /// Seconds.
    pub scale_out_cooldown_seconds: Option<u32>,
    /// Seconds.
    pub scale_in_cooldown_seconds: Option<u32>,
    /// `ResourceLabel`, for requests per target: from the listener's load balancer and the target group.
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

/// One call that changes something. Inputs that are AWS's own JSON reach AWS as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum Write {
    /// `logs:CreateLogGroup`. One that exists already is as good.
    CreateLogGroup {
        /// Its name.
        name: String,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// `logs:PutRetentionPolicy`, or `logs:DeleteRetentionPolicy` without days.
    PutRetention {
        /// The log group.
        name: String,
        /// For so many days.
        days: Option<u32>,
    },
    /// `logs:DeleteLogGroup`
    DeleteLogGroup {
        /// Its name.
        name: String,
    },
    /// `ecs:RegisterTaskDefinition`
    RegisterTaskDefinition {
        /// The whole input, tags too.
        input: Value,
    },
    /// `ecs:DeregisterTaskDefinition`
    DeregisterTaskDefinition {
        /// Which revision.
        task_definition: Ref,
    },
    /// `elasticloadbalancing:CreateTargetGroup`
    CreateTargetGroup {
        /// All of it.
        group: NewTargetGroup,
    },
    /// `elasticloadbalancing:ModifyTargetGroup`
    ModifyTargetGroup {
        /// Which.
        group: Ref,
        /// Only what changes.
        health_check: HealthCheck,
        /// The same members as they were.
        before: HealthCheck,
    },
    /// `elasticloadbalancing:ModifyTargetGroupAttributes`
    ModifyTargetGroupAttributes {
        /// Which.
        group: Ref,
        /// Only what changes.
        attributes: BTreeMap<String, String>,
        /// The same keys as they were.
        before: BTreeMap<String, String>,
    },
    /// `elasticloadbalancing:DeleteTargetGroup`
    DeleteTargetGroup {
        /// Which.
        group: Ref,
    },
    /// `elasticloadbalancing:CreateListener`, of a Network Load Balancer.
    CreateListener {
        /// The load balancer's ARN.
        load_balancer: String,
        /// The port.
        port: u16,
        /// TCP, TLS, UDP, `TCP_UDP`.
        protocol: String,
        /// For TLS.
        certificate: Option<String>,
        /// To which group it forwards.
        group: Ref,
        /// The group's name.
        group_name: String,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// `elasticloadbalancing:DeleteListener`
    DeleteListener {
        /// Which.
        listener: Ref,
    },
    /// `elasticloadbalancing:CreateRule`
    CreateRule {
        /// The listener's ARN.
        listener: String,
        /// What it asks for.
        conditions: Conditions,
        /// Its priority.
        priority: Priority,
        /// To which groups it forwards, with weights: one with weight 1, or for blue/green both.
        forward: Vec<(Ref, u32)>,
        /// The name of the first group.
        group_name: String,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// `elasticloadbalancing:ModifyRule`: what is none stays.
    ModifyRule {
        /// The rule's ARN.
        rule: String,
        /// New conditions.
        conditions: Option<Conditions>,
        /// New target groups.
        forward: Option<Vec<(Ref, u32)>>,
        /// Conditions and groups as they were.
        before: (Conditions, Vec<(Ref, u32)>),
    },
    /// `elasticloadbalancing:SetRulePriorities`
    SetRulePriority {
        /// The rule's ARN.
        rule: String,
        /// The new priority.
        priority: u32,
        /// The priority as it was.
        before: u32,
    },
    /// `elasticloadbalancing:DeleteRule`
    DeleteRule {
        /// Which.
        rule: Ref,
    },
    /// `elasticloadbalancing:AddTags`
    AddTags {
        /// On what.
        resource: Ref,
        /// Tags to set.
        tags: BTreeMap<String, String>,
    },
    /// `ecs:CreateService`
    CreateService {
        /// The whole input.
        input: Value,
        /// What earlier steps give.
        blanks: Vec<Blank>,
    },
    /// `ecs:UpdateService`
    UpdateService {
        /// Only what changes, with `cluster` and `service`.
        input: Value,
        /// What earlier steps give.
        blanks: Vec<Blank>,
    },
    /// `ecs:TagResource`
    TagService {
        /// The service's ARN.
        service: String,
        /// Tags to set.
        tags: BTreeMap<String, String>,
    },
    /// `ecs:DeleteService`, by force: ECS stops the tasks and drains their targets.
    DeleteService {
        /// The cluster.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// `application-autoscaling:RegisterScalableTarget`
    RegisterScalableTarget {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// The least tasks.
        min: u32,
        /// The most tasks.
        max: u32,
        /// The limits as they were, where there were any.
        before: Option<(u32, u32)>,
        /// Tags.
        tags: BTreeMap<String, String>,
    },
    /// `application-autoscaling:DeregisterScalableTarget`; its policies go with it.
    DeregisterScalableTarget {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// `application-autoscaling:PutScalingPolicy`
    PutScalingPolicy {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// The policy.
        policy: Policy,
        /// Whether it is there already.
        exists: bool,
    },
    /// `application-autoscaling:DeleteScalingPolicy`
    DeleteScalingPolicy {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// The policy's name.
        name: String,
    },
}
