//! The alert as Slack shows it: Block Kit, within Slack's limits, every text escaped.
//!
//! Sources: <https://docs.slack.dev/reference/block-kit/blocks>,
//! <https://docs.slack.dev/messaging/formatting-message-text>.

use super::cut;
use super::document::{Document, DocumentItem};
use super::text::{facts, when};
use crate::alert::AlertState;
use crate::code::Severity;
use serde_json::{Value, json};

/// The maximum number of characters of a section's text.
const SECTION_LIMIT: usize = 3_000;

/// The maximum number of characters of a header's text.
const HEADER_LIMIT: usize = 150;

/// One of the labelled lines at the head. They share a section.
const FACT_LIMIT: usize = 450;

/// The maximum number of characters of an element's URL.
const URL_LIMIT: usize = 3_000;

/// The message shows up to this many items, each in a section of its own; Slack allows 50 blocks.
const SHOWN_ITEMS: usize = 10;

/// A message for an incoming webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackMessage(Value);

impl SlackMessage {
    /// A text without a known form, such as another publisher's message on the same topic.
    #[must_use]
    pub fn plain(title: &str, text: &str) -> Self {
        let body =
            format!("```\n{}\n```", cut(&escape(text).replace("```", "'''"), SECTION_LIMIT - 10));
        Self::new(title, Severity::Warning, &[header(title), section(&body)])
    }

    /// One line without blocks.
    #[must_use]
    pub fn bare(text: &str) -> Self {
        Self(json!({ "text": cut(&escape(text), SECTION_LIMIT) }))
    }

    fn new(summary: &str, severity: Severity, blocks: &[Value]) -> Self {
        let colour = colour(severity);
        // Slack shows a coloured bar next to blocks in an attachment. Notifications show `text`.
        Self(json!({
            "text": escape(summary),
            "attachments": [{ "color": colour, "fallback": escape(summary), "blocks": blocks }],
        }))
    }

    /// Returns the body of the request.
    #[must_use]
    pub fn to_json(&self) -> &Value {
        &self.0
    }
}

/// Returns the message of an alert.
#[must_use]
pub fn slack_message(document: &Document) -> SlackMessage {
    let lines: Vec<String> = facts(document)
        .into_iter()
        .map(|(label, value)| format!("*{label}:* {}", cut(&escape(&value), FACT_LIMIT)))
        .collect();
    let mut blocks =
        vec![header(&format!("{} {}", sign(document), document.title)), section(&lines.join("\n"))];
    blocks.extend(document.items.iter().take(SHOWN_ITEMS).map(|item| section(&item_text(item))));
    if document.count() > SHOWN_ITEMS {
        blocks.push(section(&format!("_and {} more_", document.count() - SHOWN_ITEMS)));
    }
    if let Some(who) = &document.who {
        blocks.push(section(&format!("*Cause:* {}", escape(who))));
    }
    if !document.what_to_do.is_empty() {
        let lines: Vec<String> = document.what_to_do.iter().map(|line| escape(line)).collect();
        blocks.push(section(&format!("*Action:* {}", lines.join("\n"))));
    }
    if let Some(buttons) = buttons(document) {
        blocks.push(buttons);
    }
    SlackMessage::new(&document.title, shown_severity(document), &blocks)
}

/// The end of an incident is green, whatever its severity was.
fn shown_severity(document: &Document) -> Severity {
    if document.state.is_end() { Severity::Info } else { document.severity }
}

/// A sign for readers who cannot see the colour.
fn sign(document: &Document) -> &'static str {
    match (document.state, document.severity) {
        (AlertState::Resolved, _) => "\u{2705}",
        (AlertState::Superseded, _) => "\u{27a1}\u{fe0f}",
        (_, Severity::Critical) => "\u{1f6a8}",
        (_, Severity::Error) => "\u{1f534}",
        (_, Severity::Warning) => "\u{1f7e1}",
        (_, Severity::Info) => "\u{2139}\u{fe0f}",
    }
}

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "#8b0000",
        Severity::Error => "#d93025",
        Severity::Warning => "#f2a600",
        Severity::Info => "#1e8e3e",
    }
}

fn header(text: &str) -> Value {
    // Slack does not interpret marks in plain text, so it needs no escaping.
    json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, HEADER_LIMIT), "emoji": true } })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION_LIMIT) } })
}

fn item_text(item: &DocumentItem) -> String {
    let mut lines = vec![format!("*{}*, {}", escape(&item.about), when(item)), escape(&item.why)];
    lines.extend(item.done.as_ref().map(|done| format!("*{}*", escape(done))));
    lines.join("\n")
}

fn buttons(document: &Document) -> Option<Value> {
    // Slack allows five buttons in one row, and a link that was cut leads nowhere.
    let links = document
        .links
        .iter()
        .filter(|link| link.url.len() <= URL_LIMIT && link.url.starts_with("https://"));
    let buttons: Vec<Value> = links
        .take(5)
        .map(|link| {
            let text = json!({ "type": "plain_text", "text": cut(&link.name, 75) });
            json!({ "type": "button", "text": text, "url": link.url })
        })
        .collect();
    (!buttons.is_empty()).then(|| json!({ "type": "actions", "elements": buttons }))
}

/// Escapes `&`, `<` and `>`, which Slack reads as control characters. Its other marks (`*`, `_`,
/// `~` and the backtick) only change how the text looks.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
