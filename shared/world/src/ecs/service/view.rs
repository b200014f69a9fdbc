//! `DescribeServices` and `ListServices`, and services and their deployments in responses.

use super::options;
use crate::World;
use crate::api::ApiError;
use crate::ecs::conventions::{batch, missing, paged, read, show_tags, with_token};
use crate::ecs::counts::count;
use crate::ecs::deployment_view;
use crate::ecs::lookup::{find_cluster, ids};
use crate::ecs::state::service::{
    Controller, Deployment, LoadBalancer, Message, Service, ServiceStatus,
};
use crate::reply::{Item, Reply, Shown};
use crate::time;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// As in `DescribeServices`.
pub(in crate::ecs) fn show(world: &World, service: &Service, with_tags: bool) -> Reply {
    let counts = count(world, service, None);
    let mut shown: Map<String, Value> = service.options.clone();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("serviceArn", json!(service.arn));
    put("serviceName", json!(service.name));
    put("clusterArn", json!(world.account.ecs_arn("cluster", &service.cluster)));
    put("loadBalancers", service.load_balancers.iter().map(LoadBalancer::to_json).collect());
    put("status", json!(service.status.name()));
    put("desiredCount", json!(service.desired));
    put("runningCount", json!(counts.running));
    put("pendingCount", json!(counts.pending));
    // "omitted if the service was created using a capacity provider strategy" [BC
    // Service.launchType]
    if !service.options.contains_key("capacityProviderStrategy") {
        put("launchType", json!(service.launch_type));
    }
    put("createdAt", time::epoch(service.created_ms));
    put("createdBy", json!(world.account.role_arn("deployer")));
    let role = "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    put("roleArn", json!(world.account.role_arn(role)));
    if let Some(definition) = &service.definition {
        put("taskDefinition", json!(definition.arn));
    }
    let active = service.status != ServiceStatus::Inactive;
    let deployments = || service.deployments.iter().filter(|_| active);
    if service.controller == Controller::Ecs {
        put("deployments", deployments().map(|one| show_deployment(world, service, one)).collect());
        let unknown = world
            .ecs
            .misbehaviour
            .get(&service.key())
            .is_some_and(|faults| faults.revisions_unknown);
        if !unknown {
            let summaries = deployments().map(|one| deployment_view::summary(world, service, one));
            put("currentServiceRevisions", summaries.collect());
        }
    } else {
        put("deployments", json!([]));
        put(
            "taskSets",
            deployments().map(|one| deployment_view::task_set(world, service, one)).collect(),
        );
    }
    if with_tags {
        put("tags", show_tags(&service.tags));
    }
    let messages = service.events.iter().map(|message| Item::Kept(show_message(message)));
    Reply::with_list(Value::Object(shown), "events", messages.collect())
}

fn show_message(message: &Message) -> Arc<Shown> {
    let Message { id, at_ms, text, shown } = message;
    let show = || json!({"id": id, "createdAt": time::epoch(*at_ms), "message": text});
    Arc::clone(shown.get_or_init(|| Arc::new(Shown::new(show()))))
}

fn show_deployment(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let counts = count(world, service, Some(&deployment.id));
    let revision = service.revisions.get(&deployment.id);
    let mut shown = json!({
        "id": format!("ecs-svc/{}", deployment.id),
        "status": if deployment.primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": revision.map(|revision| &revision.definition.arn),
        "desiredCount": service.wanted(deployment),
        "pendingCount": counts.pending,
        "runningCount": counts.running,
        "failedTasks": counts.failed,
        "createdAt": time::epoch(deployment.created_ms),
        "updatedAt": time::epoch(deployment.updated_ms),
        "rolloutState": deployment.rollout.name(),
        "rolloutStateReason": deployment.reason,
    });
    let network = revision.map(|revision| &revision.network).filter(|network| !network.is_null());
    if let Some(members) = shown.as_object_mut() {
        members.extend(network.map(|network| ("networkConfiguration".to_owned(), network.clone())));
        members.extend(
            revision.into_iter().flat_map(|revision| options::of_deployment(&revision.options)),
        );
        members.extend(deployment_view::capacity(service));
    }
    shown
}

/// At most ten services per call; DRAINING and INACTIVE ones are returned [BC `DescribeServices`].
pub(crate) fn describe_services(world: &World, input: &Value) -> Result<Reply, ApiError> {
    let input = read("DescribeServices", input, "services", "cluster include")?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let asked = ids(&input, &cluster, batch(&input, "services", "Services", 10)?)?;
    let with_tags = input.texts("include")?.contains(&"TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in asked {
        let key = format!("{cluster}/{name}");
        match world.ecs.services.get(&key) {
            Some(service) => services.push(Item::Made(show(world, service, with_tags))),
            None => failures.push(missing(&world.account.ecs_arn("service", &key))),
        }
    }
    Ok(Reply::found("services", services, failures))
}

/// Pages of ten by default [BC `ListServices.maxResults`].
pub(in crate::ecs) fn list_services(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional =
        "cluster nextToken maxResults launchType schedulingStrategy resourceManagementType";
    let input = read("ListServices", input, "", optional)?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let launch_type = input.optional_text("launchType")?;
    let keep = |service: &Service| {
        service.cluster == cluster
            && service.status != ServiceStatus::Inactive
            && launch_type.is_none_or(|launch_type| service.launch_type == launch_type)
    };
    let (keys, next) = paged(&input, &world.ecs.services, keep, 10)?;
    let arns: Vec<String> = keys.iter().map(|key| world.account.ecs_arn("service", key)).collect();
    Ok(with_token(json!({"serviceArns": arns}), next))
}
