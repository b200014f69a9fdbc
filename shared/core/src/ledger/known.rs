//! The known targets of the service's tasks: the proof of ownership, and what ends it.
//!
//! It does not know what is registered now; [`plan`](crate::plan) updates it.
//!
//! AWS facts: F-1.1.

use super::{Incident, LedgerRecord, Subject};
use crate::ids::{Target, TargetGroupArn, TaskArn};
use crate::others::Others;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long the mark "seen absent" is kept: longer than the hour for which ECS lists a stopped
/// task. A task that stopped longer ago proves nothing by itself, so its mark may be dropped.
pub(crate) const SEEN_ABSENT_KEPT_SECS: u32 = 2 * 3600;

/// The bytes that known targets may take, of those of the record (see the module `size`). They are
/// enough for 1,000 tasks and more; beyond them the proof is missing, and Portkeeper reports the
/// fault instead of repairing it.
const KNOWN_BYTES: usize = 180_000;

/// The bytes that JSON adds to a known target and its task: names, quotes, and the time of the
/// mark.
const KNOWN_FRAME_BYTES: usize = 60;

/// How long it is remembered that a target belongs to a task of another cluster: long enough to ask
/// rarely, short enough to notice within a day that another writer has registered it again.
const OTHER_CLUSTERS_KEPT_SECS: u32 = 24 * 3600;

/// How many such targets are remembered, as many as a target group can have
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>).
/// Beyond them other clusters are asked again.
const OF_OTHER_CLUSTERS: usize = 1000;

/// A target that belongs or belonged to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTarget {
    pub task: TaskArn,
    /// When a check saw the target absent: the end of the proof, until a task that runs has it again.
    #[serde(rename = "released_at", default, skip_serializing_if = "Option::is_none")]
    pub seen_absent_at: Option<Timestamp>,
    /// No check has found it healthy yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_healthy: bool,
    /// Members that only another version knows.
    #[serde(flatten)]
    pub others: Others,
}

impl KnownTarget {
    fn of(task: &TaskArn) -> Self {
        Self {
            task: task.clone(),
            seen_absent_at: None,
            never_healthy: true,
            others: Others::default(),
        }
    }
}

impl LedgerRecord {
    /// The entry of a target in a group.
    #[must_use]
    pub fn known_target(&self, group: &TargetGroupArn, target: &Target) -> Option<&KnownTarget> {
        self.known.get(group).and_then(|targets| targets.get(target))
    }

    /// Whether a target in the group is or was this task's.
    pub(crate) fn knows(&self, group: &TargetGroupArn, task: &TaskArn) -> bool {
        let mut known = self.known.get(group).into_iter().flat_map(BTreeMap::values);
        known.any(|known| {
            known.task == *task && (known.seen_absent_at.is_none() || !known.never_healthy)
        })
    }

    /// The groups that must be read even if the service no longer names them: a target in them may
    /// still be this service's, or an open incident is about one that was.
    #[must_use]
    pub fn remembered_groups(&self) -> BTreeSet<TargetGroupArn> {
        let held = self
            .known
            .iter()
            .filter(|(_, targets)| targets.values().any(|known| known.seen_absent_at.is_none()));
        let open = self.incidents.iter().filter(|open| !open.is_over() && open.is_of_a_leftover());
        held.map(|(group, _)| group)
            .chain(open.filter_map(|open| open.subject.group()))
            .cloned()
            .collect()
    }

    /// Whether the target may still be this service's, or an open incident is about it as one that
    /// was.
    #[must_use]
    pub fn remembers(&self, group: &TargetGroupArn, target: &Target) -> bool {
        let is_it = |open: &Incident| matches!(&open.subject, Subject::Target(of, it) if of == group && it == target);
        self.known_target(group, target).is_some_and(|known| known.seen_absent_at.is_none())
            || self
                .incidents
                .iter()
                .any(|open| is_it(open) && !open.is_over() && open.is_of_a_leftover())
    }

    /// Records that a target belongs to this task, registered or about to be.
    pub fn remember(&mut self, group: &TargetGroupArn, target: &Target, task: &TaskArn) {
        // Marks do not count: if there is no room for both, `tidy` drops the marks.
        let held = self
            .known
            .values()
            .flatten()
            .filter(|(_, known)| known.seen_absent_at.is_none())
            .count();
        // Targets of one service differ little in length, so one gives the size of all.
        let has_room = held.saturating_mul(known_bytes(target, task)) < KNOWN_BYTES;
        if has_room || self.known_target(group, target).is_some() {
            let targets = self.known.entry(group.clone()).or_default();
            let known = targets.entry(target.clone()).or_insert_with(|| KnownTarget::of(task));
            if known.task == *task {
                known.seen_absent_at = None;
            } else {
                *known = KnownTarget::of(task);
            }
        }
    }

    /// Notes that a check has found a known target healthy.
    pub(crate) fn note_healthy(&mut self, group: &TargetGroupArn, target: &Target) {
        let known = self.known.get_mut(group).and_then(|targets| targets.get_mut(target));
        if let Some(known) = known {
            known.never_healthy = false;
        }
    }

