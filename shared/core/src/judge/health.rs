//! Judges a registered target of a running task that keeps failing its health checks: how long that
//! is normal, and what to check for AWS's reason. Knows the group's settings; judges only this
//! service's targets.
//!
//! AWS facts: F-4.

use crate::address::{Occupied, occupied};
use crate::code::Code;
use crate::compare::Matched;
use crate::expected::ExpectedTarget;
use crate::finding::{Finding, finding};
use crate::ids::{HostPort, Target, TargetId};
use crate::input::PlanInput;
use crate::observation::{FoundGroup, HealthState, RegisteredTarget, Service};
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};

/// NLB targets stay `initial` for minutes, because registration takes that long (ELBv2 NLB target
/// groups guide).
const NLB_INITIAL_SECS: u32 = 300;

/// A longer grace period counts as this long. It makes ECS ignore failing health checks, and its
/// largest value is 68 years; the load balancer sends no requests to the target all the same
/// ([`healthCheckGracePeriodSeconds`](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html)).
const GRACE_SECS_AT_MOST: u32 = 7200;

/// Finds a target that fails for longer than the group's interval and threshold, the service's
/// grace period and a margin explain.
pub(super) fn unhealthy(
    input: &PlanInput,
    matched: &Matched,
    group: &FoundGroup,
    since: Timestamp,
) -> Option<Finding> {
    let registered = &matched.registered;
    let failing = matches!(
        registered.state,
        HealthState::Unhealthy | HealthState::UnhealthyDraining | HealthState::Initial
    );
    if !failing {
        return None;
    }
    let service = input.observation.service.as_ref()?;
    let checks = failing_after(group);
    let is_initial = registered.state == HealthState::Initial;
    let initial = if is_initial { initial_seconds(group) } else { 0 };
    let patience =
        checks.saturating_add(initial).saturating_add(input.policy.unhealthy_margin_seconds);
    let subject = Subject::Target(matched.expected.group.clone(), matched.expected.target.clone());
    let first_seen = input
        .record
        .incident(&Code::Unhealthy, &subject)
        .map_or(input.now, |known| known.opened_at);
    let ExpectedTarget { group: of, target, task, .. } = &matched.expected;
    // The program has started.
    let was_healthy = input.record.was_healthy(of, target, task);
    let grace = grace_seconds(service);
    let grace_left =
        if was_healthy { 0 } else { grace.saturating_sub(first_seen.secs_since(since)) };
    let reason = registered.reason.as_deref().unwrap_or("no reason given");
    let mut why = format!(
        "registered, but {} ({reason}); the group's settings explain at most {} of that",
        registered.state,
        spoken(patience)
    );
    if was_healthy {
        why.push_str("; an earlier check found it healthy");
    }
    let advice = fixed_port(input, matched, group).or_else(|| what_to_check(group, registered));
    if let Some(advice) = advice {
        why.push_str("; ");
        why.push_str(&advice);
    }
    Some(Finding {
        confirm_seconds: patience.saturating_add(grace_left),
        ..finding(input, Code::Unhealthy, subject, why)
    })
}

/// Returns how many seconds after its start a program may take until it passes its health checks.
pub(super) fn grace_seconds(service: &Service) -> u32 {
    service.health_check_grace_seconds.min(GRACE_SECS_AT_MOST)
}

/// Returns how many seconds a target may be `initial` in addition to its health checks.
pub(super) fn initial_seconds(group: &FoundGroup) -> u32 {
    if is_slow_to_register(group) { NLB_INITIAL_SECS } else { 0 }
}

/// Returns how many seconds after it stops answering a target becomes unhealthy.
pub(super) fn failing_after(group: &FoundGroup) -> u32 {
    group.health_interval_seconds.saturating_mul(group.unhealthy_threshold)
}

