//! Attribute values: format and size.
//!
//! Source:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.

use super::Item;
use crate::api::{ApiError, Service};
use serde_json::Value;
use std::collections::BTreeSet;

/// The largest item: 400 KB, including attribute names.
const MAX_ITEM_BYTES: usize = 409_600;

/// Checks that every attribute has a valid value and the item is not too large.
pub(super) fn check(item: &Item) -> Result<(), ApiError> {
    for value in item.values() {
        check_value(value)?;
    }
    if item_bytes(item) > MAX_ITEM_BYTES {
        let message = "Item size has exceeded the maximum allowed size";
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    Ok(())
}

/// Checks that an attribute value has exactly one data type with a valid value.
pub(super) fn check_value(value: &Value) -> Result<(), ApiError> {
    let (kind, content) = parts(value).ok_or_else(|| {
        ApiError::invalid(
            Service::DynamoDb,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        )
    })?;
    let right = match (kind, content) {
        ("S" | "B", Value::String(_)) | ("BOOL", Value::Bool(_)) | ("NULL", Value::Bool(true)) => {
            true
        }
        ("N", Value::String(text)) => is_number(text),
        ("M", Value::Object(members)) => return members.values().try_for_each(check_value),
        ("L", Value::Array(list)) => return list.iter().try_for_each(check_value),
        ("SS" | "BS", Value::Array(list)) => is_set(list, |_| true),
        ("NS", Value::Array(list)) => is_set(list, is_number),
        _ => false,
    };
    if right {
        return Ok(());
    }
    let message = format!("The parameter cannot be converted to a value of type {kind}: {content}");
    Err(ApiError::invalid(Service::DynamoDb, message))
}

/// The data type and the value.
pub(super) fn parts(value: &Value) -> Option<(&str, &Value)> {
    let mut members = value.as_object()?.iter();
    match (members.next(), members.next()) {
        (Some((kind, content)), None) => Some((kind.as_str(), content)),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_set(list: &[Value], member: fn(&str) -> bool) -> bool {
    let texts: BTreeSet<&str> = list.iter().filter_map(Value::as_str).collect();
    !list.is_empty() && texts.len() == list.len() && texts.into_iter().all(member)
}

fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match parts(value) {
        Some(("N", Value::String(text))) => text.len().div_ceil(2) + 1,
        Some(("B", Value::String(text))) => text.len() / 4 * 3,
        Some((_, Value::String(text))) => text.len(),
        Some(("M", Value::Object(members))) => 3 + members.len() + item_bytes(members),
        Some(("L", Value::Array(list))) => {
            3 + list.len() + list.iter().map(value_bytes).sum::<usize>()
        }
        Some((_, Value::Array(list))) => list.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 1,
    }
}
