//! `CreateService`.

use super::conventions::{read, read_tags};
use super::definition::{NetworkMode, TaskDefinition};
use super::lookup::{find_cluster, find_definition, gone};
use super::service::{Controller, LoadBalancer, Service, ServiceStatus};
use super::{service_check, service_view, traffic};
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const OPTIONAL: &str = "cluster taskDefinition availabilityZoneRebalancing loadBalancers serviceRegistries desiredCount \
    clientToken launchType capacityProviderStrategy platformVersion role deploymentConfiguration \
    placementConstraints placementStrategy networkConfiguration healthCheckGracePeriodSeconds \
    schedulingStrategy deploymentController tags enableECSManagedTags propagateTags \
    enableExecuteCommand serviceConnectConfiguration volumeConfigurations vpcLatticeConfigurations";

/// Members that are shown as they were given, on create and on update.
pub(super) const SHOWN_AS_GIVEN: [&str; 14] = [
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "deploymentController",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "schedulingStrategy",
    "serviceRegistries",
];

pub(super) fn create_service(world: &mut World, value: &Value) -> Result<Value, ApiError> {
    let input = read("CreateService", value, "serviceName", OPTIONAL)?;
    let cluster = find_cluster(world, input.optional_text("cluster")?)?;
    let name = input.text("serviceName")?;
    let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if name.len() > 255 || !valid {
        return Err(input.refuse("Service name must be up to 255 letters, digits, hyphens and underscores."));
    }
    let key = format!("{cluster}/{name}");
    match world.ecs.services.get(&key) {
        // Texts from [MEM]; AWS's documentation is silent (AWS-FACTS 6).
        Some(held) if held.status == ServiceStatus::Active && held.created_from == *value => {
            return Ok(json!({"service": service_view::show(world, held, true)}));
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
    world.journal.push(world.now_ms(), Kind::Deployment, Some(&key), format!("service {key} was created"));
    if controller != Controller::External {
        traffic::deploy(world, &key);
    }
    let created = world.ecs.services.get(&key).ok_or_else(gone)?;
    Ok(json!({"service": service_view::show(world, created, true)}))
}

fn new_service(
    world: &World,
    input: &Input<'_>,
    cluster: String,
    name: &str,
    value: &Value,
) -> Result<Service, ApiError> {
    let controller = input.get("deploymentController").and_then(|c| c.get("type")?.as_str()).unwrap_or("ECS");
    let controller =
        Controller::parse(controller).ok_or_else(|| input.refuse("Unknown deployment controller type."))?;
    if input.optional_text("schedulingStrategy")? == Some("DAEMON") {
        return Err(input.refuse("DAEMON services are not simulated."));
    }
    let load_balancers = LoadBalancer::read_all(input)?;
    let desired = input.number("desiredCount")?.ok_or_else(|| input.refuse("desiredCount is required for REPLICA"))?;
    let definition = match (input.optional_text("taskDefinition")?, controller) {
        // Task definition, load balancers and network belong to the task sets [BC CreateService, CreateTaskSet].
        (Some(_), Controller::External) => {
            return Err(input.refuse(
                "taskDefinition should not be specified for a service with an EXTERNAL deployment controller.",
            ));
        }
        (None, Controller::External) => None,
        (name, _) => {
            Some(find_definition(world, name.ok_or_else(|| input.refuse("TaskDefinition can not be blank."))?)?)
        }
    };
    let launch_type = launch_type(input)?;
    if let Some(definition) = &definition {
        check_fit(world, input, definition, launch_type, &load_balancers)?;
    }
    if controller == Controller::CodeDeploy && load_balancers.len() != 1 {
        return Err(input.refuse("A service with a CODE_DEPLOY deployment controller needs exactly one load balancer."));
    }
    Ok(Service {
        name: name.to_owned(),
        arn: world.account.ecs_arn("service", &format!("{cluster}/{name}")),
        cluster,
        status: ServiceStatus::Active,
        desired: u32::try_from(desired).map_err(|_| input.refuse("desiredCount is too large"))?,
        launch_type: launch_type.to_owned(),
        definition,
        load_balancers,
        controller,
        deployments: Vec::new(),
        revisions: BTreeMap::new(),
        options: options(input),
        created_from: value.clone(),
        tags: read_tags(input)?,
        events: VecDeque::new(),
        tasks: BTreeSet::new(),
        created_ms: world.now_ms(),
        steady: false,
        look_ms: world.now_ms(),
        placement_trouble_ms: None,
    })
}

fn launch_type<'a>(input: &Input<'a>) -> Result<&'a str, ApiError> {
    let fargate = |provider: &Value| provider.to_string().contains("FARGATE");
    Ok(match input.optional_text("launchType")? {
        Some(launch_type) => launch_type,
        None if input.list("capacityProviderStrategy")?.iter().any(fargate) => "FARGATE",
        None => "EC2",
    })
}

/// Whether network, launch type and load balancers fit the task definition.
fn check_fit(
    world: &World,
    input: &Input<'_>,
    definition: &TaskDefinition,
    launch_type: &str,
    load_balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    if input.get("healthCheckGracePeriodSeconds").is_some() && load_balancers.is_empty() {
        let text = "Health check grace period is only valid for services configured to use load balancers";
        return Err(input.refuse(text));
    }
    let network = input.get("networkConfiguration").is_some();
    if network != (definition.network_mode == NetworkMode::Awsvpc) {
        let wants = if network { "not supported" } else { "must be provided" };
        let text = format!("Network Configuration {wants} for the network mode of the task definition.");
        return Err(input.refuse(text));
    }
    if launch_type == "EXTERNAL" && !load_balancers.is_empty() {
        return Err(input.refuse("Service load balancing isn't supported for the EXTERNAL launch type."));
    }
    service_check::load_balancers(world, definition, load_balancers)
}

/// The members that are shown as given, with AWS's defaults for the others.
fn options(input: &Input<'_>) -> Map<String, Value> {
    let mut options = Map::new();
    for (name, value) in [
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("propagateTags", json!("NONE")),
        ("schedulingStrategy", json!("REPLICA")),
        ("serviceRegistries", json!([])),
        ("deploymentController", json!({"type": "ECS"})),
    ] {
        options.insert(name.to_owned(), value);
    }
    take_options(&mut options, input);
    let configuration = options.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    if let Some(configuration) = configuration.as_object_mut() {
        let defaults = [
            ("deploymentCircuitBreaker", json!({"enable": false, "rollback": false})),
            ("maximumPercent", json!(200)),
            ("minimumHealthyPercent", json!(100)),
            ("strategy", json!("ROLLING")),
        ];
        for (name, value) in defaults {
            configuration.entry(name).or_insert(value);
        }
    }
    options
}

/// Takes over what an input says. Members of `deploymentConfiguration` are replaced one by one.
pub(super) fn take_options(options: &mut Map<String, Value>, input: &Input<'_>) {
    for name in SHOWN_AS_GIVEN {
        let Some(value) = input.get(name) else { continue };
        match (options.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(held), Some(given)) if name == "deploymentConfiguration" => held.extend(given.clone()),
            _ => drop(options.insert(name.to_owned(), value.clone())),
        }
    }
}
