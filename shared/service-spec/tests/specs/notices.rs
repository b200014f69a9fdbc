//! Messages of the `specs` queue.

use expect_test::{Expect, expect};
use portkeeper_service_spec::notice::{Notice, is_newer, read, recheck_message};
use std::error::Error as _;
use std::fmt::Write as _;

fn described(body: &str) -> String {
    match read(body) {
        Ok(notices) => notices.iter().fold(String::new(), |mut text, notice| {
            let line = match notice {
                Notice::Object(object) => {
                    format!("{:?} {} in {}", object.change, object.key, object.bucket)
                }
                Notice::Deployment(it) => {
                    format!("{} of {} in {}: {}", it.event_name, it.id, it.service, it.reason)
                }
                Notice::LookAgain(it) => format!("look again at {}, hop {}", it.spec, it.hop),
                Notice::Ignored(reason) => format!("ignored as {}: {reason}", reason.name()),
            };
            writeln!(text, "{line}").unwrap();
            text
        }),
        Err(error) => format!(
            "unreadable: {error}; {}\n",
            error.source().map(ToString::to_string).unwrap_or_default()
        ),
    }
}

fn check(body: &str, expect: &Expect) {
    expect.assert_eq(&described(body));
}

fn event(kind: &str, key: &str) -> String {
    serde_json::json!({
        "version": "0", "detail-type": kind, "source": "aws.s3", "resources": ["arn:aws:s3:::specs-bucket"],
        "detail": {"version": "0", "bucket": {"name": "specs-bucket"},
            "object": {"key": key, "size": 5, "etag": "b19", "version-id": "v1", "sequencer": "617f08299329d189"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "reason": "PutObject"}
    })
    .to_string()
}

fn record(name: &str, key: &str) -> String {
    serde_json::json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
        "s3": {"bucket": {"name": "specs-bucket"}, "object": {"key": key, "size": 5, "eTag": "b19", "versionId": "v1", "sequencer": "0055"}}}]})
    .to_string()
}

/// The key in an `EventBridge` event is not encoded; the key in a plain notification is.
#[test]
fn objects_come_and_go() {
    check(
        &event("Object Created", "specs/a + b%20c.yaml"),
        &expect![[r#"
        Created specs/a + b%20c.yaml in specs-bucket
    "#]],
    );
    check(
        &event("Object Deleted", "specs/hello.yaml"),
        &expect![[r#"
        Removed specs/hello.yaml in specs-bucket
    "#]],
    );
    check(
        &record("ObjectCreated:Put", "specs/a+%2B+b%2520c+%C3%BC.yaml"),
        &expect![[r#"
        Created specs/a + b%20c ü.yaml in specs-bucket
    "#]],
    );
    check(
        &record("s3:ObjectRemoved:DeleteMarkerCreated", "specs/hello.yaml"),
        &expect![[r#"
        Removed specs/hello.yaml in specs-bucket
    "#]],
    );
    check(
        &record("ObjectCreated:Put", "specs/%FF.yaml"),
        &expect![[r#"
        unreadable: the key `specs/%FF.yaml` of an S3 notification is not UTF-8; 
    "#]],
    );
}

#[test]
fn objects_that_are_no_specs_are_ignored() {
    check(
        &event("Object Created", "specs/"),
        &expect![[r#"
        ignored as folder: `specs/` marks a folder
    "#]],
    );
    check(
        &event("Object Created", "specs/team/"),
        &expect![[r#"
        ignored as folder: `specs/team/` marks a folder
    "#]],
    );
    check(
        &event("Object Created", "results/specs/hello.yaml.json"),
        &expect![[r#"
        ignored as not_a_spec: `results/specs/hello.yaml.json` is not in `specs/`
    "#]],
    );
    check(
        &event("Object Tags Added", "specs/hello.yaml"),
        &expect![[r#"
        ignored as other_kind: events of kind `Object Tags Added` concern no spec
    "#]],
    );
    check(
        r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "specs-bucket"}"#,
        &expect![[r#"
            ignored as test_event: S3 only tested its notifications
        "#]],
    );
    check(
        r#"{"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}"#,
        &expect![[r#"
        ignored as other_source: events of `aws.events` are not used
    "#]],
    );
}

#[test]
fn deployments_are_identified_by_their_id() {
    let event = |arn: &str| {
        serde_json::json!({"detail-type": "ECS Deployment State Change", "source": "aws.ecs", "resources": [arn],
            "detail": {"eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/123",
                "reason": "ECS deployment circuit breaker: task failed to start."}})
        .to_string()
    };
    check(
        &event("arn:aws:ecs:us-west-2:111122223333:service/default/servicetest"),
        &expect![[r#"
        SERVICE_DEPLOYMENT_FAILED of ecs-svc/123 in arn:aws:ecs:us-west-2:111122223333:service/default/servicetest: ECS deployment circuit breaker: task failed to start.
    "#]],
    );
    check(
        &event("arn:aws:ecs:us-west-2:111122223333:service/servicetest"),
        &expect![[r#"
        ignored as no_cluster: `arn:aws:ecs:us-west-2:111122223333:service/servicetest` names no cluster
    "#]],
    );
}

#[test]
fn own_messages_are_read_and_unreadable_ones_say_why() {
    check(
        &recheck_message("specs/hello.yaml", 3).to_string(),
        &expect![[r#"
        look again at specs/hello.yaml, hop 3
    "#]],
    );
    check(
        r#"{"portkeeper": {"version": 2}}"#,
        &expect![[r#"
        unreadable: the message has version 2, but this program reads version 1; 
    "#]],
    );
    check(
        "not json",
        &expect![[r#"
        unreadable: the message is not JSON; expected ident at line 1 column 2
    "#]],
    );
    check(
        "[]",
        &expect![[r#"
            unreadable: the message holds 0 events in one list; send each event as its own message; 
        "#]],
    );
    check(
        r#"{"detail-type": "Object Created", "source": "aws.s3", "detail": {}}"#,
        &expect![[r#"
        unreadable: cannot read the `Object Created` event; missing field `bucket`
    "#]],
    );
}

/// Sequencers are hexadecimal numbers; a longer one is not later by its length alone.
#[test]
fn events_are_ordered_by_their_sequencer() {
    assert!(is_newer(Some("0055AED6DCD90281E6"), Some("0055AED6DCD90281E5")));
    assert!(!is_newer(Some("0055AED6DCD90281E5"), Some("55aed6dcd90281e5")));
    assert!(!is_newer(Some("00000000FF"), Some("100")));
    assert!(is_newer(Some("1000"), Some("FFF")));
    assert!(is_newer(None, Some("FFF")) && is_newer(Some("1"), None));
}
