//! Alerts: what is published, how often, and what is never published.

use portkeeper_reconcile::write_log;
use portkeeper_tests::shop::{Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

const ALERTS: [&str; 2] = ["critical missing opened", "critical missing resolved"];

/// A service whose task is registered in no group.
fn with_a_lost_registration(settings: &[(&str, &str)], tag: Option<&str>) -> Shop {
    let shop = Shop::new(1, settings);
    let group = shop.alb_group("web-tg");
    shop.world().lose_registrations("shop/web", 1);
    let spec = behind("web", &group);
    let tags = |value| json!([{"key": "portkeeper:mode", "value": value}]);
    shop.make(&match tag {
        Some(value) => spec.with("tags", tags(value)),
        None => spec,
    });
    shop
}

/// Holds I-INCIDENT, C-38.
#[tokio::test]
async fn a_finding_of_fifty_checks_sends_one_alert() {
    let mut shop = Shop::settled_web(1, 1).await;
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &host, 9);
    shop.watch(&["web"], 50 * 30).await;
    assert_eq!(shop.alerts(), ["warning foreign opened"]);
    let seen = shop.record("web")["incidents"][0]["seen"].as_u64().unwrap();
    assert!(seen >= 50, "counted: {seen}");
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &host, 9);
    shop.watch(&["web"], 200).await;
    assert_eq!(shop.alerts(), ["warning foreign opened", "warning foreign resolved"]);
    assert!(shop.alert_texts()[1].contains(", ended after "), "{}", shop.alert_texts()[1]);
}

/// Holds I-INCIDENT, C-39: the repair succeeds and SNS refuses the alert: the next check sends it,
/// and nothing is repaired twice.
#[tokio::test]
async fn an_alert_that_sns_refused_is_sent_by_the_next_check() {
    for fault in
        [Fault::AccessDenied, Fault::fail("InternalError", "broke", 500), Fault::LoseRequest]
    {
        let mut shop = with_a_lost_registration(&[], None);
        shop.fault(Rule::new(Service::Sns, "Publish", fault.clone()).times(4));
        let deliveries = shop.run(200).await;
        assert_eq!(shop.writes().len(), 1, "{fault:?}");
        if fault == Fault::AccessDenied {
            assert!(deliveries.iter().any(|it| it.failed == 1), "{fault:?}");
        }
        shop.run(1200).await;
        // By then the target is registered, and every task receives traffic.
        let published =
            ["error missing opened", "error missing resolved"].map(str::to_owned).to_vec();
        assert_eq!((shop.writes().len(), shop.alerts()), (1, published), "{fault:?}");
    }
}

/// Holds I-INCIDENT. SNS accepted the alert and the answer was lost: the SDK sends it again. An
/// alert may arrive twice, but is never lost.
#[tokio::test]
async fn an_alert_whose_answer_is_lost_is_not_lost() {
    let mut shop = with_a_lost_registration(&[], None);
    shop.fault(Rule::new(Service::Sns, "Publish", Fault::LoseAnswer));
    shop.run(1200).await;
    assert_eq!(
        shop.alerts(),
        ["critical missing opened", "critical missing opened", "critical missing resolved"]
    );
    assert_eq!(shop.writes().len(), 1);
}

/// The service's tag sets its mode; without a tag the stack's mode applies.
#[tokio::test]
async fn modes_by_tag() {
    let opened: &[&str] = &ALERTS[..1];
    let cases: [(&str, Option<&str>, usize, &[&str]); 10] = [
        ("repair", None, 1, &ALERTS),
        ("alert", None, 0, opened),
        ("off", None, 0, &[]),
        ("repair", Some("off"), 0, &[]),
        ("repair", Some("alert"), 0, opened),
        ("repair", Some("alert until 2026-12-31"), 0, opened),
        // The account's day is 2026-11-23.
        ("repair", Some("alert until 2026-11-22"), 1, &ALERTS),
        ("repair", Some("off until 2026-11-22"), 1, &ALERTS),
        ("alert", Some("repair"), 1, &ALERTS),
        // An invalid value allows alerts only.
        ("repair", Some("aus"), 0, opened),
    ];
    for (stack, tag, writes, alerts) in cases {
        let mut shop = with_a_lost_registration(&[("PORTKEEPER_MODE", stack)], tag);
        shop.watch(&["web"], 600).await;
        assert_eq!(
            (shop.writes().len(), shop.alerts()),
            (writes, alerts.iter().map(|it| (*it).to_owned()).collect()),
            "{stack} {tag:?}"
        );
    }
}

