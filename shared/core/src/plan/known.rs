//! What the record remembers as this service's targets: grows with what is seen, ends when a target is seen gone.

use crate::compare::Comparison;
use crate::desired::Desired;
use crate::ids::{Target, TargetGroupArn};
use crate::ledger::LedgerRecord;
use crate::observation::{Missed, Observation, TargetGroup};
use crate::time::Timestamp;

/// Brings the remembered targets up to what was seen.
pub(super) fn update(
    record: &mut LedgerRecord,
    observation: &Observation,
    desired: &Desired,
    comparison: &Comparison,
    now: Timestamp,
) {
    for matched in &comparison.matched {
        record.hold(&matched.claim.group, &matched.claim.target, &matched.claim.task);
    }
    if !observation.tasks_are_whole() {
        return;
    }
    let is_claimed = |group: &TargetGroupArn, target: &Target| {
        desired.claims.iter().any(|claim| claim.group == *group && claim.target == *target)
    };
    let is_registered = |group: &TargetGroupArn, target: &Target| {
        let found = observation.found_group(group);
        found.is_some_and(|found| found.targets.iter().any(|other| other.target == *target && other.is_registered()))
    };
    for ended in &desired.ended {
        let (group, target) = (&ended.group, &ended.target);
        let known = record.known_target(group, target);
        if is_claimed(group, target) || known.is_some_and(|known| known.released_at.is_some()) {
            continue;
        }
        if is_registered(group, target) {
            record.hold(group, target, &ended.task);
        } else if observation.found_group(group).is_some() {
            record.release(group, target, &ended.task, now);
        }
    }
    let mut released = Vec::new();
    for (group, targets) in &record.known {
        if observation.found_group(group).is_none() {
            continue;
        }
        let gone = targets.iter().filter(|(target, known)| {
            known.released_at.is_none() && !is_claimed(group, target) && !is_registered(group, target)
        });
        released.extend(gone.map(|(target, known)| (group.clone(), target.clone(), known.task.clone())));
    }
    for (group, target, task) in released {
        record.release(&group, &target, &task, now);
    }
    let groups_are_whole =
        !observation.gaps.iter().any(|gap| matches!(gap.what, Missed::Revisions | Missed::TargetGroup(_)));
    if groups_are_whole {
        record.known.retain(|group, _| matches!(observation.target_groups.get(group), Some(TargetGroup::Found(_))));
    }
}
