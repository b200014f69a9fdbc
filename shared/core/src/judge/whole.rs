//! Judges a service as a whole: fewer running tasks than desired for long, or tasks that fail
//! repeatedly. Both in proportion to the desired count.
//!
//! Uses the service's counts, its deployments, its stopped tasks and ECS's own messages, but no
//! individual targets. Portkeeper repairs none of these findings.
//!
//! AWS facts: F-1.2, F-2.3.

use crate::code::{Code, Severity};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::ledger::Incident;
use crate::observation::{Service, ServiceEvent, Task, TaskStatus};
use crate::policy::DEPLOYMENT_SECS;
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;
use std::collections::BTreeSet;

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

/// The same for the health checks of a container: "Task failed container health checks".
const FAILED_CONTAINER: &str = "failed container health checks";

/// From this share of the desired tasks a shortage is no finding. With up to 19 tasks, each missing
/// one is below it.
const ENOUGH_PERCENT: u64 = 95;

/// Failures are a loop if they are one in this many of the desired tasks: the rest of
/// [`ENOUGH_PERCENT`].
const LOOP_ONE_IN: u32 = 20;

/// Fewer than one in this many of the desired tasks are a warning, as for tasks without traffic.
const FEW_ONE_IN: u32 = 10;

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
    let why = format!("{counts}; {}", explanation(input, service));
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

/// The severity of a shortage or a loop by the share of the desired tasks that it affects.
fn severity_of(affected: u32, wanted: u32) -> Severity {
    if affected.saturating_mul(FEW_ONE_IN) < wanted { Severity::Warning } else { Severity::Error }
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

/// Returns what explains the shortage: the deployment in progress, the newest message of ECS since
/// all tasks ran that is not about routine work, and the last task that failed.
fn explanation(input: &PlanInput, service: &Service) -> String {
    let mut parts = Vec::new();
    if service.is_deploying() {
        parts.push(match failed_tasks(service) {
            0 => "a deployment is in progress".to_owned(),
            failed => {
                format!("a deployment is in progress, and {} in a row failed", tasks(failed))
            }
        });
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
    if parts.is_empty() {
        "none of the service's events explains it".to_owned()
    } else {
        parts.join("; ")
    }
}

/// Returns how many tasks in a row failed in a deployment that is in progress.
fn failed_tasks(service: &Service) -> u32 {
    service.deployments_in_progress().filter_map(|it| it.failed_tasks).max().unwrap_or(0)
}

fn tasks(count: u32) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

fn is_steady(event: &ServiceEvent) -> bool {
    event.message.contains(" has reached a steady state")
}

/// How a task failed.
#[derive(PartialEq, Eq)]
enum Failure {
    /// ECS stopped it because it failed the load balancer's health checks.
    HealthChecks,
    /// It ended by itself, did not start, or failed its container's health checks.
    ByItself,
}

/// A task that failed within the window of a loop.
struct Failed<'a> {
    task: &'a TaskArn,
    at: Timestamp,
    how: Failure,
    /// How long it ran.
    ran: Option<u32>,
    code: &'a str,
    reason: &'a str,
}

impl Failed<'_> {
    fn described(&self) -> String {
        match self.reason.trim_end_matches('.') {
            "" => self.code.to_owned(),
            reason => format!("{} ({reason})", self.code),
        }
    }
}

/// Returns the failure of a stopped task of this service. Scaling, deployments, Spot interruptions
/// and people stop tasks with other codes
/// ([`Task.stopCode`](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html)).
fn failed<'a>(input: &PlanInput, task: &'a Task) -> Option<Failed<'a>> {
    let own = task.service() == Some(input.observation.key.service.as_str());
    let code = task.stop_code.as_deref().filter(|_| own && task.last_status.is_over())?;
    let reason = task.stopped_reason.as_deref().unwrap_or_default();
    let how = match code {
        "ServiceSchedulerInitiated" if reason.contains(FAILED_CHECKS) => Failure::HealthChecks,
        "ServiceSchedulerInitiated" if reason.contains(FAILED_CONTAINER) => Failure::ByItself,
        "EssentialContainerExited" | "TaskFailedToStart" => Failure::ByItself,
        _ => return None,
    };
    let at = task.stopped_at?;
    let ran = task.started_at.map(|started| at.secs_since(started));
    let recent = input.now.secs_since(at) < input.policy.kill_loop_seconds;
    recent.then_some(Failed { task: &task.arn, at, how, ran, code, reason })
}

/// Tasks fail and ECS starts others, without end. Its list of stopped tasks shows them for an hour;
/// its messages show those that fail their health checks even if that list could not be read, and
/// the deployment in progress counts those that failed in a row.
fn kill_loop(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
    let policy = &input.policy;
    let stopped: Vec<Failed<'_>> =
        input.observation.tasks.iter().filter_map(|task| failed(input, task)).collect();
    let recent = |event: &&ServiceEvent| input.now.secs_since(event.at) < policy.kill_loop_seconds;
    // The text before these words names the task: two messages about one task count once.
    let said: Vec<(&str, &str)> = service
        .events
        .iter()
        .filter(recent)
        .filter_map(|event| event.message.split_once(UNHEALTHY))
        .collect();
    let places: BTreeSet<&str> = said.iter().map(|(place, _)| *place).collect();
    let by_checks = stopped.iter().filter(|it| it.how == Failure::HealthChecks).count();
    let unhealthy = number(by_checks.max(places.len()));
    let by_itself = number(stopped.len() - by_checks);
    let in_a_row = failed_tasks(service);
    let count = unhealthy.saturating_add(by_itself).max(in_a_row);
    if count < loop_size(input, service) {
        return;
    }
    let failures = Failures { stopped: &stopped, said: &said, unhealthy, in_a_row };
    judgement.find(Finding {
        task: failures.last().map(|last| last.task.clone()),
        severity: Some(if only_newer_tasks_fail(input, service, &stopped) {
            Severity::Warning
        } else {
            severity_of(count, service.wanted_count())
        }),
        ..finding(input, Code::KillLoop, Subject::Service, failures.described(input, service))
    });
}

