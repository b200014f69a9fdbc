//! The lines about the service: its deployments, revisions, task sets and events.

use super::error::WordError;
use super::names;
use super::words::{Words, known, number, one_of, port};
use super::world::World;
use portkeeper_core::ids::{NotAnId, ServiceKey, TargetGroupArn};
use portkeeper_core::observation::{
    Deployment, DeploymentController, DeploymentStrategy, LoadBalancer, Revision, RolloutState,
    Service, ServiceEvent, ServiceStatus, TaskSet,
};

const SERVICE: &str = "CLUSTER/SERVICE";
const SERVICE_PART: &str = "`binds` (first), `desired=`, `min=`, `controller=`, `strategy=`, \
    `status=`, `mode=`, `owner=`, `grace=`, `express`, `gateway` or `lattice`";
const TASK_SET_PART: &str = "`binds GROUP to CONTAINER:PORT`, `desired NUMBER`, `status STATUS` \
    or the end of the line";
const REVISION_PART: &str = "`undescribed`, `binds GROUP to CONTAINER:PORT`, `resolved GROUPS` \
    or the end of the line";

/// Restating the service keeps its deployments, revisions and task sets.
pub fn state_service(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require(SERVICE)?;
    let (cluster, service) =
        name.split_once('/').ok_or_else(|| WordError::unexpected(&name, SERVICE))?;
    world.key = ServiceKey { cluster: names::cluster(cluster)?, service: service.to_owned() };
    if words.take_if("gone") {
        world.service = None;
        return words.end("the end of the line");
    }
    let mut facts = plain(binds(words)?);
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("desired", text)) => world.desired_count = Some(number(text)?),
            Some(("min", text)) => facts.minimum_healthy_percent = Some(number(text)?),
            Some(("controller", text)) => {
                facts.controller = known(text, &DeploymentController::ALL)?;
            }
            Some(("strategy", text)) => facts.strategy = known(text, &DeploymentStrategy::ALL)?,
            Some(("status", text)) => facts.status = known(text, &ServiceStatus::ALL)?,
            Some(("mode", text)) => facts.mode_tag = Some(text.to_owned()),
            Some(("owner", text)) => facts.owner_tag = Some(text.to_owned()),
            Some(("grace", text)) => facts.health_check_grace_seconds = number(text)?,
            None if word == "express" => facts.managed_by_ecs = true,
            None if word == "gateway" => facts.behind_gateway = true,
            None if word == "lattice" => facts.behind_lattice = true,
            _ => return Err(WordError::unexpected(&word, SERVICE_PART)),
        }
    }
    if let Some(before) = world.service.take() {
        facts.deployments = before.deployments;
        facts.current_revisions = before.current_revisions;
        facts.revisions = before.revisions;
        facts.task_sets = before.task_sets;
        facts.events = before.events;
    }
    world.service = Some(facts);
    Ok(())
}

/// A service of which the text says only how it is bound. The counts follow from its tasks.
fn plain(load_balancers: Vec<LoadBalancer>) -> Service {
    Service {
        status: ServiceStatus::Active,
        controller: DeploymentController::Ecs,
        strategy: DeploymentStrategy::Rolling,
        managed_by_ecs: false,
        behind_gateway: false,
        behind_lattice: false,
        desired_count: 0,
        running_count: 0,
        pending_count: 0,
        minimum_healthy_percent: None,
        health_check_grace_seconds: 0,
        load_balancers,
        deployments: Vec::new(),
        current_revisions: Vec::new(),
        revisions: Vec::new(),
        task_sets: Vec::new(),
        events: Vec::new(),
        mode_tag: None,
        owner_tag: None,
    }
}

pub fn state_event(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let at = world.now.minus_secs(words.span()?);
    let message = words.require("a message")?;
    world.service_facts()?.events.insert(0, ServiceEvent { at, message });
    words.end("the end of the line: quote a message of several words")
}

pub fn state_task_set(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let id = format!("ecs-svc/{}", words.require("an id")?);
    let load_balancers = binds(words)?;
    let (mut desired_count, mut status) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "desired" => desired_count = Some(words.number()?),
            "status" => status = Some(status_of(&words.require("a status")?)?),
            other => return Err(WordError::unexpected(other, TASK_SET_PART)),
        }
    }
    let set = TaskSet { id, load_balancers, status, desired_count };
    world.service_facts()?.task_sets.push(set);
    Ok(())
}

