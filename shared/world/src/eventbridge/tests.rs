//! Rules, delivery and delivery faults. The table of patterns is in `pattern`.

use super::*;
use crate::api::{Caller, Service};
use serde_json::json;

#[test]
fn patterns() {
    let event = json!({
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": ["arn:a", "arn:b"],
        "detail": {
            "group": "service:web", "lastStatus": "RUNNING", "version": 5, "flag": true, "none": null,
            "attachments": [{"type": "eni", "status": "ATTACHED"}, {"type": "elb", "status": "DELETED"}],
        },
    });
    for (expected, pattern) in [
        (true, json!({})),
        (true, json!({"source": ["aws.ec2", "aws.ecs"]})),
        (false, json!({"source": ["aws.ec2"]})),
        (false, json!({"source": ["aws.ecs"], "absent": ["x"]})),
        (true, json!({"resources": ["arn:b"]})),
        (false, json!({"resources": ["arn:c"]})),
        (
            true,
            json!({"detail": {"lastStatus": ["RUNNING", "STOPPED"], "group": [{"prefix": "service:"}]}}),
        ),
        (false, json!({"detail": {"group": [{"prefix": "family:"}]}})),
        (true, json!({"detail": {"group": [{"prefix": {"equals-ignore-case": "SERVICE:"}}]}})),
        (true, json!({"detail": {"group": [{"suffix": ":web"}]}})),
        (true, json!({"detail": {"group": [{"wildcard": "s*:*b"}]}})),
        (false, json!({"detail": {"group": [{"wildcard": "s*:*c"}]}})),
        (true, json!({"detail": {"lastStatus": [{"equals-ignore-case": "running"}]}})),
        (true, json!({"detail": {"lastStatus": [{"anything-but": "STOPPED"}]}})),
        (false, json!({"detail": {"lastStatus": [{"anything-but": ["STOPPED", "RUNNING"]}]}})),
        (false, json!({"detail": {"group": [{"anything-but": {"prefix": "service:"}}]}})),
        (true, json!({"detail": {"group": [{"anything-but": {"prefix": ["family:", "x"]}}]}})),
        (false, json!({"detail": {"absent": [{"anything-but": "x"}]}})),
        (true, json!({"detail": {"absent": [{"exists": false}]}})),
        (false, json!({"detail": {"absent": [{"exists": true}]}})),
        (true, json!({"detail": {"group": [{"exists": true}]}})),
        (true, json!({"detail": {"none": [null]}})),
        (true, json!({"nothing": {"here": [{"exists": false}]}})),
        (true, json!({"detail": {"version": [5.0]}})),
        (true, json!({"detail": {"version": [{"numeric": [">", 4, "<=", 5]}]}})),
        (false, json!({"detail": {"version": [{"numeric": ["=", 6]}]}})),
        (false, json!({"detail": {"group": [{"numeric": ["=", 6]}]}})),
        (true, json!({"detail": {"flag": [true]}})),
        (true, json!({"detail": {"attachments": {"type": ["eni"], "status": ["ATTACHED"]}}})),
        (false, json!({"detail": {"attachments": {"type": ["elb"], "status": ["ATTACHED"]}}})),
        (true, json!({"detail": {"$or": [{"version": [9]}, {"flag": [true]}], "version": [5]}})),
        (false, json!({"detail": {"$or": [{"version": [9]}, {"flag": [false]}]}})),
    ] {
        assert_eq!(matches(&pattern, &event), Ok(expected), "{pattern}");
    }
}

#[test]
fn an_invalid_pattern_is_rejected_with_the_field() {
    for (pattern, expected) in [
        (json!([]), "an event pattern must be a JSON object"),
        (json!({"source": "aws.ecs"}), "`source` must be an object or a non-empty array"),
        (json!({"source": []}), "`source` must be an object or a non-empty array"),
        (json!({"a": [{"prefx": "x"}]}), "`a` uses the unknown operator `prefx`"),
        (json!({"a": [{"prefix": 1}]}), "`a`: `prefix` needs a string"),
        (json!({"a": [{"exists": "no"}]}), "`a`: `exists` needs true or false"),
        (
            json!({"a": [{"numeric": ["=", "1"]}]}),
            "`a`: `numeric` needs pairs of a comparison and a number",
        ),
        (
            json!({"a": [{"numeric": [">"]}]}),
            "`a`: `numeric` needs pairs of a comparison and a number",
        ),
        (json!({"$or": [{"a": "x"}]}), "`a` must be an object or a non-empty array"),
    ] {
        let error = matches(&pattern, &json!({"a": "x"})).unwrap_err();
        assert_eq!(error.to_string(), expected, "{pattern}");
    }
}

fn bodies(world: &World) -> Vec<String> {
    world.sqs.messages("checks").map(|message| message.body.clone()).collect()
}

fn world() -> World {
    let mut world = World::new(1, 0);
    world
        .call(Caller::Person, Service::Sqs, "CreateQueue", &json!({"QueueName": "checks"}))
        .unwrap();
    world.eventbridge.put_rule("tasks", json!({"n": [{"exists": true}]}), "checks").unwrap();
    world
}

#[test]
fn events_are_dropped_duplicated_and_reordered() {
    let mut world = world();
    world.eventbridge.drop_next(1);
    put(&mut world, json!({"other": 0}));
    put(&mut world, json!({"n": 1}));
    put(&mut world, json!({"n": 2}));
    assert_eq!(bodies(&world), [r#"{"n":2}"#]);
    world.eventbridge.duplicate_next(1);
    put(&mut world, json!({"n": 3}));
    assert_eq!(bodies(&world).len(), 3);
    world.eventbridge.hold(2);
    for n in 4..7 {
        put(&mut world, json!({ "n": n }));
    }
    release(&mut world);
    assert_eq!(bodies(&world)[3..], [r#"{"n":6}"#, r#"{"n":5}"#, r#"{"n":4}"#]);
    assert_eq!(world.eventbridge.events().len(), 7);
}

#[test]
fn a_delivery_to_a_missing_queue_is_recorded() {
    let mut world = World::new(1, 0);
    world.eventbridge.put_rule("tasks", json!({"n": [1]}), "nowhere").unwrap();
    put(&mut world, json!({"n": 1}));
    assert_eq!(world.eventbridge.undelivered(), [("nowhere".to_owned(), json!({"n": 1}))]);
}