/// Finds a target to which ELBv2 sends no requests for a reason of its own. No health check ends
/// that.
pub(super) fn unusable(input: &PlanInput, matched: &Matched, group: &FoundGroup) -> Finding {
    let registered = &matched.registered;
    let subject = Subject::Target(matched.expected.group.clone(), matched.expected.target.clone());
    let reason = registered.reason.as_deref().unwrap_or("no reason given");
    let mut why = format!("registered, but {} ({reason})", registered.state);
    if let Some(advice) = what_to_check(group, registered) {
        why.push_str("; ");
        why.push_str(&advice);
    }
    finding(input, Code::Unhealthy, subject, why)
}

/// Returns whether it is a Network or a Gateway Load Balancer. The ARN of the load balancer shows
/// it; for a group without a load balancer, its protocol does.
fn is_slow_to_register(group: &FoundGroup) -> bool {
    match group.load_balancers.first() {
        Some(arn) if arn.contains(":loadbalancer/") => !arn.contains(":loadbalancer/app/"),
        _ => !matches!(group.protocol.as_str(), "HTTP" | "HTTPS"),
    }
}

/// Returns what to change if the checks of an instance go to a port that the task does not use:
/// with dynamic host ports nothing of the task listens on a fixed one. A container with an address
/// of its own may listen on ports that its task definition does not name.
fn fixed_port(input: &PlanInput, matched: &Matched, group: &FoundGroup) -> Option<String> {
    const ABOUT_THE_PORT: [&str; 3] =
        ["Target.Timeout", "Target.FailedHealthChecks", "Target.ResponseCodeMismatch"];
    let target = &matched.registered.target;
    let reason = matched.registered.reason.as_deref()?;
    if !ABOUT_THE_PORT.contains(&reason) || !matches!(target.id, TargetId::Instance(_)) {
        return None;
    }
    let checked: i64 = group.health_port.as_deref()?.parse().ok()?;
    let checked = Target { port: HostPort::try_from(checked).ok()?, ..target.clone() };
    let task = input.observation.tasks.iter().find(|task| task.arn == matched.expected.task)?;
    let uses = |place: &Occupied| place.holds(&checked) || place.may_hold(&checked);
    if occupied(&input.observation, task).iter().any(uses) {
        return None;
    }
    Some(format!(
        "the group checks host port {}, which is no port of task {}: set the health check port of the group to `traffic-port`",
        checked.port,
        task.arn.short()
    ))
}

/// Returns what to check for the reason that ELBv2 gives
/// ([TargetHealth.Reason](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html)).
fn what_to_check(group: &FoundGroup, registered: &RegisteredTarget) -> Option<String> {
    let target = &registered.target;
    let port = group.health_port.clone().unwrap_or_else(|| target.port.to_string());
    let (whose, port) = match &target.id {
        TargetId::Instance(id) => {
            (format!("the security group of {id}"), format!("host port {port}"))
        }
        TargetId::Ip(_) => ("the task's security group".to_owned(), format!("port {port}")),
    };
    let path =
        group.health_path.as_deref().map_or("the check".to_owned(), |path| format!("`{path}`"));
    let codes = group
        .health_codes
        .as_deref()
        .map_or(String::new(), |codes| format!(" (expected: {codes})"));
    Some(match registered.reason.as_deref()? {
        "Target.Timeout" => format!(
            "the target did not answer in time: {whose} must let the load balancer reach {port}, and the program must answer within the group's health check timeout"
        ),
        "Target.ResponseCodeMismatch" => {
            format!(
                "the program answers {path} with an unexpected code{codes}: check the path and the program's log"
            )
        }
        "Target.FailedHealthChecks" => format!(
            "the connection failed or the answer was malformed: the program does not listen on {port} yet, listens on 127.0.0.1 only, or uses a different protocol from the health check"
        ),
        "Target.InvalidState" => {
            "the instance is stopped or terminated, so no request reaches the task: check the instance"
                .to_owned()
        }
        "Target.IpUnusable" => {
            "a load balancer uses the address itself: stop the task, so that the next one gets another address"
                .to_owned()
        }
        "Elb.InternalError" => {
            "the load balancer itself failed: if this persists, contact AWS Support".to_owned()
        }
        "Elb.RegistrationInProgress" | "Elb.InitialHealthChecking" => {
            "its initial health checks do not finish: check the state of the load balancer"
                .to_owned()
        }
        _ => return None,
    })
}
