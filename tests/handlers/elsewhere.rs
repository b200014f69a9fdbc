//! A target group shared by services of two clusters, as while a service moves from one cluster to
//! the other.

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

/// Creates the stable service `web` in two clusters with one shared group.
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

/// Stops a task of this cluster whose target ECS leaves behind. Returns the address.
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

/// While the service moves, it grows in one cluster as it shrinks in the other, and reuses the
/// released addresses.
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

/// No task reuses the address: the target is deregistered, although other targets of the group
/// belong to another cluster.
#[tokio::test]
async fn what_was_left_behind_goes_from_a_group_of_two_clusters() {
    let mut shop = moving(&[]).await;
    let address = leave_one(&shop);
    shop.run(900).await;
    assert_eq!(shop.writes(), [format!("deregister web-tg {address}:80")]);
    assert_eq!(shop.states("web-tg").iter().filter(|state| **state == "healthy").count(), 3);
}

/// The users of the group in the other cluster are unknown: nothing is deregistered until they are
/// read.
#[tokio::test]
async fn nothing_is_deregistered_while_another_cluster_cannot_be_read() {
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

/// Holds I-ADDRESS. A cluster that `Clusters` does not name cannot be read, and its services may use
/// the group: nothing is deregistered there.
#[tokio::test]
async fn a_cluster_that_is_not_named_keeps_the_addresses_of_a_group() {
    let mut shop = moving(&[("PORTKEEPER_CLUSTERS", CLUSTER)]).await;
    leave_one(&shop);
    scale_up(&shop);
    shop.run(900).await;
    assert_eq!((shop.writes(), shop.count("DeregisterTargets")), (vec![], 0));
}

/// A deployment of the other cluster, while checks of this cluster's service go on.
async fn deploy_there(shop: &mut Shop) {
    let change = json!({"cluster": OTHER, "service": "web", "forceNewDeployment": true});
    shop.world().person_ecs("UpdateService", &change).unwrap();
    shop.watch(&["web"], 900).await;
}

/// The tasks of the other cluster explain their targets, and other clusters are asked once for each
/// deployment there.
#[tokio::test]
async fn deployments_of_another_cluster_cause_no_alert() {
    let both = format!("{CLUSTER},{OTHER}");
    for clusters in ["*", &both] {
        let mut shop = moving(&[("PORTKEEPER_CLUSTERS", clusters)]).await;
        shop.world().make_cluster("unrelated").unwrap();
        for _ in 0..4 {
            deploy_there(&mut shop).await;
        }
        assert_eq!((shop.alerts(), shop.writes()), (vec![], vec![]), "{clusters}");
        shop.watch(&["web"], 300).await;
        shop.world().calls.clear();
        shop.watch(&["web"], 1800).await;
        assert_eq!(shop.count("ListClusters"), 0, "they are known by now");
        let report = shop.stage.sweep().await.unwrap();
        assert_eq!(report.clusters[CLUSTER].suspects.len(), 0, "{report:#?}");
    }
}

/// No task of any cluster has the address. Both services report it.
#[tokio::test]
async fn a_target_of_no_cluster_is_reported() {
    let mut shop = moving(&[]).await;
    let group = shop.group("web-tg");
    shop.by_hand("RegisterTargets", &group, "10.0.0.250", 80);
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.alerts(), ["warning foreign opened"; 2]);
    assert_eq!(shop.writes(), [""; 0]);
}
