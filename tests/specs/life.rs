//! From the upload to a service with registered targets; then changed, rolled back, and removed.

use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use serde_json::json;

const MADE: [&str; 4] =
    ["task definition orders:1", "target group orders", "rule 1000", "service orders"];

#[tokio::test]
async fn a_spec_becomes_a_service_that_is_registered_and_healthy() {
    let mut desk = Desk::default();
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert_eq!(desk.things(), MADE);
    assert_eq!(desk.healthy("orders"), 2);
    assert_eq!(
        desk.steps(KEY),
        [
            "task_definition orders: done",
            "target_group orders: done",
            "listener_rule /orders/*: done",
            "service orders: done",
        ]
    );
    assert_eq!((&result["cluster"], &result["service"]), (&json!("shop"), &json!("orders")));
    assert!(
        result["service_arn"].as_str().unwrap().ends_with(":service/shop/orders"),
        "{result:#}"
    );
    assert!(result["deployment"]["id"].as_str().unwrap().starts_with("ecs-svc/"), "{result:#}");
    assert_eq!(desk.alerts(), ["spec_ready specs/orders.yaml"], "one alert, at the end");
    let tags = desk.service("orders")["tags"].clone();
    let ours = json!({"key": "portkeeper:spec", "value": "specs-of-the-shop/specs/orders.yaml"});
    assert!(tags.as_array().unwrap().contains(&ours), "{tags}");
}

/// Holds C-43, C-46: the same spec again leads to no write.
#[tokio::test]
async fn the_same_spec_again_changes_nothing() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.world().calls.clear();
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(
        (&result["status"], &result["summary"]),
        (&json!("ready"), &json!("every running task is registered and healthy"))
    );
    assert_eq!(desk.things(), MADE);
    for write in [
        "RegisterTaskDefinition",
        "UpdateService",
        "CreateService",
        "ModifyRule",
        "ModifyTargetGroup",
    ] {
        assert_eq!(desk.count(write), 0, "{write}");
    }
    assert!(
        desk.steps(KEY).iter().all(|step| step.ends_with(": unchanged")),
        "{:?}",
        desk.steps(KEY)
    );
    assert_eq!(desk.alerts().len(), 1, "that it is well still is no news");
}

/// Holds C-46: exactly the differences are written.
#[tokio::test]
async fn a_changed_spec_changes_what_differs() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.world().calls.clear();
    let changed = ORDERS.replace("orders:1", "orders:2").replace("path: /health,", "path: /ready,");
    let result = desk.carry_out(&changed).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert_eq!(
        desk.steps(KEY),
        [
            "task_definition orders: done",
            "target_group orders: done",
            "listener_rule /orders/*: unchanged",
            "service orders: done",
        ]
    );
    let updates = desk.inputs("UpdateService");
    let [update] = updates.as_slice() else { panic!("one update: {updates:?}") };
    assert_eq!((&update["service"], &update["cluster"]), (&json!("orders"), &json!("shop")));
    assert!(update["taskDefinition"].as_str().unwrap().ends_with("/orders:2"), "{update}");
    assert_eq!(desk.inputs("ModifyTargetGroup")[0]["HealthCheckPath"], "/ready");
    assert_eq!(desk.healthy("orders"), 2);
    assert_eq!(desk.alerts().len(), 2);
}

/// A change that is impossible in place is refused with the reason, and nothing is changed.
#[tokio::test]
async fn what_cannot_be_changed_is_refused() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.world().calls.clear();
    let result = desk
        .carry_out(
            &ORDERS
                .replace("launchType: EC2", "schedulingStrategy: DAEMON")
                .replace("  desiredCount: 2\n", ""),
        )
        .await;
    assert_eq!(result["status"], "refused", "{result:#}");
    assert!(result.to_string().contains("cannot be changed"), "{result:#}");
    assert_eq!(desk.count("UpdateService"), 0);
    assert_eq!(desk.things(), MADE);
}

