//! The start of a function and of one invocation. This crate does not know Lambda's runtime: each
//! function's `main` has its own threads and its own loop.

use crate::config::ConfigProblems;
use portkeeper_core::time::Timestamp;
use std::process;
use tracing::Span;

/// The configuration. A function without a valid configuration prints every problem to standard
/// error and exits with 1, which Lambda reports as a failed start.
pub fn config_or_exit<C>(read: Result<C, ConfigProblems>) -> C {
    read.unwrap_or_else(|problems| {
        eprintln!("{problems}");
        process::exit(1)
    })
}

/// The span of one invocation: every line of the log within it has Lambda's request id.
#[must_use]
pub fn request_span(id: &str) -> Span {
    tracing::info_span!(target: "portkeeper", "request", id)
}

/// When Lambda stops the invocation, from the milliseconds since 1970 in its context.
#[must_use]
pub fn deadline(ms: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}
