//! The sweep's reading of the same world: whenever a check of the service would write or report
//! something, the sweep must request that check.
//!
//! Holds I-SWEEP.

use portkeeper_core::cluster_tasks::ClusterTasks;
use portkeeper_core::expected::named_groups;
use portkeeper_core::observation::{Observation, OtherTask};
use portkeeper_core::plan::{Decision, INPUT_VERSION, Plan, PlanInput, Writes};
use portkeeper_core::screen::{Screened, screen};
use portkeeper_text_world::World;
use portkeeper_text_world::read::{first_reading, read_places};
use std::collections::BTreeSet;

/// Panics when the sweep requests no check for a world in which a check of the service reports
/// something: where it describes the services of the other tasks, and where those are in another
/// part of the cluster.
pub fn hold(world: &World, made: &Plan) {
    for is_one_part in [true, false] {
        hold_in_part(world, made, is_one_part);
    }
}

fn hold_in_part(world: &World, made: &Plan, is_one_part: bool) {
    let mut input = PlanInput {
        version: INPUT_VERSION,
        now: world.now,
        hop: 0,
        policy: world.policy.clone(),
        writes: Writes::Allowed,
        record: world.record.clone(),
        calls: Vec::new(),
        observation: first_reading(world),
    };
    input.observation.at_least.clear();
    // The sweep reads no group for the sake of a record.
    let named: BTreeSet<_> = world.service.iter().flat_map(named_groups).collect();
    input.observation.target_groups.retain(|arn, _| named.contains(arn));
    let (screened, _) = screen(&mut input, &cluster_tasks(world, is_one_part));
    if screened != Screened::InOrder {
        return;
    }
    assert_eq!(
        (made.actions.len(), made.alerts.len()),
        (0, 0),
        "the sweep suspects nothing of {made:#?}"
    );
    for verdict in made.verdicts.iter().filter(|verdict| verdict.code.is_some()) {
        let reported = world.record.incidents.iter().any(|incident| {
            Some(&incident.code) == verdict.code.as_ref()
                && incident.subject == verdict.subject
                && incident.alerted.is_some()
        });
        // The guard reports the repairs that it withholds.
        let waits = matches!(verdict.decision, Decision::Await(_) | Decision::Withheld);
        assert!(
            reported || waits,
            "the sweep suspects nothing, and this was never reported: {verdict:#?}"
        );
    }
}

/// All tasks of the cluster, including this service's, as a reading of the whole cluster returns
/// them. The groups of a service in another part of the cluster are unknown.
fn cluster_tasks(world: &World, is_one_part: bool) -> ClusterTasks {
    let mut cluster = Observation::new(world.key.clone(), world.now);
    let own =
        world.tasks.values().filter(|own| !own.unlisted && !own.unread).map(|own| own.task.clone());
    let mut owners: Vec<OtherTask> =
        own.map(|task| OtherTask { task, target_groups: None }).collect();
    owners.extend(world.other_tasks.values().filter(|owner| !world.is_elsewhere(owner)).cloned());
    for owner in owners.iter_mut().filter(|owner| !is_one_part && owner.task.service().is_some()) {
        owner.target_groups = None;
    }
    cluster.tasks = owners.iter().map(|owner| owner.task.clone()).collect();
    read_places(world, &mut cluster);
    let is_whole =
        !world.owners_unread && world.tasks.values().all(|own| !own.unlisted && !own.unread);
    ClusterTasks::new(cluster, owners, is_whole)
}