/// A spec that names another service creates that one; the first stays, and the result reports it.
#[tokio::test]
async fn a_spec_that_is_renamed_makes_another_service() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    let renamed = ORDERS
        .replace("serviceName: orders", "serviceName: prices")
        .replace("/orders/*", "/prices/*");
    let result = desk.carry_out(&renamed).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert!(
        desk.problems(KEY).contains(&"warning renamed service.serviceName".to_owned()),
        "{:?}",
        desk.problems(KEY)
    );
    assert_eq!((desk.healthy("orders"), desk.healthy("prices")), (2, 2));
}

/// Holds I-READY, C-47: judged by the deployment's id, not by the state of the service.
#[tokio::test]
async fn a_rollback_is_a_failure_although_the_service_is_stable() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.drop_spec(KEY, &ORDERS.replace("orders:1", "orders:2"));
    desk.run(5).await;
    assert_eq!(desk.status(KEY), "deploying");
    assert!(desk.world().roll_back("shop/orders"));
    desk.run(600).await;
    let result = desk.result(KEY);
    assert_eq!(result["status"], "failed", "{result:#}");
    let summary = result["summary"].as_str().unwrap();
    assert!(
        summary.contains("circuit breaker") && summary.contains("runs orders:1 again"),
        "{summary}"
    );
    assert_eq!(desk.healthy("orders"), 2, "the service is well");
    assert_eq!(desk.alerts(), ["spec_ready specs/orders.yaml", "spec_failed specs/orders.yaml"]);
}

/// The event of the deployment is lost: a recheck finds the result.
#[tokio::test]
async fn a_lost_event_delays_and_hides_nothing() {
    let mut desk = Desk::default();
    desk.drop_spec(KEY, ORDERS);
    desk.run(5).await;
    desk.world().eventbridge.drop_next(1000);
    desk.run(600).await;
    assert_eq!(desk.status(KEY), "ready");
}

#[tokio::test]
async fn a_removed_spec_leaves_everything() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.remove(KEY);
    desk.run(600).await;
    assert_eq!(desk.status(KEY), "kept");
    assert_eq!(desk.things(), MADE);
    assert_eq!(desk.healthy("orders"), 2);
}

#[tokio::test]
async fn a_removed_spec_that_said_so_deletes_what_it_made() {
    let mut desk = Desk::default();
    desk.carry_out(&format!("{ORDERS}onDelete: delete\n")).await;
    assert_eq!(desk.status(KEY), "ready");
    desk.remove(KEY);
    desk.run(30).await;
    assert_eq!(desk.status(KEY), "deleting");
    desk.run(3000).await;
    let result = desk.result(KEY);
    assert_eq!(result["status"], "deleted", "{result:#}");
    // Revisions of task definitions are history, and cost nothing.
    assert_eq!(desk.things(), ["task definition orders:1"]);
    assert_eq!(desk.alerts(), ["spec_ready specs/orders.yaml", "spec_deleted specs/orders.yaml"]);
}

/// A deleted service is created again when its spec is uploaded again.
#[tokio::test]
async fn a_spec_that_comes_back_makes_its_service_again() {
    let mut desk = Desk::default();
    let text = format!("{ORDERS}onDelete: delete\n");
    desk.carry_out(&text).await;
    desk.remove(KEY);
    desk.run(3000).await;
    let result = desk.carry_out(&text).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert_eq!(desk.healthy("orders"), 2);
}

/// Deleting an old version of the object does not remove the spec.
#[tokio::test]
async fn deleting_an_old_version_changes_nothing() {
    let mut desk = Desk::default();
    let first = desk.world().drop_object("specs-of-the-shop", KEY, ORDERS).unwrap();
    desk.carry_out(&format!("{ORDERS}onDelete: delete\n")).await;
    let old = json!({"Bucket": "specs-of-the-shop", "Key": KEY, "VersionId": first});
    desk.world().person_s3("DeleteObject", &old).unwrap();
    desk.run(600).await;
    assert_eq!(desk.status(KEY), "ready");
    assert_eq!(desk.healthy("orders"), 2);
}
