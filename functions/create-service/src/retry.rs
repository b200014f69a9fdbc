//! Errors worth a retry. A permanent failure is a `SpecResult`, not an error.

use portkeeper_aws::failure::Failure;
use portkeeper_aws::ledger::CommitError;

/// Why a message returns to the queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Retry {
    #[error("another run holds the lock on {0}")]
    Busy(String),
    #[error("not enough time left in this run")]
    NoTime,
    /// The kill switch is set.
    #[error("writes are stopped: {0}")]
    WritesStopped(String),
    /// A read failed that may succeed later.
    #[error("cannot read everything that the spec refers to: {0}")]
    Unreadable(String),
    /// A call failed that may succeed later.
    #[error("a call failed; the message will be retried")]
    Call(#[from] Failure),
    #[error("cannot store the record of the spec")]
    Record(#[from] CommitError),
    /// The message cannot be parsed, and the dead-letter queue did not accept it.
    #[error("cannot send the message to the dead-letter queue")]
    DeadLetter(#[source] Failure),
}
