//! The parts of API responses about deployments and task sets.
//!
//! Several operations return them, so that they import this module instead of each other.

use super::counts::count;
use super::state::service::{Controller, Deployment, LoadBalancer, Service};
use crate::World;
use crate::time;
use serde_json::{Value, json};

/// A revision's ARN ends with the digits of the deployment (third-party evidence, F-3.3).
pub(super) fn revision_arn(world: &World, service: &Service, id: &str) -> String {
    world.account.ecs_arn("service-revision", &format!("{}/{}/{id}", service.cluster, service.name))
}

/// An entry of `currentServiceRevisions`.
pub(super) fn summary(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let counts = count(world, service, Some(&deployment.id));
    json!({
        "arn": revision_arn(world, service, &deployment.id),
        "requestedTaskCount": service.wanted(deployment),
        "runningTaskCount": counts.running,
        "pendingTaskCount": counts.pending,
    })
}

/// Launch type or capacity provider strategy, and Fargate's platform.
pub(super) fn capacity(service: &Service) -> Vec<(String, Value)> {
    let mut shown = vec![match service.options.get("capacityProviderStrategy") {
        Some(strategy) => ("capacityProviderStrategy".to_owned(), strategy.clone()),
        None => ("launchType".to_owned(), json!(service.launch_type)),
    }];
    if service.launch_type == "FARGATE" {
        // LATEST resolves to this version.
        let version =
            service.options.get("platformVersion").filter(|version| *version != "LATEST").cloned();
        shown.push(("platformVersion".to_owned(), version.unwrap_or_else(|| json!("1.4.0"))));
        shown.push(("platformFamily".to_owned(), json!("Linux")));
    }
    shown
}

pub(super) fn task_set_arn(world: &World, service: &Service, id: &str) -> String {
    world.account.ecs_arn("task-set", &format!("{}/{}/ecs-svc/{id}", service.cluster, service.name))
}

pub(super) fn task_set(world: &World, service: &Service, set: &Deployment) -> Value {
    let counts = count(world, service, Some(&set.id));
    let wanted = service.wanted(set);
    let stable = counts.running == wanted && counts.pending == 0;
    let revision = service.revisions.get(&set.id);
    let balancers = revision.map(|revision| revision.load_balancers.as_slice()).unwrap_or_default();
    let mut shown = json!({
        "id": format!("ecs-svc/{}", set.id),
        "taskSetArn": task_set_arn(world, service, &set.id),
        "serviceArn": service.arn,
        "clusterArn": world.account.ecs_arn("cluster", &service.cluster),
        "status": if set.primary { "PRIMARY" } else if set.scale == 0 { "DRAINING" } else { "ACTIVE" },
        "taskDefinition": revision.map(|revision| &revision.definition.arn),
        "computedDesiredCount": wanted,
        "pendingCount": counts.pending,
        "runningCount": counts.running,
        "createdAt": time::epoch(set.created_ms),
        "updatedAt": time::epoch(set.updated_ms),
        "launchType": service.launch_type,
        "loadBalancers": balancers.iter().map(LoadBalancer::to_json).collect::<Vec<_>>(),
        "serviceRegistries": [],
        "scale": {"value": f64::from(set.scale), "unit": "PERCENT"},
        "stabilityStatus": if stable { "STEADY_STATE" } else { "STABILIZING" },
        "stabilityStatusAt": time::epoch(set.updated_ms),
        "tags": [],
    });
    if let Some(members) = shown.as_object_mut() {
        if service.controller == Controller::CodeDeploy {
            members.insert("startedBy".to_owned(), json!("CODE_DEPLOY"));
        }
        if let Some(external) = &set.external_id {
            members.insert("externalId".to_owned(), json!(external));
        }
        if let Some(network) =
            revision.map(|revision| &revision.network).filter(|network| !network.is_null())
        {
            members.insert("networkConfiguration".to_owned(), network.clone());
        }
    }
    shown
}
