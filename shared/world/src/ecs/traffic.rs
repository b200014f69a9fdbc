//! The course of deployments: rolling ones, and those that shift traffic between two target groups.
//!
//! Blue/green, canary and linear deployments of an ECS-controlled service alternate between
//! `targetGroupArn` and `alternateTargetGroupArn`: "after deployment, forwards traffic to the
//! alternate target group", and the next deployment shifts back [DG
//! blue-green-deployment-how-it-works, INF]. Between deployments the rule names only the live
//! group, so the idle one is `unused/Target.NotInUse`.

use super::state::service::{
    Controller, Deployment, LoadBalancer, Revision, Rollout, Service, ServiceStatus, Stage,
};
use super::{breaker, events};
use crate::World;
use crate::api::{Caller, Service as Api};
use crate::journal::Kind;
use serde_json::{Value, json};

/// The state of a task that is not STOPPED, as far as the scheduler needs it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub id: String,
    pub deployment: String,
    /// Whether its desired status is RUNNING.
    pub wanted: bool,
    /// Whether it is RUNNING and healthy in its target groups.
    pub good: bool,
    pub created_ms: u64,
    /// Why it must be replaced, if it must.
    pub replace: Option<String>,
    /// The message about it for the service's events.
    pub trouble: Option<String>,
}

/// Starts a deployment of the service's current settings, with a new revision.
pub(super) fn deploy(world: &mut World, key: &str) -> Option<String> {
    let (id, now) = (world.ids.deployment(), world.now_ms());
    let service = world.ecs.services.get_mut(key)?;
    let definition = service.definition.clone()?;
    let source = service.primary().map(|primary| match (&primary.source, primary.rollout) {
        // If a deployment is replaced before it completes, the source stays the last completed one.
        (Some(source), Rollout::InProgress | Rollout::Failed) => source.clone(),
        _ => primary.id.clone(),
    });
    let shifts = service.strategy() != "ROLLING" && service.controller == Controller::Ecs;
    let source = source.filter(|_| shifts);
    let blue =
        source.as_ref().and_then(|id| service.revisions.get(id)).map(|r| r.load_balancers.clone());
    let load_balancers =
        service.load_balancers.iter().map(|balancer| turned(balancer, blue.as_deref())).collect();
    let network = service.network();
    let options = service.revision_options.clone();
    let revision =
        Revision { id: id.clone(), definition, load_balancers, network, options, created_ms: now };
    service.revisions.insert(id.clone(), revision);
    for other in &mut service.deployments {
        other.primary = false;
    }
    let reason = format!("ECS deployment ecs-svc/{id} in progress.");
    let deployment = Deployment {
        id: id.clone(),
        primary: true,
        rollout: Rollout::InProgress,
        reason: reason.clone(),
        created_ms: now,
        updated_ms: now,
        stage: source.as_ref().map(|_| Stage::ScaleUp),
        source: source.clone(),
        scale: 100,
        external_id: None,
    };
    service.deployments.insert(0, deployment);
    (service.steady, service.next_run_ms) = (false, now);
    if service.controller == Controller::Ecs {
        events::deployment(world, key, &id, "SERVICE_DEPLOYMENT_IN_PROGRESS", &reason);
    }
    if source.is_some() {
        shift(world, key, 0);
    }
    Some(id)
}

/// The entry for the next revision: it uses the group that the previous revision does not use.
fn turned(balancer: &LoadBalancer, blue: Option<&[LoadBalancer]>) -> LoadBalancer {
    let before = blue.and_then(|blue| blue.iter().find(|before| same_entry(before, balancer)));
    let live = match (before, balancer.alternate()) {
        (Some(before), Some(alternate)) if before.live == balancer.group => alternate.to_owned(),
        _ => balancer.group.clone(),
    };
    LoadBalancer { live, ..balancer.clone() }
}

fn same_entry(one: &LoadBalancer, other: &LoadBalancer) -> bool {
    one.group == other.group && one.container == other.container && one.port == other.port
}

/// Sends this percentage of production traffic to the primary deployment's groups and the rest to
/// the source's.
fn shift(world: &mut World, key: &str, percent: u32) {
    let Some(service) = world.ecs.services.get(key) else { return };
    let Some(primary) = service.primary() else { return };
    let green = service.revisions.get(&primary.id);
    let blue = primary.source.as_ref().and_then(|id| service.revisions.get(id));
    let mut calls = Vec::new();
    for new in green.into_iter().flat_map(|green| &green.load_balancers) {
        let Some(rule) = new.production_rule() else { continue };
        let old =
            blue.into_iter().flat_map(|blue| &blue.load_balancers).find(|old| same_entry(old, new));
        let mut groups = vec![json!({"TargetGroupArn": new.live, "Weight": percent})];
        groups.extend(old.map(|old| json!({"TargetGroupArn": old.live, "Weight": 100 - percent})));
        calls.push((rule.to_owned(), groups));
    }
    for (rule, groups) in calls {
        point(world, key, &rule, &groups);
    }
}

