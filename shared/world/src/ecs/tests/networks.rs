//! Network modes: bindings, ports and addresses.

use super::{START, describe_task, states, update, web};
use crate::World;
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use crate::truth;
use serde_json::json;

#[test]
fn host_mode_reports_no_bindings_and_allows_one_task_per_instance() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 2).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.make_service(&web(&group).host().desired(3)).unwrap();
    world.advance_secs(30);
    let tasks = world.running_tasks("shop/web").unwrap();
    assert_eq!(tasks.len(), 2, "the port is taken on both instances");
    assert_eq!(describe_task(&mut world, &tasks[0])["containers"][0]["networkBindings"], json!([]));
    assert!(
        truth::registered(&world, &group)
            .iter()
            .all(|(_, port, state)| *port == 8080 && *state == "healthy")
    );
}

#[test]
fn v6_bindings_may_have_other_ports_and_ranges_are_kept_together() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 1).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.ecs.behaviour.separate_v6_ports = true;
    let mut spec = web(&group).behind(&group, "app", 9001);
    spec.containers[0].port_mappings.push(json!({"containerPortRange": "9000-9002"}));
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let bindings = describe_task(&mut world, &task)["containers"][0]["networkBindings"].clone();
    assert_ne!(bindings[0]["hostPort"], bindings[1]["hostPort"]);
    assert_eq!(
        (&bindings[2]["containerPortRange"], &bindings[2]["hostPortRange"]),
        (&json!("9000-9002"), &json!("32770-32772"))
    );
    let ports: Vec<u16> =
        truth::registered(&world, &group).into_iter().map(|(_, port, _)| port).collect();
    assert_eq!(ports, [32_768, 32_771], "the second port of the range");
}

#[test]
fn awsvpc_addresses_are_reused_lowest_first() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    let subnet = world.default_subnets().remove(0);
    let group = world.make_alb_group("web-tg", TargetType::Ip).unwrap();
    let mut spec = web(&group).fargate();
    spec.subnets = vec![subnet];
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let shown = describe_task(&mut world, &task);
    assert_eq!(shown["attachments"][0]["type"], "ElasticNetworkInterface");
    assert_eq!(shown["containers"][0]["networkInterfaces"][0]["privateIpv4Address"], "10.0.0.4");
    assert_eq!(truth::registered(&world, &group), [("10.0.0.4".to_owned(), 8080, "healthy")]);
    world.keep_targets("shop/web", 1);
    update(&mut world, json!({"desiredCount": 0}));
    world.advance_secs(30);
    let api_group = world.make_alb_group("api-tg", TargetType::Ip).unwrap();
    let mut api = ServiceSpec::new("shop", "api")
        .fargate()
        .container("api", &[8080])
        .behind(&api_group, "api", 8080);
    api.subnets.clone_from(&spec.subnets);
    world.make_service(&api).unwrap();
    world.advance_secs(120);
    assert_eq!(truth::answering(&world, "10.0.0.4", 8080).unwrap().service, "api");
    assert_eq!(states(&world, &group), ["healthy"]);
}
