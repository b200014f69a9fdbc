//! Messages: events in any order and number, unreadable ones, other partitions, clusters of the
//! same names.

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_stage::{BATCH_SIZE, DEAD_LETTERS, QUEUE};
use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::account::Account;
use portkeeper_world::api::Service;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::eventbridge;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::{Value, json};

fn nothing_happened(shop: &Shop) {
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// Holds C-15.
#[tokio::test]
async fn events_out_of_order_and_twice_change_nothing() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().eventbridge.hold(1000);
    for task in shop.tasks("web") {
        shop.world().kill_task(&task).unwrap();
        shop.pass(40);
    }
    assert!(shop.world().eventbridge.held().len() >= 4);
    eventbridge::release(&mut shop.world());
    shop.run(300).await;
    shop.world().eventbridge.duplicate_next(1000);
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.run(900).await;
    nothing_happened(&shop);
    assert_eq!(shop.states("web-tg"), ["healthy"; 2]);
}

/// Holds C-15.
#[tokio::test]
async fn an_answer_older_than_the_event_is_not_judged_and_read_again() {
    let mut shop = Shop::new(1, &[]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group));
    shop.pass(97);
    shop.world().stale_reads(2);
    let deliveries = shop.run(2).await;
    let plan = deliveries[0].reports[0].plan.as_ref().unwrap();
    assert!(plan.recheck_at.is_some() && plan.actions.is_empty(), "{plan:#?}");
    assert!(
        plan.verdicts.iter().any(|verdict| verdict.why.contains("older than the event")),
        "{plan:#?}"
    );
    shop.run(600).await;
    nothing_happened(&shop);
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0), "the chain of looks has ended");
}

/// Delivers one batch to the function, which has this many seconds to begin checks. Returns the
/// number of messages that return to the queue.
async fn deliver(shop: &mut Shop, seconds: u32) -> Option<usize> {
    let batch = take_batch(&mut shop.world(), QUEUE, BATCH_SIZE)?;
    let event: SqsEvent = serde_json::from_value(batch.clone()).unwrap();
    let deadline = shop.aws().now().plus_secs(seconds);
    let response = portkeeper_reconcile::handle(shop.aws(), shop.config(), event, deadline).await;
    let failed = response.batch_item_failures.len();
    let response = serde_json::to_value(response).unwrap();
    finish_batch(&mut shop.world(), QUEUE, &batch, Ok(&response));
    Some(failed)
}

/// Holds I-FAILURE. A batch that arrives too close to the deadline is postponed whole: a returned
/// message would count as received. Nothing else is read or written.
#[tokio::test]
async fn messages_without_time_left_are_sent_again() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.ask(&["web"]);
    shop.pass(1);
    shop.world().calls.clear();
    assert_eq!(deliver(&mut shop, 0).await, Some(0));
    assert_eq!(shop.calls(), ["BatchGetItem 1", "SendMessage 1"]);
    let deliveries = shop.run(400).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.reports.len()).sum::<usize>(), 1);
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
    nothing_happened(&shop);
}

/// Holds I-FAILURE: if the request cannot be sent again, its message returns to the queue.
#[tokio::test]
async fn a_check_that_cannot_be_postponed_is_retried() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.ask(&["web"]);
    shop.pass(1);
    shop.fault(Rule::new(Service::Sqs, "SendMessage", Fault::AccessDenied).times(1));
    assert_eq!(deliver(&mut shop, 0).await, Some(1));
    let deliveries = shop.run(400).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.reports.len()).sum::<usize>(), 1);
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
}

/// Holds I-FAILURE. A batch takes many runs, because each has time for a few checks only: every
/// service is checked, whether a message names one service or many, and no message becomes a dead
/// letter. One service whose check always fails takes no other with it.
#[tokio::test]
async fn a_batch_that_takes_many_runs_leaves_no_dead_letters() {
    let mut shop = Shop::new(4, &[("PORTKEEPER_API_SHARE_PERCENT", "5")]);
    let names: Vec<String> = (0..120).map(|number| format!("s{number:03}")).collect();
    for name in &names {
        let group = shop.alb_group(&format!("{name}-tg"));
        shop.make(&behind(name, &group).desired(1));
    }
    shop.run(3000).await;
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
    shop.world().calls.clear();
    let (single, many) = names.split_at(60);
    shop.ask(&single.iter().map(String::as_str).collect::<Vec<_>>());
    let cluster = shop.key("web").cluster;
    for ten in many.chunks(10) {
        let ten = ten.iter().cloned().collect();
        shop.send(&portkeeper_core::event::check_message(&cluster, &ten).to_string());
    }
    let broken = shop.group("s100-tg");
    shop.fault(
        Rule::new(Service::Elbv2, "DescribeTargetHealth", Fault::AccessDenied)
            .containing(&broken)
            .forever(),
    );
    let mut runs = 0;
    while shop.world().sqs.depth(QUEUE) > Some(0) {
        shop.pass(10);
        runs += usize::from(deliver(&mut shop, 30).await.is_some());
        assert!(runs < 500, "the batch ends");
    }
    assert!(runs > 5, "it takes more runs than a message may be received: {runs}");
    let read = shop.inputs("DescribeTargetHealth");
    for name in &names {
        let group = json!(shop.group(&format!("{name}-tg")));
        assert!(read.iter().any(|input| input["TargetGroupArn"] == group), "{name} was checked");
    }
    let dead: Vec<String> =
        shop.world().sqs.messages(DEAD_LETTERS).map(|it| it.body.clone()).collect();
    assert_eq!(dead.len(), 1, "the message of the check that always fails: {dead:#?}");
    assert!(dead[0].contains("s100"), "{dead:#?}");
}

