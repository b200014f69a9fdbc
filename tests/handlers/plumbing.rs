//! Groups, load balancers and zones that do not fit, slow health checks, services that end.

use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::ecs::{Answer, DEFAULT_VPC, Replaces};
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use serde_json::json;

/// Asserts which alerts were published and that no registration or deregistration was attempted.
fn assert_only_alerts(shop: &Shop, expected: &[&str]) {
    assert_eq!(shop.alerts(), expected, "{}", shop.alert_texts().join("\n\n"));
    assert_eq!((shop.count("RegisterTargets"), shop.count("DeregisterTargets")), (0, 0));
}

/// Holds C-24.
#[tokio::test]
async fn a_deleted_group_is_reported_until_the_service_has_another() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.delete_group("web-tg");
    shop.watch(&["web"], 300).await;
    assert_only_alerts(&shop, &["critical target_group_missing opened"]);
    let other = shop.alb_group("new-tg");
    let entry = json!([{"targetGroupArn": other, "containerName": "app", "containerPort": 8080}]);
    shop.update("web", json!({"loadBalancers": entry}));
    shop.run(600).await;
    assert_only_alerts(
        &shop,
        &["critical target_group_missing opened", "critical target_group_missing resolved"],
    );
    assert_eq!(shop.states("new-tg"), ["healthy"; 2]);
}

/// Holds C-24: the listener is deleted, so nothing leads to the group, and is then created again.
#[tokio::test]
async fn a_group_without_a_load_balancer_is_reported_until_it_has_one() {
    let mut shop = Shop::new(2, &[]);
    let front = shop.world().make_alb("web-tg", TargetType::Instance).unwrap();
    shop.make(&behind("web", &front.group).desired(2));
    shop.settle().await;
    shop.elb("DeleteListener", &json!({"ListenerArn": front.listener}));
    shop.watch(&["web"], 300).await;
    assert_only_alerts(&shop, &["critical target_group_unattached opened"]);
    let actions = json!([{"Type": "forward", "TargetGroupArn": front.group}]);
    let listener = json!({"LoadBalancerArn": front.balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": actions});
    shop.elb("CreateListener", &listener);
    shop.watch(&["web"], 300).await;
    assert_only_alerts(
        &shop,
        &["critical target_group_unattached opened", "critical target_group_unattached resolved"],
    );
}

/// Holds C-24: the targets are not registered, and registering them would bring no traffic.
#[tokio::test]
async fn nothing_is_registered_in_a_group_without_a_load_balancer() {
    let mut shop = Shop::new(2, &[]);
    shop.world().ecs.behaviour.accept_broken_services = true;
    shop.world().lose_registrations("shop/web", 2);
    let group = shop.world().make_bare_group("web-tg", TargetType::Instance).unwrap();
    shop.make(&behind("web", &group).desired(2));
    shop.run(600).await;
    assert_only_alerts(&shop, &["critical target_group_unattached opened"]);
}

/// Holds C-24.
#[tokio::test]
async fn a_zone_that_the_load_balancer_does_not_serve_is_reported() {
    let mut shop = Shop::new(3, &[]);
    let group = shop.world().make_bare_group("web-tg", TargetType::Instance).unwrap();
    let subnet = shop.world().default_subnets().remove(0);
    let balancer =
        shop.elb("CreateLoadBalancer", &json!({"Name": "one-zone", "Subnets": [subnet]}));
    let balancer = &balancer["LoadBalancers"][0]["LoadBalancerArn"];
    let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
    let listener = json!({"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": actions});
    shop.elb("CreateListener", &listener);
    shop.make(&behind("web", &group).desired(3));
    shop.run(600).await;
    assert_only_alerts(&shop, &["error az_disabled opened"]);
    assert_eq!(shop.states("web-tg"), ["healthy", "unused", "unused"]);
}

/// Creates a group of this type and family behind a load balancer.
fn odd_group(shop: &Shop, name: &str, target_type: &str, family: &str) -> String {
    let input = json!({
        "Name": name, "Protocol": "HTTP", "Port": 80, "TargetType": target_type, "IpAddressType": family,
        "VpcId": DEFAULT_VPC,
    });
    let group = shop.elb("CreateTargetGroup", &input)["TargetGroups"][0]["TargetGroupArn"].clone();
    let subnets = shop.world().default_subnets();
    let balancer =
        shop.elb("CreateLoadBalancer", &json!({"Name": format!("{name}-lb"), "Subnets": subnets}));
    let balancer = &balancer["LoadBalancers"][0]["LoadBalancerArn"];
    let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
    let listener = json!({"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": actions});
    shop.elb("CreateListener", &listener);
    group.as_str().unwrap().to_owned()
}

/// Holds C-24.
#[tokio::test]
async fn a_group_of_the_wrong_kind_is_reported() {
    for (target_type, family, awsvpc, code) in [
        ("ip", "ipv4", false, "target_type_mismatch"),
        ("instance", "ipv4", true, "target_type_mismatch"),
        ("ip", "ipv6", true, "ip_family_mismatch"),
    ] {
        let mut shop = Shop::new(2, &[]);
        shop.world().ecs.behaviour.accept_broken_services = true;
        let group = odd_group(&shop, "web-tg", target_type, family);
        let spec = behind("web", &group).desired(2);
        shop.make(&if awsvpc { spec.awsvpc() } else { spec });
        shop.run(600).await;
        assert_only_alerts(&shop, &[&format!("critical {code} opened")]);
    }
}

/// Holds C-32.
#[tokio::test]
async fn a_network_load_balancer_may_take_minutes_without_an_alert() {
    let mut shop = Shop::new(2, &[]);
    shop.world().elbv2.timing.nlb_registration_secs = 180;
    let group = shop.world().make_nlb("web-tg", TargetType::Instance).unwrap().group;
    shop.make(&behind("web", &group).desired(2));
    shop.watch(&["web"], 180).await;
    assert_eq!(shop.states("web-tg"), ["initial"; 2]);
    shop.watch(&["web"], 600).await;
    assert_only_alerts(&shop, &[]);
    assert_eq!(shop.states("web-tg"), ["healthy"; 2]);
}

/// Holds C-32.
#[tokio::test]
async fn a_target_that_is_never_checked_to_its_end_is_unhealthy() {
    let mut shop = Shop::new(2, &[]);
    shop.world().elbv2.timing.alb_registration_secs = 100_000;
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).desired(2));
    shop.watch(&["web"], 600).await;
    assert_eq!(shop.states("web-tg"), ["initial"; 2]);
    assert_only_alerts(&shop, &["critical unhealthy opened"]);
}

