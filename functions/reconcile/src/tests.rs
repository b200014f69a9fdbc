//! Tests that need no AWS: parsing a batch, and the form of the response.

use super::*;
use aws_lambda_events::sqs::SqsMessage;
use portkeeper_core::policy::Policy;

fn config(clusters: &str) -> Config {
    let lookup = |name: &str| {
        let value = match name {
            "PORTKEEPER_CHECKS_QUEUE_URL" => "https://sqs/1/checks",
            "PORTKEEPER_LEDGER_TABLE" => "ledger",
            "PORTKEEPER_ALERTS_TOPIC_ARN" => "arn:aws:sns:eu-west-1:111122223333:alerts",
            "PORTKEEPER_CLUSTERS" => clusters,
            _ => return None,
        };
        Some(value.to_owned())
    };
    Config::from_lookup(&lookup).unwrap()
}

fn batch(bodies: &[&str]) -> SqsEvent {
    let message = |(number, body): (usize, &&str)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(format!("m{number}"));
        message.body = Some((*body).to_owned());
        message
    };
    let mut event = SqsEvent::default();
    event.records = bodies.iter().enumerate().map(message).collect();
    event
}

fn check_message(cluster: &str, service: &str) -> String {
    let cluster = format!("arn:aws:ecs:eu-west-1:111122223333:cluster/{cluster}");
    format!(r#"{{"portkeeper":{{"version":1,"cluster":"{cluster}","services":["{service}"]}}}}"#)
}

#[test]
fn an_unreadable_message_fails_alone() {
    let bodies = [
        check_message("shop", "web"),
        "{".to_owned(),
        check_message("bank", "web"),
        r#"{"source":"aws.ec2","detail-type":"x"}"#.to_owned(),
    ];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let inbox = inbox::read(batch(&bodies), &config("shop"));
    let ids: Vec<&str> = inbox.checks.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["m0"]);
    assert_eq!(inbox.unreadable.into_iter().collect::<Vec<_>>(), ["m1"]);
    assert_eq!(
        inbox.ignored.into_iter().collect::<Vec<_>>(),
        [("other_cluster", 1), ("other_source", 1)]
    );
}

#[test]
fn the_response_contains_the_ids_of_failed_messages() {
    let answer = response(BTreeSet::from(["m1".to_owned()]));
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#
    );
    assert_eq!(config("*").policy, Policy::default());
}

/// Tests and tools run the handler on their own threads.
#[test]
fn the_handler_can_be_spawned() {
    fn is_send<T: Send>(_: fn(&'static Aws, &'static Config, SqsEvent, Timestamp) -> T) {}
    is_send(handle);
}