/// The recheck message cannot be sent: the message is retried, and the record does not count on a
/// recheck.
#[tokio::test]
async fn a_recheck_that_cannot_be_sent_is_requested_again() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().lose_registrations("shop/web", 1);
    shop.update("web", json!({"desiredCount": 3}));
    shop.fault(Rule::new(Service::Sqs, "SendMessage", Fault::AccessDenied).times(1));
    let deliveries = shop.run(110).await;
    let failed: usize = deliveries.iter().map(|delivery| delivery.failed).sum();
    assert_eq!(failed, 2, "the events of the task and of the service");
    assert_eq!(shop.record("web")["look_again_at"], Value::Null);
    shop.run(900).await;
    assert_eq!(shop.writes().len(), 1, "{:?}", shop.writes());
    assert_eq!(shop.alerts(), ["error missing opened", "error missing resolved"]);
}

/// A retried message serves as the recheck: another one next to it would multiply with each retry.
#[tokio::test]
async fn a_retried_check_requests_no_additional_recheck() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().lose_registrations("shop/web", 1);
    shop.update("web", json!({"desiredCount": 3}));
    shop.pass(100);
    shop.world().calls.clear();
    shop.fault(Rule::new(Service::Ecs, "ListTasks", Fault::AccessDenied).forever());
    shop.run(3600).await;
    assert_eq!(
        (shop.count("SendMessage"), shop.count("DescribeServices")),
        (0, 5),
        "exactly five receives"
    );
    assert_eq!(
        shop.world().sqs.depth(DEAD_LETTERS),
        Some(2),
        "the events of the task and of the service"
    );
    nothing_happened(&shop);
}

/// Events of one deployment in the same batch lead to one check.
#[tokio::test]
async fn many_events_are_one_check() {
    let mut shop = Shop::with_web(4, 40);
    let deliveries = shop.run(95).await;
    let checks: usize = deliveries.iter().map(|delivery| delivery.reports.len()).sum();
    assert!(checks <= 3, "{checks} checks for {} events", shop.world().eventbridge.events().len());
    assert_eq!(deliveries[0].reports[0].messages, 40);
    assert_eq!(shop.count("DescribeServices"), checks);
}

