//! What makes a message be tried again. What would fail again is no retry: it is a result.

use portkeeper_aws::failure::Failure;
use portkeeper_aws::ledger::CommitError;

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Retry {
    /// Another run is at work on the same spec.
    #[error("another run is at work on {0}")]
    Busy(String),
    /// The function ends before this could be done.
    #[error("no time is left")]
    NoTime,
    /// Nothing may be written now.
    #[error("writes are stopped: {0}")]
    WritesStopped(String),
    /// Something could not be read that may be readable later.
    #[error("not all could be read: {0}")]
    Unreadable(String),
    /// A call failed, and may succeed later.
    #[error("a call failed that may succeed later")]
    Call(#[from] Failure),
    /// What is remembered of the spec could not be stored.
    #[error("what is known of the spec cannot be stored")]
    Record(#[from] CommitError),
    /// A message that nobody can read could not be put aside.
    #[error("the dead-letter queue did not take the message")]
    DeadLetter(#[source] Failure),
}
