//! Converts the SDK's types to the core's, one by one. It judges nothing. Events and API answers
//! share the core's `task_parts`, so that both are parsed alike.

use aws_sdk_ecs::types as ecs;
use aws_sdk_elasticloadbalancingv2::types as elb;
use portkeeper_core::ids::{
    ContainerInstanceArn, ContainerPort, HostPort, NotAnId, RevisionArn, Target, TargetGroupArn,
    TargetId, TaskArn, TaskDefinitionArn,
};
use portkeeper_core::observation::{
    Binding, Container, Deployment, DeploymentController, DeploymentStrategy, FoundGroup,
    HealthState, LoadBalancer, NetworkInterface, NetworkMode, RegisteredTarget, Revision,
    RolloutState, SERVICE_EVENTS_KEPT, Service, ServiceEvent, ServiceStatus, TargetType, Task,
    TaskDefinition, TaskSet, TaskStatus,
};
use portkeeper_core::policy::{MODE_TAG, OWNER_TAG};
use portkeeper_core::task_parts::{
    AttachmentParts, BindingParts, ContainerAddress, Detail, in_short, is_deregistered,
};
use portkeeper_core::time::Timestamp;

/// A part of a response that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("cannot parse `{field}`")]
pub(crate) struct NotUnderstood {
    /// The member of the response.
    field: &'static str,
    #[source]
    source: NotAnId,
}

/// Converts an error about an id into one that names the member.
fn at(field: &'static str) -> impl Fn(NotAnId) -> NotUnderstood {
    move |source| NotUnderstood { field, source }
}

fn required<'a>(text: Option<&'a str>, field: &'static str) -> Result<&'a str, NotUnderstood> {
    let missing =
        || NotUnderstood { field, source: NotAnId { text: String::new(), wanted: "there at all" } };
    text.filter(|text| !text.is_empty()).ok_or_else(missing)
}

fn group_arn(
    text: Option<&str>,
    field: &'static str,
) -> Result<Option<TargetGroupArn>, NotUnderstood> {
    text.filter(|text| !text.is_empty())
        .map(TargetGroupArn::try_from)
        .transpose()
        .map_err(at(field))
}

fn definition_arn(text: Option<&str>) -> Result<TaskDefinitionArn, NotUnderstood> {
    TaskDefinitionArn::try_from(required(text, "taskDefinition")?).map_err(at("taskDefinition"))
}

fn moment(time: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    time.and_then(|time| time.to_millis().ok()).map(Timestamp::from_millis)
}

