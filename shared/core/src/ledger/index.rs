//! The target groups and load balancers of a service, for the ledger's index: with it, a call on
//! one of them leads to the service.

use super::LedgerRecord;
use crate::api_call::{ApiCall, IndexKey};
use crate::observation::{Observation, TargetGroup};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A quarter of the time for which the index keeps an entry: 15 days. Every record is renewed as
/// often.
const TOLD_AGAIN_SECS: u32 = 15 * 24 * 3600;

/// The maximum number of groups and load balancers of one service. ECS allows five groups for a
/// service, ten with the alternate ones of blue/green.
const MOST_PLACES: usize = 40;

impl LedgerRecord {
    /// Records the groups of a service and their load balancers. Ones that the service no longer
    /// uses are dropped only together with another change, so that tidying alone never causes a
    /// write.
    pub(crate) fn note_index_keys(&mut self, observation: &Observation, now: Timestamp) {
        let is_fresh = |at: &Timestamp| now.secs_since(*at) < TOLD_AGAIN_SECS;
        let index_keys: BTreeSet<IndexKey> = index_keys(observation).take(MOST_PLACES).collect();
        if index_keys.iter().all(|place| self.index_keys.get(place).is_some_and(is_fresh)) {
            return;
        }
        let entered = index_keys.into_iter().map(|place| {
            let at = self.index_keys.get(&place).copied().filter(is_fresh).unwrap_or(now);
            (place, at)
        });
        self.index_keys = entered.collect();
    }

    /// The groups and load balancers that are not in the index yet, compared to an earlier record.
    #[must_use]
    pub fn new_index_keys<'a>(&'a self, earlier: &Self) -> Vec<&'a IndexKey> {
        let is_new =
            |(place, at): &(&IndexKey, &Timestamp)| earlier.index_keys.get(*place) != Some(*at);
        self.index_keys.iter().filter(is_new).map(|(place, _)| place).collect()
    }
}

impl LedgerRecord {
    /// Drops every group and load balancer of a service that is deleted, unless a target may be left
    /// there: calls on such a group still matter.
    pub(crate) fn drop_index_keys(&mut self) {
        if self.remembered_groups().is_empty() {
            self.index_keys.clear();
        }
    }

    /// The groups and load balancers under which the index needs this service no longer, compared to
    /// an earlier record. After an incomplete reading there are none. `calls` led to this check, so
    /// the index has the service under their places, too, even if the earlier record is lost.
    #[must_use]
    pub fn dropped_index_keys(
        &self,
        earlier: &Self,
        calls: &[ApiCall],
        observation: &Observation,
    ) -> BTreeSet<IndexKey> {
        if !observation.gaps.is_empty() {
            return BTreeSet::new();
        }
        let is_forgotten = observation.is_gone() && self.remembered_groups().is_empty();
        let called = calls.iter().map(|call| &call.place).filter(|_| is_forgotten);
        let keys = earlier.index_keys.keys().chain(called);
        keys.filter(|key| !self.index_keys.contains_key(*key)).cloned().collect()
    }
}

fn index_keys(observation: &Observation) -> impl Iterator<Item = IndexKey> {
    observation.target_groups.iter().flat_map(|(arn, group)| {
        let balancers = match group {
            TargetGroup::Found(found) => found.load_balancers.as_slice(),
            TargetGroup::Missing => &[],
        };
        let group = IndexKey::Group(arn.clone());
        [group].into_iter().chain(balancers.iter().filter_map(|arn| IndexKey::of_balancer(arn)))
    })
}
