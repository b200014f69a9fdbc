//! The calls that change something.

use super::{Conditions, NewTargetGroup, Placeholder, Policy, Priority, Ref};
use crate::spec::HealthCheck;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One call that changes something. Inputs that are AWS's own JSON reach AWS unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum Write {
    /// `logs:CreateLogGroup`. It succeeds if the log group already exists.
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
        /// The number of days.
        days: Option<u32>,
        /// The previous number of days.
        before: Option<u32>,
    },
    /// `logs:DeleteLogGroup`
    DeleteLogGroup {
        /// Its name.
        name: String,
    },
    /// `ecs:RegisterTaskDefinition`
    RegisterTaskDefinition {
        /// The whole input, including tags.
        input: Value,
    },
    /// `ecs:DeregisterTaskDefinition`
    DeregisterTaskDefinition {
        /// The revision.
        task_definition: Ref,
    },
    /// `elasticloadbalancing:CreateTargetGroup`
    CreateTargetGroup {
        /// All its members.
        group: NewTargetGroup,
    },
    /// `elasticloadbalancing:ModifyTargetGroup`
    ModifyTargetGroup {
        /// The target group.
        group: Ref,
        /// Only what changes.
        health_check: HealthCheck,
        /// The previous values of these members.
        before: HealthCheck,
    },
    /// `elasticloadbalancing:ModifyTargetGroupAttributes`
    ModifyTargetGroupAttributes {
        /// The target group.
        group: Ref,
        /// Only what changes.
        attributes: BTreeMap<String, String>,
        /// The previous values of these keys.
        before: BTreeMap<String, String>,
    },
    /// `elasticloadbalancing:DeleteTargetGroup`
    DeleteTargetGroup {
        /// The target group.
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
        /// The listener.
        listener: Ref,
    },
    /// `elasticloadbalancing:CreateRule`
    CreateRule {
        /// The listener's ARN.
        listener: String,
        /// Its conditions.
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
    /// `elasticloadbalancing:ModifyRule`: a member that is none stays unchanged.
    ModifyRule {
        /// The rule's ARN.
        rule: String,
        /// New conditions.
        conditions: Option<Conditions>,
        /// New target groups.
        forward: Option<Vec<(Ref, u32)>>,
        /// The previous conditions and groups.
        before: (Conditions, Vec<(Ref, u32)>),
    },
    /// `elasticloadbalancing:SetRulePriorities`
    SetRulePriority {
        /// The rule's ARN.
        rule: String,
        /// The new priority.
        priority: u32,
        /// The previous priority.
        before: u32,
    },
    /// `elasticloadbalancing:DeleteRule`
    DeleteRule {
        /// The rule.
        rule: Ref,
    },
    /// `elasticloadbalancing:AddTags`
    AddTags {
        /// The resource.
        resource: Ref,
        /// Tags to set.
        tags: BTreeMap<String, String>,
    },
    /// `ecs:CreateService`
    CreateService {
        /// The whole input.
        input: Value,
        /// What earlier steps provide.
        #[serde(rename = "blanks")]
        placeholders: Vec<Placeholder>,
    },
    /// `ecs:UpdateService`
    UpdateService {
        /// Only what changes, with `cluster` and `service`.
        input: Value,
        /// What earlier steps give.
        #[serde(rename = "blanks")]
        placeholders: Vec<Placeholder>,
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
        /// The minimum number of tasks.
        min: u32,
        /// The maximum number of tasks.
        max: u32,
        /// The previous limits, if there were any.
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
        /// Whether it already exists.
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
