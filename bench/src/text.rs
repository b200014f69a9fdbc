//! Prints the measurements as tables for a terminal that are valid Markdown.

use crate::Report;
use crate::deployment::Deployment;
use crate::functions::{EMPTY, Function, PYTHON};
use crate::goals::{Goal, ratio};
use crate::memory::Event;
use comfy_table::{CellAlignment, Table, presets};

/// Returns the whole report.
pub(crate) fn of(report: &Report) -> String {
    let mut parts = vec![
        format!("Measured on {}. Medians.", report.machine),
        functions(&report.functions),
        ratios(&report.functions),
        checks(report),
        sweeps(report),
        events(&report.check_memory.iter().chain(&report.sweep_memory).collect::<Vec<_>>()),
    ];
    parts.extend(report.deployment.as_ref().map(deployment));
    parts.push(goals(&report.goals));
    parts.join("\n\n")
}

/// Aligns the first column left and the others, which are numbers, right.
fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn functions(functions: &[Function]) -> String {
    let header = [
        "function",
        "size",
        "zipped",
        "shortest start",
        "start",
        "first event",
        "warm event",
        "CPU start",
        "CPU first",
        "CPU warm",
        "memory",
    ];
    let row = |it: &Function| {
        vec![
            it.name.to_owned(),
            megabytes(it.bytes),
            megabytes(it.zipped_bytes),
            milliseconds(it.shortest_to_first_poll_us),
            milliseconds(it.to_first_poll_us),
            milliseconds(it.first_us),
            milliseconds(it.warm_us),
            milliseconds(it.cpu_start_us),
            milliseconds(it.cpu_first_us),
            milliseconds(it.cpu_warm_us),
            megabytes(it.peak_kib * 1024),
        ]
    };
    let all = table(&header, functions.iter().map(row).collect());
    let counted = |it: &Function| {
        let counted = it.instructions?;
        let numbers = [counted.start, counted.first, counted.warm]
            .map(|number| format!("{:.2} M", ratio(number, 1_000_000)));
        Some([it.name.to_owned()].into_iter().chain(numbers).collect())
    };
    let counted: Vec<Vec<String>> = functions.iter().filter_map(counted).collect();
    if counted.is_empty() {
        return all;
    }
    format!("{all}\n\n{}", table(&["instructions", "start", "first event", "warm event"], counted))
}

/// Compares each of Portkeeper's functions with the empty and the Python function.
fn ratios(functions: &[Function]) -> String {
    let find = |name| functions.iter().find(|function| function.name == name);
    let (Some(empty), Some(python)) = (find(EMPTY), find(PYTHON)) else { return String::new() };
    let header = [
        "x",
        "start to empty",
        "Python: start",
        "first event",
        "warm event",
        "CPU warm",
        "memory",
        "zipped",
    ];
    let times = |one, other| format!("{:.1}", ratio(one, other));
    let row = |it: &Function| {
        vec![
            it.name.to_owned(),
            times(it.shortest_to_first_poll_us, empty.shortest_to_first_poll_us),
            times(python.shortest_to_first_poll_us, it.shortest_to_first_poll_us),
            times(python.first_us, it.first_us),
            times(python.warm_us, it.warm_us),
            times(python.cpu_warm_us, it.cpu_warm_us),
            times(python.peak_kib, it.peak_kib),
            times(python.zipped_bytes, it.zipped_bytes),
        ]
    };
    table(&header, functions.iter().filter(|function| function.name != PYTHON).map(row).collect())
}

fn checks(report: &Report) -> String {
    let row = |check: &crate::checks::Check| {
        let of = |made: usize, fewest: usize| format!("{made} of {fewest}");
        let tasks = format!("{} tasks", check.tasks);
        vec![
            tasks,
            of(check.warm_calls, check.fewest_warm_calls),
            of(check.cold_calls, check.fewest_cold_calls),
        ]
    };
    table(
        &["a check", "warm: calls of fewest", "cold: calls of fewest"],
        report.checks.iter().map(row).collect(),
    )
}

fn sweeps(report: &Report) -> String {
    let header = ["a sweep", "share", "calls of fewest", "refused", "time", "least", "x"];
    let row = |sweep: &crate::sweeps::Sweep| {
        let clusters = if sweep.clusters == 1 {
            "1 cluster".to_owned()
        } else {
            format!("{} clusters", sweep.clusters)
        };
        vec![
            format!("{} services in {clusters}", sweep.services),
            format!("{} %", sweep.share_percent),
            format!("{} of {}", sweep.calls, sweep.fewest_calls),
            sweep.refused.to_string(),
            format!("{:.1} s", ratio(sweep.took_ms, 1000)),
            format!("{:.1} s", ratio(sweep.least_ms, 1000)),
            format!("{:.2}", ratio(sweep.took_ms, sweep.least_ms)),
        ]
    };
    table(&header, report.sweeps.iter().map(row).collect())
}

fn events(events: &[&Event]) -> String {
    let row = |event: &&Event| {
        let services = if event.services == 1 {
            "a check of 1 service".to_owned()
        } else {
            format!("a sweep of {} services", event.services)
        };
        vec![
            services,
            event.tasks.to_string(),
            megabytes(event.peak_kib * 1024),
            format!("{:.1} s", ratio(event.took_ms, 1000)),
            format!("{} ms", event.cpu_ms),
        ]
    };
    table(&["as a process", "tasks", "memory", "time", "CPU"], events.iter().map(row).collect())
}

fn deployment(it: &Deployment) -> String {
    format!(
        "A deployment of {} tasks: {} events, {} messages in {} batches, {} checks, {} calls.",
        it.tasks, it.events, it.messages, it.batches, it.checks, it.calls_total
    )
}

fn goals(goals: &[Goal]) -> String {
    let row = |goal: &Goal| {
        let verdict = if goal.reached { "reached" } else { "MISSED" };
        vec![goal.what.clone(), goal.aim.clone(), goal.is.clone(), verdict.to_owned()]
    };
    table(&["goal", "aim", "is", ""], goals.iter().map(row).collect())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", ratio(bytes, 1_000_000))
}

fn milliseconds(micros: u64) -> String {
    format!("{:.2} ms", ratio(micros, 1000))
}
