//! Verifies the dependencies between containers.

use super::Checks;
use crate::members::{list, text, texts};
use crate::problem::ProblemCode;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn verify(checks: &mut Checks<'_>) {
    for (at, container) in checks.containers() {
        for (index, dependency) in list(container, "dependsOn").iter().enumerate() {
            depends_on(checks, &format!("{at}.dependsOn[{index}]"), container, dependency);
        }
        for (index, from) in list(container, "volumesFrom").iter().enumerate() {
            if let Some(name) = text(from, "sourceContainer") {
                exists(checks, &format!("{at}.volumesFrom[{index}].sourceContainer"), name);
            }
        }
        for (index, link) in texts(container, "links").enumerate() {
            exists(checks, &format!("{at}.links[{index}]"), link.split(':').next().unwrap_or(link));
        }
    }
    cycle(checks);
}

fn exists(checks: &mut Checks<'_>, at: &str, name: &str) -> bool {
    let is_there = checks.container(name).is_some();
    if !is_there {
        let all = checks.containers().filter_map(|(_, container)| text(container, "name"));
        let message = format!(
            "container `{name}` not found in the task definition{}",
            super::names("found:", all)
        );
        checks.error(ProblemCode::NoSuchContainer, at, message);
    }
    is_there
}

fn depends_on(checks: &mut Checks<'_>, at: &str, container: &Value, dependency: &Value) {
    let Some(name) = text(dependency, "containerName") else { return };
    if text(container, "name") == Some(name) {
        checks.error(ProblemCode::DependencyCycle, at, format!("`{name}` waits for itself"));
        return;
    }
    if !exists(checks, &format!("{at}.containerName"), name) {
        return;
    }
    let on = checks.container(name);
    let at = format!("{at}.condition");
    let is_essential =
        on.and_then(|on| on.get("essential")).and_then(Value::as_bool) != Some(false);
    match text(dependency, "condition") {
        Some("HEALTHY") if on.and_then(|on| on.get("healthCheck")).is_none() => {
            let message = format!(
                "`{name}` has no `healthCheck`, so it never becomes HEALTHY: add one, or wait for START"
            );
            checks.error(ProblemCode::NoHealthCheck, at, message);
        }
        Some(condition @ ("SUCCESS" | "COMPLETE")) if is_essential => {
            let message = format!(
                "`{name}` is essential, so the task stops when it exits, before {condition} takes effect: set `essential: false` on it"
            );
            checks.error(ProblemCode::EssentialDependency, at, message);
        }
        _ => {}
    }
}

/// Names one cycle of containers that wait for each other.
fn cycle(checks: &mut Checks<'_>) {
    let waits: BTreeMap<&str, Vec<&str>> = checks
        .containers()
        .filter_map(|(_, container)| {
            let on = list(container, "dependsOn")
                .iter()
                .filter_map(|dependency| text(dependency, "containerName"));
            Some((text(container, "name")?, on.collect()))
        })
        .collect();
    for (at, container) in checks.containers() {
        let Some(name) = text(container, "name") else { continue };
        // Reported once, at the first container by name. A container that waits for itself is
        // reported elsewhere.
        let circle = circle(&waits, name)
            .filter(|circle| circle.len() > 1 && circle.iter().min() == Some(&name));
        if let Some(circle) = circle {
            let message = format!(
                "these containers wait for each other: {} -> {name}; remove one of these dependencies",
                circle.join(" -> ")
            );
            checks.error(ProblemCode::DependencyCycle, format!("{at}.dependsOn"), message);
            return;
        }
    }
}

/// The path from a container back to itself.
fn circle<'a>(waits: &BTreeMap<&'a str, Vec<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ahead = vec![vec![start]];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(way) = ahead.pop() {
        let last = way.last().copied()?;
        for next in waits.get(last).into_iter().flatten().copied() {
            if next == start {
                return Some(way);
            }
            if !seen.contains(&next) {
                seen.push(next);
                ahead.push([way.as_slice(), &[next]].concat());
            }
        }
    }
    None
}
