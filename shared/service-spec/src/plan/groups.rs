//! The target groups of `loadBalancing`.

use super::{Planner, Step, differs};
use crate::found::{FoundListener, FoundTargetGroup};
use crate::problem::ProblemCode;
use crate::spec::{HealthCheck, ListenerRef, LoadBalancing};
use crate::steps::{Difference, NewTargetGroup, Ref, Resource, StepAction, Write};
use std::collections::BTreeMap;

pub(super) fn plan(planner: &mut Planner<'_>) {
    let spec = planner.spec;
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        one(planner, index, entry, &entry.group.name);
        if let Some(blue_green) = &entry.blue_green {
            one(planner, index, entry, &blue_green.alternate_group);
        }
    }
}

fn one(planner: &mut Planner<'_>, index: usize, entry: &LoadBalancing, name: &str) {
    let Some(found) = planner.found.group_named(name) else {
        create(planner, index, entry, name);
        return;
    };
    if !planner.context.owner.owns(&found.tags) {
        let whose = match planner.context.owner.other(&found.tags) {
            Some(other) => format!("it was created from the spec {other}"),
            None => "it was not created from this spec".to_owned(),
        };
        let message = format!(
            "the target group `{name}` exists, and {whose}: choose another `targetGroup.name`, or use it as it is with `service.loadBalancers[].targetGroupName`"
        );
        planner.error(
            ProblemCode::GroupTaken,
            format!("loadBalancing[{index}].targetGroup.name"),
            message,
        );
        return;
    }
    if let Some(reason) = fixed(planner, entry, found) {
        let step =
            Step::new(Resource::TargetGroup, name, StepAction::Refuse(reason)).with_arn(&found.arn);
        planner.step(step);
        return;
    }
    let step = change(planner, entry, found).with_arn(&found.arn);
    planner.step(step);
}

fn create(planner: &mut Planner<'_>, index: usize, entry: &LoadBalancing, name: &str) {
    let Some(vpc) = vpc(planner, &entry.listener) else {
        // Reported where the listener is looked up.
        return;
    };
    let group = &entry.group;
    let write = Write::CreateTargetGroup {
        group: NewTargetGroup {
            name: name.to_owned(),
            protocol: group.protocol.clone(),
            protocol_version: group.protocol_version.clone(),
            port: entry.port.get(),
            target_type: group.target_type.clone(),
            ip_address_type: group.ip_address_type.clone(),
            vpc,
            health_check: group.health_check.clone(),
            tags: planner.context.owner.tags(planner.spec),
        },
    };
    let mut step = Step::create(Resource::TargetGroup, name, write);
    if !group.attributes.is_empty() {
        step.writes.push(Write::ModifyTargetGroupAttributes {
            group: planner.group(name),
            attributes: group.attributes.clone(),
            before: BTreeMap::new(),
        });
    }
    if group.target_type == "instance" && planner.spec.is_fargate() {
        let at = format!("loadBalancing[{index}].targetGroup");
        planner.warn(ProblemCode::TargetType, at, "Fargate tasks need a target group of type ip");
    }
    planner.step(step);
}

/// A target group is in the VPC of the load balancer that leads to it.
fn vpc(planner: &Planner<'_>, listener: &ListenerRef) -> Option<String> {
    let of_listener =
        planner.found.listener(listener).map(|listener: &FoundListener| listener.vpc.clone());
    of_listener.or_else(|| match listener {
        ListenerRef::On { load_balancer, .. } => {
            planner.found.load_balancers.get(load_balancer).map(|it| it.vpc.clone())
        }
        ListenerRef::Arn(_) => None,
    })
}

