//! The envelope that SNS puts around a message for a queue, unless raw delivery is enabled
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>).

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    #[serde(default)]
    subject: Option<String>,
    message: String,
}

/// Returns the subject, if any, and the message. A body that is not a notification is the message
/// itself.
#[must_use]
pub fn unwrap_notification(body: &str) -> (Option<String>, String) {
    match serde_json::from_str::<Notification>(body) {
        Ok(notification) => (notification.subject, notification.message),
        Err(_) => (None, body.to_owned()),
    }
}
