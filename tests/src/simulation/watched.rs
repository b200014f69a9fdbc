//! A service that must converge, and the alerts that its ledger record holds.

use super::account::ServiceModel;
use super::history::Place;
use portkeeper_core::code::Code;
use portkeeper_core::ids::{Target, TargetGroupArn};
use portkeeper_core::ledger::{Incident, LedgerRecord, Subject};
use portkeeper_core::time::Timestamp;
use portkeeper_stage::TABLE;
use portkeeper_world::{World, dynamodb};

/// A service with its ledger record.
pub(crate) struct Watched<'a> {
    pub service: &'a ServiceModel,
    pub record: LedgerRecord,
}

impl Watched<'_> {
    pub(crate) fn reported(&self) -> impl Iterator<Item = &Incident> {
        self.record.incidents.iter().filter(|it| it.alerted.is_some() && !it.is_over())
    }

    /// Returns whether an alert reported that a group is unusable.
    pub(crate) fn reported_group(&self, group: &str) -> bool {
        let of_it = |it: &&Incident| matches!(&it.subject, Subject::Group(other) if other.as_str() == group);
        let codes = [Code::TargetGroupMissing, Code::TargetGroupUnattached, Code::AzDisabled];
        self.reported().filter(of_it).any(|it| codes.contains(&it.code))
    }

    /// Returns whether an alert reported a target in the group.
    pub(crate) fn reports_in(&self, group: &str) -> bool {
        self.reported().any(
            |it| matches!(&it.subject, Subject::Target(in_group, _) if in_group.as_str() == group),
        )
    }

    /// Returns whether the record holds the target as one of the service's tasks.
    pub(crate) fn knows(&self, place: &Place) -> bool {
        let known = parsed(place).and_then(|(group, target)| {
            self.record.known_target(&group, &target).map(|known| known.seen_absent_at)
        });
        known == Some(None)
    }

    /// Returns whether the record still explains the target by a task of another cluster.
    pub(crate) fn explains_elsewhere(&self, place: &Place, now: Timestamp) -> bool {
        parsed(place)
            .is_some_and(|(group, target)| self.record.is_of_other_cluster(&group, &target, now))
    }

    /// Returns the findings that alerts reported about a target.
    pub(crate) fn reported_codes(&self, place: &Place) -> Vec<&Code> {
        let Some((group, target)) = parsed(place) else { return Vec::new() };
        let of_it = |subject: &Subject| match subject {
            Subject::Target(in_group, other) => *in_group == group && *other == target,
            _ => false,
        };
        let guarded = |incident: &&Incident| {
            incident.code == Code::LimitExceeded
                && (incident.subject == Subject::Service
                    || incident.subject == Subject::Group(group.clone()))
        };
        self.reported().filter(|it| of_it(&it.subject) || guarded(it)).map(|it| &it.code).collect()
    }
}

fn parsed(place: &Place) -> Option<(TargetGroupArn, Target)> {
    let target = if place.id.contains(':') {
        format!("[{}]:{}", place.id, place.port)
    } else {
        format!("{}:{}", place.id, place.port)
    };
    let group = TargetGroupArn::try_from(place.group.as_str());
    group.ok().zip(Target::try_from(target).ok())
}

/// Returns the ledger record of a service.
pub(crate) fn record(world: &World, key: &str) -> LedgerRecord {
    let item = dynamodb::item(world, TABLE, key);
    let text = item.and_then(|item| item.get("record")?.get("S")?.as_str());
    text.and_then(|text| LedgerRecord::from_json(text).ok()).unwrap_or_default()
}
