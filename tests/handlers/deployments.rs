//! Deployments by ECS, `CodeDeploy` and other tools: checked from the first second to the last,
//! without a write or an alert.

use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::ecs::CodeDeployStep;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::{Frontend, ServiceSpec};
use serde_json::{Value, json};

fn nothing_happened(shop: &Shop, when: &str) {
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![], vec![]),
        "{when}: {}",
        shop.alert_texts().join("\n\n")
    );
}

/// Creates two groups, the first of them behind a listener rule.
fn pair(shop: &Shop, target_type: TargetType) -> (Frontend, String) {
    let front = shop.world().make_alb("blue-tg", target_type).unwrap();
    let green = shop.world().make_bare_group("green-tg", target_type).unwrap();
    (front, green)
}

/// Creates a running service whose deployments shift traffic between two groups.
async fn shifting(configuration: Value) -> Shop {
    let mut shop = Shop::new(3, &[]);
    let (front, green) = pair(&shop, TargetType::Instance);
    let spec = ServiceSpec::new(CLUSTER, "web").container("app", &[8080]).desired(3);
    let spec = spec.behind_blue_green(&front, &green, "app", 8080);
    shop.make(&spec.with("deploymentConfiguration", configuration));
    shop.watch(&["web"], 300).await;
    shop
}

/// Holds C-10.
#[tokio::test]
async fn deployments_that_shift_traffic_are_left_alone() {
    for (name, configuration) in [
        ("blue/green", json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2})),
        (
            "canary",
            json!({"strategy": "CANARY", "bakeTimeInMinutes": 2, "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2}}),
        ),
        (
            "linear",
            json!({"strategy": "LINEAR", "bakeTimeInMinutes": 2, "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 2}}),
        ),
    ] {
        let mut shop = shifting(configuration).await;
        nothing_happened(&shop, name);
        for (live, idle) in [("green-tg", "blue-tg"), ("blue-tg", "green-tg")] {
            shop.update("web", json!({"forceNewDeployment": true}));
            shop.watch(&["web"], 760).await;
            nothing_happened(&shop, name);
            assert_eq!(shop.states(live), ["healthy"; 3], "{name}: the deployment is over");
            assert!(shop.states(idle).iter().all(|state| *state == "draining"), "{name}");
        }
    }
}

/// Holds C-10: an alarm or the circuit breaker rolls the deployment back halfway.
#[tokio::test]
async fn a_rollback_is_left_alone() {
    for at in [0, 30, 90] {
        let mut shop = shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 3})).await;
        shop.update("web", json!({"forceNewDeployment": true}));
        shop.watch(&["web"], at).await;
        assert!(shop.world().roll_back("shop/web"));
        shop.watch(&["web"], 900).await;
        nothing_happened(&shop, &format!("after {at} s"));
        assert_eq!(shop.states("blue-tg"), ["healthy"; 3]);
    }
}

/// Holds C-10: a change of strategy starts no deployment, so the tasks stay in the group of the
/// last one.
#[tokio::test]
async fn a_service_that_becomes_rolling_keeps_its_tasks_where_blue_green_left_them() {
    let mut shop = shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1})).await;
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.watch(&["web"], 760).await;
    shop.update("web", json!({"deploymentConfiguration": {"strategy": "ROLLING"}}));
    shop.watch(&["web"], 600).await;
    nothing_happened(&shop, "rolling since ten minutes");
    assert_eq!((shop.states("green-tg"), shop.states("blue-tg")), (vec!["healthy"; 3], vec![]));
}

/// Holds C-10, C-16: a fault in the middle of a deployment is repaired in the group in which it
/// occurred.
#[tokio::test]
async fn a_registration_that_is_lost_while_traffic_shifts_is_made_in_the_right_group() {
    let mut shop = shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 15})).await;
    shop.world().lose_registrations("shop/web", 1);
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.watch(&["web"], 600).await;
    let writes = shop.writes();
    assert!(writes.len() == 1 && writes[0].starts_with("register green-tg"), "{writes:?}");
    assert_eq!(shop.alerts()[0], "error missing opened");
}

/// Holds C-10.
#[tokio::test]
async fn code_deploy_is_left_alone() {
    let mut shop = Shop::new(0, &[]);
    let (front, green) = pair(&shop, TargetType::Ip);
    let spec = ServiceSpec::new(CLUSTER, "web").fargate().container("app", &[80]).behind(
        &front.group,
        "app",
        80,
    );
    shop.make(&spec.desired(2).with("deploymentController", json!({"type": "CODE_DEPLOY"})));
    shop.watch(&["web"], 300).await;
    shop.world().start_code_deploy("shop/web", "web", &green).unwrap();
    shop.watch(&["web"], 300).await;
    nothing_happened(&shop, "two task sets");
    shop.world().code_deploy("shop/web", CodeDeployStep::ShiftTraffic, &front.rule).unwrap();
    shop.watch(&["web"], 300).await;
    nothing_happened(&shop, "traffic is shifted");
    shop.world().code_deploy("shop/web", CodeDeployStep::TerminateOriginal, &front.rule).unwrap();
    shop.watch(&["web"], 600).await;
    nothing_happened(&shop, "the original is gone");
    assert_eq!((shop.states("green-tg"), shop.states("blue-tg")), (vec!["healthy"; 2], vec![]));
}

