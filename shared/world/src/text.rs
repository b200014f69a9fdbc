//! JSON as text.

use serde_json::Value;

/// Compact JSON. `Value::to_string` gives the same, but copies each part through a formatter.
pub(crate) fn json(value: &Value) -> String {
    // Writing JSON to memory cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
