//! A target group that serves services of two clusters: how services move from one cluster to
//! another.

use portkeeper_tests::shop::{CLUSTER, Shop};
use portkeeper_world::api::Service;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::truth;
use serde_json::json;

/// The cluster to which `web` moves.
const OTHER: &str = "harbour";

/// A Fargate service in this cluster, behind the group that both clusters use.
fn web(shop: &Shop, cluster: &str) -> ServiceSpec {
    let subnet = shop.world().default_subnets().remove(0);
    let spec = ServiceSpec::new(cluster, "web").fargate().container("app", &[80]);
    let spec = spec
        .behind(&shop.group("web-tg"), "app", 80)
        .with("healthCheckGracePeriodSeconds", json!(60));
    ServiceSpec { subnets: vec![subnet], ..spec }
}

/// The service `web` of two clusters in one group, long ago.
async fn moving(settings: &[(&str, &str)]) -> Shop {
    let mut shop = Shop::new(0, settings);
    shop.world().make_cluster(OTHER).unwrap();
    shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    shop.make(&web(&shop, CLUSTER).desired(3));
    shop.make(&web(&shop, OTHER).desired(1));
    shop.settle().await;
    assert_eq!(shop.states("web-tg"), ["healthy"; 4]);
    shop
}

/// A task of this cluster stops, and ECS leaves its target behind: gives the address.
fn leave_one(shop: &Shop) -> String {
    let before = shop.wanted("web");
    shop.world().keep_targets("shop/web", 1);
    shop.update("web", json!({"desiredCount": 2}));
    shop.pass(20);
    let after = shop.wanted("web");
    let left = before.into_iter().find(|target| !after.contains(target)).unwrap();
    left.split(' ').nth(1).unwrap().rsplit_once(':').unwrap().0.to_owned()
}

fn scale_up(shop: &Shop) {
    let change = json!({"cluster": OTHER, "service": "web", "desiredCount": 2});
    shop.world().person_ecs("UpdateService", &change).unwrap();
    shop.pass(20);
}

/// While it moves, the service grows there as it shrinks here, and gets the addresses that were
/// given back.
#[tokio::test]
async fn an_address_that_a_task_of_another_cluster_took_over_stays() {
    let mut shop = moving(&[]).await;
    let address = leave_one(&shop);
    scale_up(&shop);
    let program = truth::answering(&shop.world(), &address, 80).unwrap();
    assert_eq!(program.cluster, OTHER, "the world has reused the address");
    for _ in 0..10 {
        shop.ask(&["web"]);
        shop.run(60).await;
    }
    assert_eq!((shop.writes(), shop.states("web-tg")), (vec![], vec!["healthy"; 4]));
}

/// Nobody took it: it goes, though other targets of the group are another cluster's.
#[tokio::test]
async fn what_was_left_behind_goes_from_a_group_of_two_clusters() {
    let mut shop = moving(&[]).await;
    let address = leave_one(&shop);
    shop.run(900).await;
    assert_eq!(shop.writes(), [format!("deregister web-tg {address}:80")]);
    assert_eq!(shop.states("web-tg").iter().filter(|state| **state == "healthy").count(), 3);
}

/// Who uses the group in the other cluster is not known: nothing goes until it is.
#[tokio::test]
async fn nothing_goes_while_another_cluster_cannot_be_read() {
    for (operation, input) in [
        ("ListServices", OTHER),
        ("ListTasks", OTHER),
        ("ListClusters", ""),
        ("DescribeServices", OTHER),
    ] {
        let mut shop = moving(&[]).await;
        let address = leave_one(&shop);
        shop.fault(Rule::new(Service::Ecs, operation, Fault::Throttle).containing(input).forever());
        shop.run(900).await;
        assert_eq!(shop.writes(), [""; 0], "{operation}");
        shop.world().faults.clear();
        shop.watch(&["web"], 600).await;
        assert_eq!(shop.writes(), [format!("deregister web-tg {address}:80")], "{operation}");
    }
}