#[tokio::test]
async fn a_failing_task_is_reported_with_its_reason_until_it_is_healthy() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().ecs.behaviour.replaces = Replaces::Nothing;
    let task = shop.tasks("web").remove(0);
    shop.world().set_answer(&task, Answer::Status(502)).unwrap();
    shop.watch(&["web"], 600).await;
    assert_only_alerts(&shop, &["error unhealthy opened"]);
    let text = shop.alert_texts().remove(0);
    assert!(
        text.contains("Target.ResponseCodeMismatch") && text.contains("with an unexpected code"),
        "{text}"
    );
    shop.world().set_answer(&task, Answer::Ok).unwrap();
    shop.watch(&["web"], 200).await;
    assert_only_alerts(&shop, &["error unhealthy opened", "error unhealthy resolved"]);
}

/// Creates a service of one task with an open incident whose alert was published.
async fn with_an_open_incident() -> Shop {
    let mut shop = Shop::settled_web(2, 1).await;
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &host, 9);
    shop.watch(&["web"], 200).await;
    assert_only_alerts(&shop, &["warning foreign opened"]);
    shop
}

/// Holds C-35, C-19: what a deleted service leaves is deregistered with proof, and what somebody
/// else registered stays reported.
#[tokio::test]
async fn a_deleted_service_is_checked_until_its_targets_are_gone() {
    let mut shop = with_an_open_incident().await;
    shop.world().keep_targets("shop/web", 1);
    shop.ecs("DeleteService", json!({"service": "web", "force": true}));
    shop.watch(&["web"], 900).await;
    assert_eq!(
        shop.alerts(),
        ["warning foreign opened", "error stale opened", "error stale resolved"],
        "{}",
        shop.alert_texts().join("\n\n")
    );
    assert_eq!((shop.count("RegisterTargets"), shop.count("DeregisterTargets")), (0, 1));
    let left: Vec<u16> = shop
        .targets("web-tg")
        .into_iter()
        .filter(|(_, _, state)| *state != "draining")
        .map(|(_, port, _)| port)
        .collect();
    assert_eq!(left, [9], "the target that a person registered is not touched");
}

/// Holds C-35: the desired count is 0, and nothing is registered.
#[tokio::test]
async fn a_service_scaled_to_zero_is_left_alone() {
    let mut shop = Shop::settled_web(1, 1).await;
    shop.update("web", json!({"desiredCount": 0}));
    shop.watch(&["web"], 900).await;
    assert_only_alerts(&shop, &[]);
    assert_eq!(shop.targets("web-tg"), []);
}

/// Holds C-35, C-19: a target left over from a service scaled to zero would lead to the next task
/// on its port.
#[tokio::test]
async fn a_target_that_outlives_all_tasks_is_deregistered() {
    let mut shop = Shop::settled_web(1, 1).await;
    shop.world().keep_targets("shop/web", 1);
    shop.update("web", json!({"desiredCount": 0}));
    shop.watch(&["web"], 900).await;
    assert_eq!(shop.alerts(), ["error stale opened", "error stale resolved"]);
    assert_eq!(shop.count("DeregisterTargets"), 1);
    assert!(shop.targets("web-tg").iter().all(|(_, _, state)| *state == "draining"));
}

/// Holds C-35: the service or its cluster does not exist.
#[tokio::test]
async fn a_service_that_does_not_exist_causes_nothing() {
    let mut shop = Shop::new(1, &[]);
    shop.watch(&["web"], 100).await;
    assert_only_alerts(&shop, &[]);
    assert_eq!(shop.count("PutItem"), 0);
}

/// Holds C-35, C-12.
#[tokio::test]
async fn a_service_without_a_load_balancer_costs_one_call_and_no_alert() {
    let mut shop = Shop::new(1, &[]);
    shop.make(&ServiceSpec::new(CLUSTER, "worker").container("app", &[8080]).desired(3));
    shop.settle().await;
    shop.look("worker").await;
    assert_eq!(shop.calls(), ["BatchGetItem 1", "DescribeServices 1"]);
    assert_only_alerts(&shop, &[]);
}
