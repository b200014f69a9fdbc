//! Causes failures between Portkeeper and AWS: in API answers, in the ledger, and in the delivery
//! of events.

use super::account::Account;
use super::dice::{one_in, weighted};
use fastrand::Rng;
use portkeeper_stage::{QUEUE, TABLE};
use portkeeper_world::api::Service;
use portkeeper_world::dynamodb::{self, Item};
use portkeeper_world::ecs::Answer;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::{World, eventbridge, sqs};
use serde_json::json;
use std::collections::BTreeMap;

/// Every call that Portkeeper makes.
const CALLS: [(Service, &str); 14] = [
    (Service::Ecs, "DescribeServices"),
    (Service::Ecs, "DescribeServiceRevisions"),
    (Service::Ecs, "ListTasks"),
    (Service::Ecs, "DescribeTasks"),
    (Service::Ecs, "DescribeContainerInstances"),
    (Service::Ecs, "DescribeTaskDefinition"),
    (Service::Elbv2, "DescribeTargetGroups"),
    (Service::Elbv2, "DescribeTargetHealth"),
    (Service::Elbv2, "RegisterTargets"),
    (Service::Elbv2, "DeregisterTargets"),
    (Service::Sqs, "SendMessage"),
    (Service::Sns, "Publish"),
    (Service::DynamoDb, "BatchGetItem"),
    (Service::DynamoDb, "PutItem"),
];

