//! Explains one service: each task with its expected targets, what is registered, and every verdict
//! with its reason.

use super::show::action;
use crate::render::{BOLD, decision, table, text, verdict_table};
use portkeeper_core::audit::{Audit, audit};
use portkeeper_core::expected::{ExpectedTargets, expected_with_record};
use portkeeper_core::ids::{Target, TargetGroupArn};
use portkeeper_core::mode::mode_in_force;
use portkeeper_core::observation::{Observation, RegisteredTarget, Task};
use portkeeper_core::plan::{Decision, PlanInput, Verdict};
use portkeeper_core::time::{Timestamp, spoken};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Whether this is the requested service, by its name or as `cluster/name`.
pub(super) fn is_meant(input: &PlanInput, wanted: &str) -> bool {
    let key = &input.observation.key;
    key.service == wanted || key.to_string() == wanted
}

/// An expected target of a task, and how it is registered.
struct Expected<'a> {
    group: &'a TargetGroupArn,
    target: &'a Target,
    registered: Option<&'a RegisteredTarget>,
}

fn expected_of<'a>(
    observation: &'a Observation,
    expected: &'a ExpectedTargets,
    task: &'a Task,
) -> Vec<Expected<'a>> {
    let own = expected.targets.iter().filter(|expected| expected.task == task.arn);
    let expected = own.map(|expected| {
        let group = observation.found_group(&expected.group);
        let registered =
            group.and_then(|group| group.targets.iter().find(|it| it.target == expected.target));
        Expected { group: &expected.group, target: &expected.target, registered }
    });
    expected.collect()
}

/// Returns why a task has no expected target, if there is a reason.
fn why_none<'a>(expected: &'a ExpectedTargets, task: &Task) -> Option<&'a str> {
    let left =
        expected.out_of_scope.iter().find(|(arn, _)| *arn == task.arn).map(|(_, why)| why.as_str());
    left.or_else(|| {
        expected.undetermined.iter().find(|it| it.task == task.arn).map(|it| it.why.as_str())
    })
    .or_else(|| expected.misfits.iter().find(|it| it.task == task.arn).map(|it| it.why.as_str()))
}

/// Prints the explanation as text.
pub(super) fn print(out: &mut impl Write, input: &PlanInput) -> io::Result<()> {
    let observation = &input.observation;
    let expected = expected_with_record(observation, &input.record, input.hop);
    let mode = mode_in_force(input);
    writeln!(
        out,
        "{BOLD}{}{BOLD:#} at {}, mode {} ({})",
        observation.key,
        input.now.readable(),
        mode.mode,
        mode.why
    )?;
    if let Some(service) = &observation.service {
        let (wanted, running) = (service.desired_count, service.running_count);
        writeln!(out, "{}, {wanted} tasks desired, {running} running\n", service.status)?;
    }
    let mut rows = table(&["task", "status", "for", "expected target", "registered"]);
    for task in &observation.tasks {
        let since =
            task.stopped_at.or(task.started_at).map_or(String::new(), |at| ago(at, input.now));
        let own = expected_of(observation, &expected, task);
        let wanted: Vec<String> =
            own.iter().map(|it| format!("{} {}", it.group.name(), it.target)).collect();
        let there = own.iter().map(|it| it.registered.map_or("no".to_owned(), state));
        let wanted = if wanted.is_empty() {
            format!("none: {}", why_none(&expected, task).unwrap_or("the task has stopped"))
        } else {
            wanted.join("\n")
        };
        let mut status = task.last_status.to_string();
        if status != task.desired_status.to_string() {
            status = format!("{status}, desired {}", task.desired_status);
        }
        rows.add_row([
            task.arn.short().to_owned(),
            status,
            since,
            wanted,
            there.collect::<Vec<_>>().join("\n"),
        ]);
    }
    writeln!(out, "{}\n", text(&rows))?;
    let others = other_registered(observation, &expected);
    if !others.is_empty() {
        let mut rows = table(&["other registered targets", "state"]);
        for (group, target) in others {
            rows.add_row([format!("{} {}", group.name(), target.target), state(target)]);
        }
        writeln!(out, "{}\n", text(&rows))?;
    }
    let audited = audit(input);
    let decided = |verdict: &Verdict| {
        let now = decision(&verdict.decision, input.now);
        let of_it =
            |it: &&Audit| Some(&it.code) == verdict.code.as_ref() && it.subject == verdict.subject;
        match (audited.findings.iter().find(of_it), &verdict.decision) {
            (Some(found), Decision::Await(_)) => {
                format!("{now}, then {}", action(&found.then, input.now))
            }
            _ => now,
        }
    };
    writeln!(out, "{}\n", text(&verdict_table(&audited.plan, decided)))
}

/// Returns the registered and draining targets that no live task is expected to have.
fn other_registered<'a>(
    observation: &'a Observation,
    expected: &ExpectedTargets,
) -> Vec<(&'a TargetGroupArn, &'a RegisteredTarget)> {
    let groups = observation
        .target_groups
        .keys()
        .filter_map(|arn| Some((arn, observation.found_group(arn)?)));
    let all = groups.flat_map(|(arn, group)| group.targets.iter().map(move |target| (arn, target)));
    let is_expected = |arn: &TargetGroupArn, target: &RegisteredTarget| {
        expected
            .targets
            .iter()
            .any(|expected| expected.group == *arn && expected.target == target.target)
    };
    all.filter(|(arn, target)| !is_expected(arn, target)).collect()
}

fn state(target: &RegisteredTarget) -> String {
    match &target.reason {
        Some(reason) => format!("{} ({reason})", target.state),
        None => target.state.to_string(),
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    spoken(now.secs_since(at))
}

/// Returns the explanation as JSON.
pub(super) fn to_json(input: &PlanInput) -> Value {
    let observation = &input.observation;
    let expected = expected_with_record(observation, &input.record, input.hop);
    let tasks = observation.tasks.iter().map(|task| {
        let wanted = expected_of(observation, &expected, task).into_iter().map(|it| {
            json!({
                "target_group": it.group, "target": it.target,
                "registered": it.registered.map(|target| json!({ "state": target.state, "reason": target.reason })),
            })
        });
        json!({
            "task": task.arn, "last_status": task.last_status, "desired_status": task.desired_status,
            "started_at": task.started_at, "stopped_at": task.stopped_at,
            "should_have": wanted.collect::<Vec<_>>(), "nothing_because": why_none(&expected, task),
        })
    });
    let others = other_registered(observation, &expected).into_iter().map(|(group, target)| {
        json!({ "target_group": group, "target": target.target, "state": target.state, "reason": target.reason })
    });
    json!({
        "service": observation.key.to_string(),
        "at": input.now,
        "tasks": tasks.collect::<Vec<_>>(),
        "unclaimed": others.collect::<Vec<_>>(),
        "verdicts": audit(input).plan.verdicts,
    })
}
