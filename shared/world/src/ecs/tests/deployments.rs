//! Deployments of every kind, and the target groups of their tasks.

use super::{
    START, bridge_world, describe, describe_task, error, everything_is_registered, states, update,
    web,
};
use crate::World;
use crate::ecs::CodeDeployStep;
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use crate::truth;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn a_bridge_service_becomes_registered_and_healthy() {
    let (mut world, group) = bridge_world(3, 3);
    let registered = truth::registered(&world, &group);
    assert_eq!(
        registered.iter().map(|(id, ..)| id).collect::<BTreeSet<_>>().len(),
        3,
        "spread over the instances"
    );
    assert!(
        registered.iter().all(|(_, port, state)| *port == 32_768 && *state == "healthy"),
        "{registered:?}"
    );
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(shown["events"][0]["message"], "(service web) has reached a steady state.");
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let task = describe_task(&mut world, &task);
    assert_eq!(task["startedBy"], shown["deployments"][0]["id"]);
    let bindings = task["containers"][0]["networkBindings"].as_array().unwrap();
    assert_eq!(
        bindings.iter().map(|b| b["bindIP"].as_str().unwrap()).collect::<Vec<_>>(),
        ["0.0.0.0", "::"]
    );
    assert!(everything_is_registered(&world));
}

#[test]
fn a_rolling_deployment_never_has_too_few_healthy_targets_and_keeps_old_groups_for_old_tasks() {
    let (mut world, group) = bridge_world(2, 4);
    let other = world.make_alb_group("other-tg", TargetType::Instance).unwrap();
    let before = describe(&mut world, "web")["deployments"][0]["id"].clone();
    update(
        &mut world,
        json!({"loadBalancers": [{"targetGroupArn": other, "containerName": "app", "containerPort": 8080}]}),
    );
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 2);
    assert_eq!(shown["loadBalancers"][0]["targetGroupArn"], json!(other));
    assert_eq!(shown["currentServiceRevisions"].as_array().unwrap().len(), 2);
    let live: BTreeSet<String> =
        truth::live_targets(&world).into_iter().map(|live| live.target_group_arn).collect();
    assert_eq!(
        live,
        BTreeSet::from([group.clone()]),
        "tasks of the old revision belong to the old group"
    );
    for _ in 0..90 {
        world.advance_secs(1);
        let healthy = [&group, &other].map(|group| states(&world, group)).concat();
        assert!(healthy.iter().filter(|state| **state == "healthy").count() >= 4, "{healthy:?}");
    }
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
    assert_ne!(shown["deployments"][0]["id"], before);
    assert_eq!(states(&world, &other), ["healthy"; 4]);
    assert_eq!(states(&world, &group), ["draining"; 4]);
    world.advance_secs(300);
    assert_eq!(states(&world, &group), [""; 0]);
}

#[test]
fn blue_green_deployments_alternate_between_the_groups() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 2).unwrap();
    let front = world.make_alb("blue-tg", TargetType::Instance).unwrap();
    let green = world.make_bare_group("green-tg", TargetType::Instance).unwrap();
    let spec = ServiceSpec::new("shop", "web")
        .container("app", &[8080])
        .behind_blue_green(&front, &green, "app", 8080)
        .desired(2)
        .with("deploymentConfiguration", json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}));
    world.make_service(&spec).unwrap();
    world.advance_secs(60);
    for (live, idle) in [(&green, &front.group), (&front.group, &green)] {
        let named: Vec<String> =
            world.elbv2.traffic(&front.rule).into_iter().map(|(group, _)| group).collect();
        assert_eq!(named, std::slice::from_ref(idle));
        update(&mut world, json!({"forceNewDeployment": true}));
        world.advance_secs(45);
        assert_eq!(world.elbv2.traffic(&front.rule), [(live.clone(), 100)], "shifted, baking");
        assert_eq!(
            states(&world, idle).iter().filter(|state| **state == "healthy").count(),
            2,
            "blue is kept"
        );
        assert!(everything_is_registered(&world));
        world.advance_secs(420);
        let shown = describe(&mut world, "web");
        assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(states(&world, live), ["healthy"; 2]);
        assert_eq!(states(&world, idle), [""; 0]);
        let arn = &shown["currentServiceRevisions"][0]["arn"];
        let input = json!({"serviceRevisionArns": [arn]});
        let revision =
            world.person_ecs("DescribeServiceRevisions", &input).unwrap()["serviceRevisions"][0]
                .clone();
        assert_eq!(
            revision["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"],
            json!(live)
        );
        assert_eq!(
            revision["loadBalancers"][0]["targetGroupArn"],
            json!(front.group),
            "settings do not alternate"
        );
    }
}

#[test]
fn a_rollback_makes_the_old_deployment_primary_again() {
    let (mut world, group) = bridge_world(2, 2);
    let before = describe(&mut world, "web")["deployments"][0]["id"].clone();
    update(&mut world, json!({"forceNewDeployment": true}));
    world.advance_secs(5);
    assert!(world.roll_back("shop/web"));
    world.advance_secs(60);
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"][0]["id"], before);
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(states(&world, &group).iter().filter(|state| **state == "healthy").count(), 2);
    assert!(!world.roll_back("shop/web"), "nothing is in progress");
}

