//! Handles a spec that was removed. The last version of the spec decides: its service stays, or
//! Portkeeper drains and deletes it.

use crate::lock::{Acquired, SpecLock};
use crate::publish;
use crate::recheck::{recheck_later, recheck_minutes};
use crate::retry::Retry;
use crate::rollback::roll_back_unfinished;
use crate::steps;
use crate::{Dependencies, spec_id};
use portkeeper_aws::ledger;
use portkeeper_core::policy::Mode;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::SpecObject;
use portkeeper_service_spec::result::{SpecResult, Status};
use portkeeper_service_spec::{Removal, plan_removal};
use portkeeper_service_spec_aws::find::find;
use portkeeper_service_spec_aws::object::{self, ObjectVersion, ReadObject};
use portkeeper_service_spec_aws::record::{self, SpecRecord};

/// Processes the removal of an object. S3 sends the same event if only an old version was removed.
pub(crate) async fn object(
    deps: &Dependencies,
    gone: &SpecObject,
    deadline: Timestamp,
) -> Result<(), Retry> {
    let now = ObjectVersion { bucket: &gone.bucket, key: &gone.key, version_id: None, etag: None };
    if object::read(&deps.aws, &now).await? != ReadObject::Absent {
        tracing::info!(spec = gone.key, "ignored: the object still exists");
        return Ok(());
    }
    let mut lock = match SpecLock::acquire(deps, gone, deadline).await? {
        Acquired::Lock(lock) => *lock,
        Acquired::Processed | Acquired::Superseded => {
            tracing::info!(spec = gone.key, "ignored: already processed, or superseded");
            return Ok(());
        }
    };
    let done = match Box::pin(roll_back_unfinished(deps, &mut lock)).await {
        Ok(()) => begin(deps, &lock, gone).await,
        Err(retry) => Err(retry),
    };
    match done {
        Ok(next) => lock.finish(next).await,
        Err(retry) => Err(lock.release(retry).await),
    }
}

/// Continues a deletion in progress.
pub(crate) async fn resume(deps: &Dependencies, lock: SpecLock<'_>, hop: u32) -> Result<(), Retry> {
    let Some(of) = lock.record().object.clone() else { return Ok(()) };
    // Boxed: this future is large and nested in others.
    match Box::pin(delete(deps, &lock, &of, hop)).await {
        Ok(next) => lock.finish(next).await,
        Err(retry) => Err(lock.release(retry).await),
    }
}

async fn begin(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    gone: &SpecObject,
) -> Result<SpecRecord, Retry> {
    let record = lock.record();
    let Some(key) = record.service.clone() else {
        return end(
            deps,
            lock,
            Status::Kept,
            "the spec was removed; nothing had been created for it".to_owned(),
        )
        .await;
    };
    if !record.delete_with_object {
        record::release(&deps.aws, &deps.config.shared.ledger_table, &key, &lock.spec).await?;
        let summary = format!(
            "the spec was removed; the service {key} and its resources stay (onDelete: keep)"
        );
        return end(deps, lock, Status::Kept, summary).await;
    }
    Box::pin(delete(deps, lock, gone, 0)).await
}

/// Runs the next part of a deletion: first the service, which ECS drains; then its listener rules
/// and target groups.
async fn delete(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    of: &SpecObject,
    hop: u32,
) -> Result<SpecRecord, Retry> {
    let record = lock.record();
    let (Some(key), Some(references)) = (record.service.clone(), record.references.clone()) else {
        return end(
            deps,
            lock,
            Status::Kept,
            "the spec was removed; it is unknown what was created for it".to_owned(),
        )
        .await;
    };
    if deps.config.shared.policy.mode != Mode::Repair {
        let summary = format!(
            "the service {key} was not deleted, because the stack parameter Mode is not `repair`"
        );
        return end(deps, lock, Status::Kept, summary).await;
    }
    if let Some(why) =
        ledger::writes_stopped(&deps.aws.shared, &deps.config.shared.ledger_table).await?
    {
        let summary = format!(
            "{key} was not deleted, because the kill switch is set ({why}); Portkeeper will retry"
        );
        publish::write_result(deps, &publish::new_result(deps, of, Status::Waiting, summary))
            .await?;
        return Err(Retry::WritesStopped(why));
    }
    let found = find(&deps.aws, &references.for_removal()).await;
    if let Some(gap) = found.gaps.first() {
        if gap.must_wait() {
            return Err(Retry::Unreadable(gap.why.clone()));
        }
        return end(deps, lock, Status::Failed, format!("cannot delete {key}: {}", gap.why)).await;
    }
    let Removal { plan, waits } =
        plan_removal(&spec_id(of), &references.cluster, &references.service, &found);
    let carried = steps::apply(deps, &plan.steps, &[]).await?;
    let mut next = lock.record().clone();
    let known = next.result.take().filter(|known| known.status == Status::Deleting);
    let mut result = match &carried.failure {
        Some(why) => publish::new_result(
            deps,
            of,
            Status::Failed,
            format!("cannot delete all resources of {key}: {why}"),
        ),
        None => match &waits {
            Some(why) => {
                publish::new_result(deps, of, Status::Deleting, format!("deleting {key}: {why}"))
            }
            None => publish::new_result(
                deps,
                of,
                Status::Deleted,
                format!("{key} and its resources were deleted"),
            ),
        },
    };
    result.cluster = Some(key.cluster.name().to_owned());
    result.service = Some(key.service.clone());
    result.steps = known.map(|known| known.steps).unwrap_or_default();
    for step in carried.steps {
        result.steps.retain(|known| {
            (known.step.resource, &known.step.name) != (step.step.resource, &step.step.name)
        });
        result.steps.push(step);
    }
    if result.status == Status::Deleting && !recheck_later(deps, &lock.spec, hop).await? {
        result.status = Status::Failed;
        result.summary = format!(
            "{key} is still draining after {} minutes; its listener rules and target groups stay",
            recheck_minutes()
        );
    }
    if result.status == Status::Deleting {
        publish::write_result(deps, &result).await?;
    } else {
        publish::publish(deps, &next, &result).await?;
    }
    if result.status == Status::Deleted {
        record::release(&deps.aws, &deps.config.shared.ledger_table, &key, &lock.spec).await?;
    }
    next.status = Some(result.status);
    next.result = Some(result);
    Ok(next)
}

/// Publishes the result of a removal that writes nothing to AWS.
async fn end(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    status: Status,
    summary: String,
) -> Result<SpecRecord, Retry> {
    let mut next = lock.record().clone();
    let Some(of) = next.object.clone() else { return Ok(next) };
    let mut result: SpecResult = publish::new_result(deps, &of, status, summary);
    result.cluster = next.service.as_ref().map(|key| key.cluster.name().to_owned());
    result.service = next.service.as_ref().map(|key| key.service.clone());
    publish::publish(deps, &next, &result).await?;
    next.status = Some(status);
    next.result = Some(result);
    Ok(next)
}
