//! The calls that change something.

use super::{Conditions, NewTargetGroup, Placeholder, Policy, Priority, Ref};
use crate::spec::HealthCheck;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
        /// The number of days.
        days: Option<u32>,
        /// As it was.
        before: Option<u32>,
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
