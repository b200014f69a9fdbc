//! The report of an audit as text.

use super::bound::Bound;
use super::report::{Found, Report};
use crate::render::{BOLD, DIM, RED, YELLOW, table, text};
use comfy_table::ContentArrangement;
use portkeeper_core::code::Severity;
use portkeeper_core::plan::Decision;
use portkeeper_core::time::{Timestamp, spoken};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many undetermined verdicts, and how many services of one cause, are listed.
const LISTED: usize = 10;

/// The column names and the line below them.
const HEADER_LINES: usize = 2;

/// Prints findings, undetermined verdicts, what could not be read, and how much was read.
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
        "Read {}, {}, {}, {} in {}.",
        counted(report.clusters.len(), "cluster"),
        counted(sum(|it| it.services), "service"),
        counted(sum(|it| it.tasks), "task"),
        counted(sum(|it| it.targets), "registered target"),
        counted(sum(|it| it.target_groups.len()), "target group"),
    )?;
    for (why, services) in &report.out_of_scope {
        writeln!(out, "{DIM}Out of scope: {}: {why}.{DIM:#}", counted(*services, "service"))?;
    }
    if report.settling > 0 {
        let differences = counted(report.settling, "difference");
        writeln!(
            out,
            "{DIM}{differences} within the settle time: ECS may still be converging.{DIM:#}"
        )?;
    }
    let codes: Vec<String> =
        report.by_code().into_iter().map(|(code, count)| format!("{count} {code}")).collect();
    if found.is_empty() && !report.unread.is_empty() {
        return writeln!(out, "{BOLD}No findings in what could be read.{BOLD:#}");
    }
    if found.is_empty() {
        return writeln!(out, "{BOLD}No findings.{BOLD:#}");
    }
    writeln!(out, "{BOLD}{}{BOLD:#}: {}.", counted(found.len(), "finding"), codes.join(", "))?;
    writeln!(
        out,
        "An audit has no ledger: no finding is confirmed, and ownership of leftover\n\
         targets cannot be proved, so none would be deregistered. The other repairs\n\
         would run after a second check, one minute later."
    )
}

/// Prints a row for each finding and its reason below the row: a column would be too narrow for it.
fn findings(out: &mut impl Write, found: &[&Found]) -> io::Result<()> {
    let mut rows = table(&["severity", "finding", "service", "resource", "action"]);
    rows.set_content_arrangement(ContentArrangement::Disabled);
    for Found { service, began, audit } in found {
        let (severity, code) = (audit.severity.as_str().to_owned(), audit.code.to_string());
        rows.add_row([
            severity,
            code,
            service.clone(),
            audit.subject.readable(),
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
            "{YELLOW}undetermined{YELLOW:#} {}: {}: {}",
            it.service, it.verdict.subject, it.verdict.why
        )?;
    }
    match report.undetermined.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "{YELLOW}undetermined{YELLOW:#} {more} more: --json lists them all"),
    }
}

/// Prints what could not be read, with the reason.
pub(super) fn unread(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for ((what, why), services) in &report.unread {
        let names: Vec<&str> = services.iter().take(LISTED).map(String::as_str).collect();
        let more = services.len().saturating_sub(names.len());
        let of = match (names.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(" ({})", names.join(", ")),
            (false, more) => format!(" ({} and {more} more services)", names.join(", ")),
        };
        writeln!(out, "{RED}unreadable{RED:#} {what}{of}: {why}")?;
    }
    Ok(())
}

/// Returns the action that Portkeeper would take after a second check with the same result.
pub(super) fn action(then: &Decision, began: Timestamp) -> String {
    match then {
        Decision::Repair(kind) => kind.verb().to_owned(),
        Decision::Await(at) => format!("alert only, after {}", spoken(at.secs_since(began))),
        Decision::Alert => "alert only".to_owned(),
        Decision::Withheld => "alert only, repair withheld".to_owned(),
        Decision::InOrder | Decision::Leave | Decision::Unknown => "none".to_owned(),
    }
}

/// Prints the duration and the number of API calls.
pub(super) fn effort(
    out: &mut impl Write,
    seconds: u32,
    calls: &BTreeMap<&'static str, u64>,
    bound: &Bound,
) -> io::Result<()> {
    let made: u64 = calls.values().sum();
    let bound = bound.total();
    writeln!(out, "API calls in {}: {made} (minimum for this account: {bound}).", spoken(seconds))
}

/// Returns a number and its noun, singular or plural.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
