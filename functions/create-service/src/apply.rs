//! Applies a new or changed spec: read, validate, compare with the account, plan, write.

use crate::lock::{Acquired, SpecLock};
use crate::publish;
use crate::recheck::recheck_later;
use crate::retry::Retry;
use crate::rollback::{is_active, roll_back_unfinished, undo_of_earlier_run};
use crate::steps::{self, Applied};
use crate::{Dependencies, follow};
use portkeeper_aws::ledger;
use portkeeper_core::ids::{ClusterArn, ServiceKey};
use portkeeper_core::policy::Mode;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::found::Found;
use portkeeper_service_spec::notice::SpecObject;
use portkeeper_service_spec::problem::{Problem, ProblemCode};
use portkeeper_service_spec::result::{SpecResult, Status};
use portkeeper_service_spec::spec::{OnDelete, Spec};
use portkeeper_service_spec::steps::{SpecPlan, StepAction, Write};
use portkeeper_service_spec::{plan, undo, validate};
use portkeeper_service_spec_aws::apply::primary_deployment;
use portkeeper_service_spec_aws::find::find;
use portkeeper_service_spec_aws::object::{self, LARGEST_SPEC, ObjectVersion, ReadObject};
use portkeeper_service_spec_aws::record::{self, SpecRecord};

/// Processes one version of an object.
pub(crate) async fn object(
    deps: &Dependencies,
    object: &SpecObject,
    deadline: Timestamp,
) -> Result<(), Retry> {
    let mut lock = match SpecLock::acquire(deps, object, deadline).await? {
        Acquired::Lock(lock) => *lock,
        Acquired::Processed => {
            tracing::info!(
                spec = object.key,
                "ignored: an earlier run processed this version of the spec"
            );
            return Ok(());
        }
        Acquired::Superseded => {
            tracing::info!(
                spec = object.key,
                "ignored: an earlier run started with a later version of the spec"
            );
            return Ok(());
        }
    };
    // Boxed: this future is large and nested in others.
    match Box::pin(run(deps, &mut lock, object)).await {
        Ok(next) => lock.finish(next).await,
        Err(retry) => Err(lock.release(retry).await),
    }
}

/// Runs all steps and returns the record to store at the end.
async fn run(
    deps: &Dependencies,
    lock: &mut SpecLock<'_>,
    object: &SpecObject,
) -> Result<SpecRecord, Retry> {
    let (spec, mut problems) = match read(deps, object).await? {
        Some((Some(spec), problems)) => (spec, problems),
        Some((None, problems)) => {
            return refuse(deps, lock, Draft { problems, ..Draft::default() }).await;
        }
        None => return Ok(lock.record().clone()),
    };
    roll_back_unfinished(deps, lock).await?;
    let found = find(&deps.aws, &spec.references()).await;
    if let Some(gap) = found.gaps.iter().find(|gap| gap.must_wait()) {
        return Err(Retry::Unreadable(gap.why.clone()));
    }
    let planned = plan(&spec, &found, &deps.context(object));
    let may_run = planned.may_run();
    let SpecPlan { steps, problems: more } = planned;
    problems.extend(more);
    let mut draft = Draft { spec: Some(&spec), steps: &steps, problems };
    let key = match service_key(deps, &spec, &found) {
        Ok(key) if may_run && !draft.problems.iter().any(Problem::is_error) => key,
        Ok(_) => return refuse(deps, lock, draft).await,
        Err(problem) => {
            draft.problems.extend(problem);
            return refuse(deps, lock, draft).await;
        }
    };
    if steps.iter().any(|step| !step.writes.is_empty())
        && let Some(next) = stopped(deps, lock, &draft).await?
    {
        return Ok(next);
    }
    if let Some(other) =
        record::claim(&deps.aws, &deps.config.shared.ledger_table, &key, &lock.spec).await?
    {
        draft.problems.push(of_another_spec(&key, &other));
        return refuse(deps, lock, draft).await;
    }
    draft.problems.extend(renamed(deps, lock, &key).await?);
    let planned: Vec<Write> = steps.iter().flat_map(|step| step.writes.clone()).collect();
    let earlier = undo_of_earlier_run(lock, &found, &steps, object);
    let next = record_before_writes(lock, &spec, key, &planned);
    // I-UNDO: "What rolls a run back is stored before its first write"
    lock.store(next).await?;
    let carried = steps::apply(deps, &steps, &earlier).await?;
    finish(deps, lock, &draft, &found, carried, planned.is_empty()).await
}

