//! Judges tasks that fail repeatedly, in proportion to the desired count.
//!
//! Uses the service's stopped tasks, its deployments and ECS's own messages. Portkeeper repairs
//! nothing because of it.
//!
//! AWS facts: F-2.3.

use crate::code::{Code, Severity};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::observation::{Service, ServiceEvent, Task, TaskStatus};
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use std::collections::BTreeSet;

/// The text between the task and the group in ECS's message about a task that fails its health
/// checks ([service unhealthy event
/// messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-unhealthy-event-messages.html)).
const UNHEALTHY: &str = " is unhealthy in (target-group ";

/// Part of the stopped reason of a task that failed its health checks: "Task failed ELB health
/// checks in (target-group …)".
const FAILED_CHECKS: &str = " health checks in (target-group ";

/// The same for the health checks of a container: "Task failed container health checks".
const FAILED_CONTAINER: &str = "failed container health checks";

/// Failures are a loop if they are one in this many of the desired tasks: with fewer, enough tasks
/// run.
const LOOP_ONE_IN: u32 = 20;

/// Fewer than one in this many of the desired tasks are a warning, as for tasks without traffic.
const FEW_ONE_IN: u32 = 10;

/// How a task failed.
#[derive(PartialEq, Eq)]
enum Failure {
    /// ECS stopped it because it failed the load balancer's health checks.
    HealthChecks,
    /// It ended by itself, did not start, or failed its container's health checks.
    ByItself,
}

/// A task that failed within the window of a loop.
pub(super) struct Failed<'a> {
    pub(super) task: &'a TaskArn,
    pub(super) at: Timestamp,
    how: Failure,
    /// How long it ran.
    ran: Option<u32>,
    code: &'a str,
    reason: &'a str,
}

impl Failed<'_> {
    pub(super) fn described(&self) -> String {
        match self.reason.trim_end_matches('.') {
            "" => self.code.to_owned(),
            reason => format!("{} ({reason})", self.code),
        }
    }
}

/// Returns the failure of a stopped task of this service. Scaling, deployments, Spot interruptions
/// and people stop tasks with other codes
/// ([`Task.stopCode`](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html)).
pub(super) fn failed<'a>(input: &PlanInput, task: &'a Task) -> Option<Failed<'a>> {
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
pub(super) fn kill_loop(input: &PlanInput, service: &Service, judgement: &mut Judgement) {
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

/// The severity of a shortage or a loop by the share of the desired tasks that it affects.
pub(super) fn severity_of(affected: u32, wanted: u32) -> Severity {
    if affected.saturating_mul(FEW_ONE_IN) < wanted { Severity::Warning } else { Severity::Error }
}

/// Returns how many tasks in a row failed in a deployment that is in progress.
pub(super) fn failed_tasks(service: &Service) -> u32 {
    service.deployments_in_progress().filter_map(|it| it.failed_tasks).max().unwrap_or(0)
}

pub(super) fn tasks(count: u32) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}
