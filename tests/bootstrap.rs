//! The real programs as Lambda runs them: processes that poll a Runtime API, with an account behind
//! real HTTP.
//!
//! Covers what only a process shows: start-up, a refused start, answers and output.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "bootstrap/account.rs"]
mod account;
#[path = "bootstrap/process.rs"]
mod process;
#[path = "bootstrap/specs.rs"]
mod specs;

use account::{Account, QUEUE};
use portkeeper_tests::runtime_api::{Answer, RuntimeApi};
use portkeeper_tests::slack_server::{Reply, Slack};
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::sqs::{finish_batch, take_batch};
use process::Process;
use serde_json::{Value, json};

/// A secret in an event, which must never be printed.
const SECRET: &str = "hunter2-is-no-good-secret";

/// An account, the program in it, and the Runtime API that it polls.
struct Deployed {
    account: Account,
    api: RuntimeApi,
    process: Process,
}

impl Deployed {
    async fn new() -> Self {
        Self::with("reconcile").await
    }

    async fn with(program: &str) -> Self {
        let account = Account::new().await;
        let api = RuntimeApi::start().await;
        let process = Process::start(program, &api, &account.variables());
        Self { account, api, process }
    }

    /// Receives the visible messages, lets the program handle them, and deletes or keeps them as
    /// Lambda would.
    async fn deliver(&mut self) -> Answer {
        let batch =
            take_batch(&mut self.account.world.lock(), QUEUE, 100).expect("messages are due");
        let answer =
            self.api.invoke(&batch, 300).await.unwrap_or_else(|| panic!("{}", self.process.said()));
        let response =
            if let Answer::Response(response) = &answer { Ok(response) } else { Err(()) };
        finish_batch(&mut self.account.world.lock(), QUEUE, &batch, response);
        answer
    }
}

/// Holds C-19, C-36, C-41: a stale target is repaired, from the message to the alert; an unreadable
/// message is retried.
#[tokio::test]
async fn a_stale_target_is_repaired_and_only_the_unreadable_message_comes_back() {
    let mut deployed = Deployed::new().await;
    let stale = deployed.account.leave_a_target_behind().await;
    deployed.account.ask("web");
    deployed.account.send(&format!("{{\"environment\": \"{SECRET}\""));
    let unreadable = deployed.account.message_with(SECRET);
    let answer = deployed.deliver().await;
    assert_eq!(
        answer,
        Answer::Response(json!({"batchItemFailures": [{"itemIdentifier": unreadable}]}))
    );
    assert_eq!(
        deployed.account.writes(),
        [format!("Deregister {stale}")],
        "{}",
        deployed.process.said()
    );
    assert_eq!(deployed.account.alerts(), ["stale opened"]);

    // The next check finds the target draining.
    deployed.account.ask("web");
    assert_eq!(deployed.deliver().await, Answer::Response(json!({"batchItemFailures": []})));
    assert_eq!(deployed.account.alerts(), ["stale opened", "stale resolved"]);
    assert_eq!(deployed.account.writes().len(), 1);

    let said = deployed.process.said_until(|said| said.matches("\"_aws\"").count() >= 4).await;
    let lines: Vec<Value> = said
        .lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|_| panic!("every line is JSON: {line}"))
        })
        .collect();
    let metrics = lines
        .iter()
        .filter(|line| line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Portkeeper");
    let deregistrations: Vec<&Value> =
        metrics.clone().filter_map(|line| line.get("Deregistrations")).collect();
    assert_eq!(deregistrations, [1, 0], "one line of metrics for each check");
    assert!(
        metrics.filter_map(|line| line["ApiCalls"].as_u64()).all(|calls| calls > 3),
        "and one for its calls"
    );
    let checks: Vec<&Value> =
        lines.iter().filter(|line| line["message"] == "service checked").collect();
    assert!(
        checks.len() == 2
            && checks[0]["service"] == "web"
            && checks[0]["span"]["id"] == "request-1",
        "{checks:?}"
    );
    assert!(!said.contains(SECRET), "{said}");
}

