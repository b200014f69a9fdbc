//! Plans the removal after the object of a spec with `onDelete: delete` is gone. The service
//! drains before Portkeeper deletes what leads to it. Each check therefore plans again, until
//! nothing is left.

use super::Step;
use crate::found::{Found, FoundService};
use crate::identity::SpecId;
use crate::members::{number, text};
use crate::steps::{Ref, Resource, SpecPlan, StepAction, Write};
use serde_json::json;

/// The part of a removal that can be done now.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// The steps.
    pub plan: SpecPlan,
    /// Why a recheck must follow them; `None` if nothing is left.
    pub waits: Option<String>,
}

/// Plans the removal of everything that was created from a spec. `cluster` and `service` name the
/// service; tags identify everything else: `found` must have the groups, listeners and log groups
/// that the spec had.
#[must_use]
pub fn plan_removal(owner: &SpecId, cluster: &str, service: &str, found: &Found) -> Removal {
    let mut steps = Vec::new();
    if found.scaling.as_ref().is_some_and(|scaling| owner.owns(&scaling.tags)) {
        let write = Write::DeregisterScalableTarget {
            cluster: short(cluster),
            service: service.to_owned(),
        };
        steps.push(delete(Resource::ScalableTarget, service, write));
    }
    let waits = match found.service.as_ref().filter(|found| owner.owns(&found.tags)) {
        Some(found) => drain(&mut steps, cluster, service, found),
        None => None,
    };
    if waits.is_none() {
        leading(&mut steps, owner, found);
    }
    Removal { plan: SpecPlan { steps, problems: Vec::new() }, waits }
}

fn short(cluster: &str) -> String {
    cluster.rsplit('/').next().unwrap_or(cluster).to_owned()
}

fn delete(resource: Resource, name: &str, write: Write) -> Step {
    Step { writes: vec![write], ..Step::new(resource, name, StepAction::Delete) }
}

/// Plans to stop the tasks, then to delete the service. Returns what the removal waits for.
fn drain(
    steps: &mut Vec<Step>,
    cluster: &str,
    service: &str,
    found: &FoundService,
) -> Option<String> {
    let shown = &found.shown;
    let running =
        number(shown, "runningCount").unwrap_or(0) + number(shown, "pendingCount").unwrap_or(0);
    match text(shown, "status") {
        Some("ACTIVE") => {}
        Some("DRAINING") => {
            return Some(format!("the service is draining: {running} tasks are left"));
        }
        _ => return None,
    }
    let is_daemon = text(shown, "schedulingStrategy") == Some("DAEMON");
    let desired = number(shown, "desiredCount").unwrap_or(0);
    if !is_daemon && desired > 0 {
        let input = json!({ "cluster": cluster, "service": service, "desiredCount": 0 });
        let step = Step::new(Resource::Service, service, StepAction::Change);
        let differences =
            super::differs("desiredCount", Some(&desired), Some(&0)).into_iter().collect();
        steps.push(Step {
            writes: vec![Write::UpdateService { input, placeholders: Vec::new() }],
            differences,
            ..step
        });
        return Some("the service's tasks drain before it is deleted".to_owned());
    }
    if !is_daemon && running > 0 {
        return Some(format!("{running} tasks drain before the service is deleted"));
    }
    let write = Write::DeleteService { cluster: cluster.to_owned(), service: service.to_owned() };
    steps.push(delete(Resource::Service, service, write));
    Some("the service is being deleted".to_owned())
}

/// Rules and listeners before the groups that they lead to. Log groups stay, because they show what
/// happened.
fn leading(steps: &mut Vec<Step>, owner: &SpecId, found: &Found) {
    for listener in &found.listeners {
        let name = format!("{}:{}", listener.load_balancer, listener.port);
        if owner.owns(&listener.tags) {
            let write = Write::DeleteListener { listener: Ref::Existing(listener.arn.clone()) };
            steps.push(delete(Resource::Listener, &name, write).with_arn(&listener.arn));
            continue;
        }
        for rule in
            listener.rules.iter().filter(|rule| rule.priority.is_some() && owner.owns(&rule.tags))
        {
            let words: Vec<&str> =
                rule.hosts.iter().chain(&rule.paths).map(String::as_str).collect();
            let write = Write::DeleteRule { rule: Ref::Existing(rule.arn.clone()) };
            steps.push(delete(Resource::ListenerRule, &words.join(" "), write).with_arn(&rule.arn));
        }
    }
    for group in found.groups.iter().filter(|group| owner.owns(&group.tags)) {
        let write = Write::DeleteTargetGroup { group: Ref::Existing(group.arn.clone()) };
        steps.push(delete(Resource::TargetGroup, &group.name, write).with_arn(&group.arn));
    }
}
