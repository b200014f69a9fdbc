//! Judges a service as a whole: fewer running tasks than desired for long, in proportion to the
//! desired count, and a deployment without progress.
//!
//! Uses the service's counts, its deployments, its stopped tasks and ECS's own messages, but no
//! individual targets. Portkeeper repairs none of these findings.
//!
//! AWS facts: F-1.2, F-2.3.

use super::health::grace_seconds;
use super::kill_loop::{failed, failed_tasks, kill_loop, severity_of, tasks};
use crate::code::{Code, Severity};
use crate::finding::{Finding, Judgement, finding};
use crate::input::PlanInput;
use crate::ledger::Incident;
use crate::observation::{DeploymentController, Service, ServiceEvent, Task, TaskStatus};
use crate::policy::DEPLOYMENT_SECS;
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;

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

/// From this share of the desired tasks a shortage is no finding. With up to 19 tasks, each missing
/// one is below it.
const ENOUGH_PERCENT: u64 = 95;

const NOT_EXPLAINED: &str = "none of the service's events explains it";

/// How long no task of a deployment in progress may have started before it is without progress.
const STUCK_SECS: u32 = 3600;

/// Judges the service as a whole.
pub(super) fn judge_whole(input: &PlanInput, judgement: &mut Judgement) {
    let Some(service) = &input.observation.service else { return };
    below_desired(input, service, judgement);
    kill_loop(input, service, judgement);
    let reports_tasks = |it: &Finding| matches!(it.code, Code::BelowDesired | Code::KillLoop);
    if !judgement.findings.iter().any(reports_tasks) {
        deployment_stuck(input, service, judgement);
    }
}

fn below_desired(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
    let (running, wanted) = (service.running_count, service.wanted_count());
    if running >= wanted {
        return;
    }
    let open = input.record.incident(&Code::BelowDesired, &Subject::Service);
    let open = open.filter(|open| !open.is_over());
    let is_confirmed = open.is_some_and(|open| open.confirmation.confirmed);
    let counts = format!("{running} of {wanted} desired tasks are running");
    let say = |judgement: &mut Judgement, code, decision, why: &str| {
        judgement.say(Subject::Service, code, decision, format!("{counts}; {why}"));
    };
    if !is_confirmed && is_enough(running, wanted) {
        say(judgement, None, Decision::Leave, "a share this small is replaced in normal operation");
        return;
    }
    let opened_at = open.map_or(input.now, |open| open.opened_at);
    let mut least = input.policy.below_desired_seconds;
    match excuse(input, service, open) {
        Excuse::None => {}
        Excuse::Until(until) if is_confirmed && until > input.now => {
            say(judgement, None, Decision::Leave, "a deployment is in progress");
            return;
        }
        Excuse::Until(until) if input.now.plus_secs(least) < until => {
            let at = Decision::Await(until.minus_secs(least));
            say(judgement, Some(Code::BelowDesired), at, "a deployment is in progress");
            return;
        }
        Excuse::Until(until) => least = least.max(until.secs_since(opened_at)),
        Excuse::SinceFound if is_confirmed => {}
        Excuse::SinceFound => least = least.max(DEPLOYMENT_SECS),
        Excuse::Progress => {
            let soon = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
            let why = "a deployment is in progress, and more tasks are running than before";
            say(judgement, Some(Code::BelowDesired), soon, why);
            return;
        }
    }
    // All tasks may have run between two checks: then the shortage starts again.
    let whole_at = service.events.iter().find(|event| is_steady(event)).map(|event| event.at);
    let extra = whole_at.map_or(0, |at| at.secs_since(opened_at));
    let mut parts = vec![counts];
    if service.is_deploying() {
        parts.push("a deployment is in progress".to_owned());
    }
    parts.extend(explanation(input, service));
    if parts.len() == 1 {
        parts.push(NOT_EXPLAINED.to_owned());
    }
    let why = parts.join("; ");
    judgement.find(Finding {
        confirm_seconds: least.saturating_add(extra),
        severity: Some(if running == 0 {
            Severity::Critical
        } else {
            severity_of(wanted - running, wanted)
        }),
        ..finding(input, Code::BelowDesired, Subject::Service, why)
    });
}

/// Whether this many of the desired tasks are enough outside deployments: with many tasks, one is
/// always being replaced.
fn is_enough(running: u32, wanted: u32) -> bool {
    u64::from(running) * 100 >= u64::from(wanted) * ENOUGH_PERCENT
}

