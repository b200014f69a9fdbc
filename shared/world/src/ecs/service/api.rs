//! `CreateService`.

use super::rules::{self, Capacity};
use super::{check, options, view};
use crate::World;
use crate::api::ApiError;
use crate::ecs::conventions::read_tags;
use crate::ecs::lookup::{find_cluster, find_definition, gone};
use crate::ecs::state::definition::TaskDefinition;
use crate::ecs::state::service::{Controller, LoadBalancer, Service, ServiceStatus};
use crate::ecs::{shapes, traffic};
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub(in crate::ecs) fn create_service(world: &mut World, value: &Value) -> Result<Value, ApiError> {
    let input = shapes::read("CreateService", value)?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let name = input.text("serviceName")?;
    let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if name.is_empty() || name.len() > 255 || !valid {
        return Err(input
            .refuse("Service name must be up to 255 letters, digits, hyphens and underscores."));
    }
    let key = format!("{cluster}/{name}");
    match world.ecs.services.get(&key) {
        // Texts from [MEM]; AWS does not document them (F-6).
        Some(held)
            if held.status == ServiceStatus::Active && same_request(&held.created_from, value) =>
        {
            return Ok(json!({"service": view::show(world, held, true).into_value()}));
        }
        Some(held) if held.status == ServiceStatus::Active => {
            return Err(input.refuse("Creation of service was not idempotent."));
        }
        Some(held) if held.status == ServiceStatus::Draining => {
            return Err(input.refuse("Unable to Start a service that is still Draining."));
        }
        _ => {}
    }
    let service = new_service(world, &input, cluster, name, value)?;
    let controller = service.controller;
    world.ecs.services.insert(key.clone(), service);
    world.journal.push(
        world.now_ms(),
        Kind::Deployment,
        Some(&key),
        format!("service {key} was created"),
    );
    if controller != Controller::External {
        traffic::deploy(world, &key);
    }
    let created = world.ecs.services.get(&key).ok_or_else(gone)?;
    Ok(json!({"service": view::show(world, created, true).into_value()}))
}

/// A repeated call. It is compared by its settings, whatever its client token.
fn same_request(one: &Value, other: &Value) -> bool {
    let asked = |value: &Value| {
        let mut asked = value.clone();
        asked.as_object_mut().and_then(|members| members.remove("clientToken"));
        asked
    };
    asked(one) == asked(other)
}

fn new_service(
    world: &World,
    input: &Input<'_>,
    cluster: String,
    name: &str,
    value: &Value,
) -> Result<Service, ApiError> {
    let controller =
        input.get("deploymentController").and_then(|c| c.get("type")?.as_str()).unwrap_or("ECS");
    let controller = Controller::parse(controller)
        .ok_or_else(|| input.refuse("Unknown deployment controller type."))?;
    let load_balancers = LoadBalancer::read_all(input)?;
    rules::settings(world, input, controller, &load_balancers)?;
    let capacity = rules::capacity(world, input, &cluster)?;
    let desired = desired(input, controller, &capacity)?;
    let definition = definition(world, input, controller)?;
    if let Some(definition) = &definition {
        check_fit(world, input, definition, &capacity.launch_type, &load_balancers)?;
    }
    if controller == Controller::CodeDeploy && load_balancers.len() != 1 {
        return Err(input.refuse(
            "A service with a CODE_DEPLOY deployment controller needs exactly one load balancer.",
        ));
    }
    let mut options = options::of_new(input, &capacity.launch_type);
    options.extend(
        capacity.strategy.map(|strategy| ("capacityProviderStrategy".to_owned(), strategy)),
    );
    let mut revision_options = Map::new();
    options::take_for_revisions(&mut revision_options, input);
    Ok(Service {
        name: name.to_owned(),
        arn: world.account.ecs_arn("service", &format!("{cluster}/{name}")),
        cluster,
        status: ServiceStatus::Active,
        desired,
        launch_type: capacity.launch_type,
        definition,
        load_balancers,
        controller,
        deployments: Vec::new(),
        revisions: BTreeMap::new(),
        options,
        revision_options,
        created_from: value.clone(),
        tags: read_tags(input)?,
        events: VecDeque::new(),
        tasks: BTreeSet::new(),
        created_ms: world.now_ms(),
        steady: false,
        next_run_ms: world.now_ms(),
        placement_trouble_ms: None,
    })
}

/// The desired count. A daemon service must not have one.
fn desired(
    input: &Input<'_>,
    controller: Controller,
    capacity: &Capacity,
) -> Result<u32, ApiError> {
    let given = input.number("desiredCount")?;
    if input.optional_text("schedulingStrategy")? != Some("DAEMON") {
        let given = given.ok_or_else(|| input.refuse("desiredCount is required for REPLICA"))?;
        return u32::try_from(given).map_err(|_| input.refuse("desiredCount is too large"));
    }
    if given.is_some() {
        return Err(input.refuse(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count \
             value and try again",
        ));
    }
    if capacity.launch_type != "EC2" || controller != Controller::Ecs {
        return Err(input.refuse(
            "The daemon scheduling strategy is not supported on Fargate and with CODE_DEPLOY or EXTERNAL deployment \
             controllers.",
        ));
    }
    Ok(0)
}

/// Task definition, load balancers and network belong to the task sets of an EXTERNAL service [BC
/// `CreateService`].
fn definition(
    world: &World,
    input: &Input<'_>,
    controller: Controller,
) -> Result<Option<Arc<TaskDefinition>>, ApiError> {
    match (input.optional_text("taskDefinition")?, controller) {
        (Some(_), Controller::External) => Err(input
            .refuse("taskDefinition should not be specified for a service with an EXTERNAL deployment controller.")),
        (None, Controller::External) => Ok(None),
        (None, _) => Err(input.refuse("TaskDefinition can not be blank.")),
        (Some(name), _) => find_definition(world, name).map(Some),
    }
}

/// Checks that network, launch type, load balancers and volumes fit the task definition.
fn check_fit(
    world: &World,
    input: &Input<'_>,
    definition: &TaskDefinition,
    launch_type: &str,
    load_balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    let network = input.get("networkConfiguration").unwrap_or(&Value::Null);
    rules::fits_definition(world, input, definition, launch_type, network)?;
    if launch_type == "EXTERNAL" && !load_balancers.is_empty() {
        return Err(
            input.refuse("Service load balancing isn't supported for the EXTERNAL launch type.")
        );
    }
    rules::volumes(input, definition)?;
    check::load_balancers(world, definition, load_balancers)
}
