//! The ledger between checks: lost, outdated, contended, and untouched if there is nothing to
//! store.

use portkeeper_aws::account::Aws;
use portkeeper_reconcile::handle_and_report;
use portkeeper_stage::{QUEUE, TABLE};
use portkeeper_tests::shop::{PERSON_IS_NOT_AWAITED, Shop, behind};
use portkeeper_world::dynamodb::{delete_raw, put_raw};
use portkeeper_world::http::sdk_config;
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::{Value, json};

const ALERTS: [&str; 2] = ["error missing opened", "error missing resolved"];

/// Creates a service of three tasks whose first target was deregistered by hand, after the first
/// check.
async fn seen_once() -> (Shop, String) {
    let mut shop = Shop::settled_web_with(&PERSON_IS_NOT_AWAITED, 3, 3).await;
    let (id, port, _) = shop.targets("web-tg").remove(0);
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
    shop.look("web").await;
    assert_eq!(shop.record("web")["incidents"][0]["seen"], 1);
    (shop, format!("register web-tg {id}:{port}"))
}

/// Holds I-INTENT, C-34: the first check is forgotten, so two more checks are needed.
#[tokio::test]
async fn a_lost_record_delays_a_repair() {
    let (mut shop, write) = seen_once().await;
    delete_raw(&mut shop.world(), TABLE, "shop/web").unwrap();
    shop.run(70).await;
    assert_eq!(shop.writes(), [""; 0], "it counts from the beginning");
    shop.run(600).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![write], ALERTS.map(str::to_owned).to_vec()));
}

/// Holds C-34.
#[tokio::test]
async fn a_record_of_another_version_is_as_good_as_none() {
    for text in [r#"{"schema":99,"everything":"else"}"#, "not even JSON"] {
        let (mut shop, write) = seen_once().await;
        let item =
            json!({"pk": {"S": "shop/web"}, "counter": {"N": "1000"}, "record": {"S": text}});
        assert!(put_raw(&mut shop.world(), TABLE, item.as_object().unwrap().clone()));
        shop.run(70).await;
        assert_eq!(shop.writes(), [""; 0], "it counts from the beginning");
        shop.run(600).await;
        assert_eq!(
            (shop.writes(), shop.alerts()),
            (vec![write], ALERTS.map(str::to_owned).to_vec())
        );
        assert_eq!(shop.record("web")["schema"], 1);
    }
}

/// Returns the result of a batch: how many messages failed, and why.
async fn play(shop: &Shop, aws: &Aws, batch: &Value) -> (usize, Vec<String>) {
    let event = serde_json::from_value(batch.clone()).unwrap();
    let mut errors = Vec::new();
    let response = handle_and_report(aws, shop.stage.config(), event, &mut |report| {
        errors.extend(report.errors.clone());
    })
    .await;
    let failed = response.batch_item_failures.len();
    finish_batch(&mut shop.world(), QUEUE, batch, Ok(&serde_json::to_value(response).unwrap()));
    (failed, errors)
}

/// Holds I-INTENT, C-34: two functions check one service at the same moment. One of them writes;
/// the other stops before any write, and its message is retried.
#[tokio::test]
async fn of_two_functions_at_once_one_steps_back() {
    let (mut shop, write) = seen_once().await;
    shop.pass(91);
    // Calls take time, so the two functions interleave.
    shop.world().faults.latency_ms = 7;
    shop.world().calls.clear();
    let mut batches = Vec::new();
    for _ in 0..2 {
        shop.ask(&["web"]);
        batches.push(take_batch(&mut shop.world(), QUEUE, 1).unwrap());
    }
    let other = Aws::from_sdk_config(&sdk_config(&shop.stage.world));
    let (one, two) =
        tokio::join!(play(&shop, shop.aws(), &batches[0]), play(&shop, &other, &batches[1]));
    let services = shop.inputs("DescribeServices").len();
    assert_eq!(services, 2, "both were at it");
    assert_eq!(one.0 + two.0, 1, "{one:?} {two:?}");
    let errors = [one.1, two.1].concat();
    assert!(
        errors.len() == 1
            && errors[0].contains("another check has stored the ledger record of shop/web"),
        "{errors:?}"
    );
    assert_eq!(shop.writes(), [write]);
    shop.world().faults.latency_ms = 0;
    shop.run(900).await;
    assert_eq!((shop.writes().len(), shop.alerts()), (1, ALERTS.map(str::to_owned).to_vec()));
}

/// Holds I-INTENT, C-34: for every offset between the two functions.
#[tokio::test]
async fn two_functions_never_repair_twice_nor_alert_twice() {
    for offset in 0..40 {
        let (mut shop, write) = seen_once().await;
        shop.pass(91);
        shop.world().faults.latency_ms = 7;
        let mut batches = Vec::new();
        for _ in 0..2 {
            shop.ask(&["web"]);
            batches.push(take_batch(&mut shop.world(), QUEUE, 1).unwrap());
        }
        let other = Aws::from_sdk_config(&sdk_config(&shop.stage.world));
        let late = async {
            for _ in 0..offset * 4 {
                tokio::task::yield_now().await;
            }
            play(&shop, &other, &batches[1]).await
        };
        tokio::join!(play(&shop, shop.aws(), &batches[0]), late);
        shop.world().faults.latency_ms = 0;
        shop.run(900).await;
        assert_eq!(
            (shop.writes(), shop.alerts()),
            (vec![write], ALERTS.map(str::to_owned).to_vec()),
            "{offset}"
        );
    }
}

/// Holds I-COST, C-37.
#[tokio::test]
async fn nothing_is_written_for_services_without_findings() {
    let mut shop = Shop::new(5, &[]);
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    for name in &names {
        let group = shop.alb_group(&format!("{name}-tg"));
        shop.make(&behind(name, &group).desired(2));
    }
    shop.settle().await;
    let services: Vec<&str> = names.iter().map(String::as_str).collect();
    for _ in 0..2 {
        let delivery = shop.look_at(&services).await;
        assert_eq!((delivery.failed, delivery.reports.len()), (0, 40));
    }
    let reads = [
        "BatchGetItem 2",
        "DescribeServices 8",
        "DescribeTargetHealth 80",
        "DescribeTasks 80",
        "ListTasks 160",
    ];
    assert_eq!(shop.calls(), reads, "two passes: reads only, not even the ledger is written");
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
}

/// The record of a quiet service is renewed before it expires, and so is never lost.
#[tokio::test]
async fn a_record_is_renewed_before_it_expires() {
    let mut shop = Shop::settled_web(1, 1).await;
    let days = 24 * 3600;
    shop.pass(14 * days);
    shop.look("web").await;
    assert_eq!(shop.count("PutItem"), 0);
    shop.pass(2 * days);
    shop.look("web").await;
    assert_eq!(shop.count("PutItem"), 1);
}
