//! Turns the body of a message into a Slack message. Everything on the topic is delivered: alerts as
//! Block Kit, a CloudWatch alarm with its description and reason, everything else unchanged.

use portkeeper_core::code::Severity;
use portkeeper_core::report::{
    Document, SCHEMA, SCHEMA_VERSION, SlackMessage, slack_message, unwrap_notification,
};
use portkeeper_service_spec::message::{severity as spec_severity, spec_text, spec_title};
use portkeeper_service_spec::result::{
    SCHEMA as SPEC_SCHEMA, SCHEMA_VERSION as SPEC_VERSION, SpecResult,
};
use serde::Deserialize;
use serde_json::Value;

/// A message for Slack, and what selects its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlackPost {
    /// One line, for the log and for the plain form.
    pub(crate) summary: String,
    pub(crate) message: SlackMessage,
    pub(crate) severity: Severity,
    /// `cluster/service`; empty if the message is about no service.
    pub(crate) service: String,
    /// The value of the service's tag `portkeeper:owner`; empty without the tag.
    pub(crate) owner: String,
}

impl SlackPost {
    /// The same in a plain form, without blocks that Slack could refuse.
    pub(crate) fn plain(&self) -> SlackMessage {
        SlackMessage::bare(&self.summary)
    }

    fn other(title: &str, text: &str) -> Self {
        Self {
            summary: title.to_owned(),
            message: SlackMessage::plain(title, text),
            severity: Severity::Error,
            service: String::new(),
            owner: String::new(),
        }
    }
}

/// A CloudWatch alarm, as CloudWatch publishes it to SNS.
#[derive(Deserialize)]
struct Alarm {
    #[serde(rename = "AlarmName")]
    name: String,
    #[serde(rename = "AlarmDescription", default)]
    description: Option<String>,
    #[serde(rename = "NewStateValue")]
    state: String,
    #[serde(rename = "NewStateReason", default)]
    reason: String,
}

pub(crate) fn read(body: &str) -> SlackPost {
    let (subject, text) = unwrap_notification(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return SlackPost::other(
            subject.as_deref().unwrap_or("A message on the alert topic"),
            &text,
        );
    };
    if let Some(post) = alert(&value).or_else(|| spec(&value)) {
        return post;
    }
    if let Ok(alarm) = Alarm::deserialize(&value) {
        let description = alarm.description.unwrap_or_default();
        let title = format!("{}: {}", alarm.state, alarm.name);
        return SlackPost::other(&title, &format!("{description}\n{}", alarm.reason));
    }
    let version =
        value.get("version").filter(|_| value.get("schema").is_some_and(|schema| schema == SCHEMA));
    let title = match (subject, version) {
        (Some(subject), _) => subject,
        (None, Some(version)) => {
            format!("An alert of version {version}, which this version of Portkeeper cannot read")
        }
        (None, None) => "A message on the alert topic".to_owned(),
    };
    SlackPost::other(&title, &text)
}

/// Reads an alert of the version that this function knows.
fn alert(value: &Value) -> Option<SlackPost> {
    let ours = value.get("schema")? == SCHEMA && value.get("version")? == SCHEMA_VERSION;
    let document = Document::deserialize(value).ok().filter(|_| ours)?;
    Some(SlackPost {
        message: slack_message(&document),
        severity: document.severity,
        service: format!("{}/{}", document.cluster, document.service),
        owner: document.owner.clone().unwrap_or_default(),
        summary: document.title,
    })
}

/// Reads a spec result of the version that this function knows.
fn spec(value: &Value) -> Option<SlackPost> {
    let ours = value.get("schema")? == SPEC_SCHEMA && value.get("version")? == SPEC_VERSION;
    let result = SpecResult::deserialize(value).ok().filter(|_| ours)?;
    let title = spec_title(&result);
    let of = |part: &Option<String>| {
        part.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
    };
    Some(SlackPost {
        message: SlackMessage::plain(&title, &spec_text(&result)),
        severity: spec_severity(result.status),
        service: format!("{}/{}", of(&result.cluster), of(&result.service)),
        owner: String::new(),
        summary: title,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    /// A document that a test of the core writes.
    const ALERT: &str = include_str!("../../../shared/core/tests/forms/hijacked.json");

    fn notification(message: &str) -> String {
        serde_json::json!({"Type": "Notification", "Subject": "subject", "Message": message})
            .to_string()
    }

    #[test]
    fn an_alert_is_routed_by_its_severity_and_service() {
        for body in [notification(ALERT), ALERT.to_owned()] {
            let post = read(&body);
            assert_eq!((post.severity, post.service.as_str()), (Severity::Critical, "shop/web"));
            assert!(
                post.summary.starts_with("escalated: hijacked in shop/web"),
                "{}",
                post.summary
            );
        }
    }

    #[test]
    fn an_alert_with_an_unknown_code_is_delivered() {
        let post =
            read(&notification(&ALERT.replace("\"code\": \"hijacked\"", "\"code\": \"new_one\"")));
        assert_eq!(post.service, "shop/web");
        assert!(post.message.to_json().to_string().contains("new_one"));
    }

    #[test]
    fn a_spec_result_is_delivered_as_text() {
        let result = serde_json::json!({
            "schema": "portkeeper.spec-result", "version": 1, "status": "refused", "at": "2026-11-23T10:00:00Z",
            "spec": {"bucket": "specs", "key": "specs/orders.yaml", "change": "created"},
            "summary": "1 error in the spec; nothing was written",
            "cluster": "arn:aws:ecs:eu-west-1:111122223333:cluster/shop", "service": "orders",
            "problems": [{"weight": "error", "code": "unknown_member", "at": "service.nam", "place": {"line": 3, "column": 1},
                "message": "did you mean `serviceName`?"}],
        });
        let post = read(&notification(&result.to_string()));
        assert_eq!(post.summary, "spec refused: specs/orders.yaml (service orders)");
        assert_eq!((post.severity, post.service.as_str()), (Severity::Error, "shop/orders"));
        let shown = post.message.to_json().to_string();
        assert!(shown.contains("3:1: error: service.nam: did you mean"), "{shown}");
    }

    #[test]
    fn an_unknown_message_is_delivered_unchanged() {
        let newer = ALERT.replace("\"version\": 1", "\"version\": 2");
        let cases = [
            (notification(&newer), "subject"),
            (newer, "An alert of version 2, which this version of Portkeeper cannot read"),
            (notification("hello"), "subject"),
            ("hello".to_owned(), "A message on the alert topic"),
            (String::new(), "A message on the alert topic"),
            ("{}".to_owned(), "A message on the alert topic"),
            (
                notification(
                    r#"{"AlarmName":"x-sweep-silent","NewStateValue":"ALARM","NewStateReason":"why"}"#,
                ),
                "ALARM: x-sweep-silent",
            ),
        ];
        for (body, title) in cases {
            let post = read(&body);
            assert_eq!((post.summary.as_str(), post.severity), (title, Severity::Error), "{body}");
        }
    }

    #[test]
    fn a_message_of_300_kb_is_cut() {
        let post = read(&notification(&"x".repeat(300_000)));
        assert!(post.message.to_json().to_string().len() < 10_000);
    }
}