/// What is known about a spec before the first write.
#[derive(Debug, Default)]
struct Draft<'a> {
    spec: Option<&'a Spec>,
    steps: &'a [portkeeper_service_spec::steps::Step],
    problems: Vec<Problem>,
}

impl Draft<'_> {
    fn result(
        &self,
        deps: &Dependencies,
        of: &SpecObject,
        status: Status,
        summary: impl Into<String>,
    ) -> SpecResult {
        SpecResult {
            cluster: self.spec.map(|spec| spec.cluster.clone()),
            service: self.spec.map(|spec| spec.service_name().to_owned()),
            problems: self.problems.clone(),
            steps: steps::not_tried(self.steps),
            ..publish::new_result(deps, of, status, summary)
        }
    }
}

/// Reads exactly the version of the object that the message names, and validates it. Returns none
/// if that version no longer exists: another message reports its successor or its removal.
async fn read(
    deps: &Dependencies,
    object: &SpecObject,
) -> Result<Option<(Option<Spec>, Vec<Problem>)>, Retry> {
    let SpecObject { bucket, key, version_id, etag, .. } = object;
    let version =
        ObjectVersion { bucket, key, version_id: version_id.as_deref(), etag: etag.as_deref() };
    Ok(match object::read(&deps.aws, &version).await? {
        ReadObject::Content(bytes) => Some(validate(key, &bytes)),
        ReadObject::TooLarge { bytes } => {
            let message =
                format!("the object has {bytes} bytes; a spec has at most {LARGEST_SPEC}");
            Some((None, vec![Problem::error(ProblemCode::TooLarge, "", message)]))
        }
        ReadObject::Absent | ReadObject::Replaced => {
            tracing::info!(spec = key, "ignored: this version of the object no longer exists");
            None
        }
    })
}

/// Returns the key of the service, or the problem that prevents its creation in this cluster. The
/// error is empty if the cluster does not exist: the plan already reports that.
fn service_key(
    deps: &Dependencies,
    spec: &Spec,
    found: &Found,
) -> Result<ServiceKey, Option<Problem>> {
    let arn =
        found.cluster.as_ref().and_then(|cluster| ClusterArn::try_from(cluster.arn.as_str()).ok());
    let cluster = arn.ok_or(None)?;
    if !deps.config.shared.clusters.include(&cluster) {
        let message = format!(
            "Portkeeper does not watch the cluster {}: add it to the stack parameter Clusters, or name another cluster",
            cluster.name()
        );
        return Err(Some(Problem::error(ProblemCode::ClusterNotWatched, "cluster", message)));
    }
    Ok(ServiceKey { cluster, service: spec.service_name().to_owned() })
}

fn of_another_spec(key: &ServiceKey, other: &str) -> Problem {
    let message = format!(
        "the spec {other} manages the service {key}: change the service there, or choose another name here"
    );
    Problem::error(ProblemCode::ServiceOfAnotherSpec, "service.serviceName", message)
}

/// Publishes the problems and writes nothing to AWS.
async fn refuse(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    draft: Draft<'_>,
) -> Result<SpecRecord, Retry> {
    let mut next = lock.record().clone();
    let Some(of) = next.object.clone() else { return Ok(next) };
    let errors = draft.problems.iter().filter(|problem| problem.is_error()).count();
    let refused =
        draft.steps.iter().filter(|step| matches!(step.action, StepAction::Refuse(_))).count();
    let summary = match errors + refused {
        1 => "1 error in the spec; nothing was written".to_owned(),
        count => format!("{count} errors in the spec; nothing was written"),
    };
    let result = draft.result(deps, &of, Status::Refused, summary);
    publish::publish(deps, &next, &result).await?;
    next.status = Some(Status::Refused);
    next.result = Some(result);
    Ok(next)
}

