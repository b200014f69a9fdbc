//! How far a service from a spec has come: judged by the deployment that brings it there, and by
//! the same eyes that check every service. A service that is stable is not enough: after a rollback
//! it is.

use super::result::DeploymentResult;
use crate::compare::{Comparison, compare, quiet};
use crate::desired::{Desired, Standing, desired_targets};
use crate::ids::TaskArn;
use crate::observation::{
    Deployment, HealthState, Observation, RolloutState, Service, ServiceStatus, TargetGroup,
};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// So many of ECS's own messages are told.
const MESSAGES_TOLD: usize = 10;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The deployment is complete, and every running task is registered and healthy in every group.
    Ready,
    /// Not yet, because of this.
    Waits(String),
    /// It will not come there by itself.
    Failed(String),
}

/// What an event said of the deployment that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// It ended well.
    pub completed: bool,
    /// In ECS's words.
    pub reason: String,
}

/// Judges the deployment of this id; without one, ECS says nothing of deployments and only tasks
/// and targets count.
#[must_use]
pub fn progress(
    observation: &Observation,
    deployment: Option<&str>,
    told: Option<&Told>,
) -> Progress {
    let Some(service) = &observation.service else {
        return Progress::Failed("ECS knows no such service".to_owned());
    };
    if service.status != ServiceStatus::Active {
        return Progress::Failed(format!(
            "the service is {}: somebody has deleted it",
            service.status
        ));
    }
    if let Some(Told { completed: false, reason }) = told {
        return Progress::Failed(format!(
            "ECS says that the deployment failed: {reason}{}",
            went_back(service, deployment)
        ));
    }
    let completed = told.is_some_and(|told| told.completed);
    if let Some(id) = deployment {
        match service.deployments.iter().find(|known| known.id == id) {
            Some(Deployment { rollout: Some(RolloutState::Failed), .. }) => {
                let back = went_back(service, deployment);
                return Progress::Failed(format!("ECS says that the deployment failed{back}"));
            }
            Some(Deployment { rollout: Some(RolloutState::InProgress), .. }) if !completed => {
                return Progress::Waits(format!(
                    "deployment {id} is under way: {}",
                    counts(service)
                ));
            }
            Some(_) => {}
            None => {
                let back = went_back(service, deployment);
                return Progress::Failed(format!(
                    "deployment {id} is gone without having been completed{back}"
                ));
            }
        }
    }
    match missing(observation, service) {
        None => Progress::Ready,
        Some(what) => Progress::Waits(what),
    }
}

/// Where ECS has gone back to another deployment, in words that end a sentence.
fn went_back(service: &Service, deployment: Option<&str>) -> String {
    let primary = service.deployments.iter().find(|known| known.status == "PRIMARY");
    match primary.filter(|primary| Some(primary.id.as_str()) != deployment) {
        Some(primary) => {
            format!(
                "; the service runs {} again, by deployment {}",
                primary.task_definition.tail(),
                primary.id
            )
        }
        None => String::new(),
    }
}

fn counts(service: &Service) -> String {
    format!("{} of {} tasks run", service.running_count, service.wanted_count())
}

/// What keeps the service from being ready, if anything does.
fn missing(observation: &Observation, service: &Service) -> Option<String> {
    if service.running_count < service.wanted_count() {
        return Some(counts(service));
    }
    if quiet(observation).is_some() {
        return None;
    }
    if let Some(gap) = observation.gaps.first() {
        return Some(format!("not all could be read: {}", gap.why));
    }
    let gone =
        observation.target_groups.iter().find(|(_, group)| matches!(group, TargetGroup::Missing));
    if let Some((arn, _)) = gone {
        return Some(format!("the target group {} does not exist", arn.name()));
    }
    let desired = desired_targets(observation, 0);
    if let Some(misfit) = desired.misfits.first() {
        return Some(misfit.why.clone());
    }
    if let Some(unclear) = desired.unclear.first() {
        return Some(format!("task {}: {}", unclear.task.tail(), unclear.why));
    }
    unregistered(&compare(observation, &desired)).or_else(|| unclaimed(service, &desired))
}

/// A running task's target that is not registered, or not healthy.
fn unregistered(comparison: &Comparison) -> Option<String> {
    if let Some(absent) = comparison.absent.first() {
        let claim = &absent.claim;
        return Some(format!(
            "task {} is not registered in {} as {}",
            claim.task.tail(),
            claim.group.name(),
            claim.target
        ));
    }
    let due = comparison
        .matched
        .iter()
        .filter(|matched| matches!(matched.claim.standing, Standing::Due(_)));
    // Where health checks are off, a target is `unavailable`, and gets traffic.
    let well =
        |state: &HealthState| matches!(state, HealthState::Healthy | HealthState::Unavailable);
    let ill = due.clone().find(|matched| !well(&matched.registered.state))?;
    let reason =
        ill.registered.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let (group, target) = (ill.claim.group.name(), &ill.claim.target);
    Some(format!("{target} in {group} is {}{reason}", ill.registered.state))
}

/// Fewer tasks are due in a group than should run: the list of tasks is behind the counts.
fn unclaimed(service: &Service, desired: &Desired) -> Option<String> {
    let due = desired.claims.iter().filter(|claim| matches!(claim.standing, Standing::Due(_)));
    let tasks: BTreeSet<&TaskArn> = due.map(|claim| &claim.task).collect();
    let wanted = usize::try_from(service.wanted_count()).unwrap_or(usize::MAX);
    (tasks.len() < wanted).then(|| {
        format!("{} of {wanted} running tasks are known to be in a target group", tasks.len())
    })
}

/// The deployment as the result shows it, with what ECS has said since then.
#[must_use]
pub fn deployment_result(
    observation: &Observation,
    deployment: Option<&str>,
    told: Option<&Told>,
    since: Option<Timestamp>,
) -> Option<DeploymentResult> {
    let service = observation.service.as_ref()?;
    let id = deployment?.to_owned();
    let known = service.deployments.iter().find(|known| known.id == id);
    let state = match told {
        Some(Told { completed: true, .. }) => Some("SERVICE_DEPLOYMENT_COMPLETED".to_owned()),
        Some(Told { completed: false, .. }) => Some("SERVICE_DEPLOYMENT_FAILED".to_owned()),
        None => known.and_then(|known| known.rollout.as_ref()).map(ToString::to_string),
    };
    let since_then =
        service.events.iter().filter(|event| since.is_none_or(|since| event.at >= since));
    let own = told.map(|told| told.reason.clone()).filter(|reason| !reason.is_empty());
    let messages = own
        .into_iter()
        .chain(since_then.map(|event| event.message.clone()))
        .take(MESSAGES_TOLD)
        .collect();
    Some(DeploymentResult {
        id,
        state,
        messages,
        running: service.running_count,
        desired: service.wanted_count(),
    })
}
