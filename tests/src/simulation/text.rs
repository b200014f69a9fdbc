//! Prints a run as text, to find the reason for a broken rule.

use super::Play;
use super::handled::Checked;
use super::judge::Violation;
use portkeeper_core::plan::{ActionKind, Decision, OutcomeResult};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::journal::Entry;
use portkeeper_world::truth;
use std::fmt::Write as _;

/// The number of latest steps and calls to print.
const STEPS: usize = 60;
const CALLS: usize = 60;
const CALL_LENGTH: usize = 260;

fn tail(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

pub(crate) fn group_name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// Describes the decisions and actions of a check. Empty if it had no findings.
pub(crate) fn check(checked: &Checked, at_ms: u64) -> Vec<String> {
    let seconds = at_ms / 1000;
    let mut lines = Vec::new();
    let mut say = |text: String| lines.push(format!("       +{seconds}s {}: {text}", checked.key));
    for verdict in checked.plan.iter().flat_map(|plan| &plan.verdicts) {
        if let Some(code) = &verdict.code {
            say(format!("{code} {} {:?} {}", verdict.subject, verdict.decision, verdict.why));
        } else if verdict.decision == Decision::Unknown {
            say(format!("unknown {}: {}", verdict.subject, verdict.why));
        }
    }
    for outcome in &checked.outcomes {
        let verb = match outcome.kind {
            ActionKind::Register => "REGISTER",
            ActionKind::Deregister => "DEREGISTER",
        };
        let result = match &outcome.result {
            OutcomeResult::Done => "done",
            OutcomeResult::Refused(why)
            | OutcomeResult::Failed(why)
            | OutcomeResult::Skipped(why) => why,
        };
        say(format!("{verb} {} {}: {result}", outcome.group.name(), outcome.target));
    }
    for alert in &checked.alerts {
        say(format!("alert: {alert}"));
    }
    for error in &checked.errors {
        say(format!("error: {error}"));
    }
    lines
}

/// Describes the current services, tasks and targets.
pub(crate) fn account(play: &Play, world: &World) -> String {
    let mut text = String::new();
    let live = truth::live_targets(world);
    // Writing to a String cannot fail.
    for service in &play.account.services {
        let groups: Vec<&str> = service.groups.iter().map(|group| group_name(group)).collect();
        let _ = writeln!(
            text,
            "service {} {:?} mode={} groups={}",
            service.key(),
            service.kind,
            service.mode,
            groups.join(",")
        );
        for target in live
            .iter()
            .filter(|target| target.cluster == service.cluster && target.service == service.name)
        {
            let _ = writeln!(
                text,
                "  task {} {}/{} {}:{} in {}",
                tail(&target.task_arn),
                target.last_status,
                target.desired_status,
                target.id,
                target.port,
                group_name(&target.target_group_arn)
            );
        }
    }
    for group in play.account.groups() {
        let _ = writeln!(text, "group {}", group_name(&group));
        for (id, port, state) in truth::registered(world, &group) {
            let owner = truth::owner(world, &group, &id, port);
            let owner = owner.as_deref().map_or("nobody's", tail);
            let answering = truth::answering(world, &id, port);
            let answering = answering.map_or_else(String::new, |it| {
                format!(", answered by {}/{}", it.cluster, it.service)
            });
            let _ = writeln!(text, "  target {id}:{port} {state}, {owner}{answering}");
        }
    }
    text
}

/// What happened in the account.
pub(crate) fn journal(world: &World, began_ms: u64) -> Vec<String> {
    let line = |entry: &Entry| {
        format!("       +{}s {}", entry.at_ms.saturating_sub(began_ms) / 1000, entry.text)
    };
    world.journal.all().iter().map(line).collect()
}

/// Describes a broken rule in full.
pub(crate) fn violation(play: &Play, violation: &Violation) -> String {
    let world = play.stage.world.lock();
    let mut text =
        format!("seed {}: {} — {}\n\nsteps\n", play.seed, violation.rule, violation.what);
    let first = play.steps.len().saturating_sub(STEPS);
    for step in play.steps.iter().skip(first) {
        let _ = writeln!(text, "{step}");
    }
    let seconds = (world.now_ms() - play.began_ms) / 1000;
    let _ =
        writeln!(text, "\nthe account at +{seconds}s\n{}\nthe latest calls", account(play, &world));
    let calls: Vec<_> = world
        .calls
        .all()
        .iter()
        .filter(|call| call.caller == Caller::Client || call.service == Service::Elbv2)
        .collect();
    for call in calls.iter().skip(calls.len().saturating_sub(CALLS)) {
        let at = call.at_ms.saturating_sub(play.began_ms);
        let input: String = call.input.to_string().chars().take(CALL_LENGTH).collect();
        let error =
            call.error.as_ref().map_or_else(String::new, |error| format!(" -> {}", error.code));
        let _ = writeln!(
            text,
            "  +{}.{:03}s {:?} {} {input}{error}",
            at / 1000,
            at % 1000,
            call.caller,
            call.operation
        );
    }
    let mutation =
        play.mutation.map_or_else(String::new, |mutation| format!(" --mutation {mutation:?}"));
    let _ = writeln!(
        text,
        "\nagain: cargo run --profile simulation -p portkeeper-tests --bin simulate -- --seed {} --trace{mutation}",
        play.seed
    );
    text
}