/// Returns the record to store if the mode of the stack forbids writes, and an error if the kill
/// switch does. The message then returns to the queue until the switch is cleared.
async fn stopped(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    draft: &Draft<'_>,
) -> Result<Option<SpecRecord>, Retry> {
    let mode = deps.config.shared.policy.mode;
    let switch = match mode {
        Mode::Repair => {
            ledger::writes_stopped(&deps.aws.shared, &deps.config.shared.ledger_table).await?
        }
        _ => None,
    };
    let mut next = lock.record().clone();
    let Some(of) = next.object.clone() else { return Ok(Some(next)) };
    let summary = match (&switch, mode) {
        (Some(why), _) => format!("nothing was written, because the kill switch is set ({why}); Portkeeper will retry"),
        (None, Mode::Repair) => return Ok(None),
        (None, _) => "nothing was written, because the stack parameter Mode is not `repair`; upload the spec again after you change it".to_owned(),
    };
    let result = draft.result(deps, &of, Status::Waiting, summary);
    publish::write_result(deps, &result).await?;
    publish::count_result(deps, &next, &result);
    if let Some(why) = switch {
        return Err(Retry::WritesStopped(why));
    }
    next.status = Some(Status::Waiting);
    next.result = Some(result);
    Ok(Some(next))
}

/// Handles a spec that names another service than its last version: the earlier service stays, and
/// no spec manages it any longer.
async fn renamed(
    deps: &Dependencies,
    lock: &SpecLock<'_>,
    key: &ServiceKey,
) -> Result<Option<Problem>, Retry> {
    let Some(before) = lock.record().service.as_ref().filter(|before| *before != key) else {
        return Ok(None);
    };
    record::release(&deps.aws, &deps.config.shared.ledger_table, before, &lock.spec).await?;
    let message = format!(
        "an earlier version of this spec managed the service {before}, which stays unchanged; no spec manages it now"
    );
    Ok(Some(Problem::warning(ProblemCode::Renamed, "service.serviceName", message)))
}

/// Returns the record to store before the first write: the service, and the writes that undo the
/// plan.
fn record_before_writes(
    lock: &SpecLock<'_>,
    spec: &Spec,
    key: ServiceKey,
    planned: &[Write],
) -> SpecRecord {
    let mut next = lock.record().clone();
    for back in undo(planned) {
        if !next.undo.contains(&back) {
            next.undo.push(back);
        }
    }
    next.service = Some(key);
    next.delete_with_object = spec.on_delete == OnDelete::Delete;
    next.references = Some(spec.references());
    next
}

/// Publishes the result and returns the record to store after the last write.
async fn finish(
    deps: &Dependencies,
    lock: &mut SpecLock<'_>,
    draft: &Draft<'_>,
    found: &Found,
    carried: Applied,
    was_idle: bool,
) -> Result<SpecRecord, Retry> {
    let mut next = lock.record().clone();
    let Some(of) = next.object.clone() else { return Ok(next) };
    next.undo.clear();
    if let Some(why) = carried.failure {
        let summary = format!("{why}; this run rolled back what it created, see the steps");
        let result =
            SpecResult { steps: carried.steps, ..draft.result(deps, &of, Status::Failed, summary) };
        publish::publish(deps, &next, &result).await?;
        let is_there = found.service.as_ref().is_some_and(is_active);
        if let Some(key) = next.service.as_ref().filter(|_| !is_there) {
            record::release(&deps.aws, &deps.config.shared.ledger_table, key, &lock.spec).await?;
        }
        next.status = Some(Status::Failed);
        next.result = Some(result);
        return Ok(next);
    }
    let shown = found.service.as_ref().map(|service| &service.shown);
    let known_arn = || shown.and_then(|shown| shown.get("serviceArn")?.as_str()).map(str::to_owned);
    let service = carried.service.as_ref();
    next.deployment =
        service.map_or_else(|| shown.and_then(primary_deployment), |made| made.deployment.clone());
    let summary =
        if was_idle { "nothing to change" } else { "all steps are done; ECS is deploying" };
    let result = SpecResult {
        steps: carried.steps,
        service_arn: service.map(|made| made.arn.clone()).or_else(known_arn),
        ..draft.result(deps, &of, Status::Deploying, summary)
    };
    next.status = Some(Status::Deploying);
    next.result = Some(result.clone());
    if was_idle {
        lock.store(next).await?;
        return follow::check_quietly(deps, lock).await;
    }
    publish::write_result(deps, &result).await?;
    publish::count_result(deps, &next, &result);
    recheck_later(deps, &lock.spec, 0).await?;
    Ok(next)
}
