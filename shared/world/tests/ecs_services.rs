//! Services, deployments and tasks of the simulated ECS, as their API and events show them.

use portkeeper_world::World;
use portkeeper_world::elb::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::truth;
use serde_json::{Value, json};

/// A cluster with three instances and one bridge service of `desired` tasks behind `web-tg`.
fn bridge_world(desired: u32) -> (World, String) {
    let mut world = World::new(1, 1_700_000_000_000);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 3).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    let spec = ServiceSpec::new("shop", "web").container("app", &[8080]).behind(&group, "app", 8080).desired(desired);
    world.make_service(&spec).unwrap();
    (world, group)
}

fn service(world: &mut World, name: &str) -> Value {
    let answer = world.person_ecs("DescribeServices", &json!({"cluster": "shop", "services": [name]})).unwrap();
    answer["services"][0].clone()
}

#[test]
fn a_bridge_service_comes_up_registered_and_healthy() {
    let (mut world, group) = bridge_world(3);
    world.advance_secs(60);
    let registered = truth::registered(&world, &group);
    assert_eq!(registered.len(), 3);
    assert!(registered.iter().all(|(_, port, state)| *port == 32_768 && *state == "healthy"), "{registered:?}");
    let shown = service(&mut world, "web");
    assert_eq!(shown["deployments"][0]["rolloutState"], "COMPLETED");
}
