//! What makes a check be tried again.

use portkeeper_aws::failure::Failure;
use portkeeper_aws::ledger::CommitError;

/// A step of a check that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The service could not be described.
    #[error("the service cannot be described")]
    Observe(#[source] Failure),
    /// Something could not be read that may be readable later.
    #[error("not all could be read: {0}")]
    Incomplete(String),
    /// The next look could not be asked for.
    #[error("the next look cannot be asked for")]
    LookAgain(#[source] Failure),
    /// Somebody else wrote the record meanwhile, and theirs could not be read.
    #[error("what was done and told cannot be remembered")]
    Recall(#[source] Failure),
    /// The service could not be entered in the ledger's index.
    #[error("calls of others at this service's target groups may not lead to it")]
    Index(#[source] Failure),
    /// The record could not be stored.
    #[error("what was learnt and planned cannot be stored")]
    Ledger(#[source] CommitError),
    /// A write failed, and it is not known whether AWS carried it out.
    #[error("a repair may not have been carried out: {0}")]
    Write(String),
    /// An alert was not accepted. The next check sends it.
    #[error("an alert was not sent")]
    Alert(#[source] Failure),
}
