//! The message of an alert in every published form.
//!
//! The [`Document`] holds everything once; the texts and the chat forms are made from it. It knows
//! names, ports, times and AWS's messages, so it cannot contain a secret. It must not know how a
//! message is sent.

mod attribution;
mod chat;
mod document;
mod links;
mod notification;
mod slack;
mod subject_line;
mod text;
mod words;

pub use attribution::DocumentCause;
pub use chat::chat_notification;
pub use document::{Document, DocumentItem, SCHEMA, SCHEMA_VERSION};
pub use links::Link;
pub use notification::unwrap_notification;
pub use slack::{SlackMessage, slack_message};
pub use subject_line::subject_line;
pub use words::{advice, contrast, meaning};

use crate::action::WriteOutcome;
use crate::alert::Alert;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsMessage {
    /// The subject: ASCII, one line, short enough for SNS.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For programs.
    pub document: Document,
    /// Message attributes for filter policies: `severity`, `code`, `cluster`, `service`, `state`,
    /// and `owner` if the service has that tag.
    pub attributes: BTreeMap<String, String>,
}

/// The form that HTTPS subscribers receive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpsFormat {
    /// The document, as all subscribers except e-mail and SMS receive it.
    #[default]
    Document,
    /// A custom notification of Amazon Q Developer in chat applications (once AWS Chatbot), which
    /// subscribes over HTTPS.
    Chat,
}

impl HttpsFormat {
    /// The allowed values, in the order of the documentation.
    pub const NAMES: [&'static str; 2] = ["json", "chat"];

    /// Parses the value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Document),
            "chat" => Some(Self::Chat),
            _ => None,
        }
    }
}

/// Returns the message for an alert, after the plan's writes.
#[must_use]
pub fn message(alert: &Alert, outcomes: &[WriteOutcome]) -> SnsMessage {
    let document = Document::of(alert, outcomes);
    let mut attributes = BTreeMap::from([
        ("severity".to_owned(), document.severity.as_str().to_owned()),
        ("code".to_owned(), document.code.to_string()),
        ("cluster".to_owned(), document.cluster.clone()),
        ("service".to_owned(), document.service.clone()),
        ("state".to_owned(), document.state.as_str().to_owned()),
    ]);
    attributes.extend(document.owner.clone().map(|owner| ("owner".to_owned(), owner)));
    SnsMessage {
        subject: document.title.clone(),
        body: text::body(&document),
        document,
        attributes,
    }
}

impl SnsMessage {
    /// Returns the `SnsMessage` of a publication with `MessageStructure=json`: the form for each
    /// protocol ([Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)). It stays
    /// far below SNS's 256 KB.
    #[must_use]
    pub fn by_protocol(&self, https: HttpsFormat) -> String {
        let document = self.document.to_json();
        let mut parts = BTreeMap::from([
            ("default", document),
            ("email", self.body.clone()),
            ("sms", self.subject.clone()),
        ]);
        if https == HttpsFormat::Chat {
            parts.insert("https", chat_notification(&self.document).to_string());
        }
        json!(parts).to_string()
    }
}

/// Cuts a text to at most `most` characters and marks the cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "… (cut)";
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(MARK.chars().count())).collect();
    format!("{kept}{MARK}")
}

/// Returns a list of texts as JSON.
fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    texts.into_iter().map(Value::String).collect()
}
