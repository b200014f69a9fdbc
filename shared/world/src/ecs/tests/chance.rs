//! Accounts with random events: ECS alone reaches a steady state without harmful writes, and the
//! same seed gives the same history.
//!
//! Agents do not restart here: with port reuse, ECS itself makes harmful writes; see `faults`.

use super::{START, everything_is_registered, web};
use crate::World;
use crate::elbv2::TargetType;
use serde_json::json;

/// Ten minutes of deployments, rollbacks, crashes, lost instances and scaling, then quiet. Returns
/// the journal as text.
fn live_through(seed: u64) -> Vec<String> {
    let mut world = World::new(seed, START);
    let mut chance = fastrand::Rng::with_seed(seed);
    world.ecs.timing.jitter_secs = 4;
    world.make_cluster("shop").unwrap();
    let mut instances = world.make_instances("shop", 4).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.make_service(&web(&group).desired(4)).unwrap();
    for _ in 0..60 {
        world.advance_secs(10);
        let running = world.running_tasks("shop/web").unwrap();
        let desired = |count| json!({"cluster": "shop", "service": "web", "desiredCount": count});
        match chance.u8(0..8) {
            0 => drop(world.person_ecs("UpdateService", &desired(chance.u32(1..8))).unwrap()),
            1 if !running.is_empty() => {
                world.kill_task(&running[chance.usize(..running.len())]).unwrap();
            }
            2 if instances.len() > 2 => world.terminate_instance(&instances.remove(0)).unwrap(),
            3 => instances.extend(world.make_instances("shop", 1).unwrap()),
            4 => {
                let input =
                    json!({"cluster": "shop", "service": "web", "forceNewDeployment": true});
                world.person_ecs("UpdateService", &input).unwrap();
            }
            5 => drop(world.roll_back("shop/web")),
            _ => {}
        }
    }
    world.advance_secs(600);
    assert!(everything_is_registered(&world), "seed {seed}");
    let wrong: Vec<_> =
        world.elbv2.writes().iter().filter(|write| write.is_wrong_deregistration()).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
    let service = world.ecs.services.get("shop/web").unwrap();
    assert!(service.steady, "seed {seed}: {:?}", service.deployments);
    world.journal.all().iter().map(|entry| format!("{} {}", entry.at_ms, entry.text)).collect()
}

#[test]
fn ecs_alone_reaches_a_steady_state_and_deregisters_no_running_task() {
    for seed in 0..15 {
        live_through(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    assert_eq!(live_through(7), live_through(7));
    assert_ne!(live_through(7), live_through(8));
}
