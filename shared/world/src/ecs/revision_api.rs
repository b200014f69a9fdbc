//! Service revisions: the settings that a deployment uses.

use super::conventions::{batch, missing, read};
use super::deployment_view::{self, revision_arn};
use super::state::service::{LoadBalancer, Revision, Service, ServiceStatus};
use crate::World;
use crate::api::ApiError;
use crate::time;
use serde_json::{Value, json};

fn show(world: &World, service: &Service, revision: &Revision) -> Value {
    let images: Vec<Value> = revision
        .definition
        .containers
        .iter()
        .map(|container| json!({"containerName": container.name, "image": container.image}))
        .collect();
    let mut shown = json!({
        "serviceRevisionArn": revision_arn(world, service, &revision.id),
        "serviceArn": service.arn,
        "clusterArn": world.account.ecs_arn("cluster", &service.cluster),
        "taskDefinition": revision.definition.arn,
        "loadBalancers": revision.load_balancers.iter().map(LoadBalancer::to_json).collect::<Vec<_>>(),
        "containerImages": images,
        "guardDutyEnabled": false,
        "createdAt": time::epoch(revision.created_ms),
    });
    // AWS's sample of a rolling revision has no resolvedConfiguration [CLI
    // describe-service-revisions].
    let resolved: Vec<Value> = revision
        .load_balancers
        .iter()
        .filter_map(|balancer| Some((balancer, balancer.production_rule()?)))
        .map(|(balancer, rule)| json!({"targetGroupArn": balancer.live, "productionListenerRule": rule}))
        .collect();
    if let Some(members) = shown.as_object_mut() {
        if !resolved.is_empty() {
            members.insert("resolvedConfiguration".to_owned(), json!({"loadBalancers": resolved}));
        }
        members.extend(deployment_view::capacity(service));
        members.extend(revision.options.clone());
        if !revision.network.is_null() {
            members.insert("networkConfiguration".to_owned(), revision.network.clone());
        }
    }
    shown
}

/// At most 20 revisions per call; a revision of an INACTIVE service fails the whole call [BC;
/// aws-cli].
pub(super) fn describe_service_revisions(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeServiceRevisions", input, "serviceRevisionArns", "")?;
    let asked = batch(&input, "serviceRevisionArns", "ServiceRevisionArns", 20)?;
    let (mut revisions, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        let path = asked.split_once(":service-revision/").map_or(asked, |(_, path)| path);
        let found =
            path.rsplit_once('/').and_then(|(key, id)| Some((world.ecs.services.get(key)?, id)));
        if found.is_some_and(|(service, _)| service.status == ServiceStatus::Inactive) {
            return Err(
                input.refuse("Cannot call DescribeServiceRevisions for a service that is INACTIVE")
            );
        }
        let known = |service: &Service| {
            !world
                .ecs
                .misbehaviour
                .get(&service.key())
                .is_some_and(|faults| faults.revisions_unknown)
        };
        let found = found.filter(|(service, _)| known(service));
        match found.and_then(|(service, id)| Some((service, service.revisions.get(id)?))) {
            Some((service, revision)) => revisions.push(show(world, service, revision)),
            None => failures.push(missing(asked)),
        }
    }
    Ok(json!({"serviceRevisions": revisions, "failures": failures}))
}