/// The tag changes during an incident.
#[tokio::test]
async fn a_changed_tag_applies_from_the_next_check() {
    let mut shop = with_a_lost_registration(&[], Some("alert"));
    shop.watch(&["web"], 400).await;
    assert_eq!((shop.writes().len(), shop.alerts()), (0, vec![ALERTS[0].to_owned()]));
    let arn =
        shop.ecs("DescribeServices", json!({"services": ["web"]}))["services"][0]["serviceArn"]
            .clone();
    let tag = json!({"resourceArn": arn, "tags": [{"key": "portkeeper:mode", "value": "repair"}]});
    shop.world().person_ecs("TagResource", &tag).unwrap();
    shop.watch(&["web"], 400).await;
    assert_eq!((shop.writes().len(), shop.alerts()), (1, ALERTS.map(str::to_owned).to_vec()));
}

/// Collects the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Holds C-41: values of a task's environment variables never leave the function.
#[tokio::test]
async fn no_environment_value_reaches_log_alert_ledger_or_queue() {
    const SECRET: &str = "hunter2-is-no-good-secret";
    let lines = Lines::default();
    let ours = tracing_subscriber::filter::Targets::new()
        .with_default(tracing::Level::WARN)
        .with_target("portkeeper", tracing::Level::TRACE);
    let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone());
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(layer).with(ours));

    let mut shop = with_a_lost_registration(&[], None);
    shop.pass(30);
    let event = shop
        .world()
        .eventbridge
        .events()
        .iter()
        .rfind(|event| event["detail"]["lastStatus"] == "RUNNING")
        .cloned();
    let mut event = event.unwrap();
    let environment = json!([{"name": "DATABASE_PASSWORD", "value": SECRET}]);
    let secrets = json!([{"name": "WEBHOOK", "valueFrom": SECRET}]);
    event["detail"]["overrides"]["containerOverrides"] = json!([{"name": "app", "environment": environment, "secrets": secrets, "command": [SECRET]}]);
    event["detail"]["containers"][0]["environment"] = environment.clone();
    let mut messages = vec![event.clone()];
    for (pointer, value) in [
        ("/detail/taskArn", json!(7)),
        ("/detail/lastStatus", json!({"environment": environment})),
        ("/detail/version", json!([SECRET])),
        ("/detail-type", json!("ECS Task State Change 2")),
        ("/source", json!("aws.ec2")),
    ] {
        let mut broken = event.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        messages.push(broken);
    }
    for message in &messages {
        shop.send(&message.to_string());
    }
    shop.send(&messages[0].to_string()[..400].replace("RUNNING", SECRET));
    let deliveries = shop.run(2500).await;
    deliveries.iter().flat_map(|delivery| &delivery.reports).for_each(write_log);

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("cannot parse the message") && logged.contains("register: done"),
        "{logged}"
    );
    let calls: String =
        shop.world().calls.all().iter().map(|call| call.input.to_string()).collect();
    let everything =
        [logged, shop.alert_texts().join("\n"), calls, shop.record("web").to_string()].concat();
    assert_eq!(everything.find(SECRET).map(|at| &everything[at.saturating_sub(300)..at]), None);
    assert_eq!(shop.alerts(), ALERTS, "and the work is done");
}