/// The members of a target group that cannot be changed.
fn fixed(planner: &Planner<'_>, entry: &LoadBalancing, found: &FoundTargetGroup) -> Option<String> {
    let group = &entry.group;
    let vpc = vpc(planner, &entry.listener);
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "HTTP1".to_owned());
    let family = |family: &Option<String>| family.clone().unwrap_or_else(|| "ipv4".to_owned());
    let asks_version = group.protocol.starts_with("HTTP").then(|| version(&group.protocol_version));
    let has_version = group.protocol.starts_with("HTTP").then(|| version(&found.protocol_version));
    let members = [
        ("protocol", Some(found.protocol.clone()), Some(group.protocol.clone())),
        ("protocolVersion", has_version, asks_version),
        ("targetType", Some(found.target_type.clone()), Some(group.target_type.clone())),
        (
            "ipAddressType",
            Some(family(&found.ip_address_type)),
            Some(family(&group.ip_address_type)),
        ),
        ("VPC", Some(found.vpc.clone()), Some(vpc.unwrap_or_else(|| found.vpc.clone()))),
    ];
    let changed = members.into_iter().find(|(_, has, asks)| has != asks)?;
    let (member, Some(has), Some(asks)) = changed else { return None };
    Some(format!(
        "the {member} of a target group cannot be changed: it is {has}, and the spec requests {asks}; set another name, so that Portkeeper creates a new group"
    ))
}

fn change(planner: &Planner<'_>, entry: &LoadBalancing, found: &FoundTargetGroup) -> Step {
    let group = Ref::Existing(found.arn.clone());
    let (mut writes, mut differences) = (Vec::new(), Vec::new());
    let (checks, health_check, before) =
        health_check(&entry.group.health_check, &found.health_check);
    if !checks.is_empty() {
        differences.extend(checks);
        writes.push(Write::ModifyTargetGroup { group: group.clone(), health_check, before });
    }
    let asked = &entry.group.attributes;
    let changed: BTreeMap<String, String> = asked
        .iter()
        .filter(|(key, value)| found.attributes.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !changed.is_empty() {
        let before = changed
            .keys()
            .filter_map(|key| Some((key.clone(), found.attributes.get(key)?.clone())));
        let before: BTreeMap<String, String> = before.collect();
        differences.extend(
            changed.iter().filter_map(|(key, value)| differs(key, before.get(key), Some(value))),
        );
        writes.push(Write::ModifyTargetGroupAttributes {
            group: group.clone(),
            attributes: changed,
            before,
        });
    }
    let tags = tags_to_add(planner, &found.tags);
    if !tags.is_empty() {
        differences.extend(tags.iter().filter_map(|(key, tag)| {
            differs(&format!("tags.{key}"), found.tags.get(key), Some(tag))
        }));
        writes.push(Write::AddTags { resource: group, tags });
    }
    Step::change(Resource::TargetGroup, &found.name, differences, writes)
}

/// The spec's tags that a resource does not have yet.
pub(super) fn tags_to_add(
    planner: &Planner<'_>,
    has: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let tags = planner.context.owner.tags(planner.spec).into_iter();
    tags.filter(|(key, value)| has.get(key) != Some(value)).collect()
}

/// Returns the members that differ, and their previous values.
fn health_check(
    asked: &HealthCheck,
    found: &HealthCheck,
) -> (Vec<Difference>, HealthCheck, HealthCheck) {
    let (mut differences, mut change, mut before) =
        (Vec::new(), HealthCheck::default(), HealthCheck::default());
    macro_rules! member {
        ($member:ident, $name:literal) => {
            if asked.$member.is_some() && asked.$member != found.$member {
                let name = concat!("healthCheck.", $name);
                differences.extend(differs(name, found.$member.as_ref(), asked.$member.as_ref()));
                change.$member.clone_from(&asked.$member);
                before.$member.clone_from(&found.$member);
            }
        };
    }
    member!(protocol, "protocol");
    member!(port, "port");
    member!(path, "path");
    member!(codes, "codes");
    member!(interval_seconds, "intervalSeconds");
    member!(timeout_seconds, "timeoutSeconds");
    member!(healthy_threshold, "healthyThreshold");
    member!(unhealthy_threshold, "unhealthyThreshold");
    (differences, change, before)
}
