//! Each container by itself.

use super::{Checks, is_ecs_name};
use crate::members::{list, number, text, texts};
use crate::problem::ProblemCode;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn verify(checks: &mut Checks<'_>) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (at, container) in checks.containers() {
        match text(container, "name") {
            None if container.get("name").is_none() => {
                checks.error(ProblemCode::MissingMember, &at, "the container needs a `name`");
            }
            None => {}
            Some(name) if name.is_empty() || name.len() > 255 || !is_ecs_name(name) => {
                let message =
                    "a container's name has 1 to 255 letters, digits, hyphens and underscores";
                checks.error(ProblemCode::BadName, format!("{at}.name"), message);
            }
            Some(name) => {
                if let Some(first) = seen.insert(name, at.clone()) {
                    let message = format!("duplicate container `{name}`, first in {first}");
                    checks.error(ProblemCode::DuplicateName, format!("{at}.name"), message);
                }
            }
        }
        if text(container, "image").is_none_or(str::is_empty) {
            checks.error(ProblemCode::MissingMember, &at, "the container needs an `image`");
        }
        memory(checks, &at, container);
        environment(checks, &at, container);
        health(checks, &at, container);
        logs(checks, &at, container);
    }
}

fn memory(checks: &mut Checks<'_>, at: &str, container: &Value) {
    let (hard, soft) = (number(container, "memory"), number(container, "memoryReservation"));
    if let (Some(hard), Some(soft)) = (hard, soft)
        && hard <= soft
    {
        let message = format!(
            "`memory` ({hard}) is the limit and must be more than `memoryReservation` ({soft})"
        );
        checks.error(ProblemCode::MemoryBelowReservation, format!("{at}.memory"), message);
    }
    if hard.is_some_and(|memory| (1..6).contains(&memory)) {
        checks.error(
            ProblemCode::OutOfRange,
            format!("{at}.memory"),
            "Docker needs at least 6 MiB for a container",
        );
    }
}

fn environment(checks: &mut Checks<'_>, at: &str, container: &Value) {
    let mut names: Vec<&str> = Vec::new();
    for (index, variable) in list(container, "environment").iter().enumerate() {
        let Some(name) = text(variable, "name") else {
            checks.error(
                ProblemCode::MissingMember,
                format!("{at}.environment[{index}]"),
                "a variable needs a `name`",
            );
            continue;
        };
        if names.contains(&name) {
            let message =
                format!("duplicate variable {name}; the program receives only one of them");
            checks.warn(
                ProblemCode::DuplicateName,
                format!("{at}.environment[{index}].name"),
                message,
            );
        }
        names.push(name);
    }
    for (index, secret) in list(container, "secrets").iter().enumerate() {
        let Some(name) = text(secret, "name") else { continue };
        if names.contains(&name) {
            let message =
                format!("{name} is also a variable, or a secret before this one; ECS refuses that");
            checks.error(
                ProblemCode::DuplicateName,
                format!("{at}.secrets[{index}].name"),
                message,
            );
        }
        names.push(name);
    }
}

/// ECS's own limits (API `HealthCheck`).
fn health(checks: &mut Checks<'_>, at: &str, container: &Value) {
    let Some(check) = container.get("healthCheck") else { return };
    let at = format!("{at}.healthCheck");
    for (member, least, most) in
        [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)]
    {
        if number(check, member).is_some_and(|number| !(least..=most).contains(&number)) {
            checks.error(
                ProblemCode::OutOfRange,
                format!("{at}.{member}"),
                format!("ECS accepts {least} to {most}"),
            );
        }
    }
    let first = texts(check, "command").next();
    if first.is_some_and(|word| !["CMD", "CMD-SHELL", "NONE"].contains(&word)) {
        let message = "the first word is CMD (a program and its arguments) or CMD-SHELL (one line for the shell)";
        checks.error(ProblemCode::BadHealthCommand, format!("{at}.command"), message);
    }
}

fn logs(checks: &mut Checks<'_>, at: &str, container: &Value) {
    let Some(logs) = container.get("logConfiguration") else { return };
    if text(logs, "logDriver") != Some("awslogs") {
        return;
    }
    let empty = Value::Null;
    let options = logs.get("options").unwrap_or(&empty);
    let mut needed = vec!["awslogs-group", "awslogs-region"];
    if checks.is_fargate() {
        needed.push("awslogs-stream-prefix");
    }
    for option in
        needed.into_iter().filter(|option| text(options, option).is_none_or(str::is_empty))
    {
        let message = format!(
            "the log driver awslogs needs the option `{option}`, or the container does not start"
        );
        checks.error(
            ProblemCode::LogOptionMissing,
            format!("{at}.logConfiguration.options"),
            message,
        );
    }
}
