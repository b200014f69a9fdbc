//! Writes the result to the bucket and publishes it as an alert. If either fails, the message
//! returns to the queue.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_service_spec::message::spec_message;
use portkeeper_service_spec::notice::{PREFIX, SpecObject};
use portkeeper_service_spec::result::{SCHEMA, SCHEMA_VERSION, SpecResult, Status};
use portkeeper_service_spec_aws::object;
use portkeeper_service_spec_aws::record::SpecRecord;
use portkeeper_service_spec_aws::{metrics, notify};

/// The prefix of results in the bucket.
const RESULTS: &str = "results/";

/// Returns a result without problems, steps or deployment.
pub(crate) fn new_result(
    deps: &Dependencies,
    of: &SpecObject,
    status: Status,
    summary: impl Into<String>,
) -> SpecResult {
    SpecResult {
        schema: SCHEMA.to_owned(),
        version: SCHEMA_VERSION,
        spec: of.clone(),
        status,
        summary: summary.into(),
        at: deps.aws.shared.now(),
        cluster: None,
        service: None,
        service_arn: None,
        problems: Vec::new(),
        steps: Vec::new(),
        deployment: None,
    }
}

/// Returns `results/orders.yaml.json` for `specs/orders.yaml`.
pub(crate) fn result_key(spec: &str) -> String {
    format!("{RESULTS}{}.json", spec.strip_prefix(PREFIX).unwrap_or(spec))
}

/// Writes a result to the bucket of its spec.
pub(crate) async fn write_result(deps: &Dependencies, result: &SpecResult) -> Result<(), Retry> {
    // This cannot fail: all map keys are strings and all numbers are finite.
    let content = serde_json::to_string_pretty(result).unwrap_or_default();
    let key = result_key(&result.spec.key);
    tracing::info!(
        spec = result.spec.key,
        status = result.status.as_str(),
        summary = result.summary,
        "spec result stored"
    );
    object::write(&deps.aws, &result.spec.bucket, &key, content).await?;
    Ok(())
}

/// Writes a result, publishes it, and counts it.
pub(crate) async fn publish(
    deps: &Dependencies,
    record: &SpecRecord,
    result: &SpecResult,
) -> Result<(), Retry> {
    write_result(deps, result).await?;
    notify::publish(&deps.aws.shared, &deps.config.shared, &spec_message(result)).await?;
    count_result(deps, record, result);
    Ok(())
}

/// Counts a result. Only a spec that became ready has a duration.
pub(crate) fn count_result(deps: &Dependencies, record: &SpecRecord, result: &SpecResult) {
    let took = record
        .taken_at
        .map(|taken| result.at.secs_since(taken))
        .filter(|_| result.status == Status::Ready);
    (deps.emit)(&metrics::spec_line(result.at, &result.spec.key, result.status, took));
}

/// Returns the last result with a new status and summary.
pub(crate) fn updated_result(
    deps: &Dependencies,
    record: &SpecRecord,
    status: Status,
    summary: impl Into<String>,
) -> Option<SpecResult> {
    let of = record.object.clone()?;
    let summary = summary.into();
    let at = deps.aws.shared.now();
    Some(match record.result.clone() {
        Some(known) => SpecResult { spec: of, status, summary, at, ..known },
        None => new_result(deps, &of, status, summary),
    })
}
