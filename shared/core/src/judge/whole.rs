//! Judges a service as a whole: fewer running tasks than desired for long, or tasks that ECS stops
//! repeatedly because they fail their health checks.
//!
//! Uses the service's counts, its deployments, its stopped tasks and ECS's own messages, but no
//! single targets. Portkeeper repairs none of these findings.
//!
//! AWS facts: F-1.2, F-2.3.

use crate::code::Code;
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::observation::{Service, ServiceEvent, Task};
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// ECS's messages about routine work. Any other message may explain why tasks are missing ([service
/// event
/// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html)).
const ROUTINE: [&str; 8] = [
    " has reached a steady state",
    " has started ",
    " has stopped ",
    " has begun draining ",
    " deployment completed",
    " deployment in progress",
    " registered ",
    " deregistered ",
];

/// The text between the task and the group in ECS's message about a task that fails its health
/// checks ([service unhealthy event
/// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-unhealthy-event-messages.html)).
const UNHEALTHY: &str = " is unhealthy in (target-group ";

/// Part of the stopped reason of a task that failed its health checks: "Task failed ELB health
/// checks in (target-group …)".
const FAILED_CHECKS: &str = " health checks in (target-group ";

/// Judges the service as a whole.
pub(super) fn judge_whole(input: &PlanInput, judgement: &mut Judgement) {
    let Some(service) = &input.observation.service else { return };
    below_desired(input, service, judgement);
    kill_loop(input, service, judgement);
}

fn below_desired(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
    let (running, wanted) = (service.running_count, service.wanted_count());
    if running >= wanted {
        return;
    }
    let counts = format!("{running} of {wanted} desired tasks are running");
    if service.is_deploying() {
        judgement.say(
            Subject::Service,
            None,
            Decision::Leave,
            format!("{counts}; a deployment is in progress"),
        );
        return;
    }
    let open = input.record.incident(&Code::BelowDesired, &Subject::Service);
    let opened_at = open.filter(|open| !open.is_over()).map_or(input.now, |open| open.opened_at);
    // All tasks may have run between two checks: then the shortage starts again.
    let whole_at = service.events.iter().find(|event| is_steady(event)).map(|event| event.at);
    let extra = whole_at.map_or(0, |at| at.secs_since(opened_at));
    let why = match explanation(service) {
        Some(event) => {
            format!(
                "{counts}; ECS reported at {}: {}",
                event.at.readable(),
                event.message.trim_end_matches('.')
            )
        }
        None => format!("{counts}; none of the service's events explains it"),
    };
    let mut finding = finding(input, Code::BelowDesired, Subject::Service, why);
    finding.confirm_seconds = finding.confirm_seconds.saturating_add(extra);
    judgement.find(finding);
}

fn is_steady(event: &ServiceEvent) -> bool {
    event.message.contains(" has reached a steady state")
}

/// Returns the newest message since all tasks ran that is not about routine work.
fn explanation(service: &Service) -> Option<&ServiceEvent> {
    let since = service.events.iter().take_while(|event| !is_steady(event));
    since.into_iter().find(|event| !ROUTINE.iter().any(|words| event.message.contains(words)))
}

/// A task that ECS stopped for failed health checks.
struct Killed<'a> {
    task: &'a TaskArn,
    at: Timestamp,
    /// How long it ran.
    ran: Option<u32>,
    reason: &'a str,
}

fn killed<'a>(input: &PlanInput, task: &'a Task) -> Option<Killed<'a>> {
    let own = task.service() == Some(input.observation.key.service.as_str())
        && task.last_status.is_over();
    let by_ecs = task.stop_code.as_deref() == Some("ServiceSchedulerInitiated");
    let reason = task
        .stopped_reason
        .as_deref()
        .filter(|reason| own && by_ecs && reason.contains(FAILED_CHECKS))?;
    let at = task.stopped_at?;
    let ran = task.started_at.map(|started| at.secs_since(started));
    let recent = input.now.secs_since(at) < input.policy.kill_loop_seconds;
    recent.then_some(Killed { task: &task.arn, at, ran, reason })
}

/// ECS stops tasks that fail their health checks and starts others, without end. Its list of
/// stopped tasks shows them for an hour; its messages show them even if that list could not be
/// read.
fn kill_loop(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
    let policy = &input.policy;
    let stopped: Vec<Killed<'_>> =
        input.observation.tasks.iter().filter_map(|task| killed(input, task)).collect();
    let recent = |event: &&ServiceEvent| input.now.secs_since(event.at) < policy.kill_loop_seconds;
    // The text before these words names the task: two messages about one task count once.
    let said: Vec<(&str, &str)> = service
        .events
        .iter()
        .filter(recent)
        .filter_map(|event| event.message.split_once(UNHEALTHY))
        .collect();
    let places: BTreeSet<&str> = said.iter().map(|(place, _)| *place).collect();
    let count = stopped.len().max(places.len());
    // A reported loop ends only when no task was stopped for this long: otherwise a slow loop would
    // open and resolve repeatedly.
    let open = input.record.incident(&Code::KillLoop, &Subject::Service);
    let lasts = open.is_some_and(|open| open.confirmation.confirmed && !open.is_over());
    let needed = if lasts { 1 } else { policy.kill_loop_stops.max(1) };
    if count < usize::try_from(needed).unwrap_or(usize::MAX) {
        return;
    }
    let last = stopped.iter().max_by_key(|killed| (killed.at, killed.task));
    let named = stopped
        .iter()
        .filter_map(|killed| killed.reason.split_once(FAILED_CHECKS))
        .chain(said.iter().copied());
    let groups: BTreeSet<String> = named.map(|(_, rest)| group_name(rest)).collect();
    let groups: Vec<String> = groups.into_iter().collect();
    let mut why = format!(
        "ECS stopped {} within {} for failed health checks in {}",
        if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") },
        spoken(policy.kill_loop_seconds),
        groups.join(", ")
    );
    // Writing to a String cannot fail.
    if let Some(ran) = last.and_then(|last| last.ran) {
        let _ = write!(why, "; the last one had run for {}", spoken(ran));
    }
    if let Some((_, reason)) = said.first().and_then(|(_, rest)| rest.split_once(" due to ")) {
        let _ = write!(why, "; ECS reported: {}", reason.trim_end_matches('.'));
    }
    let _ = match service.health_check_grace_seconds {
        0 => write!(
            why,
            "; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready"
        ),
        grace => write!(why, "; the health check grace period is {}", spoken(grace)),
    };
    let task = last.map(|last| last.task.clone());
    judgement.find(Finding { task, ..finding(input, Code::KillLoop, Subject::Service, why) });
}

/// Returns the group's name in `arn:…) due to …`.
fn group_name(rest: &str) -> String {
    let arn = rest.split_once(')').map_or(rest, |(arn, _)| arn);
    TargetGroupArn::try_from(arn).map_or_else(|_| arn.to_owned(), |arn| arn.name().to_owned())
}
