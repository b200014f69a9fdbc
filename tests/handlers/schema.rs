//! Published documents follow the published schema.

use portkeeper_tests::shop::Shop;
use portkeeper_world::sns::Published;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/alert.schema.json")).unwrap()
}

/// It holds, and every member is named in it.
#[track_caller]
fn follows_the_schema(document: &Value) {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{document:#}");
    let named = |value: &Value, schema: &Value| {
        for name in value.as_object().unwrap().keys() {
            assert!(schema["properties"][name].is_object(), "`{name}` is not in the schema");
        }
    };
    named(document, &schema);
    for item in document["items"].as_array().unwrap() {
        named(item, &schema["$defs"]["item"]);
        if let Some(cause) = item.get("cause") {
            named(cause, &schema["$defs"]["cause"]);
        }
    }
}

/// Returns the golden documents of a kind, by file name.
fn golden(kind: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/core/tests/forms");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    let of_kind =
        named.filter(|(name, _)| name.split_once('.').is_some_and(|(_, rest)| rest == kind));
    of_kind
        .map(|(name, path)| {
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn the_golden_documents_follow_the_schema() {
    let documents = golden("json");
    for (_, document) in &documents {
        follows_the_schema(document);
    }
    assert!(documents.len() >= 6, "{}", documents.len());
}

/// AWS documents the schema of custom notifications as a table, and silently drops what does not
/// follow it: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.
#[test]
fn the_golden_chat_notifications_have_the_form_that_aws_documents() {
    let text = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
    let texts = json!({"type": "array", "items": {"type": "string", "minLength": 1}});
    let object = |required: &[&str], properties: Value| json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties});
    let content = json!({
        "textType": {"const": "client-markdown"}, "title": text(250), "description": text(8_000), "nextSteps": texts,
        "keywords": texts,
    });
    let metadata = json!({
        "threadId": {"type": "string", "minLength": 1}, "summary": {"type": "string", "minLength": 1},
        "eventType": {"type": "string", "minLength": 1}, "relatedResources": texts,
        "additionalContext": {"type": "object", "additionalProperties": {"type": "string"}},
        "enableCustomActions": {"type": "boolean"},
    });
    let notification = json!({
        "version": {"const": "1.0"}, "source": {"const": "custom"}, "id": {"type": "string"},
        "content": object(&["description"], content), "metadata": object(&[], metadata),
    });
    let schema = object(&["version", "source", "content"], notification);
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let notifications = golden("chat.json");
    for (name, notification) in &notifications {
        let errors: Vec<String> =
            validator.iter_errors(notification).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
    assert!(notifications.len() >= 6, "{}", notifications.len());
}

/// What SQS subscribers receive, from opened to resolved.
#[tokio::test]
async fn published_alerts_follow_the_schema() {
    let mut shop = Shop::settled_web(1, 2).await;
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &host, 9);
    shop.watch(&["web"], 300).await;
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &host, 9);
    shop.watch(&["web"], 300).await;
    let world = shop.world();
    let published: &[Published] = world.sns.published("alerts");
    assert_eq!(published.len(), 2);
    let documents: Vec<Value> = published
        .iter()
        .map(|message| serde_json::from_str(message.text_for("sqs")).unwrap())
        .collect();
    documents.iter().for_each(follows_the_schema);
    assert_eq!(documents[0]["items"][0]["incident"], documents[1]["items"][0]["incident"]);
    assert!(documents[1]["items"][0]["took_seconds"].as_u64().unwrap() > 0);
    assert!(
        published[0].text_for("email").contains("Action: "),
        "{}",
        published[0].text_for("email")
    );
    assert_eq!(Some(published[0].text_for("sms")), published[0].subject.as_deref());
}

/// The schema rejects a mistake in a document: it is not empty.
#[test]
fn the_schema_refuses_what_is_wrong() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let text = include_str!("../../shared/core/tests/forms/hijacked.json");
    let right: Value = serde_json::from_str(text).unwrap();
    assert!(validator.is_valid(&right));
    for (member, wrong) in [
        ("state", "begun".into()),
        ("version", 2.into()),
        ("items", Value::Null),
        ("title", "\u{fc}".into()),
    ] {
        let mut document = right.clone();
        document[member] = wrong;
        assert!(!validator.is_valid(&document), "{member}");
    }
}
