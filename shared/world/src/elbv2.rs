//! Elastic Load Balancing v2: load balancers, listeners, rules, target groups, registered targets
//! and their health.
//!
//! Knows nothing about ECS services: it only asks whether an EC2 instance is running and whether a
//! program answers on an address. So a target whose port now belongs to another program is healthy
//! here, as in AWS.

mod attribute_api;
mod balancer_api;
mod balancers;
mod conventions;
mod group_api;
mod groups;
mod health;
mod rule_api;
mod rule_shapes;
mod tag_api;
mod target_api;
#[cfg(test)]
mod tests;
mod writes;

pub use crate::target_type::TargetType;
pub use writes::{Write, WriteKind};

use crate::World;
use crate::api::{ApiError, Caller, Service};
use balancers::{Listener, LoadBalancer, Rule};
use conventions::group_not_found;
use groups::TargetGroup;
use serde_json::Value;
use std::collections::BTreeMap;

/// Durations of a load balancer's actions, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From registration to the first health check behind an Application Load Balancer.
    pub alb_registration_secs: u64,
    /// The same behind a Network Load Balancer. It takes minutes by experience; AWS documents no
    /// number.
    pub nlb_registration_secs: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self { alb_registration_secs: 3, nlb_registration_secs: 120 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rules of all listeners of one load balancer, not counting default rules.
    pub rules: usize,
    /// Target groups in the account.
    pub target_groups: usize,
}

impl Default for Limits {
    /// The default quotas of an account [DG load-balancer-limits].
    fn default() -> Self {
        Self { rules: 100, target_groups: 3000 }
    }
}

#[derive(Debug, Default)]
pub struct Elbv2 {
    pub timing: Timing,
    pub limits: Limits,
    balancers: BTreeMap<String, LoadBalancer>,
    listeners: BTreeMap<String, Listener>,
    rules: BTreeMap<String, Rule>,
    groups: BTreeMap<String, TargetGroup>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    writes: Vec<Write>,
}

impl Elbv2 {
    /// Every target registered or deregistered through the API so far, with the caller and whether
    /// it was harmful.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The ARN of the target group with this name.
    #[must_use]
    pub fn group_arn(&self, name: &str) -> Option<&str> {
        self.groups.values().find(|group| group.name == name).map(|group| group.arn.as_str())
    }

    pub(crate) fn group(&self, arn: &str) -> Option<&TargetGroup> {
        self.groups.get(arn)
    }

    pub(crate) fn group_arns(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The name of a target group, for messages, even if the group was deleted.
    pub(crate) fn name_of<'a>(&'a self, arn: &'a str) -> &'a str {
        self.groups
            .get(arn)
            .map_or_else(|| arn.split('/').nth(1).unwrap_or(arn), |group| group.name.as_str())
    }

    fn find_group(&self, arn: &str) -> Result<&TargetGroup, ApiError> {
        self.groups.get(arn).ok_or_else(group_not_found)
    }

    fn find_group_mut(&mut self, arn: &str) -> Result<&mut TargetGroup, ApiError> {
        self.groups.get_mut(arn).ok_or_else(group_not_found)
    }
}

pub fn call(
    world: &mut World,
    caller: Caller,
    operation: &str,
    input: &Value,
) -> Result<Value, ApiError> {
    match operation {
        "CreateLoadBalancer" => balancer_api::create_load_balancer(world, input),
        "DeleteLoadBalancer" => balancer_api::delete_load_balancer(world, input),
        "DescribeLoadBalancers" => balancer_api::describe_load_balancers(world, input),
        "CreateListener" => balancer_api::create_listener(world, input),
        "ModifyListener" => balancer_api::modify_listener(world, caller, input),
        "DeleteListener" => balancer_api::delete_listener(world, input),
        "DescribeListeners" => balancer_api::describe_listeners(world, input),
        "CreateRule" => rule_api::create_rule(world, input),
        "ModifyRule" => rule_api::modify_rule(world, caller, input),
        "SetRulePriorities" => rule_api::set_priorities(world, input),
        "DeleteRule" => rule_api::delete_rule(world, input),
        "DescribeRules" => rule_api::describe_rules(world, input),
        "CreateTargetGroup" => group_api::create_target_group(world, input),
        "ModifyTargetGroup" => group_api::modify_target_group(world, input),
        "DeleteTargetGroup" => group_api::delete_target_group(world, input),
        "DescribeTargetGroups" => group_api::describe_target_groups(world, input),
        "DescribeTargetGroupAttributes" => attribute_api::describe_attributes(world, input),
        "ModifyTargetGroupAttributes" => attribute_api::modify_attributes(world, input),
        "AddTags" => tag_api::add_tags(world, input),
        "RemoveTags" => tag_api::remove_tags(world, input),
        "DescribeTags" => tag_api::describe_tags(world, input),
        "RegisterTargets" => target_api::register_targets(world, caller, input),
        "DeregisterTargets" => target_api::deregister_targets(world, caller, input),
        "DescribeTargetHealth" => health::describe_target_health(world, input),
        _ => Err(ApiError::unknown_operation(Service::Elbv2, operation)),
    }
}

/// Runs each second: draining ends, health checks run.
pub fn tick(world: &mut World) {
    health::tick(world);
}
