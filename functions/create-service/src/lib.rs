//! The function that creates services from specs: it takes a batch of the `specs` queue and returns
//! the ids of the messages that must be retried.
//!
//! A new or changed object goes through one fixed sequence of steps. A permanent failure is
//! reported in the result, and the message is done. A temporary failure leaves the message in the
//! queue, and the next run finds what this one created. The function follows a deployment by its
//! events and by rechecks; it never waits for one.

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
use portkeeper_service_spec::identity::SpecId;
use portkeeper_service_spec::notice::{self, Change, Notice, SpecObject};
use portkeeper_service_spec::result::Status;
use portkeeper_service_spec_aws::SpecAws;
use portkeeper_service_spec_aws::config::SpecConfig;
use portkeeper_service_spec_aws::record::SpecRecord;
use retry::Retry;

/// The clients and settings that every step needs.
#[derive(Debug)]
pub struct Dependencies {
    pub aws: SpecAws,
    /// Takes the messages that cannot be parsed.
    pub dead_letters: DeadLetters,
    pub config: SpecConfig,
    /// Writes one line of metrics. In Lambda this is `metrics::emit`, which prints it.
    pub emit: fn(&str),
}

impl Dependencies {
    /// What a plan for this object needs in addition to the spec.
    fn context(&self, object: &SpecObject) -> Context {
        Context { owner: spec_id(object), band: self.config.priorities }
    }
}

/// The id that tags every resource created for this object.
fn spec_id(object: &SpecObject) -> SpecId {
    SpecId { bucket: object.bucket.clone(), key: object.key.clone() }
}

/// The function starts no notice with less time left than this. An interrupted run does resume, but
/// only after the visibility timeout of its message.
const LEAST_SECS: u32 = 20;

/// Handles one batch, message by message. The lock on a spec expires at `deadline`, when Lambda
/// ends this run.
pub async fn handle(deps: &Dependencies, event: SqsEvent, deadline: Timestamp) -> SqsBatchResponse {
    let begun = deps.aws.shared.spent();
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        if let Err(retry) = Box::pin(one(deps, message, deadline)).await {
            tracing::warn!(
                message_id = id,
                error = chain(&retry),
                "message returned to the queue for a retry"
            );
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
                "cannot parse the message: it goes to the dead-letter queue"
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
                tracing::info!(bucket = object.bucket, "ignored: not the spec bucket");
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
            tracing::info!(spec, "ignored: no deployment or deletion is in progress");
            Ok(())
        }
    }
}
