//! The mode of one service now, from its tag, the stack's setting and the kill switch.

use crate::input::{PlanInput, Writes};
use crate::observation::ServiceStatus;
use crate::policy::{MODE_TAG, Mode, Policy};
use crate::time::Timestamp;

/// The mode of one service, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeInForce {
    pub mode: Mode,
    pub why: String,
}

/// The mode for the observed service, from its tag. The kill switch turns every `repair` into
/// `alert`.
#[must_use]
pub fn mode_in_force(input: &PlanInput) -> ModeInForce {
    let service = input.observation.service.as_ref();
    let tag = service.and_then(|service| service.mode_tag.as_deref());
    // ECS may show no tags of a deleted service, which must not allow more than its tag did.
    let is_deleted = service.is_some_and(|service| service.status == ServiceStatus::Inactive);
    let tag = tag.or_else(|| input.record.mode_tag.as_deref().filter(|_| is_deleted));
    let asked = asked_mode(&input.policy, tag, input.now);
    match &input.writes {
        Writes::Stopped(why) if asked.mode == Mode::Repair => {
            ModeInForce { mode: Mode::Alert, why: format!("the kill switch is set: {why}") }
        }
        Writes::Allowed | Writes::Stopped(_) => asked,
    }
}

/// The mode that the tag and the stack request. An invalid tag means `alert`: its author wanted
/// something other than the default, and an alert can do no harm.
fn asked_mode(policy: &Policy, tag: Option<&str>, now: Timestamp) -> ModeInForce {
    let Some(tag) = tag else {
        return ModeInForce { mode: policy.mode, why: "stack-wide mode".to_owned() };
    };
    let (word, until) = match tag.trim().split_once(" until ") {
        Some((word, date)) => (word.trim(), Some(date.trim())),
        None => (tag.trim(), None),
    };
    let end = until.map(|date| Timestamp::try_from(format!("{date}T23:59:59Z")));
    match (Mode::parse(word), end) {
        (Some(_), Some(Ok(end))) if end < now => ModeInForce {
            mode: policy.mode,
            why: format!("tag {MODE_TAG}={tag} has expired; stack-wide mode"),
        },
        (Some(mode), None | Some(Ok(_))) => {
            ModeInForce { mode, why: format!("tag {MODE_TAG}={tag}") }
        }
        _ => ModeInForce {
            mode: Mode::Alert,
            why: format!(
                "tag {MODE_TAG}={tag} is invalid, so Portkeeper writes nothing; allowed: repair, alert, off, each optionally with ` until 2026-12-31`"
            ),
        },
    }
}
