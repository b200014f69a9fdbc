//! A spec that was removed: everything stays, or is drained and deleted, as the spec said while it
//! was there.

use crate::lock::{Hold, Taken};
use crate::publish;
use crate::retry::Trouble;
use crate::rollback::take_back_unfinished;
use crate::steps;
use crate::{Office, follow, owner_of};
use portkeeper_aws::ledger;
use portkeeper_core::policy::Mode;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::Object;
use portkeeper_service_spec::result::{SpecResult, Status};
use portkeeper_service_spec::{Removal, plan_removal};
use portkeeper_service_spec_aws::find::find;
use portkeeper_service_spec_aws::object::{self, ObjectVersion, ReadObject};
use portkeeper_service_spec_aws::record::{self, SpecRecord};

/// Deals with an object that went. Also the removal of an old version of one that is there tells of
/// itself.
pub(crate) async fn object(
    office: &Office,
    gone: &Object,
    deadline: Timestamp,
) -> Result<(), Trouble> {
    let now = ObjectVersion { bucket: &gone.bucket, key: &gone.key, version_id: None, etag: None };
    if object::read(&office.aws, &now).await? != ReadObject::Absent {
        tracing::info!(
            spec = gone.key,
            "ignored: an old version was removed, or the object is there again"
        );
        return Ok(());
    }
    let mut hold = match Hold::take(office, gone, deadline).await? {
        Taken::Held(hold) => *hold,
        Taken::Done | Taken::Overtaken => {
            tracing::info!(spec = gone.key, "ignored: dealt with already, or overtaken");
            return Ok(());
        }
    };
    let done = match Box::pin(take_back_unfinished(office, &mut hold)).await {
        Ok(()) => begin(office, &hold, gone).await,
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok(next) => hold.end(next).await,
        Err(trouble) => Err(hold.let_go(trouble).await),
    }
}

/// Goes on with a deletion that is under way.
pub(crate) async fn go_on(office: &Office, hold: Hold<'_>, hop: u32) -> Result<(), Trouble> {
    let Some(of) = hold.record().object.clone() else { return Ok(()) };
    // A large future, awaited within others.
    match Box::pin(delete(office, &hold, &of, hop)).await {
        Ok(next) => hold.end(next).await,
        Err(trouble) => Err(hold.let_go(trouble).await),
    }
}

async fn begin(office: &Office, hold: &Hold<'_>, gone: &Object) -> Result<SpecRecord, Trouble> {
    let record = hold.record();
    let Some(key) = record.service.clone() else {
        return end(
            office,
            hold,
            Status::Kept,
            "the spec is gone; nothing had been made for it".to_owned(),
        )
        .await;
    };
    if !record.delete_with_object {
        record::release(&office.aws, &office.config.shared.ledger_table, &key, &hold.spec).await?;
        let summary = format!(
            "the spec is gone; the service {key} and what belongs to it stay (onDelete: keep)"
        );
        return end(office, hold, Status::Kept, summary).await;
    }
    Box::pin(delete(office, hold, gone, 0)).await
}

/// The next part of a deletion: first the service, which ECS drains; once it is gone, what stood in
/// front of it.
async fn delete(
    office: &Office,
    hold: &Hold<'_>,
    of: &Object,
    hop: u32,
) -> Result<SpecRecord, Trouble> {
    let record = hold.record();
    let (Some(key), Some(wanted)) = (record.service.clone(), record.wanted.clone()) else {
        return end(
            office,
            hold,
            Status::Kept,
            "the spec is gone; what was made for it is not known".to_owned(),
        )
        .await;
    };
    if office.config.shared.policy.mode != Mode::Repair {
        let summary = format!(
            "the service {key} was not deleted, because the stack's parameter Mode is not `repair`"
        );
        return end(office, hold, Status::Kept, summary).await;
    }
    if let Some(why) =
        ledger::writes_stopped(&office.aws.shared, &office.config.shared.ledger_table).await?
    {
        let summary = format!("the kill switch is on ({why}): the deletion of {key} waits");
        publish::write(office, &publish::result(office, of, Status::Waiting, summary)).await?;
        return Err(Trouble::Stopped(why));
    }
    let found = find(&office.aws, &wanted.for_removal()).await;
    if let Some(gap) = found.gaps.first() {
        if gap.must_wait() {
            return Err(Trouble::Unread(gap.why.clone()));
        }
        return end(
            office,
            hold,
            Status::Failed,
            format!("the deletion of {key} was given up: {}", gap.why),
        )
        .await;
    }
    let Removal { plan, waits } =
        plan_removal(&owner_of(of), &wanted.cluster, &wanted.service, &found);
    let carried = steps::carry_out(office, &plan.steps, &[]).await?;
    let mut next = hold.record().clone();
    let known = next.result.take().filter(|known| known.status == Status::Deleting);
    let mut result = match &carried.failure {
        Some(why) => publish::result(
            office,
            of,
            Status::Failed,
            format!("the deletion of {key} stopped: {why}"),
        ),
        None => match &waits {
            Some(why) => publish::result(
                office,
                of,
                Status::Deleting,
                format!("{key} is being deleted: {why}"),
            ),
            None => publish::result(
                office,
                of,
                Status::Deleted,
                format!("{key} and what was made for it are gone"),
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
    if result.status == Status::Deleting && !follow::look_later(office, &hold.spec, hop).await? {
        result.status = Status::Failed;
        result.summary = format!(
            "{key} is still being drained after two hours; what stood in front of it was left"
        );
    }
    if result.status == Status::Deleting {
        publish::write(office, &result).await?;
    } else {
        publish::tell(office, &next, &result).await?;
    }
    if result.status == Status::Deleted {
        record::release(&office.aws, &office.config.shared.ledger_table, &key, &hold.spec).await?;
    }
    next.status = Some(result.status);
    next.result = Some(result);
    Ok(next)
}

/// The end of a removal in which nothing is written.
async fn end(
    office: &Office,
    hold: &Hold<'_>,
    status: Status,
    summary: String,
) -> Result<SpecRecord, Trouble> {
    let mut next = hold.record().clone();
    let Some(of) = next.object.clone() else { return Ok(next) };
    let mut result: SpecResult = publish::result(office, &of, status, summary);
    result.cluster = next.service.as_ref().map(|key| key.cluster.name().to_owned());
    result.service = next.service.as_ref().map(|key| key.service.clone());
    publish::tell(office, &next, &result).await?;
    next.status = Some(status);
    next.result = Some(result);
    Ok(next)
}
