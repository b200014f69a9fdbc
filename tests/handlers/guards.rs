//! What stops a repair: guards, gaps, throttling, modes.

use portkeeper_core::plan::Decision;
use portkeeper_tests::shop::{PERSON_IS_NOT_AWAITED, Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::json;

/// Creates ten tasks; eight of them stop, and ECS leaves their targets behind.
async fn eight_left_behind(settings: &[(&str, &str)]) -> Shop {
    let mut shop = Shop::new(2, settings);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).desired(10));
    shop.settle().await;
    shop.world().keep_targets("shop/web", 8);
    shop.update("web", json!({"desiredCount": 2}));
    shop
}

/// Holds I-GUARDS, C-27.
#[tokio::test]
async fn more_deregistrations_than_the_limit_are_none_and_one_alert() {
    let mut shop = eight_left_behind(&[]).await;
    shop.watch(&["web"], 900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![], vec!["error limit_exceeded opened".to_owned()])
    );
    assert!(shop.alert_texts()[0].contains("8 deregistrations"), "{}", shop.alert_texts()[0]);
    assert_eq!(shop.targets("web-tg").len(), 10);
}

/// Holds C-27.
#[tokio::test]
async fn as_many_as_the_limit_are_made() {
    let mut shop = eight_left_behind(&[("PORTKEEPER_MAX_DEREGISTRATIONS", "8")]).await;
    shop.run(900).await;
    assert_eq!(shop.writes().len(), 8);
    assert_eq!(shop.count("DeregisterTargets"), 1, "all with one call");
    assert_eq!(
        shop.alerts(),
        ["error stale opened", "error stale resolved"],
        "one incident each, one message for all"
    );
}

/// Holds I-GUARDS, C-27: four targets are left behind, and four more a few minutes later. The limit
/// of five applies to both together until ten minutes have passed; then the repairs continue.
#[tokio::test]
async fn the_limit_holds_over_ten_minutes_and_then_the_rest_is_made() {
    let mut shop = Shop::new(2, &[]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).desired(10));
    shop.settle().await;
    shop.world().keep_targets("shop/web", 8);
    shop.update("web", json!({"desiredCount": 6}));
    shop.run(240).await;
    assert_eq!(shop.writes().len(), 4);
    shop.update("web", json!({"desiredCount": 2}));
    shop.run(300).await;
    assert_eq!(shop.writes().len(), 4);
    let published = ["error stale opened", "error stale resolved", "error limit_exceeded opened"];
    assert_eq!(shop.alerts(), published);
    assert!(
        shop.alert_texts()[2].contains("with 4 executed within 10 min"),
        "{}",
        shop.alert_texts()[2]
    );
    shop.run(600).await;
    assert_eq!(shop.writes().len(), 8);
    assert_eq!(
        shop.alerts()[3..],
        ["error stale opened", "error limit_exceeded resolved", "error stale resolved"]
    );
}

/// Holds I-GUARDS, C-27: no task runs, and the leftover is the last target of the group.
#[tokio::test]
async fn the_last_target_of_a_group_stays() {
    let mut shop = Shop::settled_web(1, 1).await;
    shop.world().keep_targets("shop/web", 1);
    let listed = shop.ecs("ListContainerInstances", json!({}));
    shop.ecs(
        "UpdateContainerInstancesState",
        json!({"containerInstances": listed["containerInstanceArns"], "status": "DRAINING"}),
    );
    let task = shop.tasks("web").remove(0);
    shop.world().kill_task(&task).unwrap();
    shop.watch(&["web"], 900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![], vec!["error limit_exceeded opened".to_owned()])
    );
    assert!(
        shop.alert_texts()[0].contains("would leave web-tg without targets"),
        "{}",
        shop.alert_texts()[0]
    );
}

/// Holds I-GUARDS, C-26: another writer deregisters a running task's target repeatedly. It is
/// registered three times and then left alone.
#[tokio::test]
async fn a_second_writer_is_not_fought_for_ever() {
    let mut shop = Shop::settled_web_with(&PERSON_IS_NOT_AWAITED, 2, 2).await;
    let (id, port, _) = shop.targets("web-tg").remove(0);
    for _ in 0..5 {
        shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
        shop.watch(&["web"], 120).await;
    }
    assert_eq!(shop.writes(), vec![format!("register web-tg {id}:{port}"); 3]);
    assert_eq!(
        shop.alerts().iter().filter(|alert| *alert == "error fight opened").count(),
        1,
        "{:?}",
        shop.alerts()
    );
    let text = shop.alert_texts().into_iter().find(|text| text.starts_with("fight in ")).unwrap();
    assert!(
        text.contains("another writer undoes them") && text.contains("find the other writer"),
        "{text}"
    );
}

