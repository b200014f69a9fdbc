//! The alert as Slack shows it: Block Kit, within Slack's limits, every text escaped.
//!
//! Sources: <https://docs.slack.dev/reference/block-kit/blocks>,
//! <https://docs.slack.dev/messaging/formatting-message-text>.

use super::cut;
use super::document::{Document, DocumentItem};
use super::text::{impact_line, when};
use crate::alert::AlertState;
use crate::code::Severity;
use crate::time::spoken;
use serde_json::{Value, json};

/// A section's text may have so many characters.
const SECTION_LIMIT: usize = 3_000;

/// A header's text.
const HEADER_LIMIT: usize = 150;

/// One field of a section.
const FIELD_LIMIT: usize = 2_000;

/// An element's URL.
const URL_LIMIT: usize = 3_000;

/// So many things are shown, each in a section of its own; a message may have 50 blocks.
const SHOWN_ITEMS: usize = 10;

/// A message for an incoming webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackMessage(Value);

impl SlackMessage {
    /// A text of which nothing else is known, such as a message of somebody else on the same topic.
    #[must_use]
    pub fn plain(title: &str, text: &str) -> Self {
        let body =
            format!("```\n{}\n```", cut(&escape(text).replace("```", "'''"), SECTION_LIMIT - 10));
        Self::new(title, Severity::Warning, &[header(title), section(&body)])
    }

    /// One line, without any form.
    #[must_use]
    pub fn bare(text: &str) -> Self {
        Self(json!({ "text": cut(&escape(text), SECTION_LIMIT) }))
    }

    fn new(summary: &str, severity: Severity, blocks: &[Value]) -> Self {
        let colour = colour(severity);
        // Blocks in an attachment have the coloured bar beside them. `text` is what notifications
        // show.
        Self(json!({
            "text": escape(summary),
            "attachments": [{ "color": colour, "fallback": escape(summary), "blocks": blocks }],
        }))
    }

    /// The body of the request.
    #[must_use]
    pub fn to_json(&self) -> &Value {
        &self.0
    }
}

/// The message of an alert.
#[must_use]
pub fn slack_message(document: &Document) -> SlackMessage {
    let mut blocks =
        vec![header(&format!("{} {}", sign(document), document.title)), facts(document)];
    if !document.state.is_end() {
        let mut lines = Vec::new();
        if let Some(impact) = document.impact {
            lines.push(impact_line(impact));
        }
        lines.push(format!("*Expected:* {}", escape(&document.expected)));
        lines.push(format!("*Found:* {}", escape(&document.found)));
        blocks.push(section(&lines.join("\n")));
    }
    blocks.extend(document.items.iter().take(SHOWN_ITEMS).map(|item| section(&item_text(item))));
    if document.count() > SHOWN_ITEMS {
        blocks.push(section(&format!("_and {} more_", document.count() - SHOWN_ITEMS)));
    }
    if let Some(who) = &document.who {
        blocks.push(section(&format!("*Who did it:* {}", escape(who))));
    }
    if !document.what_to_do.is_empty() {
        let lines: Vec<String> = document.what_to_do.iter().map(|line| escape(line)).collect();
        blocks.push(section(&format!("*What to do:* {}", lines.join("\n"))));
    }
    if let Some(buttons) = buttons(document) {
        blocks.push(buttons);
    }
    SlackMessage::new(&document.title, loudness(document), &blocks)
}

/// An end is green, whatever it ends.
fn loudness(document: &Document) -> Severity {
    if document.state.is_end() { Severity::Info } else { document.severity }
}

/// Slack's own colours have no meaning for people who do not see them, so a sign says the same.
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
    // Plain text is not marked up, and so not escaped.
    json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, HEADER_LIMIT), "emoji": true } })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION_LIMIT) } })
}

/// Service, code, severity and state, beside each other.
fn facts(document: &Document) -> Value {
    let Document { cluster, service, region, account, .. } = document;
    let state =
        match (document.state, document.items.iter().filter_map(|item| item.took_seconds).max()) {
            (state, Some(took)) => format!("{} after {}", state.as_str(), spoken(took)),
            (state, None) => state.as_str().to_owned(),
        };
    let owner = document.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
    let pairs = [
        ("Service", format!("{cluster}/{service}{owner}")),
        ("Where", format!("{region}, account {account}")),
        ("Finding", format!("{}: {}", document.code, document.meaning)),
        ("State", format!("{state}, {}", document.severity.as_str())),
    ];
    let field = |(name, value): (&str, String)| json!({ "type": "mrkdwn", "text": cut(&format!("*{name}*\n{}", escape(&value)), FIELD_LIMIT) });
    let fields: Vec<Value> = pairs.into_iter().map(field).collect();
    json!({ "type": "section", "fields": fields })
}

fn item_text(item: &DocumentItem) -> String {
    let mut lines = vec![format!("*{}*, {}", escape(&item.about), when(item)), escape(&item.why)];
    lines.extend(item.done.as_ref().map(|done| format!("*{}*", escape(done))));
    lines.join("\n")
}

fn buttons(document: &Document) -> Option<Value> {
    // Five is the most that one row may have, and a link that was cut leads nowhere.
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

/// Slack takes `&`, `<` and `>` for its own marks. Its other marks (`*`, `_`, `~`, and the
/// backtick) only look different.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
