//! ECS through its API, its events and the target groups.

mod breaker;
mod chance;
mod deployments;
mod faults;
mod networks;
mod shapes;
mod specs;

use crate::World;
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use crate::truth;
use serde_json::{Value, json};

const START: u64 = 1_700_000_000_000;

fn web(group: &str) -> ServiceSpec {
    ServiceSpec::new("shop", "web").container("app", &[8080]).behind(group, "app", 8080)
}

/// A cluster with this many instances and a running bridge service of `desired` tasks behind
/// `web-tg`.
fn bridge_world(instances: usize, desired: u32) -> (World, String) {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", instances).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.make_service(&web(&group).desired(desired)).unwrap();
    world.advance_secs(30);
    (world, group)
}

fn describe(world: &mut World, name: &str) -> Value {
    let answer = world
        .person_ecs("DescribeServices", &json!({"cluster": "shop", "services": [name]}))
        .unwrap();
    answer["services"][0].clone()
}

fn describe_task(world: &mut World, task: &str) -> Value {
    let answer =
        world.person_ecs("DescribeTasks", &json!({"cluster": "shop", "tasks": [task]})).unwrap();
    answer["tasks"][0].clone()
}

fn update(world: &mut World, mut change: Value) {
    change["cluster"] = json!("shop");
    change["service"] = json!("web");
    world.person_ecs("UpdateService", &change).unwrap();
}

fn states(world: &World, group: &str) -> Vec<&'static str> {
    truth::registered(world, group).into_iter().map(|(_, _, state)| state).collect()
}

/// Whether every expected target of a running task is registered in its group.
fn everything_is_registered(world: &World) -> bool {
    truth::live_targets(world).iter().filter(|live| live.desired_status == "RUNNING").all(|live| {
        truth::registered(world, &live.target_group_arn)
            .iter()
            .any(|(id, port, state)| *id == live.id && *port == live.port && *state != "draining")
    })
}

fn error(world: &mut World, operation: &str, input: &Value) -> String {
    world.person_ecs(operation, input).unwrap_err().to_string()
}