/// `Deployment.status` and `TaskSet.status` of the ECS API.
fn status_of(text: &str) -> Result<String, WordError> {
    Ok(one_of(text, &["PRIMARY", "ACTIVE", "DRAINING", "INACTIVE"])?.to_owned())
}

pub fn state_deployment(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let id = format!("ecs-svc/{}", words.require("an id")?);
    let status = words.require("a status such as `PRIMARY`, or `gone`")?;
    let now = world.now;
    let deployments = &mut world.service_facts()?.deployments;
    deployments.retain(|known| known.id != id);
    if status == "gone" {
        return words.end("the end of the line");
    }
    let status = status_of(&status)?;
    let task_definition = names::definition(&words.require("a task definition")?)?;
    let (mut rollout, mut created_at, mut failed_tasks) = (None, None, None);
    while let Some(word) = words.next() {
        match word.strip_prefix("failed=") {
            Some(text) => failed_tasks = Some(number(text)?),
            None if word == "for" => created_at = Some(now.minus_secs(words.span()?)),
            None if rollout.is_none() => rollout = Some(known(&word, &RolloutState::ALL)?),
            None => {
                let expected = "one rollout state, `failed=` or `for SPAN`";
                return Err(WordError::unexpected(&word, expected));
            }
        }
    }
    deployments.push(Deployment {
        id,
        status,
        task_definition,
        rollout,
        failed_tasks,
        created_at,
        updated_at: None,
    });
    Ok(())
}

pub fn state_revision(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let digits = words.require("an id")?;
    let arn = names::revision(&world.key.service, &digits)?;
    let service = world.service_facts()?;
    service.current_revisions.retain(|known| *known != arn);
    service.revisions.retain(|known| known.arn != arn);
    if words.take_if("gone") {
        return words.end("the end of the line");
    }
    service.current_revisions.push(arn.clone());
    let task_definition = names::definition(&words.require("a task definition")?)?;
    if words.take_if("undescribed") {
        return words.end("the end of the line");
    }
    let load_balancers = binds(words)?;
    let mut resolved_target_groups = None;
    if words.take_if("resolved") {
        let groups = words.require("target groups")?;
        let arns = groups.split(',').map(names::group);
        resolved_target_groups = Some(arns.collect::<Result<_, NotAnId>>()?);
    }
    service.revisions.push(Revision {
        arn,
        task_definition,
        load_balancers,
        resolved_target_groups,
    });
    words.end(REVISION_PART)
}

/// `binds web|web-alt to app:8080 and admin to app:9090`, or `binds nothing`; without `binds`, too,
/// there is no load balancer.
fn binds(words: &mut Words) -> Result<Vec<LoadBalancer>, WordError> {
    let mut entries = Vec::new();
    if !words.take_if("binds") || words.take_if("nothing") {
        return Ok(entries);
    }
    loop {
        entries.push(entry(words)?);
        if !words.take_if("and") {
            return Ok(entries);
        }
    }
}

fn entry(words: &mut Words) -> Result<LoadBalancer, WordError> {
    let groups = words.require("a target group, or `nothing`")?;
    let to = words.require("`to`")?;
    if to != "to" {
        return Err(WordError::unexpected(&to, "`to`"));
    }
    let place = words.require("CONTAINER:PORT")?;
    let (container, number) =
        place.split_once(':').ok_or_else(|| WordError::unexpected(&place, "CONTAINER:PORT"))?;
    let (first, alternate) =
        groups.split_once('|').map_or((groups.as_str(), None), |(a, b)| (a, Some(b)));
    let classic = first.strip_prefix("classic-elb-").map(str::to_owned);
    let target_group: Option<TargetGroupArn> =
        if classic.is_none() { Some(names::group(first)?) } else { None };
    Ok(LoadBalancer {
        target_group,
        alternate_target_group: alternate.map(names::group).transpose()?,
        classic,
        container: container.to_owned(),
        port: port(number)?,
    })
}
