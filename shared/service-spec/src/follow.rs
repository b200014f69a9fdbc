//! Judges the progress of a service from a spec by the deployment that ECS reports and by the
//! health of its targets. A stable service is not enough: it is also stable after a rollback.

use super::result::DeploymentResult;
use portkeeper_core::observation::{Deployment, Observation, RolloutState, Service, ServiceStatus};
use portkeeper_core::readiness::{Readiness, readiness, running_of_desired};
use portkeeper_core::time::Timestamp;

/// The number of ECS's own messages that the result keeps.
const MESSAGES_TOLD: usize = 10;

/// The progress of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentProgress {
    /// The deployment is complete, and every running task is registered and healthy in every group.
    Ready,
    /// It is not ready yet, for this reason.
    Waits(String),
    /// It cannot become ready any more.
    Failed(String),
}

/// What an event reported about the followed deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentEvent {
    /// Whether it succeeded.
    pub completed: bool,
    /// ECS's message.
    pub reason: String,
}

/// Judges the deployment with this id. Without an id, ECS reports no deployments, and only tasks
/// and targets count.
#[must_use]
pub fn progress(
    observation: &Observation,
    deployment: Option<&str>,
    event: Option<&DeploymentEvent>,
) -> DeploymentProgress {
    let Some(service) = &observation.service else {
        return DeploymentProgress::Failed("ECS does not know this service".to_owned());
    };
    if service.status != ServiceStatus::Active {
        return DeploymentProgress::Failed(format!(
            "the service is {}: it was deleted",
            service.status
        ));
    }
    // I-READY: "`ready` describes a deployment, not a service."
    if let Some(DeploymentEvent { completed: false, reason }) = event {
        return DeploymentProgress::Failed(format!(
            "ECS reported that the deployment failed: {reason}{}",
            went_back(service, deployment)
        ));
    }
    let completed = event.is_some_and(|event| event.completed);
    if let Some(id) = deployment {
        match service.deployments.iter().find(|known| known.id == id) {
            Some(Deployment { rollout: Some(RolloutState::Failed), .. }) => {
                let back = went_back(service, deployment);
                return DeploymentProgress::Failed(format!(
                    "ECS reported that the deployment failed{back}"
                ));
            }
            Some(Deployment { rollout: Some(RolloutState::InProgress), .. }) if !completed => {
                return DeploymentProgress::Waits(format!(
                    "deployment {id} is in progress: {}",
                    running_of_desired(service)
                ));
            }
            Some(_) => {}
            None => {
                let back = went_back(service, deployment);
                return DeploymentProgress::Failed(format!(
                    "deployment {id} no longer exists and was not completed{back}"
                ));
            }
        }
    }
    match readiness(observation) {
        Readiness::Ready => DeploymentProgress::Ready,
        Readiness::NotReady(why) => DeploymentProgress::Waits(why),
    }
}

/// Returns the deployment to which ECS rolled back, if any, as the end of a sentence.
fn went_back(service: &Service, deployment: Option<&str>) -> String {
    let primary = service.deployments.iter().find(|known| known.status == "PRIMARY");
    match primary.filter(|primary| Some(primary.id.as_str()) != deployment) {
        Some(primary) => {
            format!(
                "; the service runs {} again, with deployment {}",
                primary.task_definition.tail(),
                primary.id
            )
        }
        None => String::new(),
    }
}

/// Returns the deployment as the result shows it, with ECS's messages since then.
#[must_use]
pub fn deployment_result(
    observation: &Observation,
    deployment: Option<&str>,
    event: Option<&DeploymentEvent>,
    since: Option<Timestamp>,
) -> Option<DeploymentResult> {
    let service = observation.service.as_ref()?;
    let id = deployment?.to_owned();
    let known = service.deployments.iter().find(|known| known.id == id);
    let state = match event {
        Some(DeploymentEvent { completed: true, .. }) => {
            Some("SERVICE_DEPLOYMENT_COMPLETED".to_owned())
        }
        Some(DeploymentEvent { completed: false, .. }) => {
            Some("SERVICE_DEPLOYMENT_FAILED".to_owned())
        }
        None => known.and_then(|known| known.rollout.as_ref()).map(ToString::to_string),
    };
    let since_then =
        service.events.iter().filter(|event| since.is_none_or(|since| event.at >= since));
    let own = event.map(|event| event.reason.clone()).filter(|reason| !reason.is_empty());
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
