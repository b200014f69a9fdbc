//! The lines that state the facts of a world, and those about the policy, the ledger and gaps.

use super::error::WordError;
use super::words::{Words, known, number, one_of, port};
use super::world::World;
use super::{api_calls, groups, names, service, tasks};
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::observation::{
    ContainerInstanceState, Gap, Missed, NetworkMode, TaskDefinition,
};
use portkeeper_core::policy::Mode;
use std::collections::BTreeMap;

const FACT: &str = "`policy`, `group`, `service`, `deployment`, `says`, `revision`, `taskset`, \
    `definition`, `task`, `owner`, `instance`, `target`, `known`, `ledger`, `event`, `call`, \
    `counts`, `gap`, `look`, `audit` or `ready`";
const POLICY: &str = "`settle=`, `confirm=`, `mode=`, `max=`, `percent=`, `repairs=`, `hops=`, \
    `below=`, `stops=`, `remind=`, `person=` or `az-all=`";
const GAP: &str = "`service`, `tasks`, `revisions`, `owners`, `elsewhere` or `none`";

/// `ContainerInstance.status` of the ECS API, and what an observation has for an instance that ECS no
/// longer knows.
const INSTANCE_STATUSES: [&str; 7] = [
    "REGISTERING",
    "REGISTRATION_FAILED",
    "ACTIVE",
    "INACTIVE",
    "DEREGISTERING",
    "DRAINING",
    "MISSING",
];

/// Takes a line that states a fact.
pub fn state(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let kind = words.require(FACT)?;
    match kind.as_str() {
        "policy" => state_policy(world, words),
        "group" => groups::state_group(world, words),
        "service" => service::state_service(world, words),
        "deployment" => service::state_deployment(world, words),
        "revision" => service::state_revision(world, words),
        "says" => service::state_event(world, words),
        "taskset" => service::state_task_set(world, words),
        "definition" => state_definition(world, words),
        "task" => tasks::state_task(world, words),
        "owner" => tasks::state_owner(world, words),
        "instance" => state_instance(world, words),
        "target" => groups::state_target(world, words),
        "known" => state_known(world, words),
        "call" => api_calls::state_call(world, words),
        "ledger" => state_ledger(world, words),
        "event" => state_version(world, words),
        "counts" => state_counts(world, words),
        "gap" => state_gap(world, words),
        other => Err(WordError::unexpected(other, FACT)),
    }
}

fn state_policy(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let policy = &mut world.policy;
    while let Some(word) = words.next() {
        let (name, value) =
            word.split_once('=').ok_or_else(|| WordError::unexpected(&word, POLICY))?;
        match name {
            "mode" => {
                let expected = "`repair`, `alert` or `off`";
                policy.mode =
                    Mode::parse(value).ok_or_else(|| WordError::unexpected(value, expected))?;
            }
            "az-all" => {
                let expected = "`true` or `false`";
                policy.az_all =
                    value.parse().map_err(|_| WordError::unexpected(value, expected))?;
            }
            "settle" => policy.settle_seconds = number(value)?,
            "confirm" => policy.confirm_seconds = number(value)?,
            "max" => policy.max_deregistrations = number(value)?,
            "percent" => policy.max_deregistration_percent = number(value)?,
            "repairs" => policy.max_repairs = number(value)?,
            "hops" => policy.max_hops = number(value)?,
            "below" => policy.below_desired_seconds = number(value)?,
            "stops" => policy.kill_loop_stops = number(value)?,
            "remind" => policy.remind_seconds = number(value)?,
            "person" => policy.person_seconds = number(value)?,
            _ => return Err(WordError::unexpected(&word, POLICY)),
        }
    }
    Ok(())
}

fn state_definition(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require("a task definition")?;
    let mode = words.require("a network mode: `bridge`, `host`, `awsvpc` or `none`")?;
    let mut definition =
        TaskDefinition { network_mode: known(&mode, &NetworkMode::ALL)?, ports: BTreeMap::new() };
    while let Some(word) = words.next() {
        let (container, number) =
            word.split_once(':').ok_or_else(|| WordError::unexpected(&word, "CONTAINER:PORT"))?;
        definition.ports.entry(container.to_owned()).or_default().push(port(number)?);
    }
    world.definitions.insert(name, definition);
    Ok(())
}

fn state_instance(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require("an instance")?;
    let mut state = ContainerInstanceState { status: "ACTIVE".to_owned(), agent_connected: true };
    let mut unread = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "disconnected" => state.agent_connected = false,
            "unread" => unread = true,
            other
                if other.starts_with(|first: char| first == '?' || first.is_ascii_uppercase()) =>
            {
                one_of(other, &INSTANCE_STATUSES)?.clone_into(&mut state.status);
            }
            other => {
                let expected = "`disconnected`, `unread` or a status such as `DRAINING`";
                return Err(WordError::unexpected(other, expected));
            }
        }
    }
    world.instances.insert(names::instance(&name)?, (!unread).then_some(state));
    Ok(())
}

fn state_known(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let group = names::group(&words.require("a target group")?)?;
    let target = names::target(&words.require("a target")?)?;
    let task = names::task(&words.require("a task")?)?;
    world.record.remember(&group, &target, &task);
    if words.take_if("released") {
        let at = world.now.minus_secs(words.span()?);
        world.record.mark_seen_absent(&group, &target, &task, at);
    }
    words.end("`released SPAN` or the end of the line")
}

fn state_ledger(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let state = words.require("`empty`")?;
    if state != "empty" {
        return Err(WordError::unexpected(&state, "`empty`"));
    }
    world.record = LedgerRecord::default();
    words.end("the end of the line")
}

fn state_version(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let task = names::task(&words.require("a task")?)?;
    let version = words.require("a version such as `v9`")?;
    world.at_least.insert(task, number(version.trim_start_matches('v'))?);
    words.end("the end of the line")
}

fn state_counts(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let mut counts = (0, 0);
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("running", text)) => counts.0 = number(text)?,
            Some(("pending", text)) => counts.1 = number(text)?,
            _ => return Err(WordError::unexpected(&word, "`running=NUMBER` or `pending=NUMBER`")),
        }
    }
    world.counts = Some(counts);
    Ok(())
}

fn state_gap(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let what = words.require(GAP)?;
    let missed = match what.as_str() {
        "none" => {
            world.gaps.clear();
            (world.owners_unread, world.elsewhere_unread) = (false, false);
            return words.end("the end of the line");
        }
        "owners" => {
            world.owners_unread = true;
            return words.end("the end of the line");
        }
        "elsewhere" => {
            world.elsewhere_unread = true;
            return words.end("the end of the line");
        }
        "service" => Missed::Service,
        "tasks" => Missed::Tasks,
        "revisions" => Missed::Revisions,
        other => return Err(WordError::unexpected(other, GAP)),
    };
    let why = words.next().unwrap_or_else(|| "throttled".to_owned());
    world.gaps.push(Gap { what: missed, why, retry: true });
    words.end("the end of the line: quote a reason of several words")
}
