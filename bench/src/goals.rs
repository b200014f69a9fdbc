//! The goals, and whether a run meets them. Numbers of calls are facts: they are the same on every
//! machine, and a run that misses one fails. Times and sizes are measurements, which a busy machine
//! may miss.

use crate::Report;
use crate::functions::{EMPTY, Function, PYTHON};
use serde::Serialize;

/// The start-up time, as a multiple of the empty function's.
const MOST_TO_EMPTY: f64 = 2.0;
/// The Python function's start-up time, as a multiple of `reconcile`'s.
const LEAST_TO_PYTHON_START: f64 = 40.0;
/// The Python function's processor time for a check, as a multiple of `reconcile`'s.
const LEAST_TO_PYTHON_CPU: f64 = 20.0;
/// The duration of a sweep, as a multiple of the shortest that AWS's request limits allow.
const MOST_TO_LIMITS: f64 = 1.1;
/// From this duration on, the request limits determine how long a sweep takes, and not the round
/// trip of 20 ms for each call.
const LIMITS_DECIDE_MS: u64 = 5_000;
/// Peak memory of the function for a service with a thousand tasks, in kibibytes: 64 MB.
const MOST_KIB: u64 = 64_000_000 / 1024;

/// One goal.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) aim: String,
    pub(crate) is: String,
    pub(crate) reached: bool,
    /// True if the number is the same on every machine.
    pub(crate) is_fact: bool,
}

/// Returns every goal that this run has numbers for.
pub(crate) fn of(report: &Report) -> Vec<Goal> {
    starts(report)
        .into_iter()
        .chain(calls(report))
        .chain(limits(report))
        .chain(memory(report))
        .collect()
}

#[allow(clippy::cast_precision_loss, reason = "The measured numbers are far below 2^52.")]
pub(crate) fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other.max(1) as f64
}

fn named<'a>(report: &'a Report, name: &str) -> Option<&'a Function> {
    report.functions.iter().find(|function| function.name == name)
}

/// Compares the shortest times: other load on the machine can only make a start longer.
fn starts(report: &Report) -> Vec<Goal> {
    let mut goals = Vec::new();
    let (Some(empty), Some(python)) = (named(report, EMPTY), named(report, PYTHON)) else {
        return goals;
    };
    let measured = |what: String, aim: String, is: f64, reached| Goal {
        what,
        aim,
        is: format!("{is:.1} x"),
        reached,
        is_fact: false,
    };
    for function in
        report.functions.iter().filter(|function| ![EMPTY, PYTHON].contains(&function.name))
    {
        let to_empty = ratio(function.shortest_to_first_poll_us, empty.shortest_to_first_poll_us);
        let what = format!("start of {} to an empty function's", function.name);
        goals.push(measured(
            what,
            format!("<= {MOST_TO_EMPTY} x"),
            to_empty,
            to_empty <= MOST_TO_EMPTY,
        ));
    }
    if let Some(reconcile) = named(report, "reconcile") {
        let start = ratio(python.shortest_to_first_poll_us, reconcile.shortest_to_first_poll_us);
        let what = "start of Python to reconcile's".to_owned();
        goals.push(measured(
            what,
            format!(">= {LEAST_TO_PYTHON_START} x"),
            start,
            start >= LEAST_TO_PYTHON_START,
        ));
        let cpu = ratio(python.cpu_warm_us, reconcile.cpu_warm_us);
        let what = "processor time of a check in Python to reconcile's".to_owned();
        goals.push(measured(
            what,
            format!(">= {LEAST_TO_PYTHON_CPU} x"),
            cpu,
            cpu >= LEAST_TO_PYTHON_CPU,
        ));
    }
    goals
}

fn fact(what: String, aim: usize, is: usize) -> Goal {
    Goal { what, aim: aim.to_string(), is: is.to_string(), reached: is == aim, is_fact: true }
}

fn calls(report: &Report) -> Vec<Goal> {
    let mut goals = Vec::new();
    for check in &report.checks {
        let what = format!("calls of a check of {} tasks", check.tasks);
        goals.push(fact(format!("{what}, warm"), check.fewest_warm_calls, check.warm_calls));
        goals.push(fact(format!("{what}, cold"), check.fewest_cold_calls, check.cold_calls));
    }
    for sweep in &report.sweeps {
        let what = format!(
            "{} services in {} clusters at {} %",
            sweep.services, sweep.clusters, sweep.share_percent
        );
        goals.push(fact(format!("calls of a sweep of {what}"), sweep.fewest_calls, sweep.calls));
        goals.push(fact(
            format!("of them refused by AWS, {what}"),
            0,
            usize::try_from(sweep.refused).unwrap_or(usize::MAX),
        ));
    }
    if let Some(deployment) = &report.deployment {
        let what = format!("a deployment of {} tasks", deployment.tasks);
        goals.push(fact(format!("writes during {what}"), 0, deployment.writes));
        goals.push(fact(format!("alerts during {what}"), 0, deployment.alerts));
    }
    goals
}

/// Uses the account's clock, so these are facts, too, for sweeps that the limits determine. A small
/// sweep fits into the token buckets and takes as long as its calls in sequence.
fn limits(report: &Report) -> Vec<Goal> {
    let goal = |sweep: &crate::sweeps::Sweep| {
        let times = ratio(sweep.took_ms, sweep.least_ms);
        Goal {
            what: format!(
                "sweep of {} services in {} clusters at {} % to what the limits allow",
                sweep.services, sweep.clusters, sweep.share_percent
            ),
            aim: format!("<= {MOST_TO_LIMITS} x"),
            is: format!("{times:.2} x"),
            reached: times <= MOST_TO_LIMITS,
            is_fact: sweep.least_ms >= LIMITS_DECIDE_MS,
        }
    };
    report.sweeps.iter().map(goal).collect()
}

fn memory(report: &Report) -> Option<Goal> {
    let check = report.check_memory.as_ref()?;
    Some(Goal {
        what: format!("memory of reconcile with a service of {} tasks", check.tasks),
        aim: "<= 64 MB".to_owned(),
        is: format!("{:.1} MB", ratio(check.peak_kib * 1024, 1_000_000)),
        reached: check.peak_kib <= MOST_KIB,
        is_fact: false,
    })
}
