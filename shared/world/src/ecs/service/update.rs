//! `UpdateService` and `DeleteService`.

use super::{check, options, rules, view};
use crate::World;
use crate::api::ApiError;
use crate::ecs::conventions::read;
use crate::ecs::lookup::{find_definition, find_service, gone};
use crate::ecs::state::definition::TaskDefinition;
use crate::ecs::state::service::{Controller, LoadBalancer, Service, ServiceStatus};
use crate::ecs::{shapes, traffic};
use crate::input::Input;
use crate::journal::Kind;
use serde_json::{Value, json};

/// The members that start a new deployment [BC `UpdateService`; F-6].
const STARTS_DEPLOYMENT: [&str; 10] = [
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

pub(in crate::ecs) fn update_service(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = shapes::read("UpdateService", input)?;
    let key = find_service(world, input.optional_text("cluster")?, input.text("service")?)?;
    let service = world.ecs.services.get(&key).ok_or_else(gone)?;
    if service.status != ServiceStatus::Active {
        return Err(ApiError::refused("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let deploys = input.flag("forceNewDeployment")?
        || STARTS_DEPLOYMENT.iter().any(|name| input.get(name).is_some());
    if deploys && service.controller != Controller::Ecs {
        // Such services deploy through CodeDeploy or CreateTaskSet [BC UpdateService].
        return Err(input.refuse(format!(
            "Unable to update task definition, network or load balancers on services with a {} deployment controller.",
            service.controller.name()
        )));
    }
    rules::settings_of_update(world, &input, service)?;
    let definition = match input.optional_text("taskDefinition")? {
        Some(name) => Some(find_definition(world, name)?),
        None => service.definition.clone(),
    };
    let load_balancers = match input.get("loadBalancers") {
        Some(_) => LoadBalancer::read_all(&input)?,
        None => service.load_balancers.clone(),
    };
    let capacity = match input.get("capacityProviderStrategy") {
        Some(_) => Some(rules::capacity(world, &input, &service.cluster)?),
        None => None,
    };
    if let Some(definition) = definition.as_ref().filter(|_| deploys) {
        check_fit(world, &input, service, definition, &load_balancers)?;
    }
    if service.is_daemon() && input.get("desiredCount").is_some() {
        let text = "The daemon scheduling strategy does not support a desired count for services. Remove the desired \
            count value and try again";
        return Err(input.refuse(text));
    }
    let desired = match input.number("desiredCount")? {
        Some(desired) => {
            u32::try_from(desired).map_err(|_| input.refuse("desiredCount is too large"))?
        }
        None => service.desired,
    };
    apply(world, &key, &input, desired)?;
    let service = world.ecs.services.get_mut(&key).ok_or_else(gone)?;
    (service.definition, service.load_balancers) = (definition, load_balancers);
    if let Some(capacity) = capacity {
        service.launch_type = capacity.launch_type;
        service.options.extend(
            capacity.strategy.map(|strategy| ("capacityProviderStrategy".to_owned(), strategy)),
        );
    }
    if deploys {
        traffic::deploy(world, &key);
    }
    let service = world.ecs.services.get(&key).ok_or_else(gone)?;
    Ok(json!({"service": view::show(world, service, false).into_value()}))
}

/// Checks the combination of settings of the next deployment.
fn check_fit(
    world: &World,
    input: &Input<'_>,
    service: &Service,
    definition: &TaskDefinition,
    load_balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    let network = input.get("networkConfiguration").cloned().unwrap_or_else(|| service.network());
    rules::fits_definition(world, input, definition, &service.launch_type, &network)?;
    rules::volumes(input, definition)?;
    check::load_balancers(world, definition, load_balancers)
}

fn apply(world: &mut World, key: &str, input: &Input<'_>, desired: u32) -> Result<(), ApiError> {
    let now = world.now_ms();
    let service = world.ecs.services.get_mut(key).ok_or_else(gone)?;
    options::take(&mut service.options, input);
    options::take_for_revisions(&mut service.revision_options, input);
    if let Some(controller) =
        input.get("deploymentController").and_then(|c| c.get("type")?.as_str())
    {
        service.controller = Controller::parse(controller)
            .ok_or_else(|| input.refuse("Unknown deployment controller type."))?;
    }
    let before = std::mem::replace(&mut service.desired, desired);
    service.next_run_ms = now;
    if before != desired {
        service.steady = false;
        world.journal.push(
            now,
            Kind::Deployment,
            Some(key),
            format!("desired count of {key} changed from {before} to {desired}"),
        );
    }
    Ok(())
}

/// The service becomes DRAINING, then INACTIVE. Requires a desired count of 0 or `force`; ECS stops
/// the tasks.
pub(in crate::ecs) fn delete_service(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteService", input, "service", "cluster force")?;
    let key = find_service(world, input.optional_text("cluster")?, input.text("service")?)?;
    let force = input.flag("force")?;
    let now = world.now_ms();
    let service = world.ecs.services.get_mut(&key).ok_or_else(gone)?;
    if service.status == ServiceStatus::Inactive {
        return Err(gone());
    }
    if service.desired > 0 && !force {
        return Err(input.refuse("The service cannot be stopped while it is scaled above 0."));
    }
    service.status = ServiceStatus::Draining;
    service.desired = 0;
    service.next_run_ms = now;
    world.journal.push(
        now,
        Kind::Deployment,
        Some(&key),
        format!("service {key} is being deleted"),
    );
    let service = world.ecs.services.get(&key).ok_or_else(gone)?;
    Ok(json!({"service": view::show(world, service, false).into_value()}))
}
