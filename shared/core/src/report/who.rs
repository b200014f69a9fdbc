//! Who did it: in words for people, and member by member for programs.

use crate::alert::{Alert, Cause};
use crate::call::{ActorKind, Operation};
use crate::code::Follows;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So many calls are told of one alert; the rest are counted.
const TOLD_CALLS: usize = 3;

/// Said where somebody must have done it and nobody is known.
const UNKNOWN: &str = "unknown: CloudTrail reported no matching call by a person or another tool";

/// A call that an item goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentCause {
    /// The operation of Elastic Load Balancing.
    pub call: Operation,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, in words.
    pub actor: String,
    /// What kind of somebody.
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

/// Who did what the alert is about. None where nothing tells that anybody did, or, at the end,
/// where nobody is known.
pub(super) fn who(alert: &Alert) -> Option<String> {
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
    let told = calls
        .iter()
        .take(TOLD_CALLS)
        .map(|(cause, items)| format!("{}{}", words(cause, alert), of_all(*items)));
    let mut parts: Vec<String> = told.collect();
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
