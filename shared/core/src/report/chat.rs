//! The alert as a custom notification of Amazon Q Developer in chat applications (once AWS
//! Chatbot), for Slack, Teams and Chime channels that AWS itself serves.
//!
//! Source: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.

use super::document::Document;
use super::text::{impact_line, when};
use super::{cut, texts};
use serde_json::{Value, json};

/// The most characters of the title and of the description that AWS shows.
const TITLE_LIMIT: usize = 250;

/// See [`TITLE_LIMIT`].
const DESCRIPTION_LIMIT: usize = 8_000;

/// So many things are shown.
const SHOWN_ITEMS: usize = 10;

/// The notification of an alert. What is told of one fault of a service stands in one thread.
#[must_use]
pub fn chat_notification(document: &Document) -> Value {
    let Document { cluster, service, region, account, .. } = document;
    let together = format!("{cluster}/{service}/{}", document.code.family());
    let groups = document
        .items
        .iter()
        .filter_map(|item| item.target_group.as_ref())
        .map(ToString::to_string);
    let tasks =
        document.items.iter().filter_map(|item| item.task.as_ref()).map(ToString::to_string);
    let mut related: Vec<String> = groups.chain(tasks).collect();
    related.sort();
    related.dedup();
    related.truncate(SHOWN_ITEMS);
    let links = document.links.iter().map(|link| format!("{}: <{}>", link.name, link.url));
    let steps = document.what_to_do.iter().cloned().chain(links);
    json!({
        "version": "1.0",
        "source": "custom",
        "id": document.id,
        "content": {
            "textType": "client-markdown",
            "title": cut(&document.title, TITLE_LIMIT),
            "description": cut(&description(document), DESCRIPTION_LIMIT),
            "nextSteps": texts(steps),
            "keywords": texts([document.code.to_string(), document.severity.as_str().to_owned(), format!("{cluster}/{service}")]),
        },
        "metadata": {
            "threadId": together,
            "summary": cut(&document.title, TITLE_LIMIT),
            "eventType": document.state.as_str(),
            "relatedResources": texts(related),
            "additionalContext": { "account": account, "region": region, "severity": document.severity.as_str() },
        },
    })
}

fn description(document: &Document) -> String {
    let mut lines = vec![format!("*{}*: {}", document.code, document.meaning)];
    if !document.state.is_end() {
        lines.extend(document.impact.map(impact_line));
        lines.push(format!("Expected: {}. Found: {}.", document.expected, document.found));
    }
    for item in document.items.iter().take(SHOWN_ITEMS) {
        lines.push(format!("• {}, {}\n{}", item.about, when(item), item.why));
        lines.extend(item.done.clone());
    }
    if document.count() > SHOWN_ITEMS {
        lines.push(format!("and {} more", document.count() - SHOWN_ITEMS));
    }
    lines.extend(document.who.as_ref().map(|who| format!("Who did it: {who}")));
    lines.join("\n")
}
