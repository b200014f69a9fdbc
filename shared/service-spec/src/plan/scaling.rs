//! Plans scaling. Portkeeper owns only policies with its name prefix; all others stay.

use super::{Planner, Step, differs};
use crate::found::FoundScaling;
use crate::spec::{Scaling, ScalingMetric, ScalingTarget};
use crate::steps::{Difference, Policy, Resource, ResourceLabel, StepAction, Write};
use serde_json::{Value, json};

/// The prefix of the names of Portkeeper's policies.
const OURS: &str = "portkeeper-";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let found = planner.found.scaling.as_ref();
    match (&planner.spec.scaling, found) {
        (Some(scaling), found) => {
            target(planner, scaling, found);
            for target in &scaling.targets {
                policy(planner, target, found);
            }
            superfluous(planner, scaling, found);
        }
        (None, Some(found)) if is_ours(planner, found) => {
            let (cluster, service) = names(planner);
            let step = Step::new(Resource::ScalableTarget, &service.clone(), StepAction::Delete);
            let writes = vec![Write::DeregisterScalableTarget { cluster, service }];
            planner.step(Step { writes, ..step });
        }
        (None, _) => {}
    }
}

fn is_ours(planner: &Planner<'_>, found: &FoundScaling) -> bool {
    planner.context.owner.owns(&found.tags)
}

/// The cluster's name and the service's: they make up the name of the scaling target.
fn names(planner: &Planner<'_>) -> (String, String) {
    let cluster = planner.spec.cluster.rsplit('/').next().unwrap_or_default();
    (cluster.to_owned(), planner.spec.service_name().to_owned())
}

fn target(planner: &mut Planner<'_>, scaling: &Scaling, found: Option<&FoundScaling>) {
    let (cluster, service) = names(planner);
    let (min, max) = (scaling.min, scaling.max);
    let tags = if found.is_some() {
        std::collections::BTreeMap::new()
    } else {
        planner.context.owner.tags(planner.spec)
    };
    let before = found.map(|found| (found.min, found.max));
    let write =
        Write::RegisterScalableTarget { cluster, service: service.clone(), min, max, before, tags };
    let step = match before {
        None => Step::create(Resource::ScalableTarget, &service, write),
        Some((had_min, had_max)) => {
            let differences = [
                differs("min", Some(&had_min), Some(&min)),
                differs("max", Some(&had_max), Some(&max)),
            ];
            Step::change(
                Resource::ScalableTarget,
                &service,
                differences.into_iter().flatten().collect(),
                vec![write],
            )
        }
    };
    planner.step(step);
}

fn policy_name(metric: ScalingMetric) -> String {
    format!("{OURS}{}", metric.as_str())
}

/// The metric of one of Portkeeper's policies.
pub(crate) fn metric_of_policy(name: &str) -> Option<ScalingMetric> {
    let metrics = [ScalingMetric::Cpu, ScalingMetric::Memory, ScalingMetric::RequestsPerTarget];
    metrics.into_iter().find(|metric| policy_name(*metric) == name)
}

fn policy(planner: &mut Planner<'_>, target: &ScalingTarget, found: Option<&FoundScaling>) {
    let (cluster, service) = names(planner);
    let name = policy_name(target.metric);
    let label = if target.metric == ScalingMetric::RequestsPerTarget {
        label(planner, target)
    } else {
        None
    };
    let policy = Policy {
        name: name.clone(),
        metric: target.metric,
        value: target.value,
        scale_out_cooldown_seconds: target.scale_out_cooldown_seconds,
        scale_in_cooldown_seconds: target.scale_in_cooldown_seconds,
        label,
    };
    let shown = found.and_then(|found| found.policies.get(&name));
    let write = Write::PutScalingPolicy { cluster, service, policy, exists: shown.is_some() };
    let step = match shown {
        None => Step::create(Resource::ScalingPolicy, &name, write),
        Some(shown) => {
            Step::change(Resource::ScalingPolicy, &name, policy_differs(target, shown), vec![write])
        }
    };
    planner.step(step);
}

/// Requests are counted for the pair of a load balancer and a target group.
fn label(planner: &Planner<'_>, target: &ScalingTarget) -> Option<ResourceLabel> {
    let mut entries =
        planner.spec.load_balancing.iter().filter(|entry| entry.group.protocol.starts_with("HTTP"));
    let entry = match &target.group {
        Some(name) => entries.find(|entry| entry.group.name == *name)?,
        None => entries.next()?,
    };
    let load_balancer = planner.found.listener(&entry.listener)?.load_balancer_arn.clone();
    Some(ResourceLabel { load_balancer, group: planner.group(&entry.group.name) })
}

fn policy_differs(target: &ScalingTarget, shown: &Value) -> Vec<Difference> {
    let seconds =
        |name: &str| shown.get(name).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
    let value = shown.get("TargetValue").and_then(Value::as_f64);
    let mut differences = Vec::new();
    if value != Some(target.value) {
        let before = value.map(|it| json!(it));
        differences.extend(differs("value", before.as_ref(), Some(&json!(target.value))));
    }
    for (name, member, asked) in [
        ("scaleOutCooldownSeconds", "ScaleOutCooldown", target.scale_out_cooldown_seconds),
        ("scaleInCooldownSeconds", "ScaleInCooldown", target.scale_in_cooldown_seconds),
    ] {
        if asked.is_some() {
            differences.extend(differs(name, seconds(member).as_ref(), asked.as_ref()));
        }
    }
    differences
}

/// Portkeeper's policies for metrics that the spec no longer names.
fn superfluous(planner: &mut Planner<'_>, scaling: &Scaling, found: Option<&FoundScaling>) {
    let named: Vec<String> =
        scaling.targets.iter().map(|target| policy_name(target.metric)).collect();
    let existing = found.into_iter().flat_map(|found| found.policies.keys());
    let left: Vec<&String> =
        existing.filter(|name| name.starts_with(OURS) && !named.contains(name)).collect();
    for name in left {
        let (cluster, service) = names(planner);
        let step = Step::new(Resource::ScalingPolicy, name, StepAction::Delete);
        let writes = vec![Write::DeleteScalingPolicy { cluster, service, name: name.clone() }];
        planner.step(Step { writes, ..step });
    }
}
