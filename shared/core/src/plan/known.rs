//! Keeps the record's known targets: a target is added when it is found, and its proof ends when it
//! is seen absent. Also remembers which targets belong to tasks of other clusters.

use crate::compare::{Comparison, Matched};
use crate::expected::{ExpectedTarget, ExpectedTargets, FormerTarget, Requirement};
use crate::finding::Judgement;
use crate::ids::{Target, TargetGroupArn};
use crate::input::PlanInput;
use crate::judge::is_watched;
use crate::ledger::LedgerRecord;
use crate::observation::{HealthState, Observation};
use crate::subject::Subject;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A later task is known to have had this target, even if ECS no longer shows where that task was.
fn is_a_later_ones(record: &LedgerRecord, observation: &Observation, ended: &FormerTarget) -> bool {
    let known = record
        .known_target(&ended.group, &ended.target)
        .filter(|known| known.seen_absent_at.is_none());
    let task = known.and_then(|known| observation.tasks.iter().find(|task| task.arn == known.task));
    task.is_some_and(|task| {
        task.arn != ended.task && task.stopped_at.is_none_or(|at| at > ended.at)
    })
}

/// The targets that are registered in the groups that were read.
fn registered(observation: &Observation) -> BTreeSet<(&TargetGroupArn, &Target)> {
    let groups = observation
        .target_groups
        .keys()
        .filter_map(|arn| Some((arn, observation.found_group(arn)?)));
    groups
        .flat_map(|(arn, group)| group.targets.iter().map(move |target| (arn, target)))
        .filter(|(_, target)| target.is_registered())
        .map(|(arn, target)| (arn, &target.target))
        .collect()
}

/// Ends the proof of every target that is absent, unless ECS may still register it for a task that
/// starts. A list of tasks that is incomplete does not matter: the group was read, and the target of
/// a task that runs is known again as soon as it is registered. ECS deregisters the target of a task
/// when it begins to stop the task, so what is registered after that is another writer's.
fn release_absent(
    record: &mut LedgerRecord,
    input: &PlanInput,
    expected: &ExpectedTargets,
    registered: &BTreeSet<(&TargetGroupArn, &Target)>,
) {
    let (observation, now) = (&input.observation, input.now);
    let is_leaving = |expected: &&ExpectedTarget| match expected.requirement {
        Requirement::Required(since) => input.policy.settled_at(since) <= now,
        Requirement::Optional(_) => {
            let task = observation.tasks.iter().find(|task| task.arn == expected.task);
            task.is_none_or(|task| !task.is_starting())
        }
    };
    let claimed: BTreeSet<(&TargetGroupArn, &Target)> = expected
        .targets
        .iter()
        .filter(|expected| !is_leaving(expected))
        .map(|expected| (&expected.group, &expected.target))
        .collect();
    let is_absent = |group: &TargetGroupArn, target: &Target| {
        observation.target_groups.contains_key(group)
            && !claimed.contains(&(group, target))
            && !registered.contains(&(group, target))
    };
    let leaving = expected
        .targets
        .iter()
        .filter(is_leaving)
        .map(|leaving| (&leaving.group, &leaving.target, &leaving.task))
        // Nothing has had it since.
        .filter(|(group, target, task)| {
            let known = record.known_target(group, target);
            known.is_none_or(|known| known.task != **task || known.seen_absent_at.is_none())
        });
    let ended = expected
        .ended
        .iter()
        .filter(|it| !record.was_seen_absent(&it.group, &it.target, &it.task, it.at))
        .map(|ended| (&ended.group, &ended.target, &ended.task));
    let known = record.known.iter().flat_map(|(group, targets)| {
        let held = targets.iter().filter(|(_, known)| known.seen_absent_at.is_none());
        held.map(move |(target, known)| (group, target, &known.task))
    });
    let absent: Vec<_> = known
        .chain(ended)
        .chain(leaving)
        .filter(|(group, target, _)| is_absent(group, target))
        .map(|(group, target, task)| (group.clone(), target.clone(), task.clone()))
        .collect();
    for (group, target, task) in absent {
        record.mark_seen_absent(&group, &target, &task, now);
    }
}

/// Updates the known targets with this observation.
pub(super) fn update(
    record: &mut LedgerRecord,
    input: &PlanInput,
    expected: &ExpectedTargets,
    comparison: &Comparison,
) {
    let observation = &input.observation;
    for Matched { expected, registered } in &comparison.matched {
        let ExpectedTarget { group, target, requirement, task } = expected;
        // ECS may answer with an older description of a task that has stopped since: a target that
        // was seen absent stays so until a task with desired status RUNNING runs there.
        let seen_gone =
            record.known_target(group, target).is_some_and(|known| known.seen_absent_at.is_some());
        if matches!(requirement, Requirement::Required(_)) || !seen_gone {
            record.remember(group, target, task);
            if registered.state == HealthState::Healthy {
                record.note_healthy(group, target);
            }
        }
    }
    let registered = registered(observation);
    release_absent(record, input, expected, &registered);
    if !observation.tasks_are_whole() {
        return;
    }
    let claimed: BTreeSet<(&TargetGroupArn, &Target)> =
        expected.targets.iter().map(|expected| (&expected.group, &expected.target)).collect();
    for ended in &expected.ended {
        let (group, target) = (&ended.group, &ended.target);
        // Seen absent, and no task of this service has had it since.
        let released = record.was_seen_absent(group, target, &ended.task, ended.at);
        if !claimed.contains(&(group, target))
            && !released
            && registered.contains(&(group, target))
            && is_watched(record, ended)
            && !is_a_later_ones(record, observation, ended)
        {
            record.remember(group, target, &ended.task);
        }
    }
    // The target of such a task may be absent by now, and no check could see to which task it
    // belonged: learning it later proves nothing. The other targets that are still registered are
    // in the record from now on.
    if let Some(until) = expected.unknown_target_until {
        record.continuous_since = record.continuous_since.max(Some(until.next()));
    }
    if observation.groups_are_whole() {
        record.known.retain(|group, _| observation.target_groups.contains_key(group));
    }
}

/// Remembers which targets belong to tasks of other clusters, as long as they are registered,
/// nothing else is found of them, and no later answer of those clusters shows otherwise.
pub(super) fn update_other_clusters(
    record: &mut LedgerRecord,
    observation: &Observation,
    judgement: &Judgement,
    now: Timestamp,
) {
    for (group, targets) in &mut record.of_other_clusters {
        let Some(found) = observation.found_group(group) else { continue };
        let is_read = observation.other_tasks.other_clusters_known.contains(group);
        let is_shown = |target: &Target| {
            judgement.of_other_clusters.iter().any(|(of, it)| of == group && it == target)
        };
        let is_registered = |target: &Target| {
            found.targets.iter().any(|it| it.target == *target && it.is_registered())
        };
        let is_found = |target: &Target| {
            let subject = Subject::Target(group.clone(), target.clone());
            judgement.findings.iter().any(|it| it.subject == subject)
        };
        targets.retain(|target, _| {
            is_registered(target) && !is_found(target) && (!is_read || is_shown(target))
        });
    }
    record.of_other_clusters.retain(|_, targets| !targets.is_empty());
    for (group, target) in &judgement.of_other_clusters {
        record.note_of_other_cluster(group, target, now);
    }
}