/// The scheduled sweep: a stale target without any event leads to a message and no write.
#[tokio::test]
async fn the_sweep_requests_a_check_of_a_faulty_service() {
    let deployed = Deployed::with("sweep").await;
    deployed.account.leave_a_target_behind().await;
    let Some(Answer::Response(report)) = deployed.api.invoke(&json!({}), 300).await else {
        panic!("{}", deployed.process.said())
    };
    assert_eq!(report["is_round_over"], true, "{report}");
    assert_eq!(report["clusters"]["shop"]["services"], 1, "{report}");
    assert!(report["clusters"]["shop"]["suspects"]["web"].is_string(), "{report}");
    assert!(!deployed.account.message_with("\"services\":[\"web\"]").is_empty());
    assert_eq!(deployed.account.writes(), [""; 0]);
    let said = deployed.process.said_until(|said| said.contains("SweepRounds")).await;
    let beat = said
        .lines()
        .find(|line| line.contains("SweepRounds"))
        .unwrap_or_else(|| panic!("no heartbeat: {said}"));
    let beat: Value = serde_json::from_str(beat).unwrap();
    assert_eq!(
        (&beat["SweepRuns"], &beat["SweepRounds"], &beat["SweepBlind"]),
        (&json!(1), &json!(1), &json!(0))
    );
}

/// Holds I-DELIVERY, C-40, C-41: from the queue to Slack. What Slack refuses permanently goes to
/// the dead-letter queue, and no webhook is printed.
#[tokio::test]
async fn alerts_go_to_slack_and_their_webhook_is_printed_nowhere() {
    let account = Account::new().await;
    let slack =
        Slack::start(&[Reply::Say(200, "ok", None), Reply::Say(404, "no_service", None)]).await;
    let variables = {
        let mut world = account.world.lock();
        world.put_secret("portkeeper/slack", &slack.webhook(SECRET));
        let queue = json!({"QueueName": "slack-dead-letters"});
        let made = world.call(Caller::Person, Service::Sqs, "CreateQueue", &queue).unwrap();
        let url = made["QueueUrl"].as_str().unwrap().to_owned();
        let own = [
            ("PORTKEEPER_SLACK_SECRET", "portkeeper/slack".to_owned()),
            ("PORTKEEPER_SLACK_DEAD_LETTERS_URL", url),
        ];
        account
            .variables()
            .into_iter()
            .chain(own.map(|(name, value)| (name.to_owned(), value)))
            .collect::<Vec<_>>()
    };
    let api = RuntimeApi::start().await;
    let process = Process::start("notify-slack", &api, &variables);
    let alert = include_str!("../shared/core/tests/forms/hijacked.json");
    let body = json!({"Type": "Notification", "Subject": "subject", "Message": alert}).to_string();
    let record = |id: &str| json!({"messageId": id, "body": body});
    let answer = api.invoke(&json!({"Records": [record("m1"), record("m2")]}), 30).await;
    let said = process.said_until(|said| said.contains("cannot deliver the message")).await;
    assert_eq!(answer, Some(Answer::Response(json!({"batchItemFailures": []}))), "{said}");
    assert_eq!(slack.paths(), [SECRET, SECRET], "{said}");
    let aside: Vec<String> = {
        let world = account.world.lock();
        let messages = world.sqs.messages("slack-dead-letters");
        messages.map(|message| message.attributes["reason"]["StringValue"].to_string()).collect()
    };
    assert_eq!(aside, ["\"Slack refused the message (route default): 404 Not Found: no_service\""]);
    assert!(!said.contains(SECRET) && said.contains("cannot deliver the message"), "{said}");
}

/// An alert from the queue to the default event bus.
#[tokio::test]
async fn alerts_go_to_the_event_bus() {
    let account = Account::new().await;
    let api = RuntimeApi::start().await;
    let process = Process::start("notify-events", &api, &account.variables());
    let alert = include_str!("../shared/core/tests/forms/hijacked.json");
    let body = json!({"Type": "Notification", "Subject": "subject", "Message": alert}).to_string();
    let answer = api.invoke(&json!({"Records": [{"messageId": "m1", "body": body}]}), 30).await;
    assert_eq!(
        answer,
        Some(Answer::Response(json!({"batchItemFailures": []}))),
        "{}",
        process.said()
    );
    let world = account.world.lock();
    let event = world
        .eventbridge
        .events()
        .iter()
        .find(|event| event["source"] == "portkeeper")
        .expect("an event");
    assert_eq!(event["detail"], serde_json::from_str::<Value>(alert).unwrap());
}

