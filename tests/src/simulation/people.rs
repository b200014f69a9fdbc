//! Manual changes of target groups and tags by people: correct ones, wrong ones, and ones unrelated
//! to ECS.

use super::history::{Place, place_of, registered_in};
use super::scene::{Scene, service};
use portkeeper_core::policy::{MODE_TAG, Mode};
use portkeeper_stage::StageError;
use portkeeper_world::elbv2::TargetType;
use serde_json::{Value, json};

/// Tag values, and their meaning on the day of the simulation (2026-11-23) in a stack that repairs.
const TAGS: [(&str, Mode); 6] = [
    ("repair", Mode::Repair),
    ("alert", Mode::Alert),
    ("off", Mode::Off),
    ("alert until 2026-12-31", Mode::Alert),
    ("alert until 2026-01-01", Mode::Repair),
    ("alrt", Mode::Alert),
];

pub(crate) fn targets(place: &Place) -> Value {
    json!({ "TargetGroupArn": place.group, "Targets": [{ "Id": place.id, "Port": place.port }] })
}

pub(crate) fn name(group: &str) -> &str {
    group.split('/').nth(1).unwrap_or(group)
}

/// Registers a target: an expected one, one of a stopped task, one of another service, or an
/// unrelated one.
pub(crate) fn register(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let key = service.key();
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    let (whose, place) = match scene.random.u8(0..5) {
        0 => {
            let own = scene
                .history
                .live()
                .iter()
                .filter(|target| format!("{}/{}", target.cluster, target.service) == key);
            let own: Vec<Place> = own.map(place_of).collect();
            ("a task's own target", scene.random.choice(own).ok_or("it has no live target")?)
        }
        1 | 2 => {
            let left: Vec<Place> = scene.history.left_by(&key).cloned().collect();
            (
                "a target that a stopped task left",
                scene.random.choice(left).ok_or("no task has stopped")?,
            )
        }
        3 => {
            let any: Vec<Place> = scene.history.live().iter().map(place_of).collect();
            let other = scene.random.choice(any).ok_or("nothing runs")?;
            ("some task's target, anywhere", Place { group, ..other })
        }
        _ if service.kind.target_type() == TargetType::Ip => {
            // The last addresses of a default subnet: no task ever gets one.
            let id = format!("10.0.31.{}", scene.random.u8(200..250));
            ("a stranger", Place { group, id, port: 80 })
        }
        _ => ("a stranger", Place { group, id: scene.account.stranger.clone(), port: 80 }),
    };
    scene.world.person_elb("RegisterTargets", &targets(&place))?;
    Ok(format!(
        "a person registers {}:{} in {} ({whose})",
        place.id,
        place.port,
        name(&place.group)
    ))
}

/// Deregisters a registered target.
pub(crate) fn deregister(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    let there = registered_in(scene.world, &group);
    let (id, port) = scene.random.choice(there).ok_or("the group is empty")?;
    let place = Place { group, id, port };
    scene.world.person_elb("DeregisterTargets", &targets(&place))?;
    Ok(format!("a person deregisters {}:{} from {}", place.id, place.port, name(&place.group)))
}

/// Deregisters every target of a group at once.
pub(crate) fn deregister_all(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    let there = registered_in(scene.world, &group);
    for (id, port) in &there {
        let place = Place { group: group.clone(), id: id.clone(), port: *port };
        scene.world.person_elb("DeregisterTargets", &targets(&place))?;
    }
    Ok(format!("a person deregisters all {} targets of {}", there.len(), name(&group)))
}

/// Changes or removes a service's mode tag.
pub(crate) fn tag(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    if service.deleted {
        return Err("it is deleted".into());
    }
    let (key, now) = (service.key(), scene.world.now_ms());
    let tag = if service.mode == Mode::Repair { scene.random.choice(TAGS) } else { None };
    let input = match tag {
        Some((text, _)) => {
            json!({ "resourceArn": service.arn, "tags": [{ "key": MODE_TAG, "value": text }] })
        }
        None => json!({ "resourceArn": service.arn, "tagKeys": [MODE_TAG] }),
    };
    let operation = if tag.is_some() { "TagResource" } else { "UntagResource" };
    scene.world.person_ecs(operation, &input)?;
    let model =
        scene.account.services.iter_mut().find(|model| model.key() == key).ok_or("no service")?;
    model.mode = tag.map_or(Mode::Repair, |(_, mode)| mode);
    model.mode_since_ms = now;
    Ok(format!("{key} is tagged {}", tag.map_or("no longer", |(text, _)| text)))
}
