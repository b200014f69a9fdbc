//! Why ECS itself could not register or deregister targets, from the service's events.

use crate::action::ActionKind;
use crate::ids::TargetGroupArn;
use crate::input::PlanInput;
use crate::observation::ServiceEvent;
use crate::time::spoken;

/// Parts of ECS's messages about registrations, and deregistrations, in a group that failed.
const NOT_REGISTERED: [&str; 2] = ["failed to register targets", " NOT FOUND"];

const NOT_DEREGISTERED: [&str; 1] = ["failed to deregister targets"];

/// Part of ECS's message that ELBv2 throttles it. It names no group.
const THROTTLED: &str = "operations are being throttled on elb";

/// ECS omits a message that it has sent until its cause is gone, or for six hours ([service event
/// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages.html)).
const EVENT_REPEATED_SECS: u32 = 6 * 3600;

/// The most characters of ECS's reason in a finding: the ledger keeps the text of each.
const REASON_CHARS: usize = 200;

/// Why ECS itself could not register targets in a group, or deregister them.
pub(super) struct Refusal {
    pub(super) text: String,
    /// ELBv2 would refuse a registration by Portkeeper, too: the group, or its load balancer, is
    /// full.
    pub(super) is_final: bool,
}

/// Returns the reason that ECS reported last for this group, unless it did the same there with
/// success since ([service event
/// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html)).
pub(super) fn refusal_of_ecs(
    input: &PlanInput,
    group: &TargetGroupArn,
    kind: ActionKind,
) -> Option<Refusal> {
    let service = input.observation.service.as_ref()?;
    let (done, refused): (&str, &[&str]) = match kind {
        ActionKind::Register => (" registered ", &NOT_REGISTERED),
        ActionKind::Deregister => (" deregistered ", &NOT_DEREGISTERED),
    };
    let is_about = |event: &&ServiceEvent| {
        let message = event.message.as_str();
        let of_group = message.contains(group.as_str())
            && (message.contains(done) || refused.iter().any(|it| message.contains(it)));
        (of_group || message.contains(THROTTLED))
            && input.now.secs_since(event.at) < EVENT_REPEATED_SECS
    };
    // Newest first.
    let last = service.events.iter().find(is_about)?;
    let message = last.message.as_str();
    if message.contains(done) {
        return None;
    }
    let reason = message.split_once("(error ").map_or(message, |(_, reason)| reason);
    let reason = reason.strip_suffix('.').unwrap_or(reason);
    let reason = if reason.len() < message.len() {
        reason.strip_suffix(')').unwrap_or(reason)
    } else {
        reason
    };
    let is_final =
        kind == ActionKind::Register && !message.contains(THROTTLED) && is_of_a_quota(reason);
    let mut text = format!(
        "; {} ago ECS reported for the group: {}",
        spoken(input.now.secs_since(last.at)),
        reason.chars().take(REASON_CHARS).collect::<String>()
    );
    if is_final {
        text.push_str("; Portkeeper does not register, because ELBv2 would refuse that, too");
    }
    Some(Refusal { text, is_final })
}

/// Whether ELBv2 refused because a group or a load balancer is full. Too many calls are refused
/// for a moment only.
fn is_of_a_quota(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let is_full = ["cannot have more than", "limit", "quota", "maximum number", "toomany"];
    let is_brief = ["throttl", "rate exceeded", "request limit", "too many requests"];
    is_full.iter().any(|it| reason.contains(it)) && !is_brief.iter().any(|it| reason.contains(it))
}
