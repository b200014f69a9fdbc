//! Verifies the large account: every planted fault exists according to the account's own truth, and
//! an account of any size starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use portkeeper_stage::large::{LargeAccount, MOST_SECONDS, Planted};
use portkeeper_world::World;
use portkeeper_world::truth::{answering, live_targets, registered};
use std::collections::BTreeSet;

const START_MS: u64 = 1_795_392_000_000;

fn build(services: u32, tasks: u32, seed: u64) -> (World, Vec<Planted>) {
    let mut world = World::new(seed, START_MS);
    let planted = LargeAccount::new(services, tasks).build(&mut world).unwrap();
    assert!(
        world.now_ms() <= START_MS + MOST_SECONDS * 1000,
        "it took {} s",
        (world.now_ms() - START_MS) / 1000
    );
    (world, planted)
}

/// Returns every difference between the registered and the expected targets: `group id:port`, and
/// whether it is registered.
fn differences(world: &World) -> BTreeSet<(String, bool)> {
    let name = |arn: &str| arn.split('/').nth(1).unwrap().to_owned();
    let live = live_targets(world).into_iter().filter(|it| it.last_status == "RUNNING");
    let wanted: BTreeSet<(String, String, u16)> =
        live.map(|it| (it.target_group_arn, it.id, it.port)).collect();
    let groups: BTreeSet<&String> = wanted.iter().map(|(group, _, _)| group).collect();
    let there = groups.into_iter().flat_map(|group| {
        let active =
            registered(world, group).into_iter().filter(|(_, _, state)| *state != "draining");
        active.map(|(id, port, _)| (group.clone(), id, port)).collect::<Vec<_>>()
    });
    let there: BTreeSet<(String, String, u16)> = there.collect();
    let named = |(group, id, port): &(String, String, u16)| format!("{} {id}:{port}", name(group));
    let absent = wanted.difference(&there).map(|it| (named(it), false));
    absent.chain(there.difference(&wanted).map(|it| (named(it), true))).collect()
}

#[test]
fn what_differs_is_what_was_planted() {
    let (mut world, planted) = build(60, 5, 1);
    assert_eq!(planted.len(), 16, "{planted:?}");
    let services: BTreeSet<&str> = planted.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(services.len(), 16, "each has a service of its own");
    let of_targets = planted.iter().filter_map(|it| match it.code.as_str() {
        "missing" => Some((it.about.clone(), false)),
        "stale" | "hijacked" | "foreign" | "wrong_port" | "misplaced" => {
            Some((it.about.clone(), true))
        }
        _ => None,
    });
    // No target can be registered in groups that are deleted or of the wrong kind.
    let hopeless = |about: &str| {
        let no_target = ["target_group_missing", "target_type_mismatch", "ip_family_mismatch"];
        let group = about.split(' ').next().unwrap();
        planted.iter().any(|it| no_target.contains(&it.code.as_str()) && it.about == group)
    };
    let differ: BTreeSet<(String, bool)> =
        differences(&world).into_iter().filter(|(it, _)| !hopeless(it)).collect();
    assert_eq!(differ, of_targets.collect());
    world.advance_secs(600);
    let later: BTreeSet<(String, bool)> =
        differences(&world).into_iter().filter(|(it, _)| !hopeless(it)).collect();
    assert_eq!(later, differ, "it is at rest");
}

#[test]
fn reused_ports_and_addresses_lead_to_another_services_task() {
    let (world, planted) = build(60, 5, 2);
    let reused: Vec<&Planted> =
        planted.iter().filter(|it| it.story.contains("went to another service")).collect();
    assert_eq!(reused.len(), 2, "{planted:?}");
    for one in reused {
        let (id, port) = one.about.split(' ').nth(1).unwrap().rsplit_once(':').unwrap();
        let program = answering(&world, id, port.parse().unwrap()).unwrap();
        assert_ne!(one.service, format!("{}/{}", program.cluster, program.service));
    }
}

#[test]
fn an_account_of_any_size_comes_up() {
    for (services, tasks, faults) in [(1, 1, 0), (2, 10, 1), (8, 3, 4), (33, 2, 16)] {
        for seed in 1..=3 {
            assert_eq!(
                build(services, tasks, seed).1.len(),
                faults,
                "{services} x {tasks}, seed {seed}"
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_account() {
    assert_eq!(build(33, 2, 7).1, build(33, 2, 7).1);
}
