//! After all failures have ended, every fault must be repaired or alerted, and the account must
//! then stay unchanged.

use super::account::Kind;
use super::history::{Place, place_of, registered_in};
use super::judge::Violation;
use super::shown::Shown;
use super::text::group_name;
use super::watched::{Watched, record};
use super::{Play, Stop, actions, alerted, broken, explained, troubles};
use portkeeper_core::code::Code;
use portkeeper_core::policy::Mode;
use portkeeper_core::time::Timestamp;
use portkeeper_stage::{DEAD_LETTERS, MAX_RECEIVE_COUNT, QUEUE, TOPIC};
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::elbv2::{Write, WriteKind};
use portkeeper_world::sqs::Message;
use portkeeper_world::{World, truth};
use serde_json::Value;
use std::collections::BTreeSet;

/// How long ECS takes to converge: agents report, deployments end, and the longest deregistration
/// delay (300 s) and the queue's visibility timeout (365 s) pass.
const SETTLE_SECS: u64 = 700;

/// The number of sweeps after which nothing may change any longer. Each repair takes two checks,
/// and one repair may wait for another. A deleted service is checked every 15 minutes, twelve times
/// in a row.
const MOST_SWEEPS: usize = 40;

/// Every sweep has read a task that has been running for this long.
const LONG_RUNNING_MS: u64 = 400_000;

/// Ends all failures, sweeps until nothing changes any longer, and judges the final state.
pub(crate) async fn come_to_rest(play: &mut Play) -> Result<(), Stop> {
    play.note("all trouble ends");
    play.calm = true;
    {
        let mut world = play.stage.world.lock();
        troubles::end_all(&mut world, &mut play.account);
        for service in play.account.services.iter().filter(|service| !service.deleted) {
            let tasks = world.running_tasks(&service.key())?.len();
            // By design, Portkeeper does not check a service with a desired count of 0. A service
            // whose ports are in use never converges.
            if tasks == 0 || service.kind == Kind::Host {
                actions::set_desired(&mut world, service, 1)?;
            }
        }
    }
    let lost: BTreeSet<String> = dead_letters(&play.stage.world.lock());
    play.pass(SETTLE_SECS).await?;
    // From here on the schedule starts no sweep.
    play.next_sweep_ms = u64::MAX;
    let (mut calm, mut latest) = (0, String::new());
    for _ in 0..MOST_SWEEPS {
        let due = waiting(&play.stage.world.lock()).map(|message| message.visible_at_ms);
        let now = play.stage.world.lock().now_ms();
        play.pass(due.map_or(0, |due| due.saturating_sub(now).div_ceil(1000))).await?;
        let unrest = sweep(play).await?;
        calm = if unrest.is_none() { calm + 1 } else { 0 };
        if calm == 2 {
            let mut world = play.stage.world.lock();
            nothing_is_given_up(&world, &lost)?;
            let shown = Shown::read(&mut world, &play.account.services)?;
            return everything_is_right(play, &world, &shown);
        }
        if let Some(unrest) = unrest {
            play.stats.count("sweeps that led to something", 1);
            play.steps.push(format!("       a sweep led to: {unrest}"));
            latest = unrest;
        }
    }
    broken(
        "rest",
        format!(
            "{MOST_SWEEPS} sweeps did not bring the account to rest; the last led to: {latest}"
        ),
    )
}

/// Returns the messages in the dead-letter queue, and those that the next receive moves there.
fn dead_letters(world: &World) -> BTreeSet<String> {
    let spent = world.sqs.messages(QUEUE).filter(|message| message.receives >= MAX_RECEIVE_COUNT);
    world.sqs.messages(DEAD_LETTERS).chain(spent).map(|message| message.id.clone()).collect()
}

/// Returns whether a message is not garbage.
fn waiting(world: &World) -> Option<&Message> {
    world.sqs.messages(QUEUE).find(|message| !troubles::GARBAGE.contains(&message.body.as_str()))
}

