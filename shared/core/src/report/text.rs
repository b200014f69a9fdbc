//! The plain text of an alert: what arrives by e-mail. What, where, since when, why, what was done,
//! what to do next.

use super::document::{Document, DocumentItem};
use crate::alert::{AlertState, Impact};
use crate::time::spoken;
use std::fmt::Write as _;

/// So many things are listed; the rest are counted.
const LISTED_ITEMS: usize = 20;

/// The body.
pub(super) fn body(document: &Document) -> String {
    let mut text = String::new();
    let open = !document.state.is_end();
    let state = match document.state {
        AlertState::Opened => String::new(),
        other => format!(" ({})", other.as_str()),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}{state}: {}", document.code, document.meaning);
    let Document { cluster, service, region, account, .. } = document;
    let severity = document.severity.as_str();
    let _ = writeln!(
        text,
        "Service {cluster}/{service} in {region}, account {account}, severity {severity}"
    );
    if let Some(owner) = &document.owner {
        let _ = writeln!(text, "Owner: {owner}");
    }
    if open {
        if let Some(impact) = document.impact {
            let _ = writeln!(text, "{}", impact_line(impact));
        }
        let _ = writeln!(text, "Expected: {}. Found: {}.", document.expected, document.found);
    }
    text.push('\n');
    for item in document.items.iter().take(LISTED_ITEMS) {
        let _ = writeln!(text, "- {}, {}", item.about, when(item));
        let _ = writeln!(text, "  {}", item.why);
        if let Some(done) = &item.done {
            let _ = writeln!(text, "  {done}");
        }
    }
    if document.count() > LISTED_ITEMS {
        let _ = writeln!(text, "- and {} more", document.count() - LISTED_ITEMS);
    }
    if !document.what_to_do.is_empty() || document.who.is_some() {
        text.push('\n');
    }
    if let Some(who) = &document.who {
        let _ = writeln!(text, "Who did it: {who}");
    }
    for line in &document.what_to_do {
        let _ = writeln!(text, "What to do: {line}");
    }
    for link in &document.links {
        let _ = write!(text, "\n{}: {}", link.name, link.url);
    }
    text
}

/// Since when, or how long it took.
pub(super) fn when(item: &DocumentItem) -> String {
    match (item.took_seconds, item.seen) {
        (Some(took), _) => format!("since {}, over after {}", item.since, spoken(took)),
        (None, seen @ 3..) => format!("since {}, seen {seen} times", item.since),
        (None, _) => format!("since {}", item.since),
    }
}

/// `1 of 3 tasks gets no traffic.`
pub(super) fn impact_line(impact: Impact) -> String {
    let Impact { tasks_without_traffic: without, tasks } = impact;
    let gets = if without == 1 { "gets" } else { "get" };
    match tasks {
        1 => "The service's only task gets no traffic.".to_owned(),
        tasks if tasks == without => format!("None of the service's {tasks} tasks gets traffic."),
        tasks => format!("{without} of {tasks} tasks {gets} no traffic."),
    }
}