/// Holds C-10.
#[tokio::test]
async fn task_sets_of_other_tools_are_left_alone() {
    let mut shop = Shop::new(0, &[]);
    let (front, green) = {
        let mut world = shop.world();
        let front = world.make_alb("blue-tg", TargetType::Ip).unwrap();
        (front, world.make_alb_group("green-tg", TargetType::Ip).unwrap())
    };
    let spec = ServiceSpec::new(CLUSTER, "web").fargate().container("app", &[80]);
    shop.world().make_definition(&spec).unwrap();
    shop.ecs(
        "CreateService",
        json!({"serviceName": "web", "desiredCount": 4, "deploymentController": {"type": "EXTERNAL"}}),
    );
    let subnets = shop.world().default_subnets();
    let set = |group: &str, percent: f64| {
        json!({
            "service": "web", "taskDefinition": "web", "launchType": "FARGATE",
            "scale": {"value": percent, "unit": "PERCENT"},
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}},
            "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}],
        })
    };
    let blue_set = shop.ecs("CreateTaskSet", set(&front.group, 100.0))["taskSet"]["id"].clone();
    shop.ecs("UpdateServicePrimaryTaskSet", json!({"service": "web", "primaryTaskSet": blue_set}));
    shop.watch(&["web"], 300).await;
    nothing_happened(&shop, "one task set");
    let green_set = shop.ecs("CreateTaskSet", set(&green, 50.0))["taskSet"]["id"].clone();
    shop.watch(&["web"], 300).await;
    assert_eq!((shop.states("blue-tg").len(), shop.states("green-tg").len()), (4, 2));
    nothing_happened(&shop, "two task sets");
    shop.ecs(
        "UpdateTaskSet",
        json!({"service": "web", "taskSet": green_set, "scale": {"value": 100.0, "unit": "PERCENT"}}),
    );
    shop.ecs("UpdateServicePrimaryTaskSet", json!({"service": "web", "primaryTaskSet": green_set}));
    shop.watch(&["web"], 300).await;
    nothing_happened(&shop, "the second one is primary");
    shop.ecs("DeleteTaskSet", json!({"service": "web", "taskSet": blue_set, "force": true}));
    shop.watch(&["web"], 600).await;
    nothing_happened(&shop, "the first task set is gone");
    assert_eq!(shop.states("green-tg"), ["healthy"; 4]);
}

/// Holds C-9: tasks of the old revision stay in the old group while they run.
#[tokio::test]
async fn changed_load_balancers_hold_for_new_tasks_only() {
    let mut shop = Shop::settled_web(3, 4).await;
    let other = shop.alb_group("other-tg");
    // The new tasks start slowly, so that both revisions run for long.
    shop.world().ecs.timing.pending_secs = 300;
    let entry = json!([{"targetGroupArn": other, "containerName": "app", "containerPort": 8080}]);
    shop.update("web", json!({"loadBalancers": entry}));
    shop.watch(&["web"], 260).await;
    assert_eq!((shop.states("web-tg"), shop.states("other-tg")), (vec!["healthy"; 4], vec![]));
    shop.watch(&["web"], 900).await;
    nothing_happened(&shop, "both revisions");
    assert_eq!((shop.states("web-tg"), shop.states("other-tg")), (vec![], vec!["healthy"; 4]));
}

/// Holds C-9, C-12: another container, another port, more and fewer tasks, overlapping deployments.
#[tokio::test]
async fn rolling_deployments_are_left_alone() {
    let mut shop = Shop::settled_web(3, 4).await;
    let group = shop.group("web-tg");
    let definition = shop
        .world()
        .make_definition(&ServiceSpec::new(CLUSTER, "web").container("front", &[9090]))
        .unwrap();
    let entry = json!([{"targetGroupArn": group, "containerName": "front", "containerPort": 9090}]);
    shop.update("web", json!({"taskDefinition": definition, "loadBalancers": entry}));
    shop.watch(&["web"], 30).await;
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.watch(&["web"], 30).await;
    for count in [9, 1, 5] {
        shop.update("web", json!({"desiredCount": count}));
        shop.watch(&["web"], 400).await;
    }
    nothing_happened(&shop, "five changes");
    assert_eq!(shop.states("web-tg").iter().filter(|state| **state == "healthy").count(), 5);
}

/// Services from before October 2024 have no service revision: their deployments show what their
/// tasks belong to.
#[tokio::test]
async fn a_service_without_revisions_is_left_alone() {
    let mut shop = Shop::new(2, &[]);
    let group = shop.alb_group("web-tg");
    shop.world().revisions_unknown("shop/web", true);
    shop.make(&behind("web", &group).desired(2));
    shop.watch(&["web"], 300).await;
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.watch(&["web"], 600).await;
    assert_eq!(shop.writes(), [""; 0]);
    assert_eq!(shop.states("web-tg").iter().filter(|state| **state == "healthy").count(), 2);
}