/// Sends all production traffic to this deployment's groups.
fn settle(world: &mut World, key: &str, id: &str) {
    let revision = world.ecs.services.get(key).and_then(|service| service.revisions.get(id));
    let balancers = revision.map(|revision| revision.load_balancers.clone()).unwrap_or_default();
    for balancer in balancers {
        if let Some(rule) = balancer.production_rule() {
            point(world, key, rule, &[json!({"TargetGroupArn": balancer.live, "Weight": 100})]);
        }
    }
}

/// ECS changes a listener rule, or the listener of a Network Load Balancer, with the infrastructure
/// role.
fn point(world: &mut World, key: &str, rule: &str, groups: &[Value]) {
    let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
    let (operation, input) = if rule.contains(":listener-rule/") {
        ("ModifyRule", json!({"RuleArn": rule, "Actions": actions}))
    } else {
        ("ModifyListener", json!({"ListenerArn": rule, "DefaultActions": actions}))
    };
    if let Err(error) = world.call(Caller::Ecs, Api::Elbv2, operation, &input) {
        events::message(world, key, &format!("failed to shift traffic: {error}"));
    }
}

/// Advances the deployment of a service that needs no task started or stopped.
pub(super) fn progress(world: &mut World, key: &str, seen: &[Seen]) {
    let Some(service) = world.ecs.services.get(key) else { return };
    if service.status == ServiceStatus::Draining {
        if seen.is_empty() {
            end(world, key);
        }
        return;
    }
    let settled = |deployment: &Deployment| {
        let mut mine = seen.iter().filter(|task| task.wanted && task.deployment == deployment.id);
        let count = mine.clone().count();
        mine.all(|task| task.good) && u32::try_from(count) == Ok(service.wanted(deployment))
    };
    let all_settled = service.deployments.iter().all(settled);
    if service.controller != Controller::Ecs {
        return steady(world, key, all_settled, "TASKSET_STEADY_STATE");
    }
    let Some(primary) = service.primary().cloned() else { return };
    let others_gone = seen.iter().all(|task| task.deployment == primary.id);
    match primary.stage {
        Some(stage) => advance_stage(world, key, &primary, stage, settled(&primary), others_gone),
        None if primary.rollout == Rollout::InProgress && settled(&primary) && others_gone => {
            complete(world, key, &primary.id);
        }
        None => {}
    }
    let done = world
        .ecs
        .services
        .get(key)
        .and_then(Service::primary)
        .is_some_and(|p| p.rollout == Rollout::Completed);
    steady(world, key, done && all_settled, "SERVICE_STEADY_STATE");
}

/// Emits the steady state event when the service reaches it.
fn steady(world: &mut World, key: &str, now_steady: bool, event: &str) {
    let Some(service) = world.ecs.services.get_mut(key) else { return };
    let before = std::mem::replace(&mut service.steady, now_steady);
    if now_steady && !before {
        events::message(world, key, "has reached a steady state.");
        events::service_action(world, key, "INFO", event, None);
    }
}

/// The percentages of traffic of the steps, and their bake times.
fn steps(service: &Service) -> (Vec<u32>, u64) {
    let minutes =
        |pointer: &str| u64::from(service.deployment_number(pointer).unwrap_or(0)) * 60_000;
    match service.strategy() {
        "CANARY" => {
            let first =
                service.deployment_number("/canaryConfiguration/canaryPercent").unwrap_or(5);
            (vec![first.min(100), 100], minutes("/canaryConfiguration/canaryBakeTimeInMinutes"))
        }
        "LINEAR" => {
            let step = service
                .deployment_number("/linearConfiguration/stepPercent")
                .unwrap_or(10)
                .clamp(1, 100);
            let percents = (1..=100_u32.div_ceil(step)).map(|n| (n * step).min(100)).collect();
            (percents, minutes("/linearConfiguration/stepBakeTimeInMinutes"))
        }
        _ => (vec![100], 0),
    }
}

