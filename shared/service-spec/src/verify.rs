//! Verifies a spec without reading the account. It finds the mistakes that AWS rejects late, one at
//! a time, and those that AWS accepts and that fail while the service runs. A rule that needs a
//! missing or unreadable member reports nothing: the reader has already reported that member.
//!
//! AWS facts: F-6.

mod balancing;
mod containers;
mod deployment;
mod fargate;
mod graph;
mod group;
mod placement;
mod ports;
mod scaling;
mod service;
mod task;

use super::members::{list, text};
use super::problem::{Problem, ProblemCode};
use super::spec::Spec;
use serde_json::Value;

/// Verifies a spec, and adds its problems to those that the reader found. The added problems have
/// no positions yet.
pub(super) fn verify(spec: &Spec, problems: Vec<Problem>) -> Vec<Problem> {
    let mut checks = Checks { spec, problems };
    task::verify(&mut checks);
    containers::verify(&mut checks);
    graph::verify(&mut checks);
    ports::verify(&mut checks);
    fargate::verify(&mut checks);
    if spec.service.as_object().is_some_and(|members| !members.is_empty()) {
        service::verify(&mut checks);
    }
    deployment::verify(&mut checks);
    placement::verify(&mut checks);
    balancing::verify(&mut checks);
    group::verify(&mut checks);
    scaling::verify(&mut checks);
    checks.problems
}

/// A spec and its problems.
struct Checks<'a> {
    spec: &'a Spec,
    problems: Vec<Problem>,
}

impl<'a> Checks<'a> {
    fn error(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::error(code, at, message));
    }

    fn warn(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::warning(code, at, message));
    }

    /// Returns whether a problem of this member is already reported, so that its consequences need
    /// not be.
    fn is_told(&self, at: &str) -> bool {
        let is_within = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        self.problems
            .iter()
            .any(|problem| problem.is_error() && problem.at.strip_prefix(at).is_some_and(is_within))
    }

    /// The containers of the spec's own task definition, each with its path.
    fn containers(&self) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
        let containers = self
            .spec
            .task_definition
            .as_ref()
            .map(|definition| list(definition, "containerDefinitions"));
        let containers = containers.unwrap_or_default().iter().enumerate();
        containers.map(|(index, container)| {
            (format!("taskDefinition.containerDefinitions[{index}]"), container)
        })
    }

    /// The container of this name.
    fn container(&self, name: &str) -> Option<&'a Value> {
        self.containers()
            .map(|(_, container)| container)
            .find(|container| text(container, "name") == Some(name))
    }

    /// The network mode of the spec's own task definition.
    fn network_mode(&self) -> Option<&'a str> {
        Some(text(self.spec.task_definition.as_ref()?, "networkMode").unwrap_or("bridge"))
    }

    /// Whether the tasks run on Fargate, as far as the spec says.
    fn is_fargate(&self) -> bool {
        self.spec.is_fargate()
    }

    fn is_daemon(&self) -> bool {
        text(&self.spec.service, "schedulingStrategy") == Some("DAEMON")
    }

    /// Whether the service has any target group or load balancer.
    fn is_balanced(&self) -> bool {
        !self.spec.load_balancing.is_empty()
            || !list(&self.spec.service, "loadBalancers").is_empty()
    }

    /// The deployment strategy, if it is not ROLLING.
    fn shifting_strategy(&self) -> Option<&'a str> {
        let strategy = text(self.spec.service.get("deploymentConfiguration")?, "strategy")?;
        ["BLUE_GREEN", "LINEAR", "CANARY"].contains(&strategy).then_some(strategy)
    }

    /// The deployment controller: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    fn controller(&self) -> &'a str {
        self.spec
            .service
            .get("deploymentController")
            .and_then(|it| text(it, "type"))
            .unwrap_or("ECS")
    }
}

/// Returns names for a hint: `; found: app, sidecar`.
fn names<'a>(label: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.is_empty() { String::new() } else { format!("; {label} {}", names.join(", ")) }
}

/// Letters, digits, hyphens and underscores: what ECS accepts in names.
fn is_ecs_name(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
}
