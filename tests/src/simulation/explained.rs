//! Verifies that every open incident is true: the account must show what the incident reports.

use super::account::ServiceModel;
use super::history::registered_in;
use super::watched::Watched;
use super::{Play, Stop, broken};
use portkeeper_core::code::Code;
use portkeeper_core::ledger::{Incident, Subject};
use portkeeper_core::policy::Mode;
use portkeeper_world::{World, truth};

/// Judges the ledger's incidents of a service that is stable.
pub(crate) fn every_incident(play: &Play, world: &World, one: &Watched<'_>) -> Result<(), Stop> {
    for incident in &one.record.incidents {
        let what = || {
            let Incident { code, subject, why, .. } = incident;
            format!("{}: {code} {subject}: {why}", one.service.key())
        };
        if incident.is_over() {
            return broken("resolved", format!("{} is over, and no alert reported it", what()));
        }
        if !incident.confirmation.confirmed {
            return broken("second look", format!("{} was seen by no second look", what()));
        }
        if incident.alerted.is_none() && one.service.mode != Mode::Off {
            let suppresses = |other: &Incident| match other.code {
                Code::LimitExceeded | Code::Fight => true,
                Code::KillLoop => incident.code == Code::Unhealthy,
                _ => false,
            };
            if !one.reported().any(suppresses) {
                return broken("alert", format!("{} is open, and no alert reported it", what()));
            }
        }
        if !is_true(play, world, one.service, incident) {
            return broken("explained", format!("{} is open and is not so", what()));
        }
    }
    Ok(())
}

/// Returns whether the account shows what the incident reports. Incidents about guards and health
/// describe the recent past and are not verified.
fn is_true(play: &Play, world: &World, service: &ServiceModel, incident: &Incident) -> bool {
    let (group, target) = match &incident.subject {
        Subject::Target(group, target) => (group.as_str(), Some(target)),
        Subject::Group(group) => (group.as_str(), None),
        // Tasks and services: agents are back and report everything.
        Subject::Task(_) => {
            return !matches!(incident.code, Code::AgentDisconnected | Code::BindingsMissing);
        }
        Subject::Service => {
            let served = || service.groups.iter().any(|group| is_served(world, service, group));
            return incident.code != Code::NoTraffic || !served();
        }
    };
    let registered = target.is_some_and(|target| {
        registered_in(world, group).contains(&(target.id.to_string(), target.port.get()))
    });
    match incident.code {
        Code::Missing => !registered,
        Code::Stale | Code::Hijacked | Code::Foreign | Code::Misplaced | Code::WrongPort => {
            let owner =
                target.and_then(|it| truth::owner(world, group, &it.id.to_string(), it.port.get()));
            // A check reads other clusters before it deregisters a target, but not before it alerts
            // about a target that stays.
            let is_seen = |task: &String| {
                task.contains(&format!(":task/{}/", service.cluster))
                    || !incident.confirmation.unproved
            };
            registered && (incident.code == Code::Foreign || !owner.as_ref().is_some_and(is_seen))
        }
        Code::TargetGroupMissing | Code::TargetGroupUnattached | Code::AzDisabled => {
            // A service that is created again may find its rule where its last deployment left it.
            play.account.damaged.contains(group) || !truth::is_attached(world, group)
        }
        Code::NoTraffic => !is_served(world, service, group),
        // Nothing that is played here leads to the others, or there is nothing to hold them
        // against.
        Code::Unhealthy
        | Code::TargetTypeMismatch
        | Code::IpFamilyMismatch
        | Code::AzAllNeeded
        | Code::BindingsMissing
        | Code::AgentDisconnected
        | Code::AmbiguousRevision
        | Code::KillLoop
        | Code::BelowDesired
        | Code::DeploymentStuck
        | Code::Fight
        | Code::LimitExceeded
        | Code::Unknown(_) => true,
    }
}

/// Whether a target of a task of the service's cluster is healthy in the group.
fn is_served(world: &World, service: &ServiceModel, group: &str) -> bool {
    let of_cluster = format!(":task/{}/", service.cluster);
    truth::registered(world, group).into_iter().any(|(id, port, state)| {
        let owner = truth::owner(world, group, &id, port);
        state == "healthy" && owner.is_some_and(|task| task.contains(&of_cluster))
    })
}
