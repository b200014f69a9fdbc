//! Delay, visibility timeout, dead-letter queues, and Lambda's batches.

use super::*;
use crate::api::{Caller, Service};
use serde_json::json;

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/checks";

fn ask(world: &mut World, operation: &str, input: &Value) -> Value {
    world.call(Caller::Person, Service::Sqs, operation, input).unwrap()
}

fn refusal(world: &mut World, operation: &str, input: &Value) -> String {
    world.call(Caller::Person, Service::Sqs, operation, input).unwrap_err().code
}

fn world(attributes: &Value) -> World {
    let mut world = World::new(1, 0);
    ask(&mut world, "CreateQueue", &json!({"QueueName": "dead"}));
    ask(&mut world, "CreateQueue", &json!({"QueueName": "checks", "Attributes": attributes}));
    world
}

#[test]
fn a_message_waits_for_its_delay_and_hides_while_in_flight() {
    let mut world = world(&json!({"DelaySeconds": "60", "VisibilityTimeout": "30"}));
    let sent =
        ask(&mut world, "SendMessage", &json!({"QueueUrl": URL, "MessageBody": "Hello, World!"}));
    assert_eq!(sent["MD5OfMessageBody"], "65a8e27d8879283831b664bd8b7f0ad4");
    ask(
        &mut world,
        "SendMessage",
        &json!({"QueueUrl": URL, "MessageBody": "b", "DelaySeconds": 0}),
    );
    let receive = json!({"QueueUrl": URL, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]});
    let first = ask(&mut world, "ReceiveMessage", &receive);
    assert_eq!(first["Messages"].as_array().unwrap().len(), 1);
    assert_eq!(first["Messages"][0]["Body"], "b");
    assert_eq!(world.sqs.next_visible_ms("checks"), Some(30_000));
    world.advance(29_999);
    assert_eq!(ask(&mut world, "ReceiveMessage", &receive), json!({}));
    world.advance(1);
    let again = ask(&mut world, "ReceiveMessage", &receive);
    assert_eq!(again["Messages"][0]["Attributes"]["ApproximateReceiveCount"], "2");
    world.advance(30_000);
    assert_eq!(
        ask(&mut world, "ReceiveMessage", &receive)["Messages"].as_array().unwrap().len(),
        2
    );
    let stale = json!({"QueueUrl": URL, "ReceiptHandle": again["Messages"][0]["ReceiptHandle"]});
    ask(&mut world, "DeleteMessage", &stale);
    assert_eq!(world.sqs.depth("checks"), Some(2), "an older receipt deletes nothing");
}

#[test]
fn a_message_received_too_often_goes_to_the_dead_letter_queue() {
    let arn = "arn:aws:sqs:eu-west-1:111122223333:dead";
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let mut world = world(&json!({"RedrivePolicy": policy, "VisibilityTimeout": "10"}));
    send(&mut world, "checks", "poison", None).unwrap();
    for _ in 0..2 {
        let batch = take_batch(&mut world, "checks", 10).unwrap();
        assert_eq!(finish_batch(&mut world, "checks", &batch, Err(())), 0);
        world.advance(10_000);
    }
    assert_eq!(take_batch(&mut world, "checks", 10), None);
    assert_eq!((world.sqs.depth("checks"), world.sqs.depth("dead")), (Some(0), Some(1)));
    let dead = take_batch(&mut world, "dead", 1).unwrap();
    assert_eq!(
        dead["Records"][0]["attributes"]["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:eu-west-1:111122223333:checks"
    );
}

#[test]
fn a_batch_has_the_shape_of_lambdas_event() {
    let mut world = world(&json!({}));
    let attributes = json!({"kind": {"DataType": "String", "StringValue": "look-again"}});
    let input =
        json!({"QueueUrl": URL, "MessageBody": "Hello, World!", "MessageAttributes": attributes});
    let id = ask(&mut world, "SendMessage", &input)["MessageId"].clone();
    world.advance(1500);
    let batch = take_batch(&mut world, "checks", 10).unwrap();
    let receipt = batch["Records"][0]["receiptHandle"].clone();
    assert_eq!(
        batch,
        json!({"Records": [{
            "messageId": id,
            "receiptHandle": receipt,
            "body": "Hello, World!",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "0",
                "SenderId": "AROAEXAMPLEID:portkeeper-world",
                "ApproximateFirstReceiveTimestamp": "1500",
            },
            "messageAttributes": {"kind": {
                "stringValue": "look-again",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }},
            "md5OfBody": "65a8e27d8879283831b664bd8b7f0ad4",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:checks",
            "awsRegion": "eu-west-1",
        }]})
    );
}

