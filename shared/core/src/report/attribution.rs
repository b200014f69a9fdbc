//! The cause of an alert: in words, and member by member for programs.

use crate::alert::{Alert, Cause};
use crate::api_call::{ActorKind, Operation};
use crate::code::Follows;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The number of calls that one alert names; the rest are counted.
const TOLD_CALLS: usize = 3;

/// The text for a finding that a call must have caused, if that call is unknown.
const UNKNOWN: &str = "unknown: CloudTrail reported no matching call by a person or another tool";

/// The call that caused an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentCause {
    /// The operation of Elastic Load Balancing.
    pub call: Operation,
    /// The time of the call.
    pub at: Timestamp,
    /// The caller, as text.
    pub actor: String,
    /// The kind of caller.
    pub actor_kind: ActorKind,
    /// CloudTrail's `eventID`.
    pub event_id: String,
}

impl DocumentCause {
    pub(super) fn of(cause: &Cause) -> Self {
        Self {
            call: cause.operation.clone(),
            at: cause.at,
            actor: cause.by.to_string(),
            actor_kind: cause.by.kind.clone(),
            event_id: cause.event.clone(),
        }
    }
}

/// Returns the cause of an alert as text. Returns `None` if nothing shows that a call caused it or,
/// for a resolved alert, if the call is unknown.
pub(super) fn cause_text(alert: &Alert) -> Option<String> {
    let mut calls: Vec<(&Cause, usize)> = Vec::new();
    for cause in alert.items.iter().filter_map(|item| item.cause.as_ref()) {
        match calls.iter_mut().find(|(known, _)| known.event == cause.event) {
            Some((_, items)) => *items += 1,
            None => calls.push((cause, 1)),
        }
    }
    let (all, unknown) =
        (alert.items.len(), alert.items.iter().filter(|item| item.cause.is_none()).count());
    if calls.is_empty() {
        let asked = !alert.state.is_end() && alert.code.must_follow_a_call();
        return asked.then(|| UNKNOWN.to_owned());
    }
    let of_all =
        |items: usize| if all > 1 { format!(" ({items} of {all})") } else { String::new() };
    let known = calls
        .iter()
        .take(TOLD_CALLS)
        .map(|(cause, items)| format!("{}{}", words(cause, alert), of_all(*items)));
    let mut parts: Vec<String> = known.collect();
    if calls.len() > TOLD_CALLS {
        parts.push(format!("and {} more calls", calls.len() - TOLD_CALLS));
    }
    if unknown > 0 {
        parts.push(format!("unknown for {unknown}"));
    }
    Some(parts.join("; "))
}

/// `IAM user alice called DeregisterTargets at 2026-11-23 10:00:02Z`
fn words(cause: &Cause, alert: &Alert) -> String {
    let Cause { by, operation, at, .. } = cause;
    let call = format!("{by} called {operation} at {}", at.readable());
    if alert.code.may_follow_a_call() == Follows::BalancerChange {
        format!("probably {call}, the last change to the load balancer")
    } else {
        call
    }
}
