//! Other writers that repeatedly change target groups: a tool that enforces its own list, as
//! Terraform does, and an inconsistent ECS that undoes repairs.
//!
//! Both write as a person would: the judge attributes their writes to another writer.

use super::account::{Kind, Opponent};
use super::history::{Place, place_of, registered_in};
use super::people::{name, targets};
use super::scene::{Scene, service};
use portkeeper_stage::{QUEUE, StageError};
use portkeeper_world::api::Caller;
use portkeeper_world::elbv2::{TargetType, WriteKind};
use portkeeper_world::{World, sqs};

/// How long ECS takes to restore the state that it assumes, in milliseconds.
const UNDO_AFTER_MS: u64 = 7_000;

/// The port of a program outside ECS that takes none of a task's.
const OUTSIDERS_PORT: u16 = 8500;

/// Starts a tool that keeps a group as it is now.
pub(crate) fn keep(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    let list: Vec<_> = registered_in(scene.world, &group).into_iter().collect();
    let exact = scene.random.bool();
    let every_ms = scene.random.choice([45_000, 120_000, 300_000]).unwrap_or(120_000);
    let next_ms = scene.world.now_ms() + every_ms;
    let title = name(&group).to_owned();
    let text =
        format!("a tool keeps the {} targets of {title}, every {} s", list.len(), every_ms / 1000);
    scene.account.opponents.push(Opponent::Keeper { group, list, exact, every_ms, next_ms });
    Ok(if exact { text + ", and no others" } else { text })
}

/// Starts a program outside ECS, on a port that a stopped task had or on one of its own, which
/// registers itself.
pub(crate) fn intrude(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    if service.kind.target_type() != TargetType::Instance || service.kind == Kind::Host {
        return Err("a task of it needs the port".into());
    }
    let key = service.key();
    // A stale target that is still registered serves the program from now on.
    let stale = |place: &Place| {
        registered_in(scene.world, &place.group).contains(&(place.id.clone(), place.port))
    };
    let all: Vec<Place> = scene.history.left_by(&key).cloned().collect();
    let registered: Vec<Place> = all.iter().filter(|place| stale(place)).cloned().collect();
    let left = if registered.is_empty() { all } else { registered };
    let fresh = || {
        let host = scene.account.instances.iter().find(|it| it.cluster == service.cluster)?;
        let group = service.groups.first()?.clone();
        Some(Place { group, id: host.id.clone(), port: OUTSIDERS_PORT })
    };
    let other = scene.random.choice(left).or_else(fresh);
    let place = take_over(scene, &key)?.or(other).ok_or("no instance")?;
    if !scene.world.add_program(&place.id, place.port) {
        return Err("another program listens there".into());
    }
    let now = scene.world.now_ms();
    let times = scene.random.usize(1..4);
    let due = (0..times).map(|_| now + scene.random.u64(0..240) * 1000).collect();
    let text = format!(
        "a program outside ECS listens on {}:{} and registers itself in {}",
        place.id,
        place.port,
        name(&place.group)
    );
    scene.account.opponents.push(Opponent::Outsider { place, due });
    Ok(text)
}

/// Crashes a task, sometimes, and returns its target, which stays registered: the program takes the
/// port.
fn take_over(scene: &mut Scene<'_>, key: &str) -> Result<Option<Place>, StageError> {
    let own = scene.history.live().iter().filter(|target| {
        format!("{}/{}", target.cluster, target.service) == *key
            && (target.last_status, target.desired_status) == ("RUNNING", "RUNNING")
    });
    let own: Vec<_> = own.collect();
    let Some(target) = scene.random.choice(own).filter(|_| scene.random.bool()) else {
        return Ok(None);
    };
    scene.world.keep_targets(key, 1);
    scene.world.kill_task(&target.task_arn)?;
    Ok(Some(place_of(target)))
}

/// Starts a writer that undoes Portkeeper's writes.
pub(crate) fn undo(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    let (left, seen) = (scene.random.u32(1..12), scene.world.elbv2.writes().len());
    let text = format!("the next {left} writes of Portkeeper in {} will be undone", name(&group));
    scene.account.opponents.push(Opponent::Undoer { group, left, seen, due: Vec::new() });
    Ok(text)
}

/// Advances all of them by one second.
pub(crate) fn act(world: &mut World, opponents: &mut [Opponent]) {
    for opponent in opponents {
        match opponent {
            Opponent::Keeper { group, list, exact, every_ms, next_ms }
                if *next_ms <= world.now_ms() =>
            {
                *next_ms = world.now_ms() + *every_ms;
                restore(world, group, list, *exact);
            }
            Opponent::Keeper { .. } => {}
            Opponent::Outsider { place, due } => {
                if is_due(world, due) {
                    write(world, WriteKind::Register, place);
                }
            }
            Opponent::Forger { message, due } => {
                if is_due(world, due) {
                    sqs::send(world, QUEUE, message, None);
                }
            }
            Opponent::Undoer { group, left, seen, due } => {
                notice(world, group, left, seen, due);
                let now = world.now_ms();
                let (ready, later) =
                    std::mem::take(due).into_iter().partition(|(at, ..)| *at <= now);
                *due = later;
                let ready: Vec<(u64, WriteKind, Place)> = ready;
                for (_, kind, place) in ready {
                    write(world, kind, &place);
                }
            }
        }
    }
}

/// Returns whether one of these times has come, and removes it.
fn is_due(world: &World, due: &mut Vec<u64>) -> bool {
    let all = due.len();
    due.retain(|at| *at > world.now_ms());
    due.len() < all
}

fn write(world: &mut World, kind: WriteKind, place: &Place) {
    let operation = match kind {
        WriteKind::Register => "RegisterTargets",
        WriteKind::Deregister => "DeregisterTargets",
    };
    // The address may be draining, and the instance or the group may be deleted: tools continue
    // regardless.
    let _ = world.person_elb(operation, &targets(place));
}

fn restore(world: &mut World, group: &str, list: &[(String, u16)], exact: bool) {
    let there = registered_in(world, group);
    let place =
        |(id, port): &(String, u16)| Place { group: group.to_owned(), id: id.clone(), port: *port };
    for target in list.iter().filter(|target| !there.contains(*target)) {
        write(world, WriteKind::Register, &place(target));
    }
    for target in there.iter().filter(|target| exact && !list.contains(target)) {
        write(world, WriteKind::Deregister, &place(target));
    }
}

/// Reads Portkeeper's writes and schedules undoing them.
fn notice(
    world: &World,
    group: &str,
    left: &mut u32,
    seen: &mut usize,
    due: &mut Vec<(u64, WriteKind, Place)>,
) {
    let fresh = world.elbv2.writes().get(*seen..).unwrap_or_default();
    *seen = world.elbv2.writes().len();
    for write in
        fresh.iter().filter(|it| it.caller == Caller::Client && it.effective && it.group == *group)
    {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let reverse = match write.kind {
            WriteKind::Register => WriteKind::Deregister,
            WriteKind::Deregister => WriteKind::Register,
        };
        let place = Place { group: write.group.clone(), id: write.id.clone(), port: write.port };
        due.push((write.at_ms + UNDO_AFTER_MS, reverse, place));
    }
}
