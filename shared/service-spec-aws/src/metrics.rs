//! The metrics of specs, in the form of all of Portkeeper's metrics.

use portkeeper_aws::metrics::{count, line};
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::result::Status;
use serde_json::json;

/// The line for one result of a spec, with the seconds from the upload until the service was ready,
/// if it is.
#[must_use]
pub fn spec_line(at: Timestamp, spec: &str, status: Status, ready_seconds: Option<u32>) -> String {
    let name = match status {
        Status::Refused => "SpecsRefused",
        Status::Failed => "SpecsFailed",
        Status::Deploying => "SpecsDeploying",
        Status::Ready => "SpecsReady",
        Status::Waiting => "SpecsWaiting",
        Status::Kept => "SpecsKept",
        Status::Deleting => "SpecsDeleting",
        Status::Deleted => "SpecsDeleted",
    };
    let took =
        ready_seconds.map(|seconds| ("SpecReadySeconds".to_owned(), "Seconds", json!(seconds)));
    line(at, &[], &[("spec", spec)], [count(name, 1)].into_iter().chain(took).collect())
}
