//! Messages from the queue: every form of notification, odd objects, and unreadable messages.

use portkeeper_stage::specs::BUCKET;
use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use serde_json::json;

/// An S3 event notification with the key as S3 encodes it.
fn notification(event: &str, key: &str, version: &str, sequencer: &str) -> String {
    let object =
        json!({"key": key, "size": 1, "eTag": "e", "versionId": version, "sequencer": sequencer});
    json!({"Records": [{"eventName": event, "s3": {"bucket": {"name": BUCKET}, "object": object}}]})
        .to_string()
}

/// An account whose bucket sends no events.
fn silent() -> Desk {
    let desk = Desk::default();
    let off = json!({"Bucket": BUCKET, "NotificationConfiguration": {}});
    desk.world().person_s3("PutBucketNotificationConfiguration", &off).unwrap();
    desk
}

#[tokio::test]
async fn an_s3_notification_works_like_an_event() {
    let mut desk = silent();
    let version = desk.world().drop_object(BUCKET, "specs/the orders+more.yaml", ORDERS).unwrap();
    desk.send(&notification(
        "ObjectCreated:Put",
        "specs/the+orders%2Bmore.yaml",
        &version,
        "617f08299329d189",
    ));
    desk.run(600).await;
    assert_eq!(desk.status("specs/the orders+more.yaml"), "ready");
}

/// S3 sends a test event; consoles create folder objects; other programs send anything.
#[tokio::test]
async fn what_is_no_spec_is_ignored_by_rule() {
    let desk = Desk::default();
    desk.send(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"specs-of-the-shop"}"#);
    desk.drop_bytes("specs/", b"");
    desk.send(&notification("ObjectCreated:Put", "results/orders.yaml.json", "v", "61"));
    desk.send(&notification("ObjectTagging:Put", "specs/orders.yaml", "v", "61"));
    desk.send(
        &notification("ObjectCreated:Put", "specs/orders.yaml", "v", "61")
            .replace(BUCKET, "another-bucket"),
    );
    for _ in 0..5 {
        assert!(desk.deliver().await);
    }
    assert_eq!(desk.dead_letters(), [""; 0]);
    assert_eq!(desk.things(), [""; 0]);
    assert_eq!(desk.count("PutObject"), 0);
}

/// Holds I-FAILURE, C-36: moved to the dead-letter queue at once, with the reason; later messages
/// are handled.
#[tokio::test]
async fn unreadable_messages_go_to_the_dead_letter_queue() {
    let desk = Desk::default();
    for body in ["{", "[]", r#"{"portkeeper":{"version":7}}"#] {
        desk.send(body);
        assert!(desk.deliver().await, "{body}");
    }
    assert_eq!(desk.dead_letters(), ["{", "[]", r#"{"portkeeper":{"version":7}}"#]);
    assert_eq!(desk.alerts(), [""; 0]);
}

/// Holds C-48: a clear result, and nothing crashes.
#[tokio::test]
async fn odd_objects_have_a_clear_result() {
    let mut desk = Desk::default();
    let large = vec![b'#'; 10 * 1024 * 1024];
    let odd: [(&str, &[u8], &str); 4] = [
        ("specs/empty.yaml", b"", "refused"),
        ("specs/latin.yaml", b"cluster: caf\xe9", "refused"),
        ("specs/large.yaml", &large, "refused"),
        ("specs/image.png", b"\x89PNG\r\n\x1a\n\x00\x00", "refused"),
    ];
    for (key, bytes, _) in odd {
        desk.drop_bytes(key, bytes);
    }
    desk.run(60).await;
    for (key, _, status) in odd {
        assert_eq!(desk.status(key), status, "{key}");
        assert_eq!(desk.problems(key).len(), 1, "{key}: {:?}", desk.problems(key));
    }
    assert_eq!(desk.result("specs/large.yaml")["problems"][0]["code"], "too_large");
    assert_eq!(desk.alerts().len(), 4);
    assert_eq!(desk.things(), [""; 0]);
}

/// Holds C-48: keys that exist in practice. JSON is read as JSON.
#[tokio::test]
async fn odd_keys_are_keys() {
    let json = json!({"cluster": "shop", "service": {"serviceName": "x", "taskDefinition": "x", "desiredCount": 1}});
    let json = json.to_string();
    for (key, text, expected) in [
        ("specs/a b.yaml", ORDERS, "ready"),
        ("specs/a+b.yaml", ORDERS, "ready"),
        ("specs/50%25.yaml", ORDERS, "ready"),
        ("specs/größe-日本.yaml", ORDERS, "ready"),
        ("specs/team/x.json", json.as_str(), "refused"),
    ] {
        let mut desk = Desk::default();
        desk.drop_spec(key, text);
        desk.run(300).await;
        assert_eq!(desk.status(key), expected, "{key}: {:#}", desk.result(key));
    }
}

/// Holds C-42: every mistake in one answer, each with its place, and nothing is written.
#[tokio::test]
async fn a_bad_spec_is_refused_whole() {
    let mut desk = Desk::default();
    let bad = ORDERS
        .replace("- containerPort: 8080", "- {containerPort: 8080, hostPort: 80}")
        .replace("intervalSeconds: 10", "intervalSeconds: 2")
        .replace("launchType: EC2", "launchTyp: EC2");
    let result = desk.carry_out(&bad).await;
    assert_eq!(result["status"], "refused", "{result:#}");
    let problems = result["problems"].as_array().unwrap();
    assert!(problems.len() >= 3, "{result:#}");
    assert!(
        problems.iter().all(|problem| problem["place"]["line"].as_u64() > Some(0)),
        "{result:#}"
    );
    assert!(result.to_string().contains("launchType"), "did you mean: {result:#}");
    assert_eq!(desk.things(), [""; 0]);
    assert_eq!(desk.alerts(), ["spec_refused specs/orders.yaml"]);
    let text = desk.world().sns.published("alerts")[0].text_for("email").to_owned();
    assert!(
        text.contains("s3://specs-of-the-shop/specs/orders.yaml: refused")
            && text.contains("hostPort"),
        "{text}"
    );
}

/// Holds C-41: values of environment variables are in no result, no alert and no record.
#[tokio::test]
async fn no_secret_leaves_the_spec() {
    const SECRET: &str = "hunter2-is-no-good-secret";
    let mut desk = Desk::default();
    let with = |value: &str| {
        let environment =
            format!("      essential: true\n      environment: [{{name: DB, value: {value}}}]\n");
        ORDERS.replace("      essential: true\n", &environment)
    };
    assert_eq!(desk.carry_out(&with("first")).await["status"], "ready");
    let result = desk.carry_out(&with(SECRET)).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert!(!result.to_string().contains(SECRET), "{result:#}");
    let world = desk.world();
    assert!(
        world.sns.published("alerts").iter().all(|alert| !format!("{alert:?}").contains(SECRET))
    );
    let key = format!("spec#{KEY}");
    let record = portkeeper_world::dynamodb::item(&world, "ledger", &key).unwrap();
    assert!(!format!("{record:?}").contains(SECRET), "{record:?}");
    drop(world);
    let registered = desk.inputs("RegisterTaskDefinition");
    assert!(registered.last().unwrap().to_string().contains(SECRET), "AWS gets it");
}
