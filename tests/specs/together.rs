//! Concurrent work: the same notification twice, an older one after a newer one, two specs for one
//! listener or one service.

use portkeeper_core::time::Timestamp;
use portkeeper_create_service::handle;
use portkeeper_stage::specs::BUCKET;
use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use portkeeper_world::api::Service;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::{Value, json};

const MADE: [&str; 4] =
    ["task definition orders:1", "target group orders", "rule 1000", "service orders"];

fn event(batch: &Value) -> aws_lambda_events::sqs::SqsEvent {
    serde_json::from_value(batch.clone()).unwrap()
}

fn deadline(desk: &Desk) -> Timestamp {
    desk.specs.office().aws.shared.now().plus_secs(60)
}

/// Holds I-ONCE, C-43: EventBridge delivers at least once.
#[tokio::test]
async fn a_repeated_notification_creates_one_of_everything() {
    let mut desk = Desk::default();
    desk.world().eventbridge.duplicate_next(1);
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "ready");
    assert_eq!(desk.things(), MADE);
    assert_eq!(desk.alerts().len(), 1);
}

/// Holds I-ONCE, C-43: two functions at the same moment. One has the lock; the other's message is
/// retried and finds the work done.
#[tokio::test]
async fn simultaneous_notifications_create_one_of_everything() {
    let mut desk = Desk::default();
    desk.world().eventbridge.duplicate_next(1);
    desk.drop_spec(KEY, ORDERS);
    let (one, two) = (desk.specs.take().unwrap(), desk.specs.take().unwrap());
    let other = desk.specs.another().unwrap();
    let until = deadline(&desk);
    // Every call takes a moment, so that the two take turns.
    desk.world().faults.latency_ms = 5;
    let (one, two) = tokio::join!(
        handle(desk.specs.office(), event(&one), until),
        handle(&other, event(&two), until)
    );
    let back = one.batch_item_failures.len() + two.batch_item_failures.len();
    assert_eq!(back, 1, "{one:?} {two:?}");
    desk.run(900).await;
    assert_eq!(desk.things(), MADE);
    assert_eq!(desk.status(KEY), "ready");
    assert_eq!(desk.count("CreateService"), 1);
}

/// Holds C-43: an older version that arrives after a newer one is ignored.
#[tokio::test]
async fn a_newer_version_is_not_overwritten_by_an_older_one() {
    let mut desk = Desk::default();
    desk.drop_spec(KEY, ORDERS);
    let older = desk.specs.take().unwrap();
    desk.carry_out(&ORDERS.replace("orders:1", "orders:2")).await;
    assert_eq!(desk.status(KEY), "ready");
    let response = handle(desk.specs.office(), event(&older), deadline(&desk)).await;
    assert!(response.batch_item_failures.is_empty(), "{response:?}");
    desk.run(300).await;
    assert_eq!(
        desk.inputs("RegisterTaskDefinition").len(),
        1,
        "the older one was never carried out"
    );
    assert_eq!(desk.status(KEY), "ready");
}

/// The function reads the object version that the event names, even if a newer one exists.
#[tokio::test]
async fn exactly_the_announced_version_is_read() {
    let desk = Desk::default();
    desk.drop_spec(KEY, ORDERS);
    let first = desk.specs.take().unwrap();
    let version = desk.world().drop_object(BUCKET, KEY, "cluster: other\n").unwrap();
    handle(desk.specs.office(), event(&first), deadline(&desk)).await;
    let read = desk.inputs("GetObject");
    assert_ne!(read[0]["VersionId"], json!(version));
    assert_eq!(desk.inputs("CreateService").len(), 1);
}

fn second(path: &str) -> String {
    ORDERS.replace("orders", "prices").replace("/prices/*", path)
}

/// Holds C-44: different priorities.
#[tokio::test]
async fn two_specs_on_one_listener_get_two_priorities() {
    let mut desk = Desk::default();
    desk.drop_spec(KEY, ORDERS);
    desk.drop_spec("specs/prices.yaml", &second("/prices/*"));
    let (one, two) = (desk.specs.take().unwrap(), desk.specs.take().unwrap());
    let other = desk.specs.another().unwrap();
    let until = deadline(&desk);
    desk.world().faults.latency_ms = 5;
    tokio::join!(
        handle(desk.specs.office(), event(&one), until),
        handle(&other, event(&two), until)
    );
    assert!(desk.count("CreateRule") > 2, "they met at the same priority");
    desk.run(900).await;
    let mut priorities: Vec<String> =
        desk.rules().iter().map(|rule| rule["Priority"].as_str().unwrap().to_owned()).collect();
    priorities.sort();
    assert_eq!(priorities, ["1000", "1001"]);
    assert_eq!(
        (desk.status(KEY), desk.status("specs/prices.yaml")),
        ("ready".to_owned(), "ready".to_owned())
    );
}

/// Holds C-44: a priority that is taken between reading and writing.
#[tokio::test]
async fn a_priority_that_was_taken_meanwhile_gives_the_next_free_one() {
    let mut desk = Desk::default();
    let taken = Fault::fail("PriorityInUse", "Priority '1000' is currently in use", 400);
    desk.fault(Rule::new(Service::Elbv2, "CreateRule", taken));
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    assert_eq!(desk.rules()[0]["Priority"], "1001");
}

/// Holds C-44: an existing rule that matches some of the requests is named.
#[tokio::test]
async fn an_overlapping_rule_is_reported() {
    let mut desk = Desk::default();
    desk.drop_spec("specs/prices.yaml", &second("/*"));
    desk.run(300).await;
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    let problems = desk.problems(KEY);
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("warning ") && problem.contains("loadBalancing[0]")),
        "{problems:?}"
    );
}

/// Two specs for one service: the second is refused, and says whose it is.
#[tokio::test]
async fn a_service_has_one_spec() {
    let mut desk = Desk::default();
    desk.carry_out(ORDERS).await;
    desk.world().calls.clear();
    desk.drop_spec("specs/copy.yaml", &ORDERS.replace("orders:1", "orders:9"));
    desk.run(300).await;
    let result = desk.result("specs/copy.yaml");
    assert_eq!(result["status"], "refused", "{result:#}");
    assert!(result["problems"].to_string().contains("specs/orders.yaml"), "{result:#}");
    assert_eq!((desk.count("UpdateService"), desk.count("RegisterTaskDefinition")), (0, 0));
}
