//! The result beside the spec, and the alert. What was not written or sent makes the message come
//! back.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_service_spec::message::spec_message;
use portkeeper_service_spec::notice::{Object, PREFIX};
use portkeeper_service_spec::result::{SCHEMA, SCHEMA_VERSION, SpecResult, Status};
use portkeeper_service_spec_aws::object;
use portkeeper_service_spec_aws::record::SpecRecord;
use portkeeper_service_spec_aws::{metrics, notify};

/// Where results are written.
const RESULTS: &str = "results/";

/// A result of which nothing is known yet but its spec.
pub(crate) fn new_result(
    deps: &Dependencies,
    of: &Object,
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

/// `results/orders.yaml.json` for `specs/orders.yaml`.
pub(crate) fn result_key(spec: &str) -> String {
    format!("{RESULTS}{}.json", spec.strip_prefix(PREFIX).unwrap_or(spec))
}

/// Writes a result beside its spec.
pub(crate) async fn write_result(deps: &Dependencies, result: &SpecResult) -> Result<(), Retry> {
    // Its keys are texts and its numbers finite, so this cannot fail.
    let content = serde_json::to_string_pretty(result).unwrap_or_default();
    let key = result_key(&result.spec.key);
    tracing::info!(
        spec = result.spec.key,
        status = result.status.as_str(),
        summary = result.summary,
        "result"
    );
    object::write(&deps.aws, &result.spec.bucket, &key, content).await?;
    Ok(())
}

/// Writes a result, tells people of it, and counts it.
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

/// Counts a result. How long it took is known of a spec that became ready.
pub(crate) fn count_result(deps: &Dependencies, record: &SpecRecord, result: &SpecResult) {
    let took = record
        .taken_at
        .map(|taken| result.at.secs_since(taken))
        .filter(|_| result.status == Status::Ready);
    (deps.emit)(&metrics::spec_line(result.at, &result.spec.key, result.status, took));
}

/// The result as it was written last, with what is new.
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