#[test]
fn code_deploy_and_external_services_keep_groups_by_task_set() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    let front = world.make_alb("blue-tg", TargetType::Ip).unwrap();
    let green = world.make_bare_group("green-tg", TargetType::Ip).unwrap();
    let spec = ServiceSpec::new("shop", "web").fargate().container("app", &[80]).behind(
        &front.group,
        "app",
        80,
    );
    let spec = spec.with("deploymentController", json!({"type": "CODE_DEPLOY"}));
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let id = world.start_code_deploy("shop/web", "web", &green).unwrap();
    world.advance_secs(30);
    let shown = describe(&mut world, "web");
    assert_eq!(shown["taskSets"].as_array().unwrap().len(), 2);
    assert_eq!(shown["taskSets"][0]["loadBalancers"][0]["targetGroupArn"], json!(green));
    assert_eq!(
        (states(&world, &front.group), states(&world, &green)),
        (vec!["healthy"], vec!["unused"])
    );
    assert!(everything_is_registered(&world));
    world.code_deploy("shop/web", CodeDeployStep::ShiftTraffic, &front.rule).unwrap();
    world.code_deploy("shop/web", CodeDeployStep::TerminateOriginal, &front.rule).unwrap();
    world.advance_secs(330);
    assert_eq!((states(&world, &front.group), states(&world, &green)), (vec![], vec!["healthy"]));
    let tasks = world.running_tasks("shop/web").unwrap();
    assert_eq!(describe_task(&mut world, &tasks[0])["startedBy"], json!(format!("ecs-svc/{id}")));

    let external = json!({"cluster": "shop", "serviceName": "ext", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}});
    world.person_ecs("CreateService", &external).unwrap();
    let subnets = world.default_subnets();
    let set = json!({
        "cluster": "shop", "service": "ext", "taskDefinition": "web", "launchType": "FARGATE",
        "scale": {"value": 50.0, "unit": "PERCENT"},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}},
        "loadBalancers": [{"targetGroupArn": green, "containerName": "app", "containerPort": 80}],
    });
    let created = world.person_ecs("CreateTaskSet", &set).unwrap();
    world.advance_secs(30);
    assert_eq!(world.running_tasks("shop/ext").unwrap().len(), 1, "half of two");
    let answer = world
        .person_ecs("DescribeTaskSets", &json!({"cluster": "shop", "service": "ext"}))
        .unwrap();
    assert_eq!(answer["taskSets"][0]["id"], created["taskSet"]["id"]);
    assert_eq!(answer["taskSets"][0]["stabilityStatus"], "STEADY_STATE");
}

#[test]
fn deleting_a_service_drains_it_and_makes_it_inactive() {
    let (mut world, group) = bridge_world(1, 1);
    let revision = describe(&mut world, "web")["currentServiceRevisions"][0]["arn"].clone();
    let input = json!({"cluster": "shop", "service": "web"});
    assert!(error(&mut world, "DeleteService", &input).contains("scaled above 0"));
    world
        .person_ecs("DeleteService", &json!({"cluster": "shop", "service": "web", "force": true}))
        .unwrap();
    assert_eq!(describe(&mut world, "web")["status"], "DRAINING");
    world.advance_secs(30);
    assert_eq!(describe(&mut world, "web")["status"], "INACTIVE");
    assert_eq!(states(&world, &group), ["draining"]);
    assert!(
        error(&mut world, "DescribeServiceRevisions", &json!({"serviceRevisionArns": [revision]}))
            .contains("INACTIVE")
    );
    world.make_service(&web(&group)).unwrap();
}

#[test]
fn canary_and_linear_deployments_shift_in_steps() {
    for (strategy, configuration, steps) in [
        ("CANARY", json!({"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 1}), vec![20, 100]),
        ("LINEAR", json!({"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}), vec![40, 80, 100]),
    ] {
        let mut world = World::new(1, START);
        world.make_cluster("shop").unwrap();
        let front = world.make_alb("blue-tg", TargetType::Ip).unwrap();
        let green = world.make_bare_group("green-tg", TargetType::Ip).unwrap();
        let member = format!("{}Configuration", strategy.to_lowercase());
        let spec = ServiceSpec::new("shop", "web")
            .fargate()
            .container("app", &[8080])
            .behind_blue_green(&front, &green, "app", 8080)
            .with("deploymentConfiguration", json!({"strategy": strategy, member: configuration}));
        world.make_service(&spec).unwrap();
        world.advance_secs(30);
        update(&mut world, json!({"forceNewDeployment": true}));
        let mut seen = Vec::new();
        for _ in 0..240 {
            world.advance_secs(1);
            let traffic = world.elbv2.traffic(&front.rule);
            let percent =
                traffic.iter().find(|(group, _)| *group == green).map_or(0, |(_, weight)| *weight);
            if seen.last() != Some(&percent) {
                seen.push(percent);
            }
        }
        assert_eq!(seen, [vec![0], steps].concat(), "{strategy}");
    }
}