/// Whether a deployment explains that tasks are missing.
enum Excuse {
    None,
    /// Until this time.
    Until(Timestamp),
    /// For a time from the first check that finds it: ECS did not report when the deployment began.
    SinceFound,
    /// Since the last check more tasks run.
    Progress,
}

/// A deployment explains a shortage for a bounded time and as far as `minimumHealthyPercent`
/// allows: without a circuit breaker ECS never ends one that fails
/// ([`DeploymentCircuitBreaker`](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html)).
/// It never explains that no task runs.
fn excuse(input: &PlanInput, service: &Service, open: Option<&Incident>) -> Excuse {
    let running = service.running_count;
    if !service.is_deploying() || running == 0 {
        return Excuse::None;
    }
    // The text of the incident begins with the number of the check before.
    let before = open
        .filter(|open| !open.confirmation.confirmed)
        .and_then(|open| open.why.split(' ').next()?.parse::<u32>().ok());
    if before.is_some_and(|before| running > before) {
        return Excuse::Progress;
    }
    if !service.may_run_with(running) {
        return Excuse::None;
    }
    let began = service.deployments_in_progress().filter_map(|it| it.created_at).max();
    let own = Some(input.observation.key.service.as_str());
    let runs = |task: &&Task| task.service() == own && task.last_status == TaskStatus::Running;
    let last_start =
        input.observation.tasks.iter().filter(runs).filter_map(|task| task.started_at).max();
    began.map_or(Excuse::SinceFound, |began| {
        Excuse::Until(last_start.map_or(began, |at| at.max(began)).plus_secs(DEPLOYMENT_SECS))
    })
}

/// Returns what explains that tasks are missing: the failed tasks of the deployment in progress, the
/// newest message of ECS since all tasks ran that is not about routine work, and the last task that
/// failed.
fn explanation(input: &PlanInput, service: &Service) -> Option<String> {
    let mut parts = Vec::new();
    if let failed @ 1.. = failed_tasks(service) {
        parts.push(format!("{} of the deployment failed in a row", tasks(failed)));
    }
    let since = service.events.iter().take_while(|event| !is_steady(event));
    let is_routine = |event: &&ServiceEvent| ROUTINE.iter().any(|it| event.message.contains(it));
    if let Some(event) = since.into_iter().find(|event| !is_routine(event)) {
        let (at, message) = (event.at.readable(), event.message.trim_end_matches('.'));
        parts.push(format!("ECS reported at {at}: {message}"));
    }
    let failed = input.observation.tasks.iter().filter_map(|task| failed(input, task));
    if let Some(last) = failed.max_by_key(|failed| (failed.at, failed.task)) {
        parts.push(format!("the last task that failed: {}", last.described()));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn is_steady(event: &ServiceEvent) -> bool {
    event.message.contains(" has reached a steady state")
}

/// A deployment in progress does not run as many tasks as are desired, and none of its tasks has
/// started for a long time, while older tasks serve. Without a circuit breaker, ECS never ends it.
fn deployment_stuck(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
    let newer = service.deployments_in_progress().find(|it| it.status == "PRIMARY");
    let own = service.controller == DeploymentController::Ecs;
    let Some(deployment) = newer.filter(|_| own && input.observation.tasks_are_whole()) else {
        return;
    };
    let of_it = |task: &&Task| task.started_by.as_deref() == Some(deployment.id.as_str());
    let own_tasks = input.observation.tasks.iter().filter(of_it);
    let runs = |task: &&Task| task.last_status == TaskStatus::Running;
    let running = own_tasks.clone().filter(runs).count();
    let wanted = service.wanted_count();
    let last_start = own_tasks.filter_map(|task| task.started_at).max();
    let Some(progress_at) = deployment.created_at.max(last_start) else { return };
    let quiet = input.now.secs_since(progress_at);
    // ECS may wait for the task that started last for as long as the grace period allows.
    let stuck = quiet >= STUCK_SECS.max(grace_seconds(service));
    if u32::try_from(running).is_ok_and(|running| running < wanted) && stuck {
        let why = format!(
            "the deployment of {} runs {running} of {wanted} desired tasks, and none of them has started for {}; {}",
            deployment.task_definition.path(),
            spoken(quiet),
            explanation(input, service).as_deref().unwrap_or(NOT_EXPLAINED)
        );
        judgement.find(finding(input, Code::DeploymentStuck, Subject::Service, why));
    }
}
