//! What ECS's operations have in common: how inputs are read, answers paged, failures and tags
//! shown.

use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::paging;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The input of an operation of this API.
pub(super) fn read<'a>(
    operation: &'a str,
    input: &'a Value,
    required: &str,
    optional: &str,
) -> Result<Input<'a>, ApiError> {
    Input::read(Service::Ecs, operation, input, required, optional)
}

/// An entry of `failures` for something that does not exist (yet, or any more).
pub(super) fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// Refuses a batch above its documented size.
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

/// The names that a batch asks for: at least one, at most its documented size.
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

/// One page of a List answer: `maxResults` from 1 to 100.
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

/// An answer of what was found and what was not. `json!` would copy the lists, and these are the
/// largest answers.
pub(super) fn found(member: &str, items: Vec<Value>, failures: Vec<Value>) -> Value {
    [(member, Value::Array(items)), ("failures", Value::Array(failures))].into_iter().collect()
}
