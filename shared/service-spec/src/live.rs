//! Verifies a spec against the account: whether everything that it names exists and fits together.

mod groups;
mod network;

use super::found::{About, Found, Gap};
use super::identity::SpecId;
use super::members::{list, number, text};
use super::problem::{Problem, ProblemCode};
use super::references::role_name;
use super::spec::Spec;
use super::validate::locate;
use serde_json::Value;

/// Verifies a spec against what exists. `owner`: the object that contains the spec; none if it is a
/// file that may be uploaded later.
#[must_use]
pub fn verify_live(spec: &Spec, found: &Found, owner: Option<&SpecId>) -> Vec<Problem> {
    let mut live = Live { spec, found, owner, problems: Vec::new() };
    gaps(&mut live);
    cluster(&mut live);
    task_definition(&mut live);
    service(&mut live);
    roles(&mut live);
    log_groups(&mut live);
    groups::verify(&mut live);
    network::verify(&mut live);
    locate(&mut live.problems, &spec.positions);
    live.problems
}

struct Live<'a> {
    spec: &'a Spec,
    found: &'a Found,
    owner: Option<&'a SpecId>,
    problems: Vec<Problem>,
}

impl<'a> Live<'a> {
    fn error(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::error(code, at, message));
    }

    fn warn(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::warning(code, at, message));
    }

    /// Whether all resources of this kind were read, so that one that was not found does not exist.
    fn is_read(&self, about: About) -> bool {
        self.found.gap(about).is_none()
    }

    /// The network mode: of the spec's task definition, or of the one that it names.
    fn network_mode(&self) -> Option<&'a str> {
        let named = self.found.task_definition.as_ref().map(|found| &found.shown);
        let definition = self.spec.task_definition.as_ref().or(named)?;
        Some(text(definition, "networkMode").unwrap_or("bridge"))
    }
}

/// What could not be read. A missing permission to read log groups does not stop the spec, and
/// neither does any failure to read the network or roles.
fn gaps(live: &mut Live<'_>) {
    let gaps: Vec<Gap> = live.found.gaps.clone();
    for gap in gaps {
        let message = if gap.about.is_optional() {
            format!("{}; it is unknown whether everything that the spec names here exists", gap.why)
        } else if gap.denied {
            format!("{}: the IAM permission {} is missing; add it and retry", gap.why, gap.action)
        } else {
            format!("{}; try again", gap.why)
        };
        let at = at_of(gap.about);
        match gap.about {
            about if about.is_optional() => live.warn(ProblemCode::NotLookedAt, at, message),
            About::LogGroups if gap.denied => live.warn(ProblemCode::NotLookedAt, at, message),
            _ if gap.denied => live.error(ProblemCode::PermissionMissing, at, message),
            _ => live.error(ProblemCode::NotRead, at, message),
        }
    }
}

fn at_of(about: About) -> &'static str {
    match about {
        About::Cluster => "cluster",
        About::TaskDefinition => "taskDefinition",
        About::Listeners | About::Groups => "loadBalancing",
        About::Scaling => "scaling",
        About::LogGroups => "logGroups",
        About::Service | About::Roles | About::Subnets | About::SecurityGroups => "service",
    }
}

fn cluster(live: &mut Live<'_>) {
    let at = "cluster";
    let name = &live.spec.cluster;
    let Some(cluster) = &live.found.cluster else {
        if live.is_read(About::Cluster) {
            let message = format!(
                "cluster `{name}` not found in this account and region: check the name and the region"
            );
            live.error(ProblemCode::NoSuchCluster, at, message);
        }
        return;
    };
    if cluster.status != "ACTIVE" {
        live.error(
            ProblemCode::ClusterInactive,
            at,
            format!("the cluster `{name}` is {}, not ACTIVE", cluster.status),
        );
        return;
    }
    let strategy = list(&live.spec.service, "capacityProviderStrategy");
    for (index, entry) in strategy.iter().enumerate() {
        let Some(provider) = text(entry, "capacityProvider") else { continue };
        if !cluster.capacity_providers.contains(provider) {
            let known: Vec<&str> = cluster.capacity_providers.iter().map(String::as_str).collect();
            let hint = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            let message =
                format!("capacity provider `{provider}` not found in the cluster; {hint}");
            live.error(
                ProblemCode::NoSuchProvider,
                format!("service.capacityProviderStrategy[{index}].capacityProvider"),
                message,
            );
        }
    }
    let uses_instances = !live.spec.is_fargate() && strategy.is_empty();
    let may_grow = cluster.has_default_strategy && text(&live.spec.service, "launchType").is_none();
    if uses_instances && !may_grow && cluster.registered_instances == 0 {
        let message = format!(
            "the cluster `{name}` has no container instances, so no task could be placed: add some, or run the service on Fargate"
        );
        live.error(ProblemCode::NoCapacity, at, message);
    }
}

