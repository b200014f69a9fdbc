//! What the operations of this API have in common: reading inputs, pagination, and not-found
//! errors.

use crate::api::{ApiError, Caller, Service};
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
    Input::read(Service::Elbv2, operation, input, required, optional)
}

/// One page of a Describe response: `PageSize` 1 to 400, `Marker`, `NextMarker` [BC].
pub(super) fn paged<T>(
    input: &Input<'_>,
    items: &BTreeMap<String, T>,
    keep: impl FnMut(&T) -> bool,
    member: &str,
    show: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    let size = input.number_in("PageSize", 1..=400)?.and_then(|size| usize::try_from(size).ok());
    let page = paging::page(items, keep, input.optional_text("Marker")?, size.unwrap_or(400));
    let (keys, next) = page.ok_or_else(|| input.refuse("Invalid marker"))?;
    let shown: Vec<Value> = keys.iter().filter_map(|key| items.get(key)).map(show).collect();
    Ok(paging::with_next(json!({member: shown}), "NextMarker", next))
}

pub(super) fn group_not_found() -> ApiError {
    ApiError::refused("TargetGroupNotFound", "One or more target groups not found")
}

pub(super) fn balancer_not_found() -> ApiError {
    ApiError::refused("LoadBalancerNotFound", "One or more load balancers not found")
}

pub(super) fn listener_not_found(arn: &str) -> ApiError {
    ApiError::refused("ListenerNotFound", format!("Listener '{arn}' not found"))
}

/// The caller as the subject of a journal entry.
pub(super) fn who(caller: Caller) -> &'static str {
    match caller {
        Caller::Client => "a client",
        Caller::Ecs => "ECS",
        Caller::Person => "a person",
    }
}
