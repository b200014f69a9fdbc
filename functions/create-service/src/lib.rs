//! The function that makes services from specs: a batch of the `specs` queue in, the ids of
//! messages that must be tried again out.
//!
//! An object that came or changed is taken through one straight line of steps; what failed for good
//! is told in its result, and its message is done. What may succeed later leaves its message in the
//! queue, and what was made so far is found again. A deployment is followed by its events and by
//! looking again, never by waiting.

mod apply;
mod follow;
mod lock;
mod publish;
mod recheck;
mod remove;
mod retry;
mod rollback;
mod steps;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lock::SpecLock;
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::failure::chain;
use portkeeper_aws::metrics;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::Context;
use portkeeper_service_spec::identity::Owner;
use portkeeper_service_spec::notice::{self, Change, Notice, Object};
use portkeeper_service_spec::result::Status;
use portkeeper_service_spec_aws::SpecAws;
use portkeeper_service_spec_aws::config::SpecConfig;
use portkeeper_service_spec_aws::record::SpecRecord;
use retry::Retry;

/// What the function works with.
#[derive(Debug)]
pub struct Dependencies {
    /// The clients.
    pub aws: SpecAws,
    /// Where messages go that nobody can read.
    pub dead_letters: DeadLetters,
    /// The configuration.
    pub config: SpecConfig,
    /// Where a metric's line goes: in Lambda to standard output, as `metrics::emit` has it.
    pub emit: fn(&str),
}

impl Dependencies {
    /// What a plan for this object needs to know beside the spec.
    fn context(&self, object: &Object) -> Context {
        Context { owner: spec_id(object), band: self.config.priorities }
    }
}

/// Whose everything is that is made for this object.
fn spec_id(object: &Object) -> Owner {
    Owner { bucket: object.bucket.clone(), key: object.key.clone() }
}

/// Nothing begins with less time than this: a run that is stopped half-way is gone on with, but
/// only when its message comes back.
const LEAST_SECS: u32 = 20;

/// Handles one batch, message by message. Whoever has a spec loses it at `deadline`, when Lambda
/// ends this run.
pub async fn handle(deps: &Dependencies, event: SqsEvent, deadline: Timestamp) -> SqsBatchResponse {
    let begun = deps.aws.shared.spent();
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        if let Err(retry) = Box::pin(one(deps, message, deadline)).await {
            tracing::warn!(message_id = id, error = chain(&retry), "the message is tried again");
            response.add_failure(id);
        }
    }
    (deps.emit)(&metrics::calls_line(deps.aws.shared.now(), begun.until(deps.aws.shared.spent())));
    response
}

async fn one(deps: &Dependencies, message: SqsMessage, deadline: Timestamp) -> Result<(), Retry> {
    let body = message.body.unwrap_or_default();
    let notices = match notice::read(&body) {
        Ok(notices) => notices,
        Err(unreadable) => {
            let why = chain(&unreadable);
            tracing::error!(
                message_id = message.message_id,
                error = why,
                "the message cannot be read, and is put aside"
            );
            return deps.dead_letters.put(&body, &why).await.map_err(Retry::DeadLetter);
        }
    };
    for notice in notices {
        if deps.aws.shared.now().plus_secs(LEAST_SECS) > deadline {
            return Err(Retry::NoTime);
        }
        match notice {
            Notice::Object(object) if object.bucket != deps.config.bucket => {
                tracing::info!(bucket = object.bucket, "ignored: not the bucket of specs");
            }
            Notice::Object(object) => match object.change {
                Change::Created => Box::pin(apply::object(deps, &object, deadline)).await?,
                Change::Removed => Box::pin(remove::object(deps, &object, deadline)).await?,
            },
            Notice::Deployment(event) => Box::pin(follow::event(deps, &event, deadline)).await?,
            Notice::LookAgain(own) => {
                Box::pin(recheck(deps, &own.spec, own.hop, deadline)).await?;
            }
            Notice::Ignored(reason) => tracing::debug!(%reason, name = reason.name(), "ignored"),
        }
    }
    Ok(())
}

/// A recheck that an earlier run requested: of a deployment, or of a deletion.
async fn recheck(
    deps: &Dependencies,
    spec: &str,
    hop: u32,
    deadline: Timestamp,
) -> Result<(), Retry> {
    let open =
        |record: &SpecRecord| matches!(record.status, Some(Status::Deploying | Status::Deleting));
    match SpecLock::resume(deps, spec, deadline, open).await? {
        Some(lock) if lock.record().status == Some(Status::Deleting) => {
            remove::resume(deps, *lock, hop).await
        }
        Some(lock) => follow::check_and_store(deps, *lock, hop, None).await,
        None => {
            tracing::info!(spec, "ignored: nothing is under way");
            Ok(())
        }
    }
}