fn advance_stage(
    world: &mut World,
    key: &str,
    primary: &Deployment,
    stage: Stage,
    settled: bool,
    others_gone: bool,
) {
    let now = world.now_ms();
    let Some(service) = world.ecs.services.get(key) else { return };
    let (percents, step_bake_ms) = steps(service);
    let bake_ms = u64::from(service.deployment_number("/bakeTimeInMinutes").unwrap_or(0)) * 60_000;
    let last = percents.len().saturating_sub(1);
    let shift_to = |step: usize| {
        let until_ms = now + if step == last { 0 } else { step_bake_ms };
        (percents.get(step).copied(), Some(Stage::Shift { step, until_ms }))
    };
    let (percent, next) = match stage {
        Stage::ScaleUp if settled => shift_to(0),
        Stage::Shift { step, until_ms } if until_ms <= now && step < last => shift_to(step + 1),
        Stage::Shift { until_ms, .. } if until_ms <= now => {
            (None, Some(Stage::Bake { until_ms: now + bake_ms }))
        }
        Stage::Bake { until_ms } if until_ms <= now => (None, Some(Stage::CleanUp)),
        Stage::CleanUp if others_gone && settled => {
            settle(world, key, &primary.id);
            return complete(world, key, &primary.id);
        }
        _ => return,
    };
    if let Some(percent) = percent {
        shift(world, key, percent);
    }
    let deployment =
        world.ecs.services.get_mut(key).and_then(|service| service.deployment_mut(&primary.id));
    if let Some(deployment) = deployment {
        (deployment.stage, deployment.updated_ms) = (next, now);
    }
}

/// Completes the deployment: the others are removed, but their revisions stay.
fn complete(world: &mut World, key: &str, id: &str) {
    let now = world.now_ms();
    let reason = format!("ECS deployment ecs-svc/{id} completed.");
    let Some(service) = world.ecs.services.get_mut(key) else { return };
    service.deployments.retain(|deployment| deployment.id == id);
    if let Some(deployment) = service.deployment_mut(id) {
        deployment.rollout = Rollout::Completed;
        deployment.reason.clone_from(&reason);
        (deployment.stage, deployment.source, deployment.updated_ms) = (None, None, now);
    }
    events::message(world, key, &format!("(deployment ecs-svc/{id}) deployment completed."));
    events::deployment(world, key, id, "SERVICE_DEPLOYMENT_COMPLETED", &reason);
}

fn end(world: &mut World, key: &str) {
    if let Some(service) = world.ecs.services.get_mut(key) {
        service.status = ServiceStatus::Inactive;
        service.deployments.clear();
    }
    world.journal.push(
        world.now_ms(),
        Kind::Deployment,
        Some(key),
        format!("service {key} is deleted"),
    );
}

impl World {
    /// The circuit breaker, an alarm or a lifecycle hook fails the primary deployment of
    /// `cluster/service`, and the previous one becomes PRIMARY again with its own id: "rollback
    /// creates no new revision" [DG service-revision]. Returns false if there is no previous
    /// deployment.
    pub fn roll_back(&mut self, service: &str) -> bool {
        let now = self.now_ms();
        let Some(held) = self.ecs.services.get_mut(service) else { return false };
        let Some(failed) = held.primary().cloned() else { return false };
        let previous = match &failed.source {
            Some(source) => Some(source.clone()),
            None => held
                .deployments
                .iter()
                .find(|other| !other.primary && other.rollout != Rollout::Failed)
                .map(|d| d.id.clone()),
        };
        let Some(previous) = previous.filter(|_| failed.rollout == Rollout::InProgress) else {
            return false;
        };
        let back = held.revisions.get(&previous).map(|r| {
            (r.definition.clone(), r.load_balancers.clone(), r.network.clone(), r.options.clone())
        });
        let Some((definition, load_balancers, network, options)) = back else { return false };
        held.revision_options = options;
        (held.definition, held.load_balancers) = (Some(definition), load_balancers);
        if !network.is_null() {
            held.options.insert("networkConfiguration".to_owned(), network);
        }
        let reason = breaker::REASON.to_owned();
        let again = format!(
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/{previous}."
        );
        for deployment in &mut held.deployments {
            if deployment.id == failed.id {
                (deployment.primary, deployment.rollout) = (false, Rollout::Failed);
                (deployment.stage, deployment.updated_ms) = (None, now);
                deployment.reason.clone_from(&reason);
            } else if deployment.id == previous {
                (deployment.primary, deployment.rollout) = (true, Rollout::InProgress);
                (deployment.stage, deployment.source, deployment.updated_ms) = (None, None, now);
                deployment.reason.clone_from(&again);
            }
        }
        held.deployments.sort_by_key(|deployment| !deployment.primary);
        (held.steady, held.next_run_ms) = (false, now);
        events::deployment(self, service, &failed.id, "SERVICE_DEPLOYMENT_FAILED", &reason);
        events::deployment(self, service, &previous, "SERVICE_DEPLOYMENT_IN_PROGRESS", &again);
        settle(self, service, &previous);
        true
    }
}
