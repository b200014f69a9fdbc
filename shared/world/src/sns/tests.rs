//! Which messages a topic accepts.

use super::topic_api::MAX_MESSAGE_BYTES;
use super::*;
use crate::api::Caller;
use serde_json::json;

fn publish(world: &mut World, input: &Value) -> Result<Value, String> {
    world.call(Caller::Person, Service::Sns, "Publish", input).map_err(|error| error.to_string())
}

#[test]
fn published_messages_are_kept_and_invalid_ones_rejected() {
    let mut world = World::new(1, 5);
    let topic = world
        .call(Caller::Person, Service::Sns, "CreateTopic", &json!({"Name": "alerts"}))
        .unwrap()["TopicArn"]
        .clone();
    let attributes = json!({"severity": {"DataType": "String", "StringValue": "critical"}});
    let input =
        json!({"TopicArn": topic, "Message": "m", "Subject": "s", "MessageAttributes": attributes});
    publish(&mut world, &input).unwrap();
    let published = &world.sns.published("alerts")[0];
    assert_eq!(
        (published.at_ms, published.subject.as_deref(), published.message.as_str()),
        (5, Some("s"), "m")
    );
    assert_eq!(published.attributes["severity"], "critical");

    let long = "x".repeat(100);
    for subject in ["", " a", "a\nb", "ü", &long] {
        let input = json!({"TopicArn": topic, "Message": "m", "Subject": subject});
        assert_eq!(
            publish(&mut world, &input),
            Err("InvalidParameter: Invalid parameter: Subject".to_owned())
        );
    }
    let too_long = "x".repeat(MAX_MESSAGE_BYTES + 1);
    for (input, error) in [
        (
            json!({"TopicArn": topic, "Message": too_long}),
            "InvalidParameter: Invalid parameter: Message too long",
        ),
        (
            json!({"TopicArn": topic, "Message": ""}),
            "InvalidParameter: Invalid parameter: Empty message",
        ),
        (
            json!({"TopicArn": "arn:aws:sns:eu-west-1:111122223333:unknown", "Message": "m"}),
            "NotFound: Topic does not exist",
        ),
    ] {
        assert_eq!(publish(&mut world, &input), Err(error.to_owned()));
    }
    assert_eq!(world.sns.published("alerts").len(), 1);
}

#[test]
fn an_attribute_needs_a_known_type_and_a_valid_value() {
    let mut world = World::new(1, 5);
    let topic = world
        .call(Caller::Person, Service::Sns, "CreateTopic", &json!({"Name": "alerts"}))
        .unwrap()["TopicArn"]
        .clone();
    let mut publish_with = |attribute: Value| {
        let input =
            json!({"TopicArn": topic, "Message": "m", "MessageAttributes": {"it": attribute}});
        publish(&mut world, &input)
            .map(|_| ())
            .map_err(|error| error.split(':').next().unwrap().to_owned())
    };
    for (kind, value) in [("String", "a"), ("Number", "-1.5"), ("String.Array", "[]")] {
        assert_eq!(publish_with(json!({"DataType": kind, "StringValue": value})), Ok(()), "{kind}");
    }
    for (kind, value) in [("String", ""), ("Number", "three"), ("Colour", "red")] {
        let refused = publish_with(json!({"DataType": kind, "StringValue": value}));
        assert_eq!(refused, Err("ParameterValueInvalid".to_owned()), "{kind}");
    }
    assert_eq!(
        publish_with(json!({"DataType": "String"})),
        Err("ParameterValueInvalid".to_owned())
    );
}

#[test]
fn a_message_by_protocol_needs_a_default() {
    let mut world = World::new(1, 5);
    let topic = world
        .call(Caller::Person, Service::Sns, "CreateTopic", &json!({"Name": "alerts"}))
        .unwrap()["TopicArn"]
        .clone();
    let input = |structure: &str, message: &str| json!({"TopicArn": topic, "Message": message, "MessageStructure": structure});
    let parts = r#"{"default": "{}", "email": "text", "odd": 1}"#;
    publish(&mut world, &input("json", parts)).unwrap();
    let published = &world.sns.published("alerts")[0];
    assert_eq!(["email", "sqs"].map(|protocol| published.text_for(protocol)), ["text", "{}"]);
    assert_eq!(published.message, parts);
    for (structure, message, why) in [
        ("json", "text", "Message Structure - JSON message body failed to parse"),
        (
            "json",
            r#"{"email": "text"}"#,
            "Message Structure - No default entry in JSON message body",
        ),
        ("json", r#"{"default": 1}"#, "Message Structure - No default entry in JSON message body"),
        ("xml", parts, "MessageStructure"),
    ] {
        let error = format!("InvalidParameter: Invalid parameter: {why}");
        assert_eq!(publish(&mut world, &input(structure, message)), Err(error));
    }
}
