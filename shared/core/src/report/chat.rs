//! The alert as a custom notification of Amazon Q Developer in chat applications (once AWS
//! Chatbot), for Slack, Teams and Chime channels that AWS itself serves.
//!
//! Source: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.

use super::document::Document;
use super::text::{facts, when};
use super::{cut, texts};
use serde_json::{Value, json};

/// The maximum number of characters of the title that AWS shows.
const TITLE_LIMIT: usize = 250;

/// The maximum number of characters of the description that AWS shows.
const DESCRIPTION_LIMIT: usize = 8_000;

/// The notification shows up to this many items.
const SHOWN_ITEMS: usize = 10;

/// The notification of an alert. All alerts about one fault of a service share a thread.
#[must_use]
pub fn chat_notification(document: &Document) -> Value {
    let Document { cluster, service, region, account, .. } = document;
    let thread_id = format!("{cluster}/{service}/{}", document.code.family());
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
            "threadId": thread_id,
            "summary": cut(&document.title, TITLE_LIMIT),
            "eventType": document.state.as_str(),
            "relatedResources": texts(related),
            "additionalContext": { "account": account, "region": region, "severity": document.severity.as_str() },
        },
    })
}

fn description(document: &Document) -> String {
    let mut lines: Vec<String> =
        facts(document).into_iter().map(|(label, value)| format!("*{label}:* {value}")).collect();
    for item in document.items.iter().take(SHOWN_ITEMS) {
        lines.push(format!("• {}, {}\n{}", item.about, when(item), item.why));
        lines.extend(item.done.clone());
    }
    if document.count() > SHOWN_ITEMS {
        lines.push(format!("and {} more", document.count() - SHOWN_ITEMS));
    }
    lines.extend(document.who.as_ref().map(|who| format!("*Cause:* {who}")));
    lines.join("\n")
}
