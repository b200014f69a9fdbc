//! Plans as text for a terminal. `anstream` strips the colours if the output is not a terminal.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use portkeeper_core::ids::ContainerInstanceArn;
use portkeeper_core::observation::{Observation, Questions};
use portkeeper_core::plan::{ActionKind, Alert, Decision, Plan, PlanInput, Verdict};
use portkeeper_core::time::{Timestamp, spoken};
use std::io::{self, Write};

/// The width of tables.
const WIDTH: u16 = 120;

/// A header with a line below it, and no other lines.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

pub(crate) const BOLD: Style = Style::new().bold();
/// For errors and deregistrations.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// For successes and registrations.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// For warnings and alerts.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// For Portkeeper's own actions.
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
/// For details.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Returns a plain table with this header.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(header.iter().copied());
    table
}

/// Returns a table as text, without trailing blanks.
pub(crate) fn text(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Returns a decision in a few words.
pub(crate) fn decision(decision: &Decision, now: Timestamp) -> String {
    match decision {
        Decision::InOrder => "OK".to_owned(),
        Decision::Repair(kind) => kind.verb().to_owned(),
        Decision::Await(at) => format!("wait {}", spoken(at.secs_since(now))),
        Decision::Alert => "alert".to_owned(),
        Decision::Leave => "none".to_owned(),
        Decision::Unknown => "undetermined".to_owned(),
        Decision::Withheld => "withheld".to_owned(),
    }
}

/// Returns an alert as one line.
pub(crate) fn alert_line(alert: &Alert) -> String {
    let state = alert.state.as_str();
    let subjects: Vec<String> = alert.items.iter().map(|item| item.subject.readable()).collect();
    format!("{} {state}: {}", alert.code, subjects.join(", "))
}

/// Returns a table of all verdicts of a plan, with each decision in words.
pub(crate) fn verdict_table(plan: &Plan, decided: impl Fn(&Verdict) -> String) -> Table {
    let mut verdicts = table(&["finding", "resource", "decision", "reason"]);
    for verdict in &plan.verdicts {
        let code = verdict.code.as_ref().map_or("", |code| code.as_str());
        verdicts.add_row([
            code.to_owned(),
            verdict.subject.readable(),
            decided(verdict),
            verdict.why.clone(),
        ]);
    }
    verdicts
}

/// Prints a plan.
pub(crate) fn plan(
    out: &mut impl Write,
    input: &PlanInput,
    plan: &Plan,
    questions: &Questions,
) -> io::Result<()> {
    let now = input.now;
    writeln!(out, "{BOLD}{}{BOLD:#} at {}\n", plan.key, now.readable())?;
    writeln!(out, "{}\n", text(&verdict_table(plan, |verdict| decision(&verdict.decision, now))))?;
    if plan.actions.is_empty() {
        writeln!(out, "No writes to AWS.")?;
    }
    for action in &plan.actions {
        let style = if action.kind == ActionKind::Register { GREEN } else { RED };
        let targets: Vec<String> = action.targets.iter().map(ToString::to_string).collect();
        let (verb, group) = (action.kind.verb(), action.group.name());
        writeln!(
            out,
            "{style}{verb}{style:#} {group}: {} (before {})",
            targets.join(", "),
            action.not_after.readable()
        )?;
    }
    for alert in &plan.alerts {
        writeln!(out, "{YELLOW}alert{YELLOW:#} {}", alert_line(alert))?;
    }
    if let Some(at) = plan.recheck_at {
        writeln!(out, "{DIM}recheck{DIM:#} in {}", spoken(at.secs_since(now)))?;
    }
    let asked = asked(questions, &input.observation);
    if !asked.is_empty() {
        writeln!(out, "\nThe observation is incomplete. A live check would also read:")?;
    }
    for question in asked {
        writeln!(out, "- {question}")?;
    }
    Ok(())
}

/// Returns the questions that the observation does not answer.
fn asked(questions: &Questions, observation: &Observation) -> Vec<String> {
    let known_state = |arn: &ContainerInstanceArn| {
        observation.container_instances.get(arn).is_some_and(|instance| instance.state.is_some())
    };
    let owners = &observation.other_tasks;
    let mut asked = Vec::new();
    asked.extend(questions.tasks.iter().map(|task| format!("task {} by name", task.short())));
    let instances = questions.container_instances.iter().filter(|arn| !known_state(arn));
    asked.extend(instances.map(|arn| format!("the state of container instance {}", arn.tail())));
    let hosts = questions.other_tasks.hosts.difference(&owners.coverage.hosts);
    asked.extend(hosts.map(|ec2| format!("every container instance and task on {ec2}")));
    if questions.other_tasks.cluster && !owners.coverage.cluster {
        asked.push("every task of the cluster".to_owned());
    }
    let shared = questions.only_here.difference(&owners.only_here);
    asked.extend(shared.map(|ec2| format!("whether another cluster has {ec2}")));
    let elsewhere = questions.other_clusters.difference(&owners.other_clusters_known);
    asked.extend(
        elsewhere.map(|group| {
            format!("every task of other clusters' services that use {}", group.name())
        }),
    );
    asked
}
