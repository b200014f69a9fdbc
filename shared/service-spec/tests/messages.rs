//! The messages about a spec, for readers and for programs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use expect_test::expect;
use portkeeper_core::report::HttpsFormat;
use portkeeper_service_spec::message::spec_message;
use portkeeper_service_spec::result::SpecResult;
use serde_json::{Value, json};

/// A result with a problem, a step that failed, and what a step changed.
fn failed() -> SpecResult {
    let step = |resource: &str, name: &str, action: &str, outcome: &str| json!({"resource": resource, "name": name, "action": action, "outcome": outcome});
    let mut changed = step("task_definition", "orders", "change", "undone");
    changed["differences"] = json!([{"path": "cpu", "before": "256", "after": "512"}]);
    let mut refused = step("service", "orders", "change", "failed");
    refused["note"] = json!("ecs:UpdateService of orders was denied");
    serde_json::from_value(json!({
        "schema": "portkeeper.spec-result",
        "version": 1,
        "spec": {"bucket": "specs", "key": "specs/größe.yaml", "change": "created"},
        "status": "failed",
        "summary": "ecs:UpdateService of orders was denied; what this run had made was taken back, see the steps",
        "at": "2026-11-23T10:00:00Z",
        "cluster": "arn:aws:ecs:eu-west-1:111122223333:cluster/shop",
        "service": "orders",
        "problems": [{"weight": "warning", "code": "overlap", "at": "loadBalancing[0]", "place": {"line": 17, "column": 5},
            "message": "another rule takes some of its requests"}],
        "steps": [changed, step("target_group", "orders", "keep", "unchanged"), refused],
        "deployment": {"id": "ecs-svc/1", "state": "IN_PROGRESS", "messages": ["(service orders) has started 1 tasks"], "running": 1, "desired": 2},
    }))
    .unwrap()
}

#[test]
fn the_text_shows_the_outcome_of_each_step() {
    let message = spec_message(&failed());
    assert_eq!(message.subject, "spec failed: specs/gr??e.yaml (service orders)");
    expect![[r#"
        s3://specs/specs/größe.yaml: failed
        ecs:UpdateService of orders was denied; what this run had made was taken back, see the steps

        17:5: warning: loadBalancing[0]: another rule takes some of its requests

        ~ task definition orders: rolled back
            cpu: 256 -> 512
          target group orders: unchanged
        ~ service orders: failed
            ecs:UpdateService of orders was denied

        Deployment ecs-svc/1: IN_PROGRESS, 1 of 2 tasks are running
        - (service orders) has started 1 tasks
    "#]]
    .assert_eq(&message.body);
}

#[test]
fn programs_get_the_result_and_filters_their_attributes() {
    let message = spec_message(&failed());
    let document: Value = serde_json::from_str(&message.document).unwrap();
    assert_eq!(
        (&document["status"], &document["steps"][2]["outcome"]),
        (&json!("failed"), &json!("failed"))
    );
    assert_eq!(
        document["steps"][0].get("differences"),
        None,
        "they are in the result beside the spec"
    );
    let attributes: Vec<String> =
        message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        attributes,
        [
            "cluster=shop",
            "code=spec_failed",
            "service=orders",
            "severity=error",
            "spec=specs/größe.yaml",
            "state=failed"
        ]
    );
    let plain: Value = serde_json::from_str(&message.by_protocol(HttpsFormat::Document)).unwrap();
    assert_eq!((plain.get("https"), &plain["sms"]), (None, &json!(message.subject)));
    let chat: Value = serde_json::from_str(&message.by_protocol(HttpsFormat::Chat)).unwrap();
    let chat: Value = serde_json::from_str(chat["https"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&chat["source"], &chat["metadata"]["threadId"]),
        (&json!("custom"), &json!("specs/größe.yaml"))
    );
}

/// SNS accepts 256 KB for all forms together, and subjects of less than 100 characters.
#[test]
fn the_largest_result_fits_into_a_message() {
    let mut result = failed();
    let problem = result.problems[0].clone();
    result.problems = vec![problem; 500];
    for problem in &mut result.problems {
        problem.message = "x".repeat(10_000);
    }
    result.spec.key = format!("specs/{}", "k".repeat(1000));
    let message = spec_message(&result);
    assert!(message.by_protocol(HttpsFormat::Chat).len() < 200_000);
    assert!(message.subject.len() < 100);
    assert!(message.body.contains("… and 470 more"), "{}", message.body);
}
