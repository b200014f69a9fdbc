//! Where a service's targets are registered: what the ledger's index must know, so that a call
//! there leads to the service.

use super::LedgerRecord;
use crate::call::Place;
use crate::observation::{Observation, TargetGroup};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A quarter of the time for which the index keeps an entry: 15 days. Every record is renewed as
/// often.
const TOLD_AGAIN_SECS: u32 = 15 * 24 * 3600;

/// The most places of one service. ECS allows five groups for a service, ten with the alternate
/// ones of blue/green.
const MOST_PLACES: usize = 40;

impl LedgerRecord {
    /// Notes the groups of a service, and the load balancers that they hang on. Places that it has
    /// left go when there is something new to note: a service in order is not written for the sake
    /// of tidiness.
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

    /// The places that the index was not told of when an earlier record of this service was
    /// written.
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
