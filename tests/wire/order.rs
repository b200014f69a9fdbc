//! The order of reading, for one service and for a whole cluster.
//!
//! In another order a difference between targets and tasks may be a race: a target that was
//! registered after the tasks were listed would have no task.

use portkeeper_tests::shop::{CLUSTER, Shop};
use portkeeper_world::api::Caller;
use portkeeper_world::scenario::ServiceSpec;

/// Creates stable services with three groups each and resets the recorded calls.
async fn settled(services: usize) -> Shop {
    let mut shop = Shop::new(2, &[]);
    for number in 0..services {
        let mut spec =
            ServiceSpec::new(CLUSTER, &format!("s{number}")).container("app", &[8080, 8081, 8082]);
        for port in 8080..8083 {
            let group = shop.alb_group(&format!("s{number}-{port}"));
            spec = spec.behind(&group, "app", port);
        }
        shop.make(&spec.desired(3));
    }
    shop.settle().await;
    shop
}

/// Returns the positions of an operation among the function's calls, in order of arrival.
fn places(shop: &Shop, operation: &str) -> Vec<usize> {
    let world = shop.world();
    let calls = world.calls.all().iter().filter(|call| call.caller == Caller::Client);
    calls.enumerate().filter(|(_, call)| call.operation == operation).map(|it| it.0).collect()
}

/// Asserts that every call of the first operation precedes every call of the second.
fn assert_before(shop: &Shop, first: &str, second: &str) {
    let (last_of_first, first_of_second) =
        (places(shop, first).into_iter().max(), places(shop, second).into_iter().min());
    assert!(first_of_second.is_some(), "{second} was called");
    assert!(last_of_first.is_some(), "{first} was called");
    assert!(last_of_first < first_of_second, "{first} comes before {second}: {:#?}", shop.calls());
}

/// Holds I-ORDER.
#[tokio::test]
async fn a_check_reads_the_service_then_its_groups_then_its_tasks() {
    let mut shop = settled(1).await;
    shop.look("s0").await;
    assert_before(&shop, "DescribeServices", "DescribeTargetHealth");
    assert_before(&shop, "DescribeTargetHealth", "ListTasks");
    assert_before(&shop, "ListTasks", "DescribeTasks");
}

/// Holds I-ORDER.
#[tokio::test]
async fn a_sweep_reads_the_groups_of_a_cluster_before_its_tasks() {
    let mut shop = settled(3).await;
    shop.stage.cold_start();
    shop.stage.sweep().await.unwrap();
    assert_before(&shop, "DescribeServices", "DescribeTargetHealth");
    assert_before(&shop, "DescribeTargetHealth", "ListTasks");
    assert_before(&shop, "ListTasks", "DescribeTasks");
}

/// Holds I-ORDER, F-10.1: a task goes from the first list to the second and never back, so one that
/// moves between the two is in the second.
#[tokio::test]
async fn running_tasks_are_listed_before_stopped_ones() {
    let mut shop = settled(1).await;
    shop.look("s0").await;
    let statuses: Vec<String> = shop
        .inputs("ListTasks")
        .iter()
        .map(|input| input["desiredStatus"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(statuses, ["RUNNING", "STOPPED"]);
}
