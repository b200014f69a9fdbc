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

/// How many services of each strategy deploy at the same time, and how often.
const SERVICES: usize = 20;
const ROUNDS: usize = 5;

/// A service that deploys again and again, and how traffic shifts if `CodeDeploy` does it.
struct Deploying {
    strategy: &'static str,
    name: String,
    front: Frontend,
    green: String,
}

/// Creates the services of one strategy.
fn deploying(shop: &Shop, strategy: &'static str, configuration: &Value) -> Vec<Deploying> {
    let one = |number| {
        let name = format!("{}-{number}", strategy.to_lowercase().replace('_', "-"));
        let (front, green) = {
            let mut world = shop.world();
            let front = world.make_alb(&name, TargetType::Instance).unwrap();
            (front, world.make_bare_group(&format!("{name}-b"), TargetType::Instance).unwrap())
        };
        let spec = ServiceSpec::new(CLUSTER, &name).container("app", &[8080]).desired(2);
        let spec = match strategy {
            "ROLLING" => spec.behind(&front.group, "app", 8080),
            "CODE_DEPLOY" => spec
                .behind(&front.group, "app", 8080)
                .with("deploymentController", json!({"type": "CODE_DEPLOY"})),
            _ => spec
                .behind_blue_green(&front, &green, "app", 8080)
                .with("deploymentConfiguration", configuration.clone()),
        };
        shop.make(&spec);
        Deploying { strategy, name, front, green }
    };
    (0..SERVICES).map(one).collect()
}

/// Advances time in large steps and delivers every batch that is due after each.
async fn pass(shop: &mut Shop, seconds: u64) {
    for _ in 0..seconds / 20 {
        shop.world().advance_secs(20);
        while shop.stage.deliver().await.unwrap().is_some() {}
    }
}

/// Shifts the traffic of every service that `CodeDeploy` deploys, and ends the old tasks.
async fn code_deploy(shop: &mut Shop, services: &[Deploying], round: usize) {
    let by_code_deploy = || services.iter().filter(|one| one.strategy == "CODE_DEPLOY");
    for one in by_code_deploy() {
        let group = if round.is_multiple_of(2) { &one.green } else { &one.front.group };
        let key = format!("{CLUSTER}/{}", one.name);
        shop.world().start_code_deploy(&key, &one.name, group).unwrap();
    }
    for step in [CodeDeployStep::ShiftTraffic, CodeDeployStep::TerminateOriginal] {
        pass(shop, 200).await;
        for one in by_code_deploy() {
            let key = format!("{CLUSTER}/{}", one.name);
            shop.world().code_deploy(&key, step, &one.front.rule).unwrap();
        }
    }
}

/// Holds C-10: normal deployments raise no alert, whatever their strategy.
#[tokio::test]
async fn a_hundred_deployments_of_each_strategy_raise_no_alert() {
    let mut shop = Shop::new(12, &[]);
    let bake = |strategy: &str, steps: Value| {
        let mut configuration = json!({"strategy": strategy, "bakeTimeInMinutes": 1});
        configuration.as_object_mut().unwrap().extend(steps.as_object().unwrap().clone());
        configuration
    };
    let canary =
        json!({"canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}});
    let linear = json!({"linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}});
    let strategies = [
        ("ROLLING", json!({})),
        ("BLUE_GREEN", bake("BLUE_GREEN", json!({}))),
        ("CANARY", bake("CANARY", canary)),
        ("LINEAR", bake("LINEAR", linear)),
        ("CODE_DEPLOY", json!({})),
    ];
    let mut services = Vec::new();
    for (strategy, configuration) in &strategies {
        services.extend(deploying(&shop, strategy, configuration));
    }
    pass(&mut shop, 300).await;
    let mut deployed = std::collections::BTreeMap::new();
    for round in 0..ROUNDS {
        for one in services.iter().filter(|one| one.strategy != "CODE_DEPLOY") {
            shop.update(&one.name, json!({"forceNewDeployment": true}));
        }
        code_deploy(&mut shop, &services, round).await;
        pass(&mut shop, 600).await;
        for one in &services {
            let described = shop.ecs("DescribeServices", json!({"services": [one.name]}));
            let list = if one.strategy == "CODE_DEPLOY" { "taskSets" } else { "deployments" };
            let running = described["services"][0][list].as_array().unwrap();
            assert_eq!(running.len(), 1, "{}: {running:?}", one.name);
            if one.strategy != "CODE_DEPLOY" {
                assert_eq!(running[0]["rolloutState"], "COMPLETED", "{}", one.name);
            }
            *deployed.entry(one.strategy).or_insert(0) += 1;
        }
    }
    for (strategy, deployments) in deployed {
        println!("{strategy}: {deployments} deployments, {} alerts", shop.alerts().len());
        assert_eq!(deployments, SERVICES * ROUNDS);
    }
    nothing_happened(&shop, "hundreds of deployments");
}