    /// Whether an earlier check has found the target healthy while this task had it.
    pub(crate) fn was_healthy(
        &self,
        group: &TargetGroupArn,
        target: &Target,
        task: &TaskArn,
    ) -> bool {
        let known = self.known_target(group, target).filter(|known| known.task == *task);
        known.is_some_and(|known| !known.never_healthy)
    }

    /// Marks a task's target as seen absent. From now on neither the ledger nor a task that stopped
    /// earlier proves ownership: if it is registered again, another writer did so, or ECS for a task
    /// that runs.
    pub fn mark_seen_absent(
        &mut self,
        group: &TargetGroupArn,
        target: &Target,
        task: &TaskArn,
        now: Timestamp,
    ) {
        let known = self.known.entry(group.clone()).or_default();
        let entry = known.entry(target.clone()).or_insert_with(|| KnownTarget::of(task));
        // I-ABSENT: "A proof ends when the target is seen absent."
        entry.seen_absent_at = Some(now);
    }

    /// Whether a target was seen absent after this task last had it. A task may stop after its
    /// target was seen absent: ECS deregisters first, and a list may show the stopped task only
    /// later.
    #[must_use]
    pub fn was_seen_absent(
        &self,
        group: &TargetGroupArn,
        target: &Target,
        task: &TaskArn,
        ended_at: Timestamp,
    ) -> bool {
        let known = self.known_target(group, target);
        let released = known.and_then(|known| Some((&known.task, known.seen_absent_at?)));
        released.is_some_and(|(holder, at)| at >= ended_at || holder == task)
    }

    /// Whether an earlier check has found that the target belongs to a task of another cluster.
    #[must_use]
    pub fn is_of_other_cluster(
        &self,
        group: &TargetGroupArn,
        target: &Target,
        now: Timestamp,
    ) -> bool {
        let found_at = self.of_other_clusters.get(group).and_then(|targets| targets.get(target));
        found_at.is_some_and(|at| now.secs_since(*at) < OTHER_CLUSTERS_KEPT_SECS)
    }

    /// Notes that the target belongs to a task of another cluster, if there is room.
    pub(crate) fn note_of_other_cluster(
        &mut self,
        group: &TargetGroupArn,
        target: &Target,
        now: Timestamp,
    ) {
        let noted: usize = self.of_other_clusters.values().map(BTreeMap::len).sum();
        if noted < OF_OTHER_CLUSTERS && !self.is_of_other_cluster(group, target, now) {
            self.of_other_clusters.entry(group.clone()).or_default().insert(target.clone(), now);
        }
    }

    /// Ends every proof until the next check: no check sees what happens to the targets in between.
    pub fn forget_registered(&mut self) {
        self.of_other_clusters.clear();
        for targets in self.known.values_mut() {
            targets.retain(|_, known| known.seen_absent_at.is_some());
        }
        self.known.retain(|_, targets| !targets.is_empty());
        self.continuous_since = None;
    }

    /// Ends every proof: the service is out of scope, and its targets are gone or no longer
    /// checked.
    pub fn mark_all_seen_absent(&mut self, now: Timestamp) {
        for known in self.known.values_mut().flat_map(BTreeMap::values_mut) {
            known.seen_absent_at.get_or_insert(now);
        }
    }

    /// Drops outdated marks.
    pub(super) fn tidy_known(&mut self, now: Timestamp) {
        let fresh = |known: &KnownTarget| {
            known.seen_absent_at.is_none_or(|at| now.secs_since(at) < SEEN_ABSENT_KEPT_SECS)
        };
        for targets in self.known.values_mut() {
            targets.retain(|_, known| fresh(known));
        }
        for targets in self.of_other_clusters.values_mut() {
            targets.retain(|_, at| now.secs_since(*at) < OTHER_CLUSTERS_KEPT_SECS);
        }
        self.of_other_clusters.retain(|_, targets| !targets.is_empty());
        self.keep_within_bounds(now);
        self.known.retain(|_, targets| !targets.is_empty());
    }

    /// A deployment leaves many marks of targets that were seen absent. If they take too much room,
    /// all are dropped. So that nothing that they barred is proved, no task that has stopped until
    /// now proves anything by itself.
    fn keep_within_bounds(&mut self, now: Timestamp) {
        let remembered = || self.known.values().flatten();
        let bytes: usize =
            remembered().map(|(target, known)| known_bytes(target, &known.task)).sum();
        if bytes <= KNOWN_BYTES || remembered().all(|(_, known)| known.seen_absent_at.is_none()) {
            return;
        }
        for targets in self.known.values_mut() {
            targets.retain(|_, known| known.seen_absent_at.is_none());
        }
        self.continuous_since = Some(now);
    }
}

/// The bytes that one known target takes.
fn known_bytes(target: &Target, task: &TaskArn) -> usize {
    target.to_string().len() + task.as_str().len() + KNOWN_FRAME_BYTES
}
