//! AWS's timestamp formats: ISO 8601 in events, epoch seconds in JSON APIs.

use serde_json::{Value, json};
use std::time::Duration;

/// `2024-11-13T21:23:11.984Z`: inside event details and in the Query APIs.
#[must_use]
pub fn iso(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// `2024-11-13T21:23:11Z`: the `time` of an event, which has whole seconds.
#[must_use]
pub fn iso_seconds(ms: u64) -> String {
    iso(ms - ms % 1000)
}

/// `1731532991.984`: timestamps of the awsJson protocols.
#[must_use]
pub fn epoch(ms: u64) -> Value {
    json!(Duration::from_millis(ms).as_secs_f64())
}