#[test]
fn a_partial_failure_keeps_the_failed_messages() {
    let failure = |id: &Value| json!({"batchItemFailures": [{"itemIdentifier": id}]});
    for (response, deleted) in [
        (json!(null), 2),
        (json!({}), 2),
        (json!({"batchItemFailures": []}), 2),
        (json!({"batchItemFailures": null}), 2),
        (failure(&json!("first")), 1),
        (failure(&json!("")), 0),
        (failure(&json!("unknown")), 0),
        (json!({"failures": []}), 0),
        (json!("text"), 0),
    ] {
        let mut world = world(&json!({}));
        for body in ["a", "b"] {
            send(&mut world, "checks", body, None).unwrap();
        }
        let batch = take_batch(&mut world, "checks", 10).unwrap();
        let first = batch["Records"][0]["messageId"].as_str().unwrap();
        let response: Value =
            serde_json::from_str(&response.to_string().replace("first", first)).unwrap();
        assert_eq!(
            finish_batch(&mut world, "checks", &batch, Ok(&response)),
            deleted,
            "{response}"
        );
        assert_eq!(world.sqs.depth("checks"), Some(2 - deleted));
        assert_eq!(take_batch(&mut world, "checks", 10), None);
        world.advance(30_000);
        assert_eq!(take_batch(&mut world, "checks", 10).is_some(), deleted < 2);
    }
}

#[test]
fn batch_entries_succeed_or_fail_separately() {
    let mut world = world(&json!({}));
    let entries = json!([{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": "b", "DelaySeconds": 901}]);
    let answer = ask(&mut world, "SendMessageBatch", &json!({"QueueUrl": URL, "Entries": entries}));
    assert_eq!(answer["Successful"][0]["Id"], "1");
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
    let many: Vec<Value> =
        (0..11).map(|n| json!({"Id": n.to_string(), "MessageBody": "a"})).collect();
    let twice = json!([{"Id": "1", "MessageBody": "a"}, {"Id": "1", "MessageBody": "b"}]);
    for (entries, code) in [
        (json!(many), "TooManyEntriesInBatchRequest"),
        (json!([]), "EmptyBatchRequest"),
        (twice, "BatchEntryIdsNotDistinct"),
    ] {
        assert_eq!(
            refusal(&mut world, "SendMessageBatch", &json!({"QueueUrl": URL, "Entries": entries})),
            code
        );
    }
}

#[test]
fn visibility_can_be_changed_while_in_flight_only() {
    let mut world = world(&json!({}));
    send(&mut world, "checks", "a", None).unwrap();
    let batch = take_batch(&mut world, "checks", 1).unwrap();
    let receipt = batch["Records"][0]["receiptHandle"].clone();
    let change = json!({"QueueUrl": URL, "ReceiptHandle": receipt, "VisibilityTimeout": 0});
    ask(&mut world, "ChangeMessageVisibility", &change);
    assert_eq!(world.sqs.next_visible_ms("checks"), Some(0));
    let later = json!({"QueueUrl": URL, "ReceiptHandle": receipt, "VisibilityTimeout": 30});
    ask(&mut world, "ChangeMessageVisibility", &later);
    assert_eq!(
        world.sqs.next_visible_ms("checks"),
        Some(0),
        "it can be received again: nothing to change"
    );
    ask(&mut world, "DeleteMessage", &json!({"QueueUrl": URL, "ReceiptHandle": receipt}));
    assert_eq!(refusal(&mut world, "ChangeMessageVisibility", &change), "InvalidParameterValue");
}

#[test]
fn refusals() {
    let mut world = world(&json!({}));
    let other = "https://sqs.eu-west-1.amazonaws.com/111122223333/other";
    let with_attribute =
        |it: Value| json!({"QueueUrl": URL, "MessageBody": "a", "MessageAttributes": {"it": it}});
    for (operation, input, code) in [
        ("SendMessage", json!({"QueueUrl": other, "MessageBody": "a"}), "QueueDoesNotExist"),
        ("SendMessage", json!({"QueueUrl": URL, "MessageBody": "\u{1}"}), "InvalidMessageContents"),
        (
            "SendMessage",
            json!({"QueueUrl": URL, "MessageBody": "a", "Delay": 1}),
            "InvalidParameterValue",
        ),
        ("SendMessage", with_attribute(json!({"DataType": "String"})), "InvalidParameterValue"),
        ("SendMessage", with_attribute(json!({"StringValue": "x"})), "MissingParameter"),
        ("DeleteMessage", json!({"QueueUrl": URL, "ReceiptHandle": "x"}), "ReceiptHandleIsInvalid"),
        ("PurgeQueue", json!({"QueueUrl": URL}), "UnknownOperationException"),
        ("CreateQueue", json!({"QueueName": "a.fifo"}), "InvalidParameterValue"),
        (
            "CreateQueue",
            json!({"QueueName": "dead", "Attributes": {"DelaySeconds": "1"}}),
            "QueueNameExists",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"Delay": "1"}}),
            "InvalidAttributeName",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}),
            "InvalidAttributeValue",
        ),
    ] {
        assert_eq!(refusal(&mut world, operation, &input), code, "{operation} {input}");
    }
}

#[test]
fn attributes_count_and_messages_expire() {
    let mut world = world(&json!({"MessageRetentionPeriod": "60"}));
    send(&mut world, "checks", "a", Some(50)).unwrap();
    send(&mut world, "checks", "b", None).unwrap();
    let input = json!({"QueueUrl": URL, "AttributeNames": ["All"]});
    let attributes = ask(&mut world, "GetQueueAttributes", &input)["Attributes"].clone();
    assert_eq!(attributes["ApproximateNumberOfMessages"], "1");
    assert_eq!(attributes["ApproximateNumberOfMessagesDelayed"], "1");
    world.advance(60_000);
    assert_eq!(world.sqs.depth("checks"), Some(0));
}
