//! Every form of a published alert, as files: compare them in `shared/core/tests/forms`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::expect_file;
use portkeeper_core::api_call::{Actor, ActorKind, Operation};
use portkeeper_core::code::{Code, Severity};
use portkeeper_core::ids::{ClusterArn, ServiceKey, Target, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::Subject;
use portkeeper_core::plan::{
    ActionKind, Alert, AlertItem, AlertState, Cause, Impact, OutcomeResult, WriteOutcome,
};
use portkeeper_core::report::{
    Document, HttpsFormat, SlackMessage, chat_notification, message, slack_message,
};
use portkeeper_core::time::Timestamp;
use serde_json::Value;

fn moment(text: &str) -> Timestamp {
    Timestamp::try_from(text.to_owned()).unwrap()
}

fn group(name: &str) -> TargetGroupArn {
    let arn = format!(
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef"
    );
    TargetGroupArn::try_from(arn).unwrap()
}

fn task(id: &str) -> TaskArn {
    TaskArn::try_from(format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/{id}")).unwrap()
}

fn target(text: &str) -> Target {
    Target::try_from(text.to_owned()).unwrap()
}

fn alert(code: Code, state: AlertState, severity: Severity, items: Vec<AlertItem>) -> Alert {
    let cluster = ClusterArn::try_from("arn:aws:ecs:eu-west-1:111122223333:cluster/shop").unwrap();
    let key = ServiceKey { cluster, service: "web".to_owned() };
    Alert {
        key,
        owner: None,
        code,
        state,
        severity,
        impact: None,
        items,
        at: moment("2026-11-23T10:03:20Z"),
    }
}

fn item(number: u16, why: &str) -> AlertItem {
    AlertItem {
        subject: Subject::Target(
            group("web-tg"),
            target(&format!("i-0a133a341b2855908:{}", 32768 + number)),
        ),
        task: Some(task(&format!("{number:032x}"))),
        since: moment("2026-11-23T10:00:00Z"),
        ended_at: None,
        seen: 2,
        why: why.to_owned(),
        repair: None,
        withheld: false,
        cause: None,
    }
}

/// Every form of one alert, each in a file of its own.
fn check(name: &str, alert: &Alert, outcomes: &[WriteOutcome]) {
    let message = message(alert, outcomes);
    let file = |kind: &str| {
        expect_file![format!("{}/tests/forms/{name}.{kind}", env!("CARGO_MANIFEST_DIR"))]
    };
    let pretty = |value: &Value| format!("{}\n", serde_json::to_string_pretty(value).unwrap());
    file("txt").assert_eq(&format!("Subject: {}\n\n{}\n", message.subject, message.body));
    file("json").assert_eq(&pretty(&serde_json::from_str(&message.document.to_json()).unwrap()));
    file("slack.json").assert_eq(&pretty(slack_message(&message.document).to_json()));
    file("chat.json").assert_eq(&pretty(&chat_notification(&message.document)));
    within_slacks_limits(slack_message(&message.document).to_json());
    let document: Document = serde_json::from_str(&message.document.to_json()).unwrap();
    assert_eq!(document, message.document, "what is written can be read");
    for https in [HttpsFormat::Document, HttpsFormat::Chat] {
        let text = message.by_protocol(https);
        assert!(text.len() < 200_000, "{} bytes", text.len());
        let parts: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parts["email"], message.body);
        assert_eq!(parts["default"], message.document.to_json());
        assert_eq!(parts["https"].is_string(), https == HttpsFormat::Chat);
    }
}

/// <https://docs.slack.dev/reference/block-kit/blocks>
fn within_slacks_limits(message: &Value) {
    let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
    for block in blocks {
        let length = |text: &Value| text.as_str().unwrap_or_default().chars().count();
        match block["type"].as_str().unwrap() {
            "header" => assert!((1..=150).contains(&length(&block["text"]["text"]))),
            "section" if block["fields"].is_array() => {
                let fields = block["fields"].as_array().unwrap();
                assert!(
                    fields.len() <= 10 && fields.iter().all(|field| length(&field["text"]) <= 2000)
                );
            }
            "section" => assert!((1..=3000).contains(&length(&block["text"]["text"])), "{block}"),
            "actions" => assert!(block["elements"].as_array().unwrap().len() <= 25),
            other => panic!("a block of type {other}"),
        }
    }
}

#[test]
fn a_missing_target_that_was_registered() {
    let why = "task 0 has been running for 3 min and its target is not registered: confirmed by a second check";
    let items = vec![AlertItem { repair: Some(ActionKind::Register), ..item(0, why) }];
    let impact = Some(Impact { tasks_without_traffic: 1, tasks: 3 });
    let owner = Some("team-shop".to_owned());
    let alert =
        Alert { impact, owner, ..alert(Code::Missing, AlertState::Opened, Severity::Error, items) };
    let outcome = WriteOutcome {
        kind: ActionKind::Register,
        group: group("web-tg"),
        target: target("i-0a133a341b2855908:32768"),
        result: OutcomeResult::Done,
    };
    check("missing-repaired", &alert, &[outcome]);
}

#[test]
fn a_hijacked_target_without_proof_stays_registered() {
    let why = "task 0 has stopped, and its target now leads to task 9 of service billing: requests reach the wrong task: mode alert: Portkeeper writes nothing";
    check(
        "hijacked",
        &alert(Code::Hijacked, AlertState::Escalated, Severity::Critical, vec![item(0, why)]),
        &[],
    );
}

#[test]
fn the_end_of_an_incident() {
    let ended_at = Some(moment("2026-11-23T10:03:20Z"));
    let items = vec![AlertItem { ended_at, seen: 5, ..item(0, "registered and healthy") }];
    check(
        "missing-resolved",
        &alert(Code::Missing, AlertState::Resolved, Severity::Error, items),
        &[],
    );
}

/// Two API calls deregistered three targets; the cause of a fourth is unknown.
#[test]
fn targets_that_an_api_call_deregistered() {
    let cause = |by: Actor, second: u32| Cause {
        by,
        operation: Operation::DeregisterTargets,
        at: moment("2026-11-23T09:58:00Z").plus_secs(second),
        event: format!("08e4b0f7-689b-4c84-af2d-47619000000{second}"),
    };
    let alice = cause(Actor::new(ActorKind::User, "alice"), 2);
    let role = Actor::new(ActorKind::Role, "Deploy").in_session(Some("bob@example.com"));
    let bob = cause(role.through(Some("cloudformation.amazonaws.com")), 7);
    let causes = [Some(alice.clone()), Some(alice), Some(bob), None];
    let why = "task has been running for 3 h and its target is not registered: confirmed by a second check";
    let items =
        causes.into_iter().zip(0..).map(|(cause, number)| AlertItem { cause, ..item(number, why) });
    let impact = Some(Impact { tasks_without_traffic: 4, tasks: 9 });
    let alert = alert(Code::Missing, AlertState::Opened, Severity::Error, items.collect());
    check("missing-by-hand", &Alert { impact, ..alert }, &[]);
}

/// 200 missing targets of one deployment are one alert with the first few and a count.
#[test]
fn two_hundred_at_once() {
    let items = (0..200).map(|number| {
        item(number, "task has been running for 3 min and its target is not registered")
    });
    let impact = Some(Impact { tasks_without_traffic: 200, tasks: 200 });
    let alert = alert(Code::Missing, AlertState::Opened, Severity::Critical, items.collect());
    check("missing-many", &Alert { impact, ..alert }, &[]);
}

/// Holds C-40.
#[test]
fn slack_markup_is_escaped_and_long_text_is_cut() {
    let mut odd = alert(Code::BelowDesired, AlertState::Opened, Severity::Error, Vec::new());
    odd.key.service = "<b>&web</b>".to_owned();
    let words = "(service web) was unable to place a task: <!channel> & ```code``` ".repeat(200);
    odd.items = vec![AlertItem { subject: Subject::Service, task: None, ..item(0, &words) }];
    check("odd-names", &odd, &[]);
    let text = slack_message(&message(&odd, &[]).document).to_json().to_string();
    assert!(text.contains("&lt;!channel&gt; &amp;") && !text.contains("<!channel>"), "{text}");
    assert!(text.contains("… (cut)"), "{text}");
}

/// Characters of four bytes each: all forms together stay within SNS's limit.
#[test]
fn long_reasons_are_cut_to_the_sns_limit() {
    let why = "\u{1f6a8}".repeat(5_000);
    let alert = alert(
        Code::Missing,
        AlertState::Opened,
        Severity::Error,
        (0..50).map(|number| item(number, &why)).collect(),
    );
    let message = message(&alert, &[]);
    let attributes: usize =
        message.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(message.by_protocol(HttpsFormat::Chat).len() + attributes <= 262_144);
    assert!(message.document.items.len() > 5);
    assert_eq!(message.document.items.len() + message.document.more, 50);
}

/// A check that could not record that an alert was sent leads to another alert with the same name;
/// a reminder is not a repetition.
#[test]
fn a_repeated_alert_keeps_its_name() {
    let id = |state: AlertState, at: &str| {
        let alert = Alert {
            at: moment(at),
            ..alert(Code::Missing, state, Severity::Error, vec![item(0, "why")])
        };
        message(&alert, &[]).document.id
    };
    let (first, second) = ("2026-11-23T10:03:20Z", "2026-11-23T10:04:20Z");
    for state in [AlertState::Opened, AlertState::Resolved, AlertState::Superseded] {
        assert_eq!(id(state, first), id(state, second));
    }
    for state in [AlertState::Escalated, AlertState::Reminder] {
        assert_ne!(id(state, first), id(state, second));
    }
    assert_ne!(id(AlertState::Opened, first), id(AlertState::Resolved, first));
}

#[test]
fn a_message_from_another_sender_is_shown_unchanged() {
    let message = SlackMessage::plain("ALARM: <checks>", &"``` & <x>".repeat(1000));
    within_slacks_limits(message.to_json());
    let text = message.to_json().to_string();
    assert!(text.contains("''' &amp; &lt;x&gt;"), "{text}");
}
