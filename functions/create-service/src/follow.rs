//! Follows a deployment by its ECS events, and by rechecks in case an event is lost.

use crate::lock::SpecLock;
use crate::recheck::{recheck_later, recheck_minutes};
use crate::retry::Retry;
use crate::{Dependencies, publish};
use portkeeper_aws::observe;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::follow::{
    DeploymentEvent, DeploymentProgress, deployment_result, progress,
};
use portkeeper_service_spec::notice::Deployment;
use portkeeper_service_spec::result::Status;
use portkeeper_service_spec_aws::record::{self, SpecRecord};

/// ECS is eventually consistent: only after this many checks is an unknown service really absent.
const CHECKS_FOR_A_NEW_SERVICE: u32 = 3;

const COMPLETED: &str = "SERVICE_DEPLOYMENT_COMPLETED";
const FAILED: &str = "SERVICE_DEPLOYMENT_FAILED";

/// Handles one deployment event. Most events are about services without a spec.
pub(crate) async fn event(
    deps: &Dependencies,
    event: &Deployment,
    deadline: Timestamp,
) -> Result<(), Retry> {
    let Some(cluster) = event.service.cluster() else { return Ok(()) };
    let key = ServiceKey { cluster, service: event.service.name().to_owned() };
    let table = &deps.config.shared.ledger_table;
    let Some(spec) = record::spec_of(&deps.aws, table, &key).await? else {
        tracing::debug!(service = %key, "ignored: the service has no spec");
        return Ok(());
    };
    let reported = match event.event_name.as_str() {
        COMPLETED => DeploymentEvent { completed: true, reason: event.reason.clone() },
        FAILED => DeploymentEvent { completed: false, reason: event.reason.clone() },
        _ => return Ok(()),
    };
    let followed = |record: &SpecRecord| {
        // A deployment that this function stopped following may still complete.
        let open = matches!(record.status, Some(Status::Deploying))
            || (reported.completed && matches!(record.status, Some(Status::Failed)));
        open && record.deployment.as_deref() == Some(&event.id)
    };
    if let Some(lock) = SpecLock::resume(deps, &spec, deadline, followed).await? {
        return check_and_store(deps, *lock, 0, Some(&reported)).await;
    }
    tracing::info!(
        spec,
        deployment = event.id,
        "ignored: this function follows another deployment"
    );
    Ok(())
}

/// Checks the service and stores its status.
pub(crate) async fn check_and_store(
    deps: &Dependencies,
    lock: SpecLock<'_>,
    hop: u32,
    reported: Option<&DeploymentEvent>,
) -> Result<(), Retry> {
    // Boxed: this future is large and nested in others.
    match Box::pin(check_deployment(deps, &lock, hop, reported, true)).await {
        Ok(next) => lock.finish(next).await,
        Err(retry) => Err(lock.release(retry).await),
    }
}

/// Checks a service whose plan was empty. It publishes only a bad status: a service that is still
/// ready needs no message.
pub(crate) async fn check_quietly(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
) -> Result<SpecRecord, Retry> {
    Box::pin(check_deployment(deps, lock, 0, None, false)).await
}

async fn check_deployment(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    hop: u32,
    reported: Option<&DeploymentEvent>,
    is_news: bool,
) -> Result<SpecRecord, Retry> {
    let mut next = lock.record().clone();
    let Some(key) = next.service.clone() else { return Ok(next) };
    let check = ServiceCheck { hop, ..ServiceCheck::of(key) };
    let seen = observe::observe_service(&deps.aws.shared, &check).await?;
    let deployment = next.deployment.as_deref();
    let (status, summary) = match progress(&seen, deployment, reported) {
        // ECS may not return a service that it created a moment ago.
        DeploymentProgress::Failed(why)
            if seen.service.is_none() && hop < CHECKS_FOR_A_NEW_SERVICE =>
        {
            recheck_or_give_up(deps, lock, hop, why).await?
        }
        DeploymentProgress::Ready => {
            (Status::Ready, "every running task is registered and healthy".to_owned())
        }
        DeploymentProgress::Failed(why) => (Status::Failed, why),
        DeploymentProgress::Waits(why) => recheck_or_give_up(deps, lock, hop, why).await?,
    };
    let Some(mut result) = publish::updated_result(deps, &next, status, summary) else {
        return Ok(next);
    };
    if let Some(now) = deployment_result(&seen, deployment, reported, next.taken_at) {
        result.deployment = Some(now);
    }
    if Some(status) == next.status || !(is_news || status.is_bad()) {
        publish::write_result(deps, &result).await?;
    } else {
        publish::publish(deps, &next, &result).await?;
    }
    next.status = Some(status);
    next.result = Some(result);
    Ok(next)
}

/// Requests the next recheck. If there is none left, the deployment has failed.
async fn recheck_or_give_up(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    hop: u32,
    why: String,
) -> Result<(Status, String), Retry> {
    if recheck_later(deps, &lock.spec, hop).await? {
        return Ok((Status::Deploying, why));
    }
    Ok((
        Status::Failed,
        format!(
            "not ready after {} minutes; Portkeeper no longer follows it: {why}",
            recheck_minutes()
        ),
    ))
}
