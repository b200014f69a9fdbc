//! What ECS's operations have in common: inputs, pagination, `failures` and tags.

use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::paging;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn read<'a>(
    operation: &'a str,
    input: &'a Value,
    required: &str,
    optional: &str,
) -> Result<Input<'a>, ApiError> {
    Input::read(Service::Ecs, operation, input, required, optional)
}

/// An entry of `failures` for a resource that does not exist.
pub(super) fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// Rejects a batch above its documented size.
pub(super) fn at_most(
    input: &Input<'_>,
    what: &str,
    count: usize,
    limit: usize,
) -> Result<(), ApiError> {
    if count > limit {
        Err(input.refuse(format!("{what} cannot be more than {limit}.")))
    } else {
        Ok(())
    }
}

/// The names in a batch: at least one, at most its documented size.
pub(super) fn batch<'a>(
    input: &Input<'a>,
    name: &str,
    what: &str,
    limit: usize,
) -> Result<Vec<&'a str>, ApiError> {
    let count = input.required_list(name)?.len();
    at_most(input, what, count, limit)?;
    input.texts(name)
}

/// One page of a List response: `maxResults` from 1 to 100.
pub(super) fn paged<T>(
    input: &Input<'_>,
    items: &BTreeMap<String, T>,
    keep: impl FnMut(&T) -> bool,
    default: usize,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let limit =
        input.number_in("maxResults", 1..=100)?.and_then(|limit| usize::try_from(limit).ok());
    let page =
        paging::page(items, keep, input.optional_text("nextToken")?, limit.unwrap_or(default));
    page.ok_or_else(|| input.refuse("Invalid token"))
}

/// Adds `nextToken` if there is another page.
pub(super) fn with_token(answer: Value, next: Option<String>) -> Value {
    paging::with_next(answer, "nextToken", next)
}

/// The `tags` member of a create or tag operation.
pub(super) fn read_tags(input: &Input<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    input.pairs("tags", "key", "value")
}

pub(super) fn show_tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A response with the found resources and the failures. `json!` would copy the lists, and these
/// are the largest responses.
pub(super) fn found(member: &str, items: Vec<Value>, failures: Vec<Value>) -> Value {
    [(member, Value::Array(items)), ("failures", Value::Array(failures))].into_iter().collect()
}
