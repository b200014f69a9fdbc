//! Judges the alerts about every incident: one when it opens and one when it resolves, in this
//! order, whatever failed in between. An alert may be sent twice only if a failure of the ledger or
//! of SNS, or a killed function, left its state undetermined.

use super::watched::Watched;
use super::{Play, Stop, broken};
use portkeeper_core::ledger::Incident;
use portkeeper_core::report::{Document, DocumentCause};
use portkeeper_stage::TOPIC;
use portkeeper_world::World;
use portkeeper_world::api::Caller;
use std::collections::{BTreeMap, BTreeSet};

/// The longest time from the start of a check to its last publication. A failure before the first
/// of two alerts may be their cause.
const CHECK_TAKES_MS: u64 = 120_000;

/// When alerts reported that an incident opened and resolved.
#[derive(Debug, Default)]
struct Life {
    service: String,
    begins: Vec<u64>,
    changes: Vec<u64>,
    ends: Vec<u64>,
}

/// Judges every alert that SNS accepted.
pub(crate) fn every_life(play: &Play, world: &World, watched: &[Watched<'_>]) -> Result<(), Stop> {
    let (lives, cut) = lives(world)?;
    // An alert about very many targets only counts some of them, so their incidents cannot be
    // distinguished.
    let judged =
        |one: &&Watched<'_>| !one.service.ledger_touched && !cut.contains(&one.service.key());
    let (mut open, mut remembered) = (BTreeSet::new(), BTreeSet::new());
    for one in watched.iter().filter(judged) {
        let key = one.service.key();
        remembered.extend(one.record.incidents.iter().map(|incident| name(&key, incident)));
        for name in one.reported().map(|incident| name(&key, incident)) {
            if !lives.contains_key(&name) {
                return broken("alert", format!("{name} counts as published and was not"));
            }
            open.insert(name);
        }
    }
    let doubts = doubts(play, world);
    for (name, life) in &lives {
        if !watched.iter().filter(judged).any(|one| one.service.key() == life.service) {
            continue;
        }
        let what = |what: &str| format!("{name} {what}: {life:?}");
        let Some(first) = life.begins.first() else { return broken("life", what("has no begin")) };
        if life.changes.iter().chain(&life.ends).any(|at| at < first) {
            return broken("life", what("was published before its begin"));
        }
        for published in [&life.begins, &life.ends] {
            let doubtful = |pair: &[u64]| {
                let [earlier, later] = pair else { return true };
                doubts.range(earlier.saturating_sub(CHECK_TAKES_MS)..=*later).next().is_some()
            };
            if !published.windows(2).all(doubtful) {
                return broken("life", what("was published twice"));
            }
        }
        // A function that was killed after it sent an alert could not record it. The ledger's
        // incident is then alerted again, or its end is.
        let around = first.saturating_sub(CHECK_TAKES_MS)..=first.saturating_add(CHECK_TAKES_MS);
        let in_doubt = remembered.contains(name) && doubts.range(around).next().is_some();
        if life.ends.is_empty() && !open.contains(name) && !in_doubt {
            return broken("life", what("has no end and is not open"));
        }
    }
    Ok(())
}

/// The incident's name in an alert document.
fn name(service: &str, incident: &Incident) -> String {
    format!("{service} {} {} {}", incident.code.family(), incident.subject, incident.opened_at)
}

/// Returns the alerts by incident, and the services of which an alert counted more than it named.
fn lives(world: &World) -> Result<(BTreeMap<String, Life>, BTreeSet<String>), Stop> {
    let (mut lives, mut cut): (BTreeMap<String, Life>, BTreeSet<String>) = Default::default();
    for published in world.sns.published(TOPIC) {
        let document: Document =
            serde_json::from_str(published.text_for("sqs")).map_err(|error| {
                Stop::Broken(format!("{} is no alert: {error}", published.message).into())
            })?;
        let service = format!("{}/{}", document.cluster, document.service);
        if document.more > 0 {
            cut.insert(service.clone());
        }
        for item in &document.items {
            if let Some(cause) = &item.cause {
                really_did(world, cause)?;
            }
            let life = lives.entry(item.incident.clone()).or_default();
            life.service.clone_from(&service);
            if document.state.is_end() {
                life.ends.push(published.at_ms);
            } else if document.state == portkeeper_core::plan::AlertState::Opened {
                life.begins.push(published.at_ms);
            } else {
                life.changes.push(published.at_ms);
            }
            if document.state.is_end() && item.took_seconds.is_none() {
                broken(
                    "life",
                    format!("{} ended, and no alert reported it how long it took", item.incident),
                )?;
            }
        }
    }
    Ok((lives, cut))
}

/// Verifies that the person whom an alert names as the cause made the call at that time: never ECS,
/// never Portkeeper.
fn really_did(world: &World, cause: &DocumentCause) -> Result<(), Stop> {
    let at = cause.at.as_millis();
    let made = world.calls.all().iter().any(|call| {
        let second = i64::try_from(call.at_ms - call.at_ms % 1000).unwrap_or(i64::MAX);
        call.caller == Caller::Person
            && call.error.is_none()
            && call.operation == cause.call.as_str()
            && second == at
    });
    if made {
        Ok(())
    } else {
        broken("who", format!("{} did not call {} at {}", cause.actor, cause.call, cause.at))
    }
}

/// Returns the times at which it was undetermined what was sent or recorded.
fn doubts(play: &Play, world: &World) -> BTreeSet<u64> {
    let failed = world
        .faults
        .applied()
        .iter()
        .filter(|it| matches!(it.operation.as_str(), "Publish" | "PutItem"));
    failed.map(|it| it.at_ms).chain(play.disturbed_ms.iter().copied()).collect()
}