/// Counts are never negative; the SDK's type only says so of ports.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A service without its revisions, which another call returns.
pub(crate) fn service(service: &ecs::Service) -> Result<Service, NotUnderstood> {
    let controller =
        service.deployment_controller().map_or("ECS", |controller| controller.r#type().as_str());
    let strategy =
        service.deployment_configuration().and_then(ecs::DeploymentConfiguration::strategy);
    let lattice =
        |deployment: &ecs::Deployment| !deployment.vpc_lattice_configurations().is_empty();
    let tag = |name: &str| {
        let tag = service.tags().iter().find(|tag| tag.key() == Some(name))?;
        Some(tag.value().unwrap_or_default().to_owned())
    };
    Ok(Service {
        status: ServiceStatus::from(required(service.status(), "status")?),
        controller: DeploymentController::from(controller),
        strategy: DeploymentStrategy::from(
            strategy.map_or("ROLLING", ecs::DeploymentStrategy::as_str),
        ),
        managed_by_ecs: service.resource_management_type()
            == Some(&ecs::ResourceManagementType::Ecs),
        behind_gateway: false,
        behind_lattice: service.deployments().iter().any(lattice),
        desired_count: count(service.desired_count()),
        running_count: count(service.running_count()),
        pending_count: count(service.pending_count()),
        minimum_healthy_percent: service
            .deployment_configuration()
            .and_then(ecs::DeploymentConfiguration::minimum_healthy_percent)
            .map(count),
        health_check_grace_seconds: count(service.health_check_grace_period_seconds().unwrap_or(0)),
        load_balancers: load_balancers(service.load_balancers())?,
        deployments: service.deployments().iter().map(deployment).collect::<Result<_, _>>()?,
        current_revisions: service
            .current_service_revisions()
            .iter()
            .map(|revision| revision_arn(revision.arn()))
            .collect::<Result<_, _>>()?,
        revisions: Vec::new(),
        task_sets: service.task_sets().iter().map(task_set).collect::<Result<_, _>>()?,
        events: events(service.events()),
        mode_tag: tag(MODE_TAG),
        owner_tag: tag(OWNER_TAG).filter(|other| !other.is_empty()),
    })
}

/// The newest messages. AWS lists them newest first, but does not document that order.
fn events(events: &[ecs::ServiceEvent]) -> Vec<ServiceEvent> {
    let convert = |event: &ecs::ServiceEvent| {
        Some(ServiceEvent { at: moment(event.created_at())?, message: in_short(event.message()?) })
    };
    let mut events: Vec<ServiceEvent> = events.iter().filter_map(convert).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(SERVICE_EVENTS_KEPT);
    events
}

fn load_balancers(entries: &[ecs::LoadBalancer]) -> Result<Vec<LoadBalancer>, NotUnderstood> {
    let convert = |entry: &ecs::LoadBalancer| {
        let alternate = entry
            .advanced_configuration()
            .and_then(|advanced| advanced.alternate_target_group_arn());
        let port = i64::from(entry.container_port().unwrap_or(0));
        Ok(LoadBalancer {
            target_group: group_arn(entry.target_group_arn(), "loadBalancers[].targetGroupArn")?,
            alternate_target_group: group_arn(alternate, "alternateTargetGroupArn")?,
            classic: entry.load_balancer_name().filter(|name| !name.is_empty()).map(str::to_owned),
            container: required(entry.container_name(), "loadBalancers[].containerName")?
                .to_owned(),
            port: ContainerPort::try_from(port).map_err(at("loadBalancers[].containerPort"))?,
        })
    };
    entries.iter().map(convert).collect()
}

fn deployment(deployment: &ecs::Deployment) -> Result<Deployment, NotUnderstood> {
    Ok(Deployment {
        id: required(deployment.id(), "deployments[].id")?.to_owned(),
        status: deployment.status().unwrap_or_default().to_owned(),
        task_definition: definition_arn(deployment.task_definition())?,
        rollout: deployment.rollout_state().map(|state| RolloutState::from(state.as_str())),
        failed_tasks: Some(count(deployment.failed_tasks())).filter(|failed| *failed > 0),
        created_at: moment(deployment.created_at()),
        updated_at: moment(deployment.updated_at()),
    })
}

fn task_set(set: &ecs::TaskSet) -> Result<TaskSet, NotUnderstood> {
    let load_balancers = load_balancers(set.load_balancers())?;
    let desired_count = Some(count(set.computed_desired_count()));
    Ok(TaskSet {
        id: required(set.id(), "taskSets[].id")?.to_owned(),
        load_balancers,
        status: set.status().map(str::to_owned),
        desired_count,
    })
}

fn revision_arn(text: Option<&str>) -> Result<RevisionArn, NotUnderstood> {
    let field = "serviceRevisionArn";
    RevisionArn::try_from(required(text, field)?).map_err(at(field))
}

/// A service revision.
pub(crate) fn revision(revision: &ecs::ServiceRevision) -> Result<Revision, NotUnderstood> {
    let field = "resolvedConfiguration.loadBalancers[].targetGroupArn";
    let resolved =
        revision.resolved_configuration().map(ecs::ResolvedConfiguration::load_balancers);
    let resolved = resolved.filter(|entries| !entries.is_empty()).map(|entries| {
        entries
            .iter()
            .filter_map(|entry| group_arn(entry.target_group_arn(), field).transpose())
            .collect()
    });
    Ok(Revision {
        arn: revision_arn(revision.service_revision_arn())?,
        task_definition: definition_arn(revision.task_definition())?,
        load_balancers: load_balancers(revision.load_balancers())?,
        resolved_target_groups: resolved.transpose()?,
    })
}

/// The revision is attached to a gateway, whose groups ECS manages.
pub(crate) fn is_behind_gateway(revision: &ecs::ServiceRevision) -> bool {
    let connected = |managed: &ecs::EcsManagedResources| !managed.gateway_connections().is_empty();
    !revision.gateway_connectors().is_empty()
        || revision.ecs_managed_resources().is_some_and(connected)
}

/// The revision is attached to VPC Lattice.
pub(crate) fn is_behind_lattice(revision: &ecs::ServiceRevision) -> bool {
    !revision.vpc_lattice_configurations().is_empty()
}

/// A task.
pub(crate) fn task(task: &ecs::Task) -> Result<Task, NotUnderstood> {
    let container_instance = task.container_instance_arn().filter(|arn| !arn.is_empty());
    let attachments: Vec<AttachmentParts> = task.attachments().iter().map(attachment).collect();
    let interfaces = task.containers().iter().flat_map(ecs::Container::network_interfaces);
    let addresses: Vec<ContainerAddress> = interfaces
        .map(|interface| ContainerAddress {
            private_ipv4_address: interface.private_ipv4_address().map(str::to_owned),
            ipv6_address: interface.ipv6_address().map(str::to_owned),
        })
        .collect();
    Ok(Task {
        arn: TaskArn::try_from(required(task.task_arn(), "taskArn")?).map_err(at("taskArn"))?,
        group: task.group().map(str::to_owned),
        started_by: task.started_by().map(str::to_owned),
        task_definition: definition_arn(task.task_definition_arn())?,
        container_instance: container_instance
            .map(ContainerInstanceArn::try_from)
            .transpose()
            .map_err(at("containerInstanceArn"))?,
        anywhere: task.launch_type() == Some(&ecs::LaunchType::External),
        last_status: TaskStatus::from(required(task.last_status(), "lastStatus")?),
        desired_status: TaskStatus::from(required(task.desired_status(), "desiredStatus")?),
        version: u64::try_from(task.version()).unwrap_or(0),
        connected: task.connectivity() != Some(&ecs::Connectivity::Disconnected),
        started_at: moment(task.started_at()),
        stopped_at: moment(task.stopped_at()),
        stop_code: task.stop_code().map(|code| code.as_str().to_owned()),
        stopped_reason: task.stopped_reason().map(in_short),
        deregistered: is_deregistered(&attachments),
        network_interface: NetworkInterface::from_parts(&attachments, &addresses),
        containers: task.containers().iter().map(container).collect::<Result<_, _>>()?,
    })
}

fn attachment(attachment: &ecs::Attachment) -> AttachmentParts {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let detail =
        |pair: &ecs::KeyValuePair| Detail { name: text(pair.name()), value: text(pair.value()) };
    AttachmentParts {
        kind: text(attachment.r#type()),
        status: text(attachment.status()),
        details: attachment.details().iter().map(detail).collect(),
    }
}

fn container(container: &ecs::Container) -> Result<Container, NotUnderstood> {
    let binding = |binding: &ecs::NetworkBinding| {
        Binding::from_parts(&BindingParts {
            bind_ip: binding.bind_ip().map(str::to_owned),
            protocol: binding.protocol().map(|protocol| protocol.as_str().to_owned()),
            container_port: binding.container_port().map(i64::from),
            host_port: binding.host_port().map(i64::from),
            container_port_range: binding.container_port_range().map(str::to_owned),
            host_port_range: binding.host_port_range().map(str::to_owned),
        })
        .map_err(at("containers[].networkBindings[]"))
    };
    Ok(Container {
        name: container.name().unwrap_or_default().to_owned(),
        bindings: container.network_bindings().iter().map(binding).collect::<Result<_, _>>()?,
        stopped: container.last_status() == Some("STOPPED"),
    })
}

/// The part of a task definition that determines ports. Port ranges are not kept: they exist in
/// bridge and awsvpc mode only, where the task itself says its ports.
pub(crate) fn task_definition(
    definition: &ecs::TaskDefinition,
) -> Result<TaskDefinition, NotUnderstood> {
    let ports = |container: &ecs::ContainerDefinition| {
        let numbers = container
            .port_mappings()
            .iter()
            .filter_map(|map| map.container_port().or(map.host_port()));
        let ports: Result<Vec<_>, _> =
            numbers.map(|number| ContainerPort::try_from(i64::from(number))).collect();
        Ok((
            container.name().unwrap_or_default().to_owned(),
            ports.map_err(at("portMappings[].containerPort"))?,
        ))
    };
    Ok(TaskDefinition {
        network_mode: definition
            .network_mode()
            .map_or(NetworkMode::Bridge, |mode| NetworkMode::from(mode.as_str())),
        ports: definition.container_definitions().iter().map(ports).collect::<Result<_, _>>()?,
    })
}

/// A group's description, without targets.
pub(crate) fn group(
    group: &elb::TargetGroup,
) -> Result<(TargetGroupArn, FoundGroup), NotUnderstood> {
    let field = "TargetGroupArn";
    let arn =
        TargetGroupArn::try_from(required(group.target_group_arn(), field)?).map_err(at(field))?;
    let target_type = required(group.target_type().map(elb::TargetTypeEnum::as_str), "TargetType")?;
    let default_port = group
        .port()
        .map(|port| HostPort::try_from(i64::from(port)))
        .transpose()
        .map_err(at("Port"))?;
    let family = group.ip_address_type().map_or("ipv4", elb::TargetGroupIpAddressTypeEnum::as_str);
    let found = FoundGroup {
        target_type: TargetType::from(target_type),
        protocol: group.protocol().map(|protocol| protocol.as_str().to_owned()).unwrap_or_default(),
        default_port,
        ip_address_type: family.to_owned(),
        vpc: group.vpc_id().map(str::to_owned),
        load_balancers: group.load_balancer_arns().to_vec(),
        health_interval_seconds: count(group.health_check_interval_seconds().unwrap_or(0)),
        unhealthy_threshold: count(group.unhealthy_threshold_count().unwrap_or(0)),
        health_port: group
            .health_check_port()
            .filter(|port| *port != "traffic-port")
            .map(str::to_owned),
        health_path: group.health_check_path().map(str::to_owned),
        health_codes: group
            .matcher()
            .and_then(|it| it.http_code().or(it.grpc_code()))
            .map(str::to_owned),
        targets: Vec::new(),
    };
    Ok((arn, found))
}

/// A registered target.
pub(crate) fn target(
    described: &elb::TargetHealthDescription,
) -> Result<RegisteredTarget, NotUnderstood> {
    let target = described.target();
    let id = required(target.and_then(elb::TargetDescription::id), "Target.Id")?;
    let port = target.and_then(elb::TargetDescription::port).unwrap_or(0);
    let health = described.target_health();
    let state = required(
        health.and_then(elb::TargetHealth::state).map(elb::TargetHealthStateEnum::as_str),
        "State",
    )?;
    Ok(RegisteredTarget {
        target: Target {
            id: TargetId::try_from(id.to_owned()).map_err(at("Target.Id"))?,
            port: HostPort::try_from(i64::from(port)).map_err(at("Target.Port"))?,
        },
        state: HealthState::from(state),
        reason: health.and_then(elb::TargetHealth::reason).map(|reason| reason.as_str().to_owned()),
        availability_zone: target
            .and_then(elb::TargetDescription::availability_zone)
            .map(str::to_owned),
    })
}
