//! What programs get is what the published schema says.

use portkeeper_tests::shop::Shop;
use portkeeper_world::sns::Published;
use serde_json::Value;
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
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{document:#}");
    let named = |value: &Value, schema: &Value| {
        for name in value.as_object().unwrap().keys() {
            assert!(schema["properties"][name].is_object(), "`{name}` is not in the schema");
        }
    };
    named(document, &schema);
    for item in document["items"].as_array().unwrap() {
        named(item, &schema["$defs"]["item"]);
    }
}

#[test]
fn the_golden_documents_follow_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/core/tests/forms");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.split_once('.').is_some_and(|(_, kind)| kind == "json") {
            follows_the_schema(&serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

/// What subscribers over SQS get, from begin to end.
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
    let documents: Vec<Value> =
        published.iter().map(|message| serde_json::from_str(message.text_for("sqs")).unwrap()).collect();
    documents.iter().for_each(follows_the_schema);
    assert_eq!(documents[0]["items"][0]["incident"], documents[1]["items"][0]["incident"]);
    assert!(documents[1]["items"][0]["took_seconds"].as_u64().unwrap() > 0);
    assert!(published[0].text_for("email").contains("What to do: "), "{}", published[0].text_for("email"));
    assert_eq!(Some(published[0].text_for("sms")), published[0].subject.as_deref());
}

/// A slip in a document is found: the schema is not empty.
#[test]
fn the_schema_refuses_what_is_wrong() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let text = include_str!("../../shared/core/tests/forms/hijacked.json");
    let right: Value = serde_json::from_str(text).unwrap();
    assert!(validator.is_valid(&right));
    for (member, wrong) in
        [("state", "begun".into()), ("version", 2.into()), ("items", Value::Null), ("title", "\u{fc}".into())]
    {
        let mut document = right.clone();
        document[member] = wrong;
        assert!(!validator.is_valid(&document), "{member}");
    }
}