/// Whether all tasks that failed belong to a deployment that is to replace others, of which as many
/// run as are desired.
fn only_newer_tasks_fail(input: &PlanInput, service: &Service, stopped: &[Failed<'_>]) -> bool {
    let newer = service.newer_ids();
    let is_newer = |task: &Task| task.started_by.as_deref().is_some_and(|by| newer.contains(by));
    let own = Some(input.observation.key.service.as_str());
    let older = input.observation.tasks.iter().filter(|task| {
        let runs =
            task.last_status == TaskStatus::Running && task.desired_status == TaskStatus::Running;
        runs && task.service() == own && !is_newer(task)
    });
    let of_older = |failed: &Failed<'_>| {
        input.observation.tasks.iter().any(|task| task.arn == *failed.task && !is_newer(task))
    };
    !newer.is_empty()
        && number(older.count()) >= service.older_count()
        && !stopped.iter().any(of_older)
}

/// The failures of a loop.
struct Failures<'a> {
    /// The stopped tasks that ECS lists.
    stopped: &'a [Failed<'a>],
    /// ECS's messages about tasks that fail their health checks: the task, and the rest.
    said: &'a [(&'a str, &'a str)],
    /// How many tasks failed the load balancer's health checks.
    unhealthy: u32,
    /// How many tasks of the deployment in progress failed in a row.
    in_a_row: u32,
}

impl Failures<'_> {
    fn last(&self) -> Option<&Failed<'_>> {
        self.stopped.iter().max_by_key(|failed| (failed.at, failed.task))
    }

    fn described(&self, input: &PlanInput, service: &Service) -> String {
        let within = spoken(input.policy.kill_loop_seconds);
        let mut parts = Vec::new();
        if self.unhealthy > 0 {
            let reasons = self.stopped.iter().map(|failed| failed.reason);
            let named = reasons.filter_map(|reason| reason.split_once(FAILED_CHECKS));
            let groups: BTreeSet<String> =
                named.chain(self.said.iter().copied()).map(|(_, rest)| group_name(rest)).collect();
            let groups: Vec<String> = groups.into_iter().collect();
            let (stopped, groups) = (tasks(self.unhealthy), groups.join(", "));
            parts.push(format!(
                "ECS stopped {stopped} within {within} for failed health checks in {groups}"
            ));
        }
        let by_itself = self.stopped.iter().filter(|failed| failed.how == Failure::ByItself);
        if let Some(last) = by_itself.clone().max_by_key(|failed| (failed.at, failed.task)) {
            let (failed, last) = (tasks(number(by_itself.count())), last.described());
            parts.push(format!("{failed} failed within {within}, the last one with {last}"));
        }
        if self.in_a_row > 0 {
            let failed = tasks(self.in_a_row);
            parts.push(format!("{failed} of the deployment in progress failed in a row"));
        }
        if let Some(ran) = self.last().and_then(|last| last.ran) {
            parts.push(format!("the last one had run for {}", spoken(ran)));
        }
        let said = self.said.first().and_then(|(_, rest)| rest.split_once(" due to "));
        if let Some((_, reason)) = said {
            parts.push(format!("ECS reported: {}", reason.trim_end_matches('.')));
        }
        if self.unhealthy > 0 {
            parts.push(grace_period(service));
        }
        parts.join("; ")
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns how many failures are a loop, in proportion to the desired tasks. A reported loop ends
/// only below a part of that: otherwise a slow loop would open and resolve repeatedly.
fn loop_size(input: &PlanInput, service: &Service) -> u32 {
    let stops = input.policy.kill_loop_stops.max(1);
    let needed = stops.max(service.wanted_count().div_ceil(LOOP_ONE_IN));
    let open = input.record.incident(&Code::KillLoop, &Subject::Service);
    let lasts = open.is_some_and(|open| open.confirmation.confirmed && !open.is_over());
    if lasts { needed / stops } else { needed }
}

fn grace_period(service: &Service) -> String {
    match service.health_check_grace_seconds {
        0 => "the health check grace period is 0, so ECS stops a task that starts slowly before it is ready".to_owned(),
        grace => format!("the health check grace period is {}", spoken(grace)),
    }
}

/// Returns the group's name in `arn:…) due to …`.
fn group_name(rest: &str) -> String {
    let arn = rest.split_once(')').map_or(rest, |(arn, _)| arn);
    TargetGroupArn::try_from(arn).map_or_else(|_| arn.to_owned(), |arn| arn.name().to_owned())
}
