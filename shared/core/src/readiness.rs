//! Whether a service's tasks receive traffic: every running task is registered in each of its
//! target groups and healthy there.
//!
//! Pure and stateless: it answers for one observation. It ignores what ECS reports about a
//! deployment, and neither finds faults nor decides what to do about them: a task that has just
//! started is no fault, but the service is not ready yet.

use crate::compare::{Comparison, compare, out_of_scope};
use crate::expected::{ExpectedTargets, Requirement, expected_targets};
use crate::ids::TaskArn;
use crate::observation::{HealthState, Observation, Service, TargetGroup};
use std::collections::BTreeSet;

/// Whether a service is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// The desired number of tasks is running, and each is registered and healthy in every group. A
    /// service that is out of scope, for example without target groups, counts as ready, too.
    Ready,
    /// Not ready in this observation, for the first reason found.
    NotReady(String),
}

/// Judges the service of this observation. If the service does not exist, or the observation has a
/// gap, it is not ready.
#[must_use]
pub fn readiness(observation: &Observation) -> Readiness {
    match obstacle(observation) {
        None => Readiness::Ready,
        Some(why) => Readiness::NotReady(why),
    }
}

fn obstacle(observation: &Observation) -> Option<String> {
    let Some(service) = &observation.service else {
        return Some("ECS does not know this service".to_owned());
    };
    if service.running_count < service.wanted_count() {
        return Some(running_of_desired(service));
    }
    if out_of_scope(observation).is_some() {
        return None;
    }
    if let Some(gap) = observation.gaps.first() {
        return Some(format!("something could not be read: {}", gap.why));
    }
    let gone =
        observation.target_groups.iter().find(|(_, group)| matches!(group, TargetGroup::Missing));
    if let Some((arn, _)) = gone {
        return Some(format!("the target group {} does not exist", arn.name()));
    }
    let expected = expected_targets(observation, 0);
    if let Some(misfit) = expected.misfits.first() {
        return Some(misfit.why.clone());
    }
    if let Some(undetermined) = expected.undetermined.first() {
        return Some(format!("task {}: {}", undetermined.task.short(), undetermined.why));
    }
    unregistered(&compare(observation, &expected)).or_else(|| unclaimed(service, &expected))
}

/// The running and the desired number of tasks, in words.
#[must_use]
pub fn running_of_desired(service: &Service) -> String {
    format!("{} of {} tasks are running", service.running_count, service.wanted_count())
}

/// A running task's target that is not registered, or not healthy.
fn unregistered(comparison: &Comparison) -> Option<String> {
    if let Some(absent) = comparison.absent.first() {
        let expected = &absent.expected;
        return Some(format!(
            "task {} is not registered in {} as {}",
            expected.task.short(),
            expected.group.name(),
            expected.target
        ));
    }
    let due = comparison
        .matched
        .iter()
        .filter(|matched| matches!(matched.expected.requirement, Requirement::Required(_)));
    // If health checks are off, a target is `unavailable` and receives traffic.
    let well =
        |state: &HealthState| matches!(state, HealthState::Healthy | HealthState::Unavailable);
    let ill = due.clone().find(|matched| !well(&matched.registered.state))?;
    let reason =
        ill.registered.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let (group, target) = (ill.expected.group.name(), &ill.expected.target);
    Some(format!("{target} in {group} is {}{reason}", ill.registered.state))
}

/// Fewer tasks are listed with a required target than desired: the list of tasks is older than the
/// counts.
fn unclaimed(service: &Service, expected: &ExpectedTargets) -> Option<String> {
    let due = expected
        .targets
        .iter()
        .filter(|expected| matches!(expected.requirement, Requirement::Required(_)));
    let tasks: BTreeSet<&TaskArn> = due.map(|expected| &expected.task).collect();
    let wanted = usize::try_from(service.wanted_count()).unwrap_or(usize::MAX);
    (tasks.len() < wanted)
        .then(|| format!("{} of {wanted} tasks are listed as running with a target", tasks.len()))
}
