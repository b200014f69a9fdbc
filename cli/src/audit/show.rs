//! The report as text for people.

use super::bound::Bound;
use super::report::{Found, Report};
use crate::render::{BOLD, DIM, RED, YELLOW, table, text};
use comfy_table::ContentArrangement;
use portkeeper_core::code::Severity;
use portkeeper_core::plan::Decision;
use portkeeper_core::time::{Timestamp, spoken};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many things that are not known, and how many services of one cause, are listed.
const LISTED: usize = 10;

/// The names of the columns, and the line under them.
const HEADER_LINES: usize = 2;

/// Findings, what is not known, what could not be read, and how much was looked at.
pub(crate) fn report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let found = report.findings();
    if !found.is_empty() {
        findings(out, &found)?;
    }
    undetermined(out, report)?;
    unread(out, report)?;
    let seen = report.clusters.values();
    let sum =
        |each: fn(&super::report::ClusterCounts) -> usize| seen.clone().map(each).sum::<usize>();
    writeln!(
        out,
        "Looked at {}, {}, {}, {} in {}.",
        counted(report.clusters.len(), "cluster"),
        counted(sum(|it| it.services), "service"),
        counted(sum(|it| it.tasks), "task"),
        counted(sum(|it| it.targets), "registered target"),
        counted(sum(|it| it.target_groups.len()), "target group"),
    )?;
    for (why, services) in &report.out_of_scope {
        writeln!(
            out,
            "{DIM}Not looked at more closely: {}: {why}.{DIM:#}",
            counted(*services, "service")
        )?;
    }
    if report.settling > 0 {
        let differences = counted(report.settling, "difference");
        writeln!(out, "{DIM}{differences} too young to judge: ECS may still be at work.{DIM:#}")?;
    }
    let codes: Vec<String> =
        report.by_code().into_iter().map(|(code, count)| format!("{count} {code}")).collect();
    if found.is_empty() && !report.unread.is_empty() {
        return writeln!(out, "{BOLD}Nothing wrong was found in what could be read.{BOLD:#}");
    }
    if found.is_empty() {
        return writeln!(out, "{BOLD}Nothing wrong was found.{BOLD:#}");
    }
    writeln!(out, "{BOLD}{}{BOLD:#}: {}.", counted(found.len(), "finding"), codes.join(", "))?;
    writeln!(
        out,
        "This was a first look, without Portkeeper's ledger: nothing is confirmed yet, and nothing proves that a registration is\nstill its old task's, so none would be taken out. The rest would follow once a second look, a minute later, agrees."
    )
}

/// A row for each finding, and under it the reason, which is as long as it is: in a column it would
/// be torn to pieces.
fn findings(out: &mut impl Write, found: &[&Found]) -> io::Result<()> {
    let mut rows = table(&["severity", "finding", "service", "about", "Portkeeper would"]);
    rows.set_content_arrangement(ContentArrangement::Disabled);
    for Found { service, began, audit } in found {
        let (severity, code) = (audit.severity.as_str().to_owned(), audit.code.to_string());
        rows.add_row([
            severity,
            code,
            service.clone(),
            audit.subject.to_string(),
            action(&audit.then, *began),
        ]);
    }
    let rows = text(&rows);
    let (header, rows): (Vec<_>, Vec<_>) =
        rows.lines().enumerate().partition(|(number, _)| *number < HEADER_LINES);
    header.iter().try_for_each(|(_, line)| writeln!(out, "{line}"))?;
    for ((_, row), Found { audit, .. }) in rows.iter().zip(found) {
        let style = if audit.severity == Severity::Warning { YELLOW } else { RED };
        writeln!(out, "{style}{row}{style:#}\n            {DIM}{}{DIM:#}", audit.why)?;
    }
    writeln!(out)
}

fn undetermined(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for it in report.undetermined.iter().take(LISTED) {
        writeln!(
            out,
            "{YELLOW}not known{YELLOW:#} {}: {}: {}",
            it.service, it.verdict.subject, it.verdict.why
        )?;
    }
    match report.undetermined.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "{YELLOW}not known{YELLOW:#} and {more} more; --json lists them"),
    }
}

/// What could not be read, with the reason.
pub(super) fn unread(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for ((what, why), services) in &report.unread {
        let names: Vec<&str> = services.iter().take(LISTED).map(String::as_str).collect();
        let more = services.len().saturating_sub(names.len());
        let of = match (names.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({})", names.join(", ")),
            (false, more) => format!(" ({} and {more} more services)", names.join(", ")),
        };
        writeln!(out, "{RED}could not be read{RED:#} {what}{of}: {why}")?;
    }
    Ok(())
}

/// What would follow once a second look agrees.
pub(super) fn action(then: &Decision, began: Timestamp) -> String {
    match then {
        Decision::Repair(kind) => format!("{} it", kind.verb()),
        Decision::Await(at) => format!("tell people if it lasts {}", spoken(at.secs_since(began))),
        Decision::Tell => "tell people".to_owned(),
        Decision::Withheld => "withhold the repair, and tell people".to_owned(),
        Decision::Right | Decision::Leave | Decision::Unknown => "leave it".to_owned(),
    }
}

/// What it took.
pub(super) fn effort(
    out: &mut impl Write,
    seconds: u32,
    calls: &BTreeMap<&'static str, u64>,
    bound: &Bound,
) -> io::Result<()> {
    let made: u64 = calls.values().sum();
    let bound = bound.total();
    writeln!(out, "{made} API calls in {}; what was seen takes at least {bound}.", spoken(seconds))
}

/// A number and its noun.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