/// Messages that no function can parse.
pub(crate) const GARBAGE: [&str; 3] = ["{", "[]", r#"{"portkeeper":{"version":9}}"#];

/// The longest delay between a request and its effect. A longer one is not simulated, because no
/// caller could handle it.
const LONGEST_DELAY_OF_A_WRITE_MS: u64 = 300;

#[derive(Debug, Clone, Copy)]
enum Trouble {
    Throttle,
    Fail,
    Denied,
    LoseAnswer,
    LoseRequest,
    ShortList,
    ShortDescription,
    Delay,
    Latency,
    Storm,
    Throttling,
    BadTarget,
    StaleReads,
    Unprocessed,
    Outage,
    Clear,
}

const TROUBLES: [(u32, Trouble); 16] = [
    (2, Trouble::Throttle),
    (2, Trouble::Fail),
    (1, Trouble::Denied),
    (3, Trouble::LoseAnswer),
    (2, Trouble::LoseRequest),
    (6, Trouble::ShortList),
    (3, Trouble::ShortDescription),
    (2, Trouble::Delay),
    (5, Trouble::Latency),
    (2, Trouble::Storm),
    (2, Trouble::Throttling),
    (1, Trouble::BadTarget),
    (3, Trouble::StaleReads),
    (1, Trouble::Unprocessed),
    (1, Trouble::Outage),
    (5, Trouble::Clear),
];

/// Makes an API fail, or ends such a failure. Returns its name and a description.
pub(crate) fn edge(world: &mut World, account: &mut Account, random: &mut Rng) -> (String, String) {
    let Some(trouble) = weighted(random, &TROUBLES) else { return Default::default() };
    (format!("{trouble:?}"), cause(world, account, random, trouble))
}

fn cause(world: &mut World, account: &mut Account, random: &mut Rng, trouble: Trouble) -> String {
    let Some((service, operation)) = random.choice(CALLS) else { return String::new() };
    let times = random.u32(1..7);
    let rule = |fault| Rule::new(service, operation, fault).times(times);
    match trouble {
        Trouble::Outage => return outage(world, account, random),
        Trouble::Throttle => world.faults.add(rule(Fault::Throttle)),
        Trouble::Fail => {
            world.faults.add(rule(Fault::fail("InternalFailure", "An internal failure", 500)));
        }
        Trouble::Denied => world.faults.add(rule(Fault::AccessDenied).times(times * 3)),
        Trouble::LoseAnswer => world.faults.add(rule(Fault::LoseAnswer)),
        Trouble::LoseRequest => world.faults.add(rule(Fault::LoseRequest)),
        Trouble::ShortList | Trouble::ShortDescription => {
            return short_answers(world, random, trouble);
        }
        Trouble::Delay => {
            let longest =
                if operation == "DeregisterTargets" { LONGEST_DELAY_OF_A_WRITE_MS } else { 6000 };
            let ms = random.u64(100..=longest);
            world.faults.add(rule(Fault::Delay { ms }));
            return format!("{operation} takes {ms} ms, {times} times");
        }
        Trouble::Latency => {
            world.faults.latency_ms = random.choice([0, 0, 20, 80, 200, 600, 2000]).unwrap_or(0);
            return format!("every call takes {} ms", world.faults.latency_ms);
        }
        Trouble::Storm => {
            let (seed, percent) = (random.u64(..), random.u8(5..40));
            world.faults.storm(seed, percent);
            return format!("{percent} % of all calls fail");
        }
        Trouble::Throttling => {
            let calls = random.u32(10..90);
            world.faults.add(Rule::service(service, Fault::Throttle).times(calls));
            return format!("the next {calls} calls of {} are throttled", service.name());
        }
        Trouble::BadTarget => {
            let refusal = Fault::fail("InvalidTarget", "The following targets are not valid", 400);
            world.faults.add(Rule::new(Service::Elbv2, "RegisterTargets", refusal).times(times));
            return format!("the next {times} registrations are refused as invalid");
        }
        Trouble::StaleReads => {
            world.stale_reads(times);
            account.old_answers =
                answers_of_describe_tasks(world, u64::MAX) + usize::try_from(times).unwrap_or(0);
            return format!("{times} descriptions of tasks are one version old");
        }
        Trouble::Unprocessed => {
            world.dynamodb.leave_unprocessed(usize::try_from(times).unwrap_or(1));
            return format!("{times} keys are left unprocessed");
        }
        Trouble::Clear => {
            world.faults.clear();
            account.outage_until_ms = None;
            return "the APIs are in order again".to_owned();
        }
    }
    format!("{trouble:?}: the next {times} of {operation}")
}

/// Makes every call of a service fail for minutes or hours.
fn outage(world: &mut World, account: &mut Account, random: &mut Rng) -> String {
    let service = random.choice([Service::Ecs, Service::Elbv2]).unwrap_or(Service::Ecs);
    let seconds = random.u64(600..9000);
    let fault = Fault::fail("ServiceUnavailable", "The service is unavailable", 503);
    world.faults.add(Rule::service(service, fault).forever());
    account.outage_until_ms = Some(world.now_ms() + seconds * 1000);
    format!("{} is unavailable for {seconds} s", service.name())
}

/// Ends the outage when its time has come.
pub(crate) fn end_outage(world: &mut World, account: &mut Account) {
    if account.outage_until_ms.is_some_and(|until| until <= world.now_ms()) {
        account.outage_until_ms = None;
        world.faults.clear();
    }
}

/// Returns how many `DescribeTasks` calls were answered before that time.
pub(crate) fn answers_of_describe_tasks(world: &World, before_ms: u64) -> usize {
    let calls = world.calls.of("DescribeTasks");
    calls.filter(|call| call.error.is_none() && call.at_ms < before_ms).count()
}

/// Returns whether ECS has omitted tasks from a list since then. ECS does not count stopped tasks,
/// so no reader can detect that one is missing.
pub(crate) fn lists_were_short(world: &World, since_ms: u64) -> bool {
    let mut recent =
        world.faults.applied().iter().rev().take_while(|applied| applied.at_ms >= since_ms);
    recent.any(|it| it.operation == "ListTasks" && matches!(it.fault, Fault::Truncate { .. }))
}

/// Shortens lists, as eventual consistency does for a new task, and omits tasks from descriptions.
fn short_answers(world: &mut World, random: &mut Rng, trouble: Trouble) -> String {
    let (keep, times) = (random.usize(0..3), random.u32(2..60));
    let listed = matches!(trouble, Trouble::ShortList);
    let (operation, member) =
        if listed { ("ListTasks", "taskArns") } else { ("DescribeTasks", "tasks") };
    let named = !listed && one_in(random, 2);
    let failure_reason = named.then(|| "SERVICE_UNAVAILABLE".to_owned());
    let fault = Fault::Truncate { member: member.to_owned(), keep, failure_reason };
    world.faults.add(Rule::new(Service::Ecs, operation, fault).times(times));
    format!(
        "{times} answers of {operation} hold {keep} items, the rest is {}",
        if named { "named" } else { "silent" }
    )
}

/// Changes the ledger from outside. Returns a description.
pub(crate) fn ledger(
    world: &mut World,
    account: &mut Account,
    saved: &mut BTreeMap<String, Item>,
    random: &mut Rng,
) -> String {
    let count = account.services.len();
    let Some(service) = account.services.get_mut(random.usize(0..count.max(1))) else {
        return String::new();
    };
    let key = service.key();
    let held = dynamodb::item(world, TABLE, &key).cloned();
    match (random.u8(0..7), held, saved.get(&key).cloned()) {
        (6, ..) => kill_switch(world, account),
        (0..=2, Some(item), _) => {
            saved.insert(key.clone(), item);
            format!("a backup is made of the ledger item of {key}")
        }
        (3, Some(_), _) => {
            service.ledger_touched = true;
            dynamodb::delete_raw(world, TABLE, &key);
            format!("the ledger item of {key} is lost, or its time to live has ended")
        }
        (4, Some(mut item), _) => {
            service.ledger_touched = true;
            item.insert(
                "record".to_owned(),
                json!({ "S": r#"{"schema":99,"what":"a later version"}"# }),
            );
            dynamodb::put_raw(world, TABLE, item);
            format!("the ledger item of {key} is of another version")
        }
        (_, _, Some(old)) => {
            service.ledger_touched = true;
            dynamodb::put_raw(world, TABLE, old);
            format!("the backup of the ledger item of {key} is restored")
        }
        _ => format!("there is no backup of the ledger item of {key}"),
    }
}

/// Sets or clears the kill switch.
fn kill_switch(world: &mut World, account: &mut Account) -> String {
    let on = account.stopped_since_ms.is_none();
    account.stopped_since_ms = on.then(|| world.now_ms());
    let says = if on { "stopped" } else { "allowed" };
    let item = json!({ "pk": { "S": "switch" }, "writes": { "S": says }, "why": { "S": "the simulation" } });
    dynamodb::put_raw(world, TABLE, item.as_object().cloned().unwrap_or_default());
    format!("a person sets the kill switch to `{says}`")
}

/// Drops events, repeats them, or holds and releases them in reverse order; sends garbage to the
/// queue. Returns a description.
pub(crate) fn delivery(world: &mut World, random: &mut Rng) -> String {
    let count = random.u32(1..8);
    match random.u8(0..7) {
        0 | 1 => {
            world.eventbridge.drop_next(count);
            format!("the next {count} events are lost")
        }
        2 => {
            world.eventbridge.duplicate_next(count);
            format!("the next {count} events come twice")
        }
        3 | 4 => {
            world.eventbridge.hold(count);
            format!("the next {count} events are held back")
        }
        5 => {
            eventbridge::release(world);
            "events that were held back come, the last first".to_owned()
        }
        _ => {
            let body = random.choice(GARBAGE).unwrap_or_default();
            sqs::send(world, QUEUE, body, None);
            format!("somebody sends `{body}` to the queue")
        }
    }
}

/// Ends every failure of every kind.
pub(crate) fn end_all(world: &mut World, account: &mut Account) {
    world.faults.clear();
    account.outage_until_ms = None;
    world.faults.latency_ms = 0;
    world.stale_reads(0);
    world.dynamodb.leave_unprocessed(0);
    world.eventbridge.drop_next(0);
    world.eventbridge.duplicate_next(0);
    eventbridge::release(world);
    for service in &account.services {
        let key = service.key();
        world.lose_registrations(&key, 0);
        world.keep_targets(&key, 0);
        world.delay_registrations(&key, 0);
    }
    account.opponents.clear();
    if account.stopped_since_ms.is_some() {
        kill_switch(world, account);
    }
    for task in std::mem::take(&mut account.sick) {
        let _ = world.set_answer(&task, Answer::Ok);
    }
    for task in &account.unbound {
        // A task that has ended by now has nothing to report.
        let _ = world.lose_bindings(task, false);
    }
    // Hosts without an agent, and those that were terminated, have nothing to reconnect.
    for host in world.hosts() {
        let _ = world.reconnect_agent(&host);
    }
    account.instances.iter_mut().for_each(|instance| instance.connected = true);
}
