//! The target groups and load balancers of a service, for the ledger's index: with it, a call on
//! one of them leads to the service.

use super::LedgerRecord;
use crate::call::Place;
use crate::observation::{Observation, TargetGroup};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A quarter of the time for which the index keeps an entry: 15 days. Every record is renewed as
/// often.
const TOLD_AGAIN_SECS: u32 = 15 * 24 * 3600;

/// The most groups and load balancers of one service. ECS allows five groups for a service, ten
/// with the alternate ones of blue/green.
const MOST_PLACES: usize = 40;

impl LedgerRecord {
    /// Records the groups of a service and their load balancers. Ones that the service no longer
    /// uses are dropped only together with another change, so that tidying alone never causes a
    /// write.
    pub(crate) fn note_places(&mut self, observation: &Observation, now: Timestamp) {
        let is_fresh = |at: &Timestamp| now.secs_since(*at) < TOLD_AGAIN_SECS;
        let places: BTreeSet<Place> = places(observation).take(MOST_PLACES).collect();
        if places.iter().all(|place| self.places.get(place).is_some_and(is_fresh)) {
            return;
        }
        let entered = places.into_iter().map(|place| {
            let at = self.places.get(&place).copied().filter(is_fresh).unwrap_or(now);
            (place, at)
        });
        self.places = entered.collect();
    }

    /// The groups and load balancers that are not in the index yet, compared to an earlier record.
    #[must_use]
    pub fn new_places<'a>(&'a self, earlier: &Self) -> Vec<&'a Place> {
        let is_new = |(place, at): &(&Place, &Timestamp)| earlier.places.get(*place) != Some(*at);
        self.places.iter().filter(is_new).map(|(place, _)| place).collect()
    }
}

fn places(observation: &Observation) -> impl Iterator<Item = Place> {
    observation.target_groups.iter().flat_map(|(arn, group)| {
        let balancers = match group {
            TargetGroup::Found(found) => found.load_balancers.as_slice(),
            TargetGroup::Missing => &[],
        };
        let group = Place::Group(arn.clone());
        [group].into_iter().chain(balancers.iter().filter_map(|arn| Place::of_balancer(arn)))
    })
}
