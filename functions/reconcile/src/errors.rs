//! Errors that make `reconcile` retry a check.

use portkeeper_aws::failure::Failure;
use portkeeper_aws::ledger::CommitError;

/// A failed step of a check.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("cannot describe the service")]
    Observe(#[source] Failure),
    /// A read failed that may succeed later.
    #[error("cannot read everything that the check needs: {0}")]
    Incomplete(String),
    #[error("cannot request a recheck")]
    Recheck(#[source] Failure),
    /// Another check stored the record in the meantime, and that record could not be read.
    #[error(
        "cannot store the results of the writes and the sent alerts: the record changed and cannot be read"
    )]
    Recall(#[source] Failure),
    #[error("cannot index this service: CloudTrail events for its target groups may be missed")]
    Index(#[source] Failure),
    #[error("cannot store the ledger record with the observation and the plan")]
    Ledger(#[source] CommitError),
    #[error("cannot store the results of the writes and the sent alerts")]
    Results(#[source] CommitError),
    /// A write failed, and it is unknown whether AWS executed it.
    #[error("a repair may not have been executed: {0}")]
    Write(String),
    /// SNS did not accept an alert. The next check sends it.
    #[error("cannot publish an alert")]
    Alert(#[source] Failure),
}