/// Holds I-FIRST. A task is replaced, its target is left behind, and the new one is not registered:
/// registration comes before deregistration.
#[tokio::test]
async fn the_new_target_is_registered_and_healthy_before_the_old_one_goes() {
    let mut shop = Shop::settled_web(1, 1).await;
    let old = shop.wanted("web").remove(0);
    shop.world().keep_targets("shop/web", 1);
    shop.world().lose_registrations("shop/web", 1);
    let task = shop.tasks("web").remove(0);
    shop.world().kill_task(&task).unwrap();
    shop.run(900).await;
    let new = shop.wanted("web").remove(0);
    assert_eq!(shop.writes(), [format!("register {new}"), format!("deregister {old}")]);
    assert!(shop.states("web-tg").contains(&"healthy"));
}

/// Holds I-PARTIAL, C-28: the service's own counts reveal a list that silently lacks tasks.
#[tokio::test]
async fn nothing_is_deregistered_because_a_page_is_missing() {
    let truncate =
        Fault::Truncate { member: "taskArns".to_owned(), keep: 60, failure_reason: None };
    let lost_page = Fault::fail("ServerException", "broke", 500);
    for rule in [
        Rule::new(Service::Ecs, "ListTasks", truncate).forever(),
        Rule::new(Service::Ecs, "ListTasks", lost_page.clone()).containing("nextToken").forever(),
        Rule::new(Service::Ecs, "DescribeTasks", lost_page).forever(),
    ] {
        let mut shop = Shop::settled_web(4, 101).await;
        shop.fault(rule);
        shop.watch(&["web"], 200).await;
        assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
        assert_eq!(shop.targets("web-tg").len(), 101);
    }
}

/// Holds I-PARTIAL, C-29: what could not be read is not changed, and the rest is handled.
#[tokio::test]
async fn a_task_that_cannot_be_read_keeps_targets_and_lets_others_be_registered() {
    let mut shop = Shop::settled_web(3, 4).await;
    shop.world().keep_targets("shop/web", 1);
    shop.update("web", json!({"desiredCount": 3}));
    shop.pass(150);
    // One task is missing from the answer, the target of another is absent, and a stopped task's
    // target is left behind.
    let tasks = shop.tasks("web");
    let hidden = Fault::Truncate {
        member: "tasks".to_owned(),
        keep: 3,
        failure_reason: Some("THROTTLED".to_owned()),
    };
    shop.fault(Rule::new(Service::Ecs, "DescribeTasks", hidden).forever());
    let report = shop.look("web").await;
    assert!(!report.succeeded() && report.gaps.len() == 1, "{report:#?}");
    let seen = |target: &str| {
        report
            .plan
            .as_ref()
            .unwrap()
            .verdicts
            .iter()
            .any(|it| it.subject.to_string() == target && it.decision == Decision::InOrder)
    };
    let known = shop.wanted("web").into_iter().find(|target| seen(target)).unwrap();
    let (id, port) = known.split_once(' ').unwrap().1.split_once(':').unwrap();
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), id, port.parse().unwrap());
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.writes(), [format!("register {known}")], "{tasks:?}");
    shop.world().faults.clear();
    shop.watch(&["web"], 400).await;
    assert_eq!(shop.writes().len(), 2, "then the stale one goes: {:?}", shop.writes());
    assert!(shop.writes()[1].starts_with("deregister"));
}

