//! The result of a check, as text. Writing to a `String` cannot fail.

use super::world::Look;
use portkeeper_core::ids::{ContainerInstanceArn, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::{Incident, LedgerRecord, Subject};
use portkeeper_core::observation::Questions;
use portkeeper_core::plan::{ActionKind, Alert, AlertState, Decision, PlanInput, Verdict};
use portkeeper_core::readiness::Readiness;
use portkeeper_core::time::{Timestamp, spoken};
use std::fmt::Write as _;

/// Everything that is not in order; the questions, writes and alerts; and when the next check is
/// due.
pub fn look(look: &Look<'_>) -> String {
    let Look { world, input, questions, plan } = look;
    let mut out = format!("{}s:\n", world.now.secs_since(world.start));
    if !questions.is_empty() {
        let _ = writeln!(out, "  asks: {}", asked(questions));
    }
    for verdict in plan.verdicts.iter().filter(|verdict| verdict.decision != Decision::InOrder) {
        let _ = writeln!(out, "  {}", one(verdict, world.now));
    }
    let actions = plan.actions.iter().map(|action| {
        let targets: Vec<String> = action.targets.iter().map(ToString::to_string).collect();
        let zone =
            action.zone.map(|zone| format!(" in zone {}", zone.as_str())).unwrap_or_default();
        format!("{} {} [{}]{zone}", action.kind.verb(), action.group.name(), targets.join(", "))
    });
    let actions: Vec<String> = actions.collect();
    if !actions.is_empty() {
        let _ = writeln!(out, "  plan: {}", actions.join("; "));
    }
    for alert in &plan.alerts {
        let _ = writeln!(out, "  alert: {}", alert_line(alert));
    }
    if plan.next_record == input.record {
        let _ = writeln!(out, "  nothing to write down");
    }
    if let Some(at) = plan.recheck_at {
        let _ = writeln!(out, "  looks again in {}s", at.secs_since(world.now));
    }
    out
}

fn asked(questions: &Questions) -> String {
    let mut parts = Vec::new();
    let names = |tails: Vec<&str>| tails.join(", ");
    if !questions.tasks.is_empty() {
        parts.push(format!("tasks {}", names(questions.tasks.iter().map(TaskArn::tail).collect())));
    }
    if !questions.container_instances.is_empty() {
        let instances =
            questions.container_instances.iter().map(ContainerInstanceArn::tail).collect();
        parts.push(format!("state of {}", names(instances)));
    }
    if !questions.target_groups.is_empty() {
        parts.push(format!(
            "group {}",
            names(questions.target_groups.iter().map(TargetGroupArn::name).collect())
        ));
    }
    let hosts = &questions.other_tasks.hosts;
    if questions.other_tasks.cluster {
        parts.push("owners in the cluster".to_owned());
    }
    if !hosts.is_empty() {
        parts.push(format!("owners on {}", names(hosts.iter().map(String::as_str).collect())));
    }
    if !questions.other_clusters.is_empty() {
        let groups = questions.other_clusters.iter().map(TargetGroupArn::name).collect();
        parts.push(format!("owners elsewhere in {}", names(groups)));
    }
    parts.join("; ")
}

pub fn readiness(readiness: &Readiness) -> String {
    match readiness {
        Readiness::Ready => "ready\n".to_owned(),
        Readiness::NotReady(why) => format!("not ready: {why}\n"),
    }
}

/// What an audit finds, what would follow, and what it does not judge.
pub fn audit(input: &PlanInput) -> String {
    let audited = portkeeper_core::audit::audit(input);
    let mut out = "audit:\n".to_owned();
    for found in &audited.findings {
        let (code, severity) = (&found.code, found.severity.as_str());
        let then = decided(&found.then, input.now);
        let _ = writeln!(
            out,
            "  {} | {code} ({severity}) | then {then} | {}",
            found.subject, found.why
        );
    }
    for (word, verdicts) in [("young", &audited.young), ("unknown", &audited.unknown)] {
        for verdict in verdicts {
            let _ = writeln!(out, "  {word}: {} | {}", verdict.subject, verdict.why);
        }
    }
    out
}

fn one(verdict: &Verdict, now: Timestamp) -> String {
    let code = verdict.code.as_ref().map_or("-", |code| code.as_str());
    format!("{} | {code} | {} | {}", verdict.subject, decided(&verdict.decision, now), verdict.why)
}

fn decided(decision: &Decision, now: Timestamp) -> String {
    match decision {
        Decision::InOrder => "right".to_owned(),
        Decision::Repair(ActionKind::Register) => "register".to_owned(),
        Decision::Repair(ActionKind::Deregister) => "deregister".to_owned(),
        Decision::Await(at) => format!("await {}s", at.secs_since(now)),
        Decision::Alert => "alert".to_owned(),
        Decision::Leave => "leave".to_owned(),
        Decision::Unknown => "unknown".to_owned(),
        Decision::Withheld => "withheld".to_owned(),
    }
}

fn alert_line(alert: &Alert) -> String {
    let state = match alert.state {
        AlertState::Opened => String::new(),
        other => format!("{} ", other.as_str()),
    };
    let items = alert.items.iter().map(|item| match item.ended_at {
        Some(ended_at) => format!(
            "{} ({}, after {})",
            item.subject,
            item.why,
            spoken(ended_at.secs_since(item.since))
        ),
        None if item.withheld => format!("{} (held back)", item.subject),
        None => item.subject.to_string(),
    });
    let causes = alert.items.iter().map(|item| item.cause.as_ref());
    let items: Vec<String> = items
        .zip(causes)
        .map(|(item, cause)| match cause {
            Some(cause) => {
                format!("{item}, by {} with {} at {}", cause.by, cause.operation, cause.at)
            }
            None => item,
        })
        .collect();
    let of_group = alert.items.iter().any(|item| matches!(item.subject, Subject::Group(_)));
    let impact = alert.impact.filter(|_| of_group).map_or(String::new(), |impact| {
        format!(", {} of {} tasks", impact.tasks_without_traffic, impact.tasks)
    });
    let (code, severity) = (&alert.code, alert.severity.as_str());
    format!("{state}{code} ({severity}{impact}): {}", items.join(", "))
}

/// The incidents that are open at the end.
pub fn incidents(record: &LedgerRecord) -> String {
    let mut out = String::new();
    for incident in &record.incidents {
        let _ = writeln!(out, "open: {}", open(incident));
    }
    out
}

fn open(incident: &Incident) -> String {
    let mut line = format!("{} {}, seen {}", incident.code, incident.subject, incident.seen);
    if incident.repairs.tried > 0 {
        let _ = write!(line, ", {} repairs", incident.repairs.tried);
    }
    if incident.alerted.is_some() {
        line.push_str(", reported");
    }
    if incident.is_over() {
        line.push_str(", over");
    }
    line
}
