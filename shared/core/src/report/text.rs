//! The plain text of an alert, as subscribers by email receive it.

use super::document::{Document, DocumentItem};
use crate::alert::{AlertState, Impact};
use crate::time::spoken;
use std::fmt::Write as _;

/// The text lists up to this many items and counts the rest.
const LISTED_ITEMS: usize = 20;

pub(super) fn body(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (label, value) in facts(document) {
        let _ = writeln!(text, "{label}: {value}");
    }
    text.push('\n');
    for item in document.items.iter().take(LISTED_ITEMS) {
        let _ = write!(text, "- {}, {}: {}", item.about, when(item), item.why);
        if let Some(done) = &item.done {
            let _ = write!(text, ". {done}");
        }
        text.push('\n');
    }
    if document.count() > LISTED_ITEMS {
        let _ = writeln!(text, "- and {} more", document.count() - LISTED_ITEMS);
    }
    if !document.what_to_do.is_empty() || document.who.is_some() {
        text.push('\n');
    }
    if let Some(who) = &document.who {
        let _ = writeln!(text, "Cause: {who}");
    }
    for line in &document.what_to_do {
        let _ = writeln!(text, "Action: {line}");
    }
    if !document.links.is_empty() {
        text.push_str("\nLinks:");
    }
    for link in &document.links {
        let _ = write!(text, "\n{}: {}", link.name, link.url);
    }
    text
}

/// The labelled lines at the head of an alert, in the order in which every form shows them. Once
/// the incident is over, nothing is expected.
pub(super) fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let Document { cluster, service, region, account, .. } = document;
    let owner = document.owner.as_ref().map(|owner| format!(", owner {owner}")).unwrap_or_default();
    let state = match document.state {
        AlertState::Opened => String::new(),
        other => format!(" ({})", other.as_str()),
    };
    let mut facts = vec![
        ("Service", format!("{cluster}/{service} in {region}, account {account}{owner}")),
        ("Finding", format!("{}{state}: {}", document.code, document.meaning)),
        ("Severity", document.severity.as_str().to_owned()),
    ];
    if !document.state.is_end() {
        facts.extend(document.impact.map(|impact| ("Impact", impact_text(impact))));
        facts.push(("Expected", document.expected.clone()));
        facts.push(("Found", document.found.clone()));
    }
    facts
}

/// When the finding began, and how long it lasted if it is over.
pub(super) fn when(item: &DocumentItem) -> String {
    match (item.took_seconds, item.seen) {
        (Some(took), _) => {
            format!("since {}, ended after {}", item.since.readable(), spoken(took))
        }
        (None, seen @ 3..) => {
            format!("since {}, found by {seen} checks", item.since.readable())
        }
        (None, _) => format!("since {}", item.since.readable()),
    }
}

/// `1 of 3 tasks receives no traffic`
pub(super) fn impact_text(impact: Impact) -> String {
    let Impact { tasks_without_traffic: without, tasks } = impact;
    let receives = if without == 1 { "receives" } else { "receive" };
    match tasks {
        1 => "the service's only task receives no traffic".to_owned(),
        tasks if tasks == without => {
            format!("none of the service's {tasks} tasks receives traffic")
        }
        tasks => format!("{without} of {tasks} tasks {receives} no traffic"),
    }
}
