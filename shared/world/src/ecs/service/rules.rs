//! AWS's validation of a service's settings other than load balancers: capacity, network,
//! scheduling, deployment configuration, roles. The texts are AWS's where reports show them,
//! otherwise [MEM].

use crate::World;
use crate::api::ApiError;
use crate::ecs::state::definition::{NetworkMode, TaskDefinition};
use crate::ecs::state::service::{Controller, LoadBalancer, Service};
use crate::ecs::state::tail;
use crate::input::Input;
use serde_json::{Value, json};

/// The capacity of a service.
#[derive(Debug)]
pub(in crate::ecs) struct Capacity {
    /// `EC2`, `FARGATE` or `EXTERNAL`, derived from the strategy if there is one.
    pub launch_type: String,
    /// The capacity provider strategy; `None` if a launch type was given.
    pub strategy: Option<Value>,
}

/// Launch type or capacity provider strategy, or else the cluster's default strategy.
pub(in crate::ecs) fn capacity(
    world: &World,
    input: &Input<'_>,
    cluster: &str,
) -> Result<Capacity, ApiError> {
    let given = input.list("capacityProviderStrategy")?;
    let launch_type = input.optional_text("launchType")?;
    if launch_type.is_some() && !given.is_empty() {
        let text = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
        return Err(input.refuse(text));
    }
    if let Some(launch_type) = launch_type {
        return Ok(Capacity { launch_type: launch_type.to_owned(), strategy: None });
    }
    let held = world.ecs.clusters.get(cluster);
    let default = held.map(|cluster| cluster.default_strategy.as_slice()).unwrap_or_default();
    let strategy = if given.is_empty() { default } else { given };
    let name = |item: &Value| {
        item.get("capacityProvider").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let names: Vec<String> = strategy.iter().map(name).collect();
    if names
        .iter()
        .any(|name| !held.is_some_and(|cluster| cluster.capacity_providers.contains(name)))
    {
        return Err(input.refuse(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster and try again.",
        ));
    }
    let fargate = names.iter().filter(|name| name.starts_with("FARGATE")).count();
    if fargate != 0 && fargate != names.len() {
        return Err(input.refuse(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers. Specify one or the other and try again.",
        ));
    }
    let launch_type = if fargate > 0 { "FARGATE" } else { "EC2" }.to_owned();
    let shown = |item: &Value| {
        let number = |name: &str| item.get(name).and_then(Value::as_i64).unwrap_or(0);
        json!({"capacityProvider": name(item), "weight": number("weight"), "base": number("base")})
    };
    let strategy = (!strategy.is_empty()).then(|| strategy.iter().map(shown).collect());
    Ok(Capacity { launch_type, strategy })
}

/// Checks that launch type and network fit the task definition.
pub(in crate::ecs) fn fits_definition(
    world: &World,
    input: &Input<'_>,
    definition: &TaskDefinition,
    launch_type: &str,
    network: &Value,
) -> Result<(), ApiError> {
    if definition.deregistered {
        return Err(ApiError::refused("ClientException", "TaskDefinition is inactive"));
    }
    let awsvpc = definition.network_mode == NetworkMode::Awsvpc;
    if launch_type == "FARGATE" && !definition.fits_fargate() {
        return Err(input.refuse("Task definition does not support launch_type FARGATE."));
    }
    match (awsvpc, network.get("awsvpcConfiguration")) {
        (true, None) => {
            let text =
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
            Err(input.refuse(text))
        }
        (false, Some(_)) => {
            let text = "Network Configuration is not valid for the given networkMode of this task definition.";
            Err(input.refuse(text))
        }
        (false, None) => Ok(()),
        (true, Some(network)) => subnets(world, input, network),
    }
}

/// "at most 16 subnets and 5 security groups" [BC `AwsVpcConfiguration`], all of them in one VPC.
fn subnets(world: &World, input: &Input<'_>, network: &Value) -> Result<(), ApiError> {
    let list = |name: &str| {
        network.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    };
    let (subnets, groups) = (list("subnets"), list("securityGroups"));
    if subnets.is_empty() {
        return Err(input.refuse("subnets can not be empty."));
    }
    for (name, items, most) in [("subnets", subnets, 16), ("securityGroups", groups, 5)] {
        if items.len() > most {
            return Err(input.refuse(format!("{name} can have at most {most} items.")));
        }
    }
    for id in subnets.iter().filter_map(Value::as_str) {
        if world.ecs.network.subnet(id).is_none() {
            return Err(input.refuse(format!(
                "Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist (ErrorCode: \
                 InvalidSubnetID.NotFound)"
            )));
        }
    }
    Ok(())
}

/// Checks the combination of settings of a new service.
pub(in crate::ecs) fn settings(
    world: &World,
    input: &Input<'_>,
    controller: Controller,
    load_balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    if input.get("healthCheckGracePeriodSeconds").is_some() && load_balancers.is_empty() {
        let text =
            "Health check grace period is only valid for services configured to use load balancers";
        return Err(input.refuse(text));
    }
    if input.list("placementConstraints")?.len() > 10 || input.list("placementStrategy")?.len() > 5
    {
        return Err(input.refuse("Too many placement constraints or strategies: at most 10 and 5."));
    }
    let token = input.optional_text("clientToken")?.unwrap_or("ok");
    if token.is_empty() || token.len() > 36 || !token.bytes().all(|byte| (33..=126).contains(&byte))
    {
        return Err(input.refuse("Client token must be up to 36 ASCII characters from 33 to 126."));
    }
    deployment(input, controller)?;
    roles(world, input, load_balancers)
}

/// The same for an update, with the current load balancers if none are given.
pub(in crate::ecs) fn settings_of_update(
    world: &World,
    input: &Input<'_>,
    service: &Service,
) -> Result<(), ApiError> {
    match input.get("loadBalancers") {
        Some(_) => settings(world, input, service.controller, &LoadBalancer::read_all(input)?),
        None => settings(world, input, service.controller, &service.load_balancers),
    }
}

fn deployment(input: &Input<'_>, controller: Controller) -> Result<(), ApiError> {
    let Some(configuration) = input.optional_map("deploymentConfiguration")? else { return Ok(()) };
    let percent = |name: &str| configuration.get(name).and_then(Value::as_i64);
    if percent("maximumPercent") == Some(100) && percent("minimumHealthyPercent") == Some(100) {
        let text = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.";
        return Err(input.refuse(text));
    }
    let breaks = configuration
        .get("deploymentCircuitBreaker")
        .and_then(|breaker| breaker.get("enable")?.as_bool());
    if breaks == Some(true) && controller != Controller::Ecs {
        let text =
            "Deployment circuit breaker feature is only supported with ECS deployment controller.";
        return Err(input.refuse(text));
    }
    Ok(())
}

/// Checks the roles that the caller passes to ECS, and ECS's service-linked role.
fn roles(
    world: &World,
    input: &Input<'_>,
    load_balancers: &[LoadBalancer],
) -> Result<(), ApiError> {
    let network = input.get("networkConfiguration").is_some();
    let registries = !input.list("serviceRegistries")?.is_empty();
    let needs_linked = network || registries || load_balancers.len() > 1;
    if needs_linked && input.get("role").is_some() {
        let text =
            "You cannot specify an IAM role for services that require a service linked role.";
        return Err(input.refuse(text));
    }
    if (needs_linked || !load_balancers.is_empty()) && world.ecs.behaviour.no_service_linked_role {
        let text = "Unable to assume the service linked role. Please verify that the ECS service linked role exists.";
        return Err(input.refuse(text));
    }
    let of_balancers = load_balancers
        .iter()
        .filter_map(|balancer| balancer.advanced.as_ref()?.get("roleArn")?.as_str());
    let of = |list: &'static str, pointer: &'static str| {
        let items = input.list(list).unwrap_or_default();
        items.iter().filter_map(move |item| item.pointer(pointer)?.as_str())
    };
    let of_volumes = of("volumeConfigurations", "/managedEBSVolume/roleArn");
    let of_lattice = of("vpcLatticeConfigurations", "/roleArn");
    let mut all = input
        .optional_text("role")?
        .into_iter()
        .chain(of_balancers)
        .chain(of_volumes)
        .chain(of_lattice);
    all.try_for_each(|role| may_pass(world, role))
}

/// Checks the caller's permission `iam:PassRole`.
pub(in crate::ecs) fn may_pass(world: &World, role: &str) -> Result<(), ApiError> {
    if !world.ecs.behaviour.roles_not_passable.contains(tail(role)) {
        return Ok(());
    }
    let arn = if role.starts_with("arn:") { role.to_owned() } else { world.account.role_arn(role) };
    let text = format!(
        "User: {} is not authorized to perform: iam:PassRole on resource: {arn} because no identity-based policy allows \
         the iam:PassRole action",
        world.account.role_arn("deployer")
    );
    Err(ApiError::refused("AccessDeniedException", text))
}

/// A volume configured at launch must be `configuredAtLaunch` in the task definition [BC
/// `ServiceVolumeConfiguration`].
pub(in crate::ecs) fn volumes(
    input: &Input<'_>,
    definition: &TaskDefinition,
) -> Result<(), ApiError> {
    let open = |name: Option<&Value>| {
        let volumes =
            definition.shown.get("volumes").and_then(Value::as_array).into_iter().flatten();
        volumes.into_iter().any(|volume| {
            volume.get("configuredAtLaunch").and_then(Value::as_bool) == Some(true)
                && volume.get("name") == name
        })
    };
    match input.list("volumeConfigurations")?.iter().find(|volume| !open(volume.get("name"))) {
        Some(volume) => {
            let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
            let text = format!(
                "The volume {name} is not a volume of the task definition that is configured at launch."
            );
            Err(input.refuse(text))
        }
        None => Ok(()),
    }
}
