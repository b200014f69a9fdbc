//! Which targets are remembered as a task's, and what ends that: the proof that a target is ours.
//!
//! Knows nothing of what is registered now; [`plan`](crate::plan) tells it.
//!
//! AWS facts: F-1.1.

use super::LedgerRecord;
use crate::ids::{Target, TargetGroupArn, TaskArn};
use crate::others::Others;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a mark "seen gone" is kept: longer than the hour for which ECS lists a stopped task. A
/// task that stopped longer ago proves nothing by itself: that its target was seen gone may be
/// forgotten.
pub(crate) const RELEASED_KEPT_SECS: u32 = 2 * 3600;

/// The bytes that remembered targets may take. DynamoDB allows 400 KB for an item; the rest is for
/// incidents. That is 1,000 tasks and more; beyond it a proof is missing, and the fault is told
/// instead of repaired.
const KNOWN_BYTES: usize = 180_000;

/// What JSON puts around a remembered target and its task: names, quotes, and the moment of its
/// release.
const KNOWN_FRAME_BYTES: usize = 60;

/// A target known to be a task's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Whose it is or was.
    pub task: TaskArn,
    /// When it was seen gone after its task had ended: the end of the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// What another version knows of it.
    #[serde(flatten)]
    pub others: Others,
}

impl Known {
    fn of(task: &TaskArn) -> Self {
        Self { task: task.clone(), released_at: None, others: Others::default() }
    }
}

impl LedgerRecord {
    /// What is known of a target in a group.
    #[must_use]
    pub fn known_target(&self, group: &TargetGroupArn, target: &Target) -> Option<&Known> {
        self.known.get(group).and_then(|targets| targets.get(target))
    }

    /// Notes that a target is this task's, registered or about to be.
    pub fn hold(&mut self, group: &TargetGroupArn, target: &Target, task: &TaskArn) {
        // Marks of gone targets do not count: where both are too many, `tidy` drops the marks.
        let held =
            self.known.values().flatten().filter(|(_, known)| known.released_at.is_none()).count();
        // Targets of one service differ little in length, so that one tells the size of all.
        let has_room = held.saturating_mul(known_bytes(target, task)) < KNOWN_BYTES;
        if has_room || self.known_target(group, target).is_some() {
            let targets = self.known.entry(group.clone()).or_default();
            let known = targets.entry(target.clone()).or_insert_with(|| Known::of(task));
            if known.task == *task {
                known.released_at = None;
            } else {
                *known = Known::of(task);
            }
        }
    }

    /// Notes that a stopped task's target was seen gone. From now on neither the ledger nor a task
    /// that stopped before proves anything about it: whoever registers it again is somebody else,
    /// or a later task of ours.
    pub fn release(
        &mut self,
        group: &TargetGroupArn,
        target: &Target,
        task: &TaskArn,
        now: Timestamp,
    ) {
        let known = self.known.entry(group.clone()).or_default();
        let entry = known.entry(target.clone()).or_insert_with(|| Known::of(task));
        // I-ABSENT: "A proof ends when the target is seen absent."
        entry.released_at = Some(now);
    }

    /// Whether a target was seen gone, and a task that ended then had it no later than that. A task
    /// may end after its target was seen gone: ECS deregisters first, and a list may hold the task
    /// only later.
    #[must_use]
    pub fn was_released(
        &self,
        group: &TargetGroupArn,
        target: &Target,
        task: &TaskArn,
        ended_at: Timestamp,
    ) -> bool {
        let known = self.known_target(group, target);
        let released = known.and_then(|known| Some((&known.task, known.released_at?)));
        released.is_some_and(|(holder, at)| at >= ended_at || holder == task)
    }

    /// Ends every proof until the next look: nobody sees what becomes of the targets meanwhile.
    pub fn pause(&mut self) {
        for targets in self.known.values_mut() {
            targets.retain(|_, known| known.released_at.is_some());
        }
        self.known.retain(|_, targets| !targets.is_empty());
        self.kept_since = None;
    }

    /// Ends every proof: the service is at rest, and its targets are gone or will not be looked at.
    pub fn release_all(&mut self, now: Timestamp) {
        for known in self.known.values_mut().flat_map(BTreeMap::values_mut) {
            known.released_at.get_or_insert(now);
        }
    }

    /// Drops marks that have served their time.
    pub(super) fn tidy_known(&mut self, now: Timestamp) {
        let fresh = |known: &Known| {
            known.released_at.is_none_or(|at| now.secs_since(at) < RELEASED_KEPT_SECS)
        };
        for targets in self.known.values_mut() {
            targets.retain(|_, known| fresh(known));
        }
        self.keep_within_bounds(now);
        self.known.retain(|_, targets| !targets.is_empty());
    }

    /// Marks of targets that were seen gone are many after a deployment. Where they take too much
    /// room they go, and with them everything that they bar: from now on no task that has stopped
    /// until now proves anything by itself.
    fn keep_within_bounds(&mut self, now: Timestamp) {
        let remembered = || self.known.values().flatten();
        let bytes: usize =
            remembered().map(|(target, known)| known_bytes(target, &known.task)).sum();
        if bytes <= KNOWN_BYTES || remembered().all(|(_, known)| known.released_at.is_none()) {
            return;
        }
        for targets in self.known.values_mut() {
            targets.retain(|_, known| known.released_at.is_none());
        }
        self.kept_since = Some(now);
    }
}

/// The bytes that one remembered target takes.
fn known_bytes(target: &Target, task: &TaskArn) -> usize {
    target.to_string().len() + task.as_str().len() + KNOWN_FRAME_BYTES
}