/// Holds I-PARTIAL, C-29: the tasks on an instance whose agent is disconnected are unknown.
#[tokio::test]
async fn a_disconnected_agent_blocks_deregistration_on_its_instance_only() {
    let mut shop = Shop::settled_web(2, 6).await;
    let instances: Vec<String> = shop.targets("web-tg").into_iter().map(|(id, ..)| id).collect();
    shop.world().keep_targets("shop/web", 2);
    shop.update("web", json!({"desiredCount": 4}));
    shop.pass(30);
    let left: Vec<_> =
        shop.targets("web-tg").into_iter().filter(|(.., state)| *state != "healthy").collect();
    assert_eq!(left.len(), 2);
    let (frozen, port, _) = left[0].clone();
    assert!(instances.contains(&frozen));
    shop.world().disconnect_agent(&frozen).unwrap();
    shop.watch(&["web"], 1400).await;
    let written = shop.writes();
    assert!(written.iter().all(|write| !write.contains(&frozen)), "{written:?}");
    let expected = left.iter().filter(|(id, ..)| *id != frozen).count();
    assert_eq!(
        written.len(),
        expected,
        "the target on the other instance is repaired: {written:?}"
    );
    let alerts = shop.alerts();
    assert!(alerts.contains(&"warning agent_disconnected opened".to_owned()), "{alerts:?}");
    shop.world().reconnect_agent(&frozen).unwrap();
    shop.watch(&["web"], 400).await;
    let gone = format!("deregister web-tg {frozen}:{port}");
    assert!(shop.writes().contains(&gone), "{:?}", shop.writes());
    assert!(
        shop.alerts().contains(&"warning agent_disconnected resolved".to_owned()),
        "{:?}",
        shop.alerts()
    );
}

/// Holds C-31: any call is throttled for five minutes: the message is retried, and nothing wrong is
/// reported or written.
#[tokio::test]
async fn throttling_delays_a_repair_and_changes_nothing_else() {
    let calls = [
        (Service::Ecs, "DescribeServices"),
        (Service::Ecs, "ListTasks"),
        (Service::Ecs, "DescribeTasks"),
        (Service::Ecs, "DescribeContainerInstances"),
        (Service::Elbv2, "DescribeTargetGroups"),
        (Service::Elbv2, "DescribeTargetHealth"),
        (Service::DynamoDb, "BatchGetItem"),
        (Service::DynamoDb, "PutItem"),
        (Service::Sqs, "SendMessage"),
        (Service::Sns, "Publish"),
        (Service::Elbv2, "RegisterTargets"),
    ];
    for (service, operation) in calls {
        let shop = Shop::new(2, &[]);
        let group = shop.alb_group("web-tg");
        shop.world().lose_registrations("shop/web", 1);
        shop.make(&behind("web", &group).desired(2));
        let mut shop = shop;
        shop.fault(Rule::new(service, operation, Fault::Throttle).forever());
        let deliveries = shop.run(300).await;
        assert!(
            deliveries.iter().any(|delivery| delivery.failed > 0),
            "{operation}: the message comes back"
        );
        // A task without traffic is a true finding, and the alert includes the result of the call.
        let published: &[&str] =
            if operation == "RegisterTargets" { &["error missing opened"] } else { &[] };
        assert_eq!(shop.alerts(), published, "{operation}");
        shop.world().faults.clear();
        shop.run(1800).await;
        assert_eq!(shop.writes(), [format!("register {}", register_of(&shop))], "{operation}");
        assert_eq!(
            shop.alerts(),
            ["error missing opened", "error missing resolved"],
            "{operation}"
        );
    }
}

fn register_of(shop: &Shop) -> String {
    let writes = shop.world().elbv2.writes().to_vec();
    let by_ecs: Vec<String> = writes
        .iter()
        .filter(|write| write.caller == portkeeper_world::api::Caller::Ecs)
        .map(|write| format!("web-tg {}:{}", write.id, write.port))
        .collect();
    shop.wanted("web").into_iter().find(|target| !by_ecs.contains(target)).unwrap()
}

/// Holds I-AGE, I-SHARE. Fifty services at once, each with a leftover target: proofs do not expire
/// while calls wait for the rate limiter.
#[tokio::test]
async fn many_repairs_at_once_wait_before_they_read_and_not_between_reading_and_writing() {
    let mut shop = Shop::new(6, &[]);
    let names: Vec<String> = (0..50).map(|number| format!("s{number:02}")).collect();
    for name in &names {
        let group = shop.alb_group(&format!("{name}-tg"));
        shop.make(&behind(name, &group).desired(2));
    }
    shop.run(900).await;
    for name in &names {
        shop.world().keep_targets(&format!("shop/{name}"), 1);
        shop.update(name, json!({"desiredCount": 1}));
    }
    // AWS's usual latency within a Region.
    shop.world().faults.latency_ms = 30;
    shop.run(1200).await;
    assert_eq!(shop.writes().len(), 50, "each once");
    let untried: Vec<String> =
        shop.alert_texts().into_iter().filter(|text| text.contains("Not tried")).collect();
    assert_eq!(untried, [""; 0]);
    assert_eq!(shop.alerts().len(), 100, "one begin and one end each");
}