/// A webhook given instead of the secret's name is not printed with the problem.
#[tokio::test]
async fn notify_slack_does_not_start_with_a_webhook_instead_of_a_secret() {
    let api = RuntimeApi::start().await;
    let wrong = [(
        "PORTKEEPER_SLACK_SECRET".to_owned(),
        format!("https://hooks.slack.com/services/{SECRET}"),
    )];
    let (succeeded, said) = Process::start("notify-slack", &api, &wrong).ended();
    assert!(!succeeded && !said.contains(SECRET), "{said}");
    for name in
        ["PORTKEEPER_SLACK_SECRET is `(not shown)`", "PORTKEEPER_SLACK_DEAD_LETTERS_URL is not set"]
    {
        assert!(said.contains(name), "`{name}` is not in:\n{said}");
    }
}

/// Holds C-31: an unreachable account fails the message, not the process.
#[tokio::test]
async fn with_aws_unreachable_messages_are_retried_and_the_process_continues() {
    let mut deployed = Deployed::new().await;
    deployed.account.ask("web");
    let refused = portkeeper_world::faults::Fault::fail("InternalFailure", "down", 500);
    deployed
        .account
        .world
        .lock()
        .faults
        .add(portkeeper_world::faults::Rule::any(refused).forever());
    let Answer::Response(response) = deployed.deliver().await else {
        panic!("{}", deployed.process.said())
    };
    assert_eq!(response["batchItemFailures"].as_array().map(Vec::len), Some(1), "{response}");
    deployed.account.world.lock().faults.clear();
    deployed.account.world.lock().advance_secs(400);
    assert_eq!(deployed.deliver().await, Answer::Response(json!({"batchItemFailures": []})));
}

/// An event that is not a batch of messages fails the invocation, and the process continues.
#[tokio::test]
async fn an_event_that_is_no_batch_is_an_error_and_the_next_is_handled() {
    let mut deployed = Deployed::new().await;
    let answer = deployed.api.invoke(&json!({"Records": SECRET}), 300).await;
    assert!(matches!(answer, Some(Answer::Error(_))), "{answer:?}");
    deployed.account.ask("web");
    assert_eq!(deployed.deliver().await, Answer::Response(json!({"batchItemFailures": []})));
}

/// Near the end of the function's time no check starts: its request is sent again, so that it is
/// due before a visibility timeout is over, and does not count as received.
#[tokio::test]
async fn no_check_starts_without_enough_time() {
    let deployed = Deployed::new().await;
    deployed.account.ask("web");
    let batch = take_batch(&mut deployed.account.world.lock(), QUEUE, 100).unwrap();
    let Some(Answer::Response(response)) = deployed.api.invoke(&batch, 1).await else {
        panic!("{}", deployed.process.said())
    };
    assert_eq!(response, json!({"batchItemFailures": []}));
    let calls = ["DescribeServices", "SendMessage"];
    let world = deployed.account.world.lock();
    assert_eq!(calls.map(|name| world.calls.of(name).count()), [0, 1]);
}

/// Missing and wrong variables: every problem is printed with the variable's name, before the first
/// poll.
#[tokio::test]
async fn it_does_not_start_with_a_wrong_configuration() {
    let api = RuntimeApi::start().await;
    let wrong = [
        ("PORTKEEPER_LEDGER_TABLE", "x"),
        ("PORTKEEPER_MODE", "Repair"),
        ("PORTKEEPER_SETTLE_SECONDS", "9"),
        ("PORTKEEPER_MAX_DEREGISTRATION", "5"),
    ];
    let wrong = wrong.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for program in ["reconcile", "sweep"] {
        let process = Process::start(program, &api, &wrong);
        let (succeeded, said) = process.ended();
        assert!(!succeeded, "{said}");
        for name in [
            "PORTKEEPER_CHECKS_QUEUE_URL is not set",
            "PORTKEEPER_ALERTS_TOPIC_ARN is not set",
            "PORTKEEPER_LEDGER_TABLE is `x`",
            "PORTKEEPER_MODE is `Repair`; it must be repair, alert or off",
            "PORTKEEPER_SETTLE_SECONDS is `9`; it must be a whole number from 10 to 900",
            "PORTKEEPER_MAX_DEREGISTRATION is not a variable of Portkeeper; did you mean PORTKEEPER_MAX_DEREGISTRATIONS?",
            "the configuration has 6 problems",
        ] {
            assert!(said.contains(name), "`{name}` is not in:\n{said}");
        }
    }
    assert_eq!(api.polls(), 0, "nothing was asked of the Runtime API");
}
