//! Following a deployment: by the events of ECS, and by looking again where one was lost.

use crate::lock::Hold;
use crate::retry::Trouble;
use crate::{Office, publish, remove};
use portkeeper_aws::observe;
use portkeeper_core::event::ServiceCheck;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::follow::{Progress, Told, deployment_result, progress};
use portkeeper_service_spec::notice::Deployment;
use portkeeper_service_spec::result::Status;
use portkeeper_service_spec_aws::look_again;
use portkeeper_service_spec_aws::record::{self, SpecRecord};

/// So many looks at a service that ECS does not know are made before that is believed.
const LOOKS_FOR_A_NEW_SERVICE: u32 = 3;

const COMPLETED: &str = "SERVICE_DEPLOYMENT_COMPLETED";
const FAILED: &str = "SERVICE_DEPLOYMENT_FAILED";

/// Seconds before each look. Lambda ends a chain of messages at sixteen; together these are a
/// little more than two hours, and every event of the deployment begins a new chain.
const LOOKS: [u32; 14] = [15, 30, 60, 60, 120, 120, 300, 300, 600, 900, 900, 900, 900, 900];

/// An event of a deployment. Most are of services that come from no spec.
pub(crate) async fn event(
    office: &Office,
    event: &Deployment,
    deadline: Timestamp,
) -> Result<(), Trouble> {
    let Some(cluster) = event.service.cluster() else { return Ok(()) };
    let key = ServiceKey { cluster, service: event.service.name().to_owned() };
    let table = &office.config.shared.ledger_table;
    let Some(spec) = record::spec_of(&office.aws, table, &key).await? else {
        tracing::debug!(service = %key, "ignored: a service of no spec");
        return Ok(());
    };
    let told = match event.event_name.as_str() {
        COMPLETED => Told { completed: true, reason: event.reason.clone() },
        FAILED => Told { completed: false, reason: event.reason.clone() },
        _ => return Ok(()),
    };
    let followed = |record: &SpecRecord| {
        // One that was given up may still come to its end.
        let open = matches!(record.status, Some(Status::Deploying))
            || (told.completed && matches!(record.status, Some(Status::Failed)));
        open && record.deployment.as_deref() == Some(&event.id)
    };
    if let Some(hold) = Hold::go_on(office, &spec, deadline, followed).await? {
        return judge(office, *hold, 0, Some(&told)).await;
    }
    tracing::info!(spec, deployment = event.id, "ignored: not the deployment that is followed");
    Ok(())
}

/// A look that was asked for.
pub(crate) async fn again(
    office: &Office,
    spec: &str,
    hop: u32,
    deadline: Timestamp,
) -> Result<(), Trouble> {
    let open =
        |record: &SpecRecord| matches!(record.status, Some(Status::Deploying | Status::Deleting));
    match Hold::go_on(office, spec, deadline, open).await? {
        Some(hold) if hold.record().status == Some(Status::Deleting) => {
            remove::go_on(office, *hold, hop).await
        }
        Some(hold) => judge(office, *hold, hop, None).await,
        None => {
            tracing::info!(spec, "ignored: nothing is under way");
            Ok(())
        }
    }
}

/// Looks at the service, and says how far it is.
pub(crate) async fn judge(
    office: &Office,
    hold: Hold<'_>,
    hop: u32,
    told: Option<&Told>,
) -> Result<(), Trouble> {
    // A large future, awaited within others.
    match Box::pin(look(office, &hold, hop, told, true)).await {
        Ok(next) => hold.end(next).await,
        Err(trouble) => Err(hold.let_go(trouble).await),
    }
}

/// Says how far a service is for which nothing was to be written. That it is well still is no news.
pub(crate) async fn look_quietly(office: &Office, hold: &Hold<'_>) -> Result<SpecRecord, Trouble> {
    Box::pin(look(office, hold, 0, None, false)).await
}

async fn look(
    office: &Office,
    hold: &Hold<'_>,
    hop: u32,
    told: Option<&Told>,
    is_news: bool,
) -> Result<SpecRecord, Trouble> {
    let mut next = hold.record().clone();
    let Some(key) = next.service.clone() else { return Ok(next) };
    let check = ServiceCheck { hop, ..ServiceCheck::of(key) };
    let seen = observe::observe_service(&office.aws.shared, &check).await?;
    let deployment = next.deployment.as_deref();
    let (status, summary) = match progress(&seen, deployment, told) {
        // What was made a moment ago may not be in every answer yet.
        Progress::Failed(why) if seen.service.is_none() && hop < LOOKS_FOR_A_NEW_SERVICE => {
            waits(office, hold, hop, why).await?
        }
        Progress::Ready => {
            (Status::Ready, "every running task is registered and healthy".to_owned())
        }
        Progress::Failed(why) => (Status::Failed, why),
        Progress::Waits(why) => waits(office, hold, hop, why).await?,
    };
    let Some(mut result) = publish::again(office, &next, status, summary) else { return Ok(next) };
    if let Some(now) = deployment_result(&seen, deployment, told, next.taken_at) {
        result.deployment = Some(now);
    }
    if Some(status) == next.status || !(is_news || status.is_bad()) {
        publish::write(office, &result).await?;
    } else {
        publish::tell(office, &next, &result).await?;
    }
    next.status = Some(status);
    next.result = Some(result);
    Ok(next)
}

/// Not yet: asks for the next look, as long as there is one.
async fn waits(
    office: &Office,
    hold: &Hold<'_>,
    hop: u32,
    why: String,
) -> Result<(Status, String), Trouble> {
    if look_later(office, &hold.spec, hop).await? {
        return Ok((Status::Deploying, why));
    }
    let spent: u32 = LOOKS.iter().sum();
    Ok((
        Status::Failed,
        format!("not ready after {} minutes, and no longer followed: {why}", spent / 60),
    ))
}

/// Asks for the look after this one; false if there is none.
pub(crate) async fn look_later(office: &Office, spec: &str, hop: u32) -> Result<bool, Trouble> {
    let delay = usize::try_from(hop).ok().and_then(|hop| LOOKS.get(hop));
    let Some(delay) = delay else { return Ok(false) };
    look_again::send(&office.aws.shared, &office.config.queue_url, spec, hop + 1, *delay).await?;
    Ok(true)
}
