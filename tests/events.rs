//! From the queue to the default event bus: every alert reaches the targets of a matching rule.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_aws::bus::Bus;
use portkeeper_notify_events::{SOURCE, handle};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::http::{SharedWorld, sdk_config};
use serde_json::{Value, json};

/// An alert as the core writes it.
const ALERT: &str = include_str!("../shared/core/tests/forms/hijacked.json");

/// A queue with a rule for critical alerts.
const QUEUE: &str = "somebody";

/// An account with a rule, and the function's client.
fn account() -> (SharedWorld, Bus) {
    let mut world = World::new(1, 1_795_392_000_000);
    world.call(Caller::Person, Service::Sqs, "CreateQueue", &json!({"QueueName": QUEUE})).unwrap();
    let pattern = json!({"source": ["portkeeper"], "detail-type": ["Portkeeper Alert"], "detail": {"severity": ["critical"]}});
    world.eventbridge.put_rule("critical", pattern, QUEUE).unwrap();
    let world = SharedWorld::new(world);
    let bus = Bus::from_sdk_config(&sdk_config(&world), SOURCE);
    (world, bus)
}

/// Invokes the function with messages. Returns the ids of the failed ones.
async fn hand_over(bus: &Bus, messages: &[String]) -> Vec<String> {
    let record = |(number, message): (usize, &String)| {
        let body = json!({"Type": "Notification", "Message": message}).to_string();
        json!({"messageId": format!("m{number}"), "body": body})
    };
    let records: Vec<Value> = messages.iter().enumerate().map(record).collect();
    let event: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
    handle(bus, event)
        .await
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect()
}

#[tokio::test]
async fn an_alert_is_an_event_with_its_document_and_its_resources() {
    let (world, bus) = account();
    let quiet = ALERT.replace("\"severity\": \"critical\"", "\"severity\": \"error\"");
    assert_eq!(hand_over(&bus, &[ALERT.to_owned(), quiet]).await, [""; 0]);
    let world = world.lock();
    assert_eq!(world.eventbridge.events().len(), 2);
    let event = &world.eventbridge.events()[0];
    assert_eq!(
        (&event["source"], &event["detail-type"]),
        (&json!("portkeeper"), &json!("Portkeeper Alert"))
    );
    // The detail is what docs/alert.schema.json describes: the document, member by member.
    assert_eq!(event["detail"], serde_json::from_str::<Value>(ALERT).unwrap());
    let schema = serde_json::from_str(include_str!("../docs/alert.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&event["detail"]).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let item = &event["detail"]["items"][0];
    assert_eq!(event["resources"], json!([item["task"], item["target_group"]]));
    assert_eq!(world.sqs.messages(QUEUE).count(), 1, "a rule may filter by what is in it");
}

/// Messages that are not alerts are left out; an alert of another version is published for rules
/// that expect it.
#[tokio::test]
async fn only_alerts_of_portkeeper_are_events() {
    let (world, bus) = account();
    let newer = ALERT.replace("\"version\": 1", "\"version\": 7");
    let alarm = r#"{"AlarmName":"x","NewStateValue":"ALARM"}"#.to_owned();
    let messages =
        ["hello".to_owned(), String::new(), "[]".to_owned(), "{}".to_owned(), alarm, newer];
    assert_eq!(hand_over(&bus, &messages).await, [""; 0]);
    let world = world.lock();
    let versions: Vec<&Value> =
        world.eventbridge.events().iter().map(|event| &event["detail"]["version"]).collect();
    assert_eq!(versions, [7]);
}

/// The result of a spec has its own detail type.
#[tokio::test]
async fn the_result_of_a_spec_is_an_event() {
    let (world, bus) = account();
    let service = "arn:aws:ecs:eu-west-1:111122223333:service/shop/orders";
    let result = json!({"schema": "portkeeper.spec-result", "version": 1, "status": "ready", "service_arn": service});
    assert_eq!(hand_over(&bus, &[result.to_string()]).await, [""; 0]);
    let world = world.lock();
    let event = &world.eventbridge.events()[0];
    assert_eq!(
        (&event["detail-type"], &event["detail"]),
        (&json!("Portkeeper Spec Result"), &result)
    );
    assert_eq!(event["resources"], json!([service]));
}

/// More messages than one request may hold; a failed request fails its own messages only.
#[tokio::test]
async fn messages_that_the_bus_refuses_are_retried() {
    let (world, bus) = account();
    world
        .lock()
        .faults
        .add(Rule::new(Service::EventBridge, "PutEvents", Fault::AccessDenied).skip(1));
    let messages: Vec<String> = vec![ALERT.to_owned(); 12];
    assert_eq!(hand_over(&bus, &messages).await, ["m10", "m11"]);
    assert_eq!(world.lock().eventbridge.events().len(), 10);
    assert_eq!(hand_over(&bus, &messages[10..]).await, [""; 0]);
    assert_eq!(world.lock().eventbridge.events().len(), 12);
}
