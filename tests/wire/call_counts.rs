//! A check makes the calls that it needs and not one more.

use portkeeper_tests::bound::{self, Calls};
use portkeeper_tests::shop::{CLUSTER, Shop};
use portkeeper_world::scenario::ServiceSpec;
use std::collections::BTreeMap;

/// Creates a stable, healthy bridge service whose one container is in this many groups.
async fn healthy(groups: u16) -> Shop {
    let mut shop = Shop::new(2, &[]);
    let ports: Vec<u16> = (0..groups).map(|number| 8080 + number).collect();
    let mut spec = ServiceSpec::new(CLUSTER, "web").container("app", &ports).desired(3);
    for port in ports {
        let group = shop.alb_group(&format!("web-{port}"));
        spec = spec.behind(&group, "app", port);
    }
    shop.make(&spec);
    shop.settle().await;
    shop
}

/// Compares the clients' calls since the last reset with the lower bound.
fn assert_fewest(shop: &Shop, fewest: &Calls, what: &str) {
    let wanted: BTreeMap<String, usize> =
        fewest.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let made: BTreeMap<String, usize> = shop
        .world()
        .calls
        .counts()
        .into_iter()
        .map(|((_, operation), count)| (operation, count))
        .collect();
    assert_eq!(made, wanted, "{what}");
}

/// Holds I-COST.
#[tokio::test]
async fn a_warm_check_of_a_healthy_service_makes_the_fewest_calls() {
    for groups in 1..=3 {
        let mut shop = healthy(groups).await;
        let report = shop.look("web").await;
        assert!(
            report.succeeded() && report.plan.as_ref().unwrap().actions.is_empty(),
            "{report:#?}"
        );
        assert_fewest(
            &shop,
            &bound::warm_check(3, usize::from(groups)),
            &format!("with {groups} groups"),
        );
    }
}

/// The first check of a process also reads what never changes: groups and container instances.
#[tokio::test]
async fn a_cold_check_makes_two_calls_more() {
    let mut shop = healthy(3).await;
    shop.stage.cold_start();
    shop.look("web").await;
    assert_fewest(&shop, &bound::cold_check(3, 3, 2), "a cold check");
}

/// Holds I-SHARE: calls are counted where they wait for their turn, so one that does not wait is
/// not counted.
#[tokio::test]
async fn every_call_of_checks_and_repairs_waits_for_its_turn() {
    let mut shop = Shop::settled_web(2, 3).await;
    let target = shop.wanted("web").remove(0);
    let (_, address) = target.split_once(' ').unwrap();
    let (instance, port) = address.rsplit_once(':').unwrap();
    let group = shop.group("web-tg");
    shop.by_hand("DeregisterTargets", &group, instance, port.parse().unwrap());
    shop.stage.cold_start();
    shop.world().calls.clear();
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.count("RegisterTargets"), 1, "there was a repair");
    let made: BTreeMap<String, u64> = shop
        .world()
        .calls
        .counts()
        .into_iter()
        .map(|((_, operation), count)| (operation, count as u64))
        .collect();
    let in_turn = shop.aws().calls().into_iter().map(|(action, count)| {
        let (_, operation) = action.split_once(':').unwrap();
        (operation.to_owned(), count)
    });
    assert_eq!(in_turn.collect::<BTreeMap<_, _>>(), made);
}

/// Holds I-COST. Ten services of one cluster cost one `DescribeServices` and one `BatchGetItem`
/// together.
#[tokio::test]
async fn services_of_one_batch_are_described_in_tens() {
    for (services, describes) in [(1, 1), (10, 1), (11, 2), (101, 11)] {
        let mut shop = Shop::new(1, &[]);
        let names: Vec<String> = (0..services).map(|number| format!("s{number}")).collect();
        for name in &names {
            shop.make(&ServiceSpec::new(CLUSTER, name).container("app", &[8080]).desired(0));
        }
        shop.ask(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut checked = 0;
        while let Some(delivery) = shop.stage.deliver().await.unwrap() {
            assert_eq!(delivery.failed, 0);
            checked += delivery.reports.len();
        }
        assert_eq!(checked, services);
        assert_eq!(shop.count("DescribeServices"), describes, "{services} services");
        // Lambda's batch holds 100 messages, and the kill switch is read with each: 101 keys are
        // two calls.
        let batches = (0..services).step_by(100).map(|first| (services - first).min(100) + 1);
        assert_eq!(
            shop.count("BatchGetItem"),
            batches.map(|keys| keys.div_ceil(100)).sum::<usize>()
        );
        for input in shop.inputs("DescribeServices") {
            assert!(input["services"].as_array().unwrap().len() <= 10, "{input}");
        }
    }
}

/// A cold sweep of one cluster with this many services of twenty tasks each: lists are read once,
/// and no call is made twice. The formula follows from AWS's batch sizes.
#[tokio::test]
async fn a_sweep_makes_the_fewest_calls() {
    for (services, tasks) in [(1, 2), (3, 2), (30, 10), (101, 2), (180, 1)] {
        let mut shop = Shop::new(4, &[]);
        for number in 0..services {
            let group = shop.alb_group(&format!("tg-{number}"));
            let spec = ServiceSpec::new(CLUSTER, &format!("s{number}")).container("app", &[8080]);
            shop.make(&spec.behind(&group, "app", 8080).desired(tasks));
        }
        shop.run(600).await;
        shop.world().calls.clear();
        shop.stage.cold_start();
        let report = shop.stage.sweep().await.unwrap();
        assert_eq!(report.clusters[CLUSTER].suspects.len(), 0, "{report:#?}");
        let fewest = bound::sweep(1, services, tasks as usize, 4);
        assert_fewest(&shop, &fewest, &format!("{services} services"));
    }
}
