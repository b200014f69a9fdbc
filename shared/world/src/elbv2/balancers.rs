//! The state of load balancers, listeners and rules, and the target groups to which they forward.
//!
//! Knows the shape of forward actions, not health.

use super::Elbv2;
use crate::time;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct LoadBalancer {
    pub arn: String,
    pub dns_name: String,
    pub name: String,
    /// `application` or `network`.
    pub kind: String,
    pub scheme: String,
    pub vpc: String,
    pub created_ms: u64,
    /// Availability Zone name to subnet.
    pub zones: BTreeMap<String, String>,
    pub security_groups: Value,
    pub family: String,
}

impl LoadBalancer {
    /// Whether all settings are equal, ignoring the ARN, the DNS name and the creation time.
    pub(super) fn has_settings_of(&self, other: &Self) -> bool {
        let settings = |it: &Self| {
            let parts = [&it.name, &it.kind, &it.scheme, &it.vpc, &it.family].map(String::clone);
            (parts, it.zones.clone(), it.security_groups.clone())
        };
        settings(self) == settings(other)
    }

    pub(super) fn to_json(&self) -> Value {
        let zones =
            self.zones.iter().map(|(zone, subnet)| json!({"ZoneName": zone, "SubnetId": subnet}));
        json!({
            "LoadBalancerArn": self.arn,
            "DNSName": self.dns_name,
            "CreatedTime": time::iso(self.created_ms),
            "LoadBalancerName": self.name,
            "Scheme": self.scheme,
            "VpcId": self.vpc,
            "State": {"Code": "active"},
            "Type": self.kind,
            "AvailabilityZones": zones.collect::<Vec<_>>(),
            "SecurityGroups": self.security_groups,
            "IpAddressType": self.family,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub arn: String,
    pub balancer: String,
    pub port: u16,
    pub protocol: String,
    pub actions: Value,
    /// Members that are returned as given: certificates and TLS settings.
    pub options: Map<String, Value>,
}

impl Listener {
    pub(super) fn to_json(&self) -> Value {
        let mut shown = json!({
            "ListenerArn": self.arn,
            "LoadBalancerArn": self.balancer,
            "Port": self.port,
            "Protocol": self.protocol,
            "DefaultActions": self.actions,
        });
        if let Some(members) = shown.as_object_mut() {
            members.extend(self.options.clone());
        }
        shown
    }

    /// The ARN of its default rule.
    pub(super) fn default_rule_arn(&self) -> String {
        format!("{}/default0000000000", self.arn.replacen(":listener/", ":listener-rule/", 1))
    }

    /// Every listener has a default rule with its default actions.
    pub(super) fn default_rule(&self) -> Value {
        let arn = self.default_rule_arn();
        json!({"RuleArn": arn, "Priority": "default", "Conditions": [], "Actions": self.actions, "IsDefault": true})
    }
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub arn: String,
    pub listener: String,
    pub priority: u32,
    pub conditions: Value,
    pub actions: Value,
}

impl Rule {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "RuleArn": self.arn,
            "Priority": self.priority.to_string(),
            "Conditions": self.conditions,
            "Actions": self.actions,
            "IsDefault": false,
        })
    }
}

/// The groups to which these actions forward, with their weights (1 by default [BC
/// `TargetGroupTuple`]).
///
/// A group with weight 0 is still attached and its targets are checked [INF].
pub(super) fn forwarded(actions: &Value) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for action in actions.as_array().into_iter().flatten() {
        let tuples = action.pointer("/ForwardConfig/TargetGroups").and_then(Value::as_array);
        for tuple in tuples.into_iter().flatten() {
            let weight = tuple
                .get("Weight")
                .and_then(|weight| weight.as_u64().or_else(|| weight.as_str()?.parse().ok()));
            if let Some(arn) = tuple.get("TargetGroupArn").and_then(Value::as_str) {
                found.push((arn.to_owned(), weight.unwrap_or(1)));
            }
        }
        if let (None, Some(arn)) = (tuples, action.get("TargetGroupArn").and_then(Value::as_str)) {
            found.push((arn.to_owned(), 1));
        }
    }
    found
}

impl Elbv2 {
    /// Updates to which load balancer each group is attached, after a change of listeners or rules.
    pub(super) fn reattach(&mut self, now_ms: u64) {
        let of_rules = self
            .rules
            .values()
            .filter_map(|rule| Some((self.listeners.get(&rule.listener)?, &rule.actions)));
        let of_listeners = self.listeners.values().map(|listener| (listener, &listener.actions));
        let attached: BTreeMap<String, String> = of_listeners
            .chain(of_rules)
            .flat_map(|(listener, actions)| {
                forwarded(actions).into_iter().map(|(arn, _)| (arn, listener.balancer.clone()))
            })
            .collect();
        for group in self.groups.values_mut() {
            let balancer = attached.get(&group.arn).cloned();
            if group.balancer != balancer {
                group.balancer = balancer;
                group.targets.values_mut().for_each(|target| target.next_ms = now_ms);
            }
        }
    }

    /// The weights of the groups, for messages: `web-blue 90, web-green 10`.
    pub(super) fn describe_actions(&self, actions: &Value) -> String {
        let shares: Vec<String> = forwarded(actions)
            .iter()
            .map(|(arn, weight)| format!("{} {weight}", self.name_of(arn)))
            .collect();
        shares.join(", ")
    }

    /// The groups that receive traffic from a listener or rule: those with a weight above zero.
    #[must_use]
    pub fn traffic(&self, listener_or_rule: &str) -> Vec<(String, u64)> {
        let of_rule = self.rules.get(listener_or_rule).map(|rule| &rule.actions);
        let actions = of_rule
            .or_else(|| self.listeners.get(listener_or_rule).map(|listener| &listener.actions));
        actions
            .map(forwarded)
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, weight)| *weight > 0)
            .collect()
    }
}