/// Holds I-FAILURE, C-36: an unreadable message fails alone, and reaches the dead-letter queue
/// after five receives.
#[tokio::test]
async fn unreadable_messages_reach_the_dead_letter_queue_and_the_others_are_handled() {
    let shop = Shop::new(1, &[]);
    let group = shop.alb_group("web-tg");
    shop.world().lose_registrations("shop/web", 1);
    shop.make(&behind("web", &group));
    let mut shop = shop;
    shop.pass(30);
    let unreadable = [
        "{".to_owned(),
        "[]".to_owned(),
        String::from("\u{fffd}"),
        json!({"hello": "world"}).to_string(),
        json!({"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"taskArn": 7}}).to_string(),
        json!({"portkeeper": {"version": 2, "cluster": shop.key("web").cluster.as_str(), "services": []}}).to_string(),
    ];
    for body in &unreadable {
        shop.send(body);
    }
    // Messages of other kinds are handled without any effect.
    shop.send(
        &json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"})
            .to_string(),
    );
    shop.send(
        &json!({"source": "aws.ecs", "detail-type": "ECS Something New", "detail": {"a": [1]}})
            .to_string(),
    );
    let first = shop.look_at(&["web"]).await;
    assert_eq!((first.failed, first.reports.len()), (unreadable.len(), 1));
    assert!(first.reports[0].succeeded());
    shop.run(2400).await;
    let dead: Vec<String> =
        shop.world().sqs.messages(DEAD_LETTERS).map(|message| message.body.clone()).collect();
    assert_eq!(dead, unreadable);
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
    assert_eq!(
        (shop.writes().len(), shop.alerts().len()),
        (1, 2),
        "the service was repaired in the meantime"
    );
}

/// Holds C-13.
#[tokio::test]
async fn services_of_the_same_name_in_two_clusters_are_two_services() {
    let mut shop = Shop::settled_web(2, 2).await;
    let bank = {
        let mut world = shop.world();
        world.make_cluster("bank").unwrap();
        world.make_instances("bank", 2).unwrap();
        world.make_alb_group("bank-tg", TargetType::Instance).unwrap()
    };
    shop.world().lose_registrations("bank/web", 1);
    let mut spec = behind("web", &bank).desired(2);
    "bank".clone_into(&mut spec.cluster);
    shop.make(&spec);
    shop.run(600).await;
    assert_eq!(shop.writes().len(), 1);
    assert!(shop.writes()[0].starts_with("register bank-tg"), "{:?}", shop.writes());
    assert!(shop.alert_texts()[0].contains("missing in bank/web"), "{}", shop.alert_texts()[0]);
    assert_eq!(
        (shop.states("web-tg"), shop.states("bank-tg")),
        (vec!["healthy"; 2], vec!["healthy"; 2])
    );
    let world = shop.world();
    let items = portkeeper_world::dynamodb::len(&world, portkeeper_stage::TABLE);
    assert_eq!(
        items, 6,
        "each has its record, and is entered under its group and its load balancer"
    );
}

/// Holds C-13.
#[tokio::test]
async fn other_partitions_work_alike() {
    for account in [Account::china(), Account::gov_cloud()] {
        let partition = account.partition.clone();
        let mut shop = Shop::in_account(account, 1, &[]);
        let group = shop.alb_group("web-tg");
        shop.world().lose_registrations("shop/web", 1);
        shop.make(&behind("web", &group));
        shop.run(900).await;
        assert_eq!((shop.writes().len(), shop.alerts().len()), (1, 2), "{partition}");
        let text = &shop.alert_texts()[0];
        let console = if partition == "aws-cn" {
            "console.amazonaws.cn"
        } else {
            "console.amazonaws-us-gov.com"
        };
        assert!(text.contains(console), "{text}");
        assert!(
            shop.inputs("RegisterTargets")[0]["TargetGroupArn"]
                .as_str()
                .unwrap()
                .contains(&partition)
        );
    }
}

/// Holds C-13: an event with ARNs in the form from before 2018, which do not name a cluster.
#[tokio::test]
async fn an_event_with_short_arns_leads_to_a_check_too() {
    let mut shop = Shop::settled_web(1, 1).await;
    let event = shop
        .world()
        .eventbridge
        .events()
        .iter()
        .rfind(|event| event["detail"]["lastStatus"] == "RUNNING")
        .cloned();
    let mut event = event.unwrap();
    for name in ["taskArn", "containerInstanceArn"] {
        let short = event["detail"][name].as_str().unwrap().replace(&format!("/{CLUSTER}/"), "/");
        event["detail"][name] = json!(short);
    }
    shop.send(&event.to_string());
    let delivery = shop.stage.deliver().await.unwrap().unwrap();
    assert_eq!((delivery.failed, delivery.reports.len()), (0, 1));
    assert_eq!(delivery.reports[0].key, shop.key("web"));
    shop.run(1800).await;
    nothing_happened(&shop);
}

/// Holds C-12: tasks that no service started have no targets, whatever their group name is.
#[tokio::test]
async fn standalone_tasks_are_left_alone() {
    let mut shop = Shop::settled_web(2, 2).await;
    for (group, by) in [
        ("service:web", "me"),
        ("family:web", "ecs-svc/1"),
        ("service:web", "ecs-svc/1234567890123456789"),
    ] {
        shop.ecs("RunTask", json!({"taskDefinition": "web", "group": group, "startedBy": by}));
    }
    shop.watch(&["web"], 400).await;
    assert_eq!(shop.writes(), [""; 0]);
    let alerts = shop.alerts();
    assert!(
        alerts.iter().all(|alert| alert.contains("ambiguous_revision")),
        "at most that is said: {alerts:?}"
    );
    assert_eq!(shop.states("web-tg"), ["healthy"; 2]);
}

#[tokio::test]
async fn clusters_that_are_not_configured_are_not_read() {
    let mut shop = Shop::new(1, &[("PORTKEEPER_CLUSTERS", "bank")]);
    let group = shop.alb_group("web-tg");
    shop.world().lose_registrations("shop/web", 1);
    shop.make(&behind("web", &group));
    let deliveries = shop.run(600).await;
    assert!(
        !deliveries.is_empty()
            && deliveries.iter().all(|it| it.reports.is_empty() && it.failed == 0)
    );
    nothing_happened(&shop);
    assert_eq!(shop.calls(), [""; 0]);
}

/// Holds I-FAILURE. One message may name several services; if one of them fails, the message is
/// retried.
#[tokio::test]
async fn a_message_for_several_services_is_retried_when_one_of_them_fails() {
    let mut shop = Shop::settled_web(1, 1).await;
    let api = shop.alb_group("api-tg");
    shop.make(&behind("api", &api));
    shop.settle().await;
    let cluster = shop.key("web").cluster.as_str().to_owned();
    let both: Value =
        json!({"portkeeper": {"version": 1, "cluster": cluster, "services": ["web", "api"]}});
    shop.send(&both.to_string());
    shop.fail_next(Service::Ecs, "DescribeTasks", "ClientException", 400);
    let first = shop.stage.deliver().await.unwrap().unwrap();
    assert_eq!((first.failed, first.reports.len()), (1, 2));
    assert_eq!(first.reports.iter().filter(|report| report.succeeded()).count(), 1);
    let again = shop.run(400).await;
    assert_eq!(again.iter().map(|delivery| delivery.failed).sum::<usize>(), 0);
    nothing_happened(&shop);
}