fn task_definition(live: &mut Live<'_>) {
    if live.spec.task_definition.is_some() || !live.is_read(About::TaskDefinition) {
        return;
    }
    let at = "service.taskDefinition";
    let named = text(&live.spec.service, "taskDefinition").unwrap_or_default();
    let Some(found) = &live.found.task_definition else {
        live.error(
            ProblemCode::NoSuchTaskDefinition,
            at,
            format!("active task definition `{named}` not found"),
        );
        return;
    };
    for (index, entry) in live.spec.load_balancing.iter().enumerate() {
        let at = format!("loadBalancing[{index}]");
        has_port(live, &at, &found.shown, &entry.container, i64::from(entry.port.get()));
    }
    for (index, entry) in list(&live.spec.service, "loadBalancers").iter().enumerate() {
        let (Some(name), Some(port)) =
            (text(entry, "containerName"), number(entry, "containerPort"))
        else {
            continue;
        };
        has_port(live, &format!("service.loadBalancers[{index}]"), &found.shown, name, port);
    }
}

fn has_port(live: &mut Live<'_>, at: &str, definition: &Value, name: &str, port: i64) {
    let containers = list(definition, "containerDefinitions");
    let Some(container) = containers.iter().find(|container| text(container, "name") == Some(name))
    else {
        let names: Vec<&str> =
            containers.iter().filter_map(|container| text(container, "name")).collect();
        let message =
            format!("the task definition has no container `{name}`; it has {}", names.join(", "));
        live.error(ProblemCode::NoSuchContainer, at, message);
        return;
    };
    let mut mappings = list(container, "portMappings").iter();
    if !mappings.any(|it| {
        number(it, "containerPort") == Some(port) || it.get("containerPortRange").is_some()
    }) {
        let message = format!(
            "`{name}` has no port mapping with the container port {port} in the task definition"
        );
        live.error(ProblemCode::NoSuchPort, at, message);
    }
}

fn service(live: &mut Live<'_>) {
    let Some(found) = &live.found.service else { return };
    if text(&found.shown, "status") == Some("INACTIVE") {
        return;
    }
    let at = "service.serviceName";
    let name = live.spec.service_name();
    let tag = found.tags.get(super::identity::SPEC_TAG);
    match (tag, live.owner) {
        (Some(tag), Some(owner)) if *tag != owner.tag() => {
            let message = format!(
                "another spec, {tag}, manages the service `{name}`: change that spec, or choose another name"
            );
            live.error(ProblemCode::ServiceOfAnotherSpec, at, message);
        }
        (None, _) => {
            let message = format!(
                "the service `{name}` exists and was not created from a spec: this spec will manage it from now on"
            );
            live.warn(ProblemCode::ServiceAdopted, at, message);
        }
        _ => {}
    }
    let controller =
        found.shown.pointer("/deploymentController/type").and_then(Value::as_str).unwrap_or("ECS");
    if controller != "ECS" {
        let message = format!(
            "the service `{name}` is deployed by {controller}; a spec can manage only services that ECS deploys"
        );
        live.error(ProblemCode::OtherController, at, message);
    }
}

fn roles(live: &mut Live<'_>) {
    let Some(roles) = live.found.roles.as_ref().filter(|_| live.is_read(About::Roles)) else {
        return;
    };
    let spec = live.spec;
    let definition = spec.task_definition.as_ref().unwrap_or(&Value::Null);
    let mut named = vec![
        ("taskDefinition.taskRoleArn".to_owned(), text(definition, "taskRoleArn")),
        ("taskDefinition.executionRoleArn".to_owned(), text(definition, "executionRoleArn")),
        ("service.role".to_owned(), text(&spec.service, "role")),
    ];
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        let role = entry.blue_green.as_ref().map(|it| it.role.as_str());
        named.push((format!("loadBalancing[{index}].blueGreen.roleArn"), role));
    }
    for (index, entry) in list(&spec.service, "loadBalancers").iter().enumerate() {
        let role = entry.get("advancedConfiguration").and_then(|it| text(it, "roleArn"));
        named.push((format!("service.loadBalancers[{index}].advancedConfiguration.roleArn"), role));
    }
    for (at, role) in named {
        let Some(name) = role.and_then(role_name) else { continue };
        if !roles.contains(&name) {
            live.error(
                ProblemCode::NoSuchRole,
                at,
                format!("role `{name}` not found in this account"),
            );
        }
    }
}

fn log_groups(live: &mut Live<'_>) {
    if !live.is_read(About::LogGroups) {
        return;
    }
    let spec = live.spec;
    for (at, group) in spec.log_groups_written() {
        let is_made = spec.log_groups.iter().any(|made| made.name == group);
        if !is_made && !live.found.log_groups.contains_key(group) {
            let message = format!(
                "log group `{group}` not found, so the container would not start: add it to `logGroups`"
            );
            live.error(ProblemCode::NoSuchLogGroup, at, message);
        }
    }
}
