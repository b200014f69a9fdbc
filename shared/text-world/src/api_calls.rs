//! The line about an API call of another writer.

use super::error::WordError;
use super::names;
use super::words::{Words, known};
use super::world::World;
use portkeeper_core::api_call::{Actor, ActorKind, ApiCall, IndexKey, NamedTarget, Operation};
use portkeeper_core::ids::{HostPort, Target, TargetId};
use portkeeper_core::others::Others;
use std::collections::BTreeSet;

const PART: &str = "a target, an instance or address, `by USER`, `role ROLE` or `through SERVICE`";

/// `call 2m ago DeregisterTargets web i-1:32768 by alice`, or of `lb` where it is about listeners
/// and rules.
pub fn state_call(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let at = world.now.minus_secs(words.span()?);
    let operation = words.require("an operation such as `DeregisterTargets`")?;
    let operation: Operation = known(&operation, &Operation::ALL)?;
    let place = match words.require("a target group, or `lb`")?.as_str() {
        "lb" => IndexKey::of_balancer(&names::balancer("app"))
            .ok_or_else(|| WordError::unexpected("lb", "a target group"))?,
        group => IndexKey::Group(names::group(group)?),
    };
    let (mut targets, mut by) = (BTreeSet::new(), Actor::new(ActorKind::User, "alice"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "by" => by = Actor::new(ActorKind::User, &words.require("a user")?),
            "role" => by = Actor::new(ActorKind::Role, &words.require("a role")?),
            "through" => by = by.through(Some(&words.require("a service")?)),
            target => {
                targets.insert(named_target(target)?);
            }
        }
    }
    // The same line is the same call.
    let id = format!("{operation} {at} {place:?} {targets:?} {by}");
    world.calls.push(ApiCall { id, at, by, operation, place, targets, others: Others::default() });
    Ok(())
}

/// `i-1:32768`, or without the port, as `DeregisterTargets` accepts it.
fn named_target(word: &str) -> Result<NamedTarget, WordError> {
    let of =
        |id: TargetId, port: Option<HostPort>| NamedTarget { id, port, others: Others::default() };
    if let Ok(Target { id, port }) = Target::try_from(word.to_owned()) {
        return Ok(of(id, Some(port)));
    }
    match TargetId::try_from(word.to_owned()) {
        // An instance id has no colon: what follows it was not a port.
        Ok(id) if !(matches!(id, TargetId::Instance(_)) && word.contains(':')) => Ok(of(id, None)),
        _ => Err(WordError::unexpected(word, PART)),
    }
}
