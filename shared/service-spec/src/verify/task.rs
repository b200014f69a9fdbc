//! The task definition as a whole.

use super::{Checks, is_ecs_name};
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use serde_json::Value;

/// ECS accepts task definitions of up to 64 KB (ECS service quotas).
const MOST_BYTES: usize = 64 * 1024;

const AT: &str = "taskDefinition";

pub(super) fn verify(checks: &mut Checks<'_>) {
    let Some(definition) = &checks.spec.task_definition else {
        let is_told = checks.is_told("taskDefinition") || checks.is_told("service");
        if !is_told && text(&checks.spec.service, "taskDefinition").is_none_or(str::is_empty) {
            let message = "task definition missing: write one under `taskDefinition`, or name an existing one in `service.taskDefinition`";
            checks.error(ProblemCode::NoTaskDefinition, "service", message);
        }
        return;
    };
    family(checks, definition);
    named_twice(checks, definition);
    if list(definition, "containerDefinitions").is_empty()
        && definition.get("containerDefinitions").is_some()
    {
        checks.error(
            ProblemCode::NoContainer,
            format!("{AT}.containerDefinitions"),
            "a task needs at least one container",
        );
    }
    essential(checks);
    sizes(checks, definition);
    volumes(checks, definition);
    let bytes = definition.to_string().len();
    if bytes > MOST_BYTES {
        let message =
            format!("the task definition has {bytes} bytes; ECS accepts at most {MOST_BYTES}");
        checks.error(ProblemCode::TaskDefinitionTooLarge, AT, message);
    }
}

fn family(checks: &mut Checks<'_>, definition: &Value) {
    let Some(family) = text(definition, "family") else { return };
    let at = format!("{AT}.family");
    if family.is_empty() || family.len() > 255 || !is_ecs_name(family) {
        let message = "a family has 1 to 255 letters, digits, hyphens and underscores";
        checks.error(ProblemCode::BadName, at, message);
    }
}

/// `service.taskDefinition` next to `taskDefinition`.
fn named_twice(checks: &mut Checks<'_>, definition: &Value) {
    let Some(named) =
        text(&checks.spec.service, "taskDefinition").filter(|named| !named.is_empty())
    else {
        return;
    };
    if text(definition, "family").is_some_and(|family| family != named) {
        let message = format!(
            "the spec has its own `taskDefinition`, and the service names `{named}`: omit this to run the spec's own, or remove `taskDefinition`"
        );
        checks.error(ProblemCode::TwoTaskDefinitions, "service.taskDefinition", message);
    }
}

fn essential(checks: &mut Checks<'_>) {
    let mut containers = checks.containers().peekable();
    let is_essential =
        |container: &Value| container.get("essential").and_then(Value::as_bool) != Some(false);
    if containers.peek().is_some() && !containers.any(|(_, container)| is_essential(container)) {
        let message = "no container is essential, so the task could never end: set `essential: true` on the one whose exit must stop the task";
        checks.error(
            ProblemCode::NoEssentialContainer,
            format!("{AT}.containerDefinitions"),
            message,
        );
    }
}

/// Compares what the containers reserve together with what the task has.
fn sizes(checks: &mut Checks<'_>, definition: &Value) {
    for (member, unit) in [("memory", "MiB"), ("cpu", "CPU units")] {
        let Some(has) = text(definition, member).and_then(|size| size.parse::<i64>().ok()) else {
            continue;
        };
        let reserved = |container: &Value| match member {
            "memory" => {
                number(container, "memoryReservation").or_else(|| number(container, "memory"))
            }
            _ => number(container, "cpu"),
        };
        let reserved: i64 =
            checks.containers().filter_map(|(_, container)| reserved(container)).sum();
        if reserved > has {
            let message = format!(
                "the containers reserve {reserved} {unit} together, but the task has {has}"
            );
            checks.error(ProblemCode::TaskTooSmall, format!("{AT}.{member}"), message);
        }
    }
    if checks.is_fargate() || text(definition, "memory").is_some() {
        return;
    }
    for (at, container) in checks.containers() {
        if container.get("memory").is_none() && container.get("memoryReservation").is_none() {
            let message = "on EC2 each container needs `memory` or `memoryReservation`, or the task definition needs `memory`";
            checks.error(ProblemCode::NoMemory, at, message);
        }
    }
}

fn volumes(checks: &mut Checks<'_>, definition: &Value) {
    let volumes: Vec<&str> =
        list(definition, "volumes").iter().filter_map(|volume| text(volume, "name")).collect();
    for (index, name) in volumes.iter().enumerate() {
        if volumes.iter().take(index).any(|other| other == name) {
            checks.error(
                ProblemCode::DuplicateName,
                format!("{AT}.volumes[{index}].name"),
                format!("duplicate volume `{name}`"),
            );
        }
    }
    for (at, container) in checks.containers() {
        for (index, mount) in list(container, "mountPoints").iter().enumerate() {
            let Some(volume) = text(mount, "sourceVolume") else { continue };
            if !volumes.contains(&volume) {
                let hint = super::names("found:", volumes.iter().copied());
                let message = format!("volume `{volume}` not found in the task definition{hint}");
                checks.error(
                    ProblemCode::NoSuchVolume,
                    format!("{at}.mountPoints[{index}].sourceVolume"),
                    message,
                );
            }
        }
    }
    let at_launch = list(&checks.spec.service, "volumeConfigurations").iter().enumerate();
    for (index, volume) in at_launch {
        let at = format!("service.volumeConfigurations[{index}].name");
        let Some(name) = text(volume, "name") else { continue };
        let defined =
            list(definition, "volumes").iter().find(|volume| text(volume, "name") == Some(name));
        if defined.and_then(|volume| volume.get("configuredAtLaunch")).and_then(Value::as_bool)
            != Some(true)
        {
            let message = format!(
                "the task definition has no volume `{name}` with `configuredAtLaunch: true`; add it there"
            );
            checks.error(ProblemCode::NoSuchVolume, at, message);
        }
    }
}