/// Runs the sweep once and delivers the checks that it requests. Returns their effects, if there
/// are any.
async fn sweep(play: &mut Play) -> Result<Option<String>, Stop> {
    let (calls, sent) = {
        let world = play.stage.world.lock();
        (world.calls.all().len(), world.sns.published(TOPIC).len())
    };
    if let Some(report) = play.sweep().await? {
        let unread = report
            .clusters
            .values()
            .any(|seen| !seen.unread.is_empty() || !seen.failures.is_empty());
        if !report.is_round_over || unread || !report.unread.is_empty() {
            return Err(Violation {
                rule: "sweep",
                what: format!("it did not look at everything: {report:?}"),
            }
            .into());
        }
    }
    let policy = play.stage.config().policy.clone();
    play.pass(u64::from(policy.settle_seconds + policy.confirm_seconds) + 5).await?;
    let world = play.stage.world.lock();
    if let Some(waiting) = waiting(&world) {
        let due = (waiting.visible_at_ms - play.began_ms) / 1000;
        return Ok(Some(format!("a message that is due at +{due}s: {}", waiting.body)));
    }
    if world.sns.published(TOPIC).len() > sent {
        return Ok(Some("an alert".to_owned()));
    }
    let calls = world.calls.all().get(calls..).unwrap_or_default().iter();
    for call in calls.filter(|call| call.caller == Caller::Client) {
        let item = call.input.pointer("/Item/pk/S").and_then(Value::as_str);
        let quiet = |key: &str| record(&world, key).incidents.is_empty();
        match (call.service, call.operation.as_str()) {
            (Service::Elbv2, "RegisterTargets" | "DeregisterTargets") => {
                return Ok(Some(format!("{} {}", call.operation, call.input)));
            }
            (Service::DynamoDb, "PutItem") if item.is_none_or(quiet) => {
                return Ok(Some(format!("a ledger write of {item:?}, which has no incident")));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Verifies that only garbage has reached the dead-letter queue since the failures ended.
fn nothing_is_given_up(world: &World, lost: &BTreeSet<String>) -> Result<(), Stop> {
    let garbage = |body: &str| troubles::GARBAGE.contains(&body);
    let given_up =
        world.sqs.messages(DEAD_LETTERS).find(|it| !garbage(&it.body) && !lost.contains(&it.id));
    given_up.map_or(Ok(()), |message| broken("dead letters", message.body.clone()))
}

fn everything_is_right(play: &Play, world: &World, shown: &Shown) -> Result<(), Stop> {
    let looked_at = play
        .account
        .services
        .iter()
        .filter(|service| service.mode != Mode::Off && !service.deleted);
    let watched: Vec<Watched<'_>> = looked_at
        .map(|service| Watched { service, record: record(world, &service.key()) })
        .collect();
    for one in &watched {
        tasks_are_registered(play, world, one)?;
        explained::every_incident(play, world, one)?;
    }
    alerted::every_life(play, world, &watched)?;
    for group in play.account.groups() {
        // A group that a service no longer names, in which it has no task and which none of its
        // revisions names, belongs to no service. While a deployment that cannot end is in
        // progress, ECS still lists the revision that named the group.
        let uses = |one: &&Watched<'_>| {
            shown.names(one.service, &group)
                || play.history.has_task(&one.service.key(), &group)
                || one.reports_in(&group)
        };
        let served: Vec<&Watched<'_>> = watched.iter().filter(uses).collect();
        if !served.is_empty() {
            targets_are_explained(play, world, shown, &group, &served)?;
        }
    }
    Ok(())
}

/// Verifies that every running task is registered, or that an alert says why not.
fn tasks_are_registered(play: &Play, world: &World, one: &Watched<'_>) -> Result<(), Stop> {
    let (now, key) = (world.now_ms(), one.service.key());
    let live = truth::live_targets(world);
    let mine = live.iter().filter(|target| {
        target.cluster == one.service.cluster && target.service == one.service.name
    });
    for target in mine.filter(|it| it.last_status == "RUNNING" && it.desired_status == "RUNNING") {
        let place = place_of(target);
        let young = target.running_since_ms.is_none_or(|since| since + LONG_RUNNING_MS > now);
        if young || registered_in(world, &place.group).contains(&(place.id.clone(), place.port)) {
            continue;
        }
        let enough = |code: &&Code| match one.service.mode {
            Mode::Repair => matches!(code, Code::Fight | Code::LimitExceeded),
            Mode::Alert | Mode::Off => true,
        };
        // Of two groups that alternate, the alert names the one in which the task should not be.
        let others = one.service.groups.iter().filter(|group| **group != place.group);
        let mut elsewhere = others.map(|group| Place { group: group.clone(), ..place.clone() });
        let told_elsewhere = elsewhere.any(|place| !one.reported_codes(&place).is_empty());
        let is_usable =
            !play.account.damaged.contains(&place.group) && truth::is_attached(world, &place.group);
        if !is_usable && one.reported_group(&place.group) {
            continue;
        }
        // Nothing is registered on a container instance that drains; the alert says so.
        if play.account.draining_since_ms.contains_key(&place.id)
            && one.reported_codes(&place).contains(&&Code::Missing)
        {
            continue;
        }
        if !told_elsewhere && !one.reported_codes(&place).into_iter().any(|code| enough(&code)) {
            let since = play
                .history
                .first_absent(&place, &target.task_arn)
                .map(|at| (at - play.began_ms) / 1000);
            let what = format!("{key} {}:{} in {}", place.id, place.port, group_name(&place.group));
            return broken(
                "missing",
                format!(
                    "{what} runs and is not registered (since {since:?} s), no alert reported it"
                ),
            );
        }
    }
    Ok(())
}

/// Verifies that every registered target belongs to a task or has an alert, and that every target
/// with a proof is deregistered.
fn targets_are_explained(
    play: &Play,
    world: &World,
    shown: &Shown,
    group: &str,
    users: &[&Watched<'_>],
) -> Result<(), Stop> {
    for (id, port) in registered_in(world, group) {
        let place = Place { group: group.to_owned(), id, port };
        if play.history.live_at(&place).next().is_some() {
            continue;
        }
        let what = format!("{}:{} in {}", place.id, place.port, group_name(group));
        // A service that has left the group answers for what it knows as its own.
        let answers = |one: &Watched<'_>| {
            shown.names(one.service, group)
                || play.history.has_task(&one.service.key(), group)
                || one.knows(&place)
        };
        if !users.iter().any(|one| answers(one)) {
            continue;
        }
        let reported: Vec<&Code> =
            users.iter().flat_map(|one| one.reported_codes(&place)).collect();
        // A check remembers for a day which targets tasks of other clusters explained.
        let now = Timestamp::from_millis(i64::try_from(world.now_ms()).unwrap_or(i64::MAX));
        if reported.is_empty() && !users.iter().any(|one| one.explains_elsewhere(&place, now)) {
            return broken(
                "unexplained",
                format!("{what} belongs to nobody, and no alert reported it"),
            );
        }
        if reported.iter().any(|code| **code != Code::Foreign) {
            continue;
        }
        if let Some(user) = users.iter().find(|user| is_provable(play, world, shown, &place, user))
        {
            let gone: Vec<(String, Vec<u64>)> = users
                .iter()
                .map(|one| (one.service.key(), play.history.gone_at(&place, &one.service.key())))
                .collect();
            let what = format!(
                "{what} was a task's of {} and is reported as foreign: {gone:?}",
                user.service.key()
            );
            return broken("provable", what);
        }
    }
    Ok(())
}

/// Returns whether a task of this service had the target last, ECS still lists that task's group,
/// and no person registered the target.
fn is_provable(
    play: &Play,
    world: &World,
    shown: &Shown,
    place: &Place,
    user: &Watched<'_>,
) -> bool {
    let Some((task, gone)) = play.history.last_gone(place, &user.service.key()) else {
        return false;
    };
    let key = user.service.key();
    let mut others = play.account.users(&place.group).filter(|other| other.key() != key);
    // A task of another service that also used the group explained the target for a while, which
    // ends the proof.
    if others.any(|other| play.history.was_on(place, &other.key(), gone)) {
        return false;
    }
    let users = play.account.users(&place.group);
    let others =
        users.filter_map(|one| play.history.last_gone(place, &one.key()).map(|(_, gone)| gone));
    // The proof ends if Portkeeper does not check the service.
    let latest = others.max() == Some(gone) && gone > user.service.mode_since_ms;
    let touched = user.service.ledger_touched;
    // ECS deregisters the targets of a task when it begins to stop: what a person registers after
    // that is the person's. A task that never ran has left nothing.
    let Some(leaving) = play.history.leaving_since(task) else { return false };
    let by_hand = registered_by_hand(world, place, leaving);
    // ECS does not show where a stopped task was whose container instance registered again.
    if play.account.joined_again.contains(&place.id) {
        return false;
    }
    // What ECS reports as deregistered and is still registered is another writer's.
    if play.history.is_deregistered(task) {
        return false;
    }
    // What was registered late, after checks may have seen the target absent, proves something only
    // if a check saw it while the task ran.
    if was_late(play, world, place, &key, task, leaving) {
        return false;
    }
    // What becomes known of a task only after its end proves nothing.
    if play.account.unbound.iter().any(|it| it == task) {
        return false;
    }
    // What ECS does not show to a check of this service ends the proof, too.
    let served = play.history.was_served(place, &user.service.cluster, gone);
    user.service.mode == Mode::Repair
        && latest
        && shown.stopped.contains(task)
        && !by_hand
        && !served
        && !touched
}

/// Returns whether the target was last registered after the settle time of its task, and no check saw
/// it, with a connected agent, between that and the end of the task.
fn was_late(
    play: &Play,
    world: &World,
    place: &Place,
    key: &str,
    task: &str,
    leaving: u64,
) -> bool {
    let Some(since) = play.history.ran_since(task) else { return true };
    let settled = since + u64::from(play.stage.config().policy.settle_seconds) * 1000;
    let of_place = |write: &&Write| {
        write.kind == WriteKind::Register
            && write.at_ms <= leaving
            && write.group == place.group
            && write.id == place.id
            && write.port == place.port
    };
    let last = world.elbv2.writes().iter().rev().find(of_place);
    last.is_some_and(|write| {
        let was_seen = play.judge.looked(key, write.at_ms, leaving)
            && !play.history.was_disconnected(task, write.at_ms);
        write.at_ms > settled && !was_seen
    })
}

/// Returns whether a person registered the target after that time, even if it was registered.
fn registered_by_hand(world: &World, place: &Place, later_than: u64) -> bool {
    let writes = world.elbv2.writes().iter().rev();
    let mut later = writes.take_while(|write| write.at_ms >= later_than);
    later.any(|write| {
        write.kind == WriteKind::Register
            && write.caller == Caller::Person
            && write.group == place.group
            && write.id == place.id
            && write.port == place.port
    })
}
