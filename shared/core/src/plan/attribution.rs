//! Finds the API call that caused an incident, as far as CloudTrail recorded it.
//!
//! The cause is only reported. If it is ambiguous, no caller is named: a wrong name is worse than
//! none.

use crate::alert::Cause;
use crate::api_call::{ApiCall, IndexKey, NamedTarget, Operation};
use crate::code::Follows;
use crate::ids::{Target, TargetGroupArn};
use crate::ledger::{CALLS_KEPT_SECS, Incident};
use crate::observation::{Observation, RegisteredTarget, Task};
use crate::subject::Subject;
use crate::time::Timestamp;

/// The input for the search.
pub(super) struct Causes<'a> {
    pub calls: &'a [ApiCall],
    pub observation: &'a Observation,
}

impl Causes<'_> {
    /// Returns the call that caused an incident: the last one about its target, if that kind of
    /// call can cause it.
    pub(super) fn of(&self, incident: &Incident) -> Option<Cause> {
        let call = match &incident.subject {
            Subject::Target(group, target) => self.last_about(incident, group, target)?,
            Subject::Group(group) => self.last_at(incident, group)?,
            Subject::Service | Subject::Task(_) => return None,
        };
        let ApiCall { id, at, by, operation, .. } = call.clone();
        Some(Cause { event: id, at, by, operation })
    }

    fn last_about(
        &self,
        incident: &Incident,
        group: &TargetGroupArn,
        target: &Target,
    ) -> Option<&ApiCall> {
        let default_port = self.observation.found_group(group).and_then(|group| group.default_port);
        let names = |call: &ApiCall| {
            let here = matches!(&call.place, IndexKey::Group(place) if place == group);
            here && call
                .targets
                .iter()
                .any(|it| it.id == target.id && it.port.or(default_port) == Some(target.port))
        };
        let last = self.calls.iter().rev().find(|call| names(call))?;
        let leads_here = match incident.code.may_follow_a_call() {
            Follows::Deregistration => {
                last.operation == Operation::DeregisterTargets && last.at >= self.began(incident)
            }
            Follows::LateRegistration => {
                last.operation == Operation::RegisterTargets && last.at >= self.ended(incident)?
            }
            Follows::Registration => last.operation == Operation::RegisterTargets,
            Follows::AnyWrite => true,
            Follows::GroupDeletion | Follows::BalancerChange | Follows::Nothing => false,
        };
        // I-CAUSE: "If a call may have led to something else, no caller is named."
        (leads_here && is_near(last.at, incident)).then_some(last)
    }

    /// Returns the last change before a group was found without requests; it may be an unrelated
    /// change to the same load balancer.
    fn last_at(&self, incident: &Incident, group: &TargetGroupArn) -> Option<&ApiCall> {
        let before = |call: &&ApiCall| call.at <= incident.opened_at && is_near(call.at, incident);
        let deletes = |call: &&ApiCall| call.operation == Operation::DeleteTargetGroup;
        let here =
            |call: &&ApiCall| matches!(&call.place, IndexKey::Group(place) if place == group);
        let calls = || self.calls.iter().rev();
        match incident.code.may_follow_a_call() {
            Follows::GroupDeletion => calls().find(|call| here(call) && deletes(call)),
            Follows::BalancerChange => {
                calls().filter(before).find(|call| matches!(call.place, IndexKey::Balancer(_)))
            }
            Follows::Deregistration
            | Follows::Registration
            | Follows::LateRegistration
            | Follows::AnyWrite
            | Follows::Nothing => None,
        }
    }

    /// Returns when the task of a missing target started. Earlier calls about its port concerned
    /// another task.
    fn began(&self, incident: &Incident) -> Timestamp {
        let task = self.task(incident).and_then(|task| task.started_at);
        task.unwrap_or_else(|| incident.opened_at.minus_secs(CALLS_KEPT_SECS))
    }

    /// Returns when the task of a leftover target stopped. An earlier registration was for that
    /// task.
    fn ended(&self, incident: &Incident) -> Option<Timestamp> {
        self.task(incident)?.stopped_at
    }

    fn task(&self, incident: &Incident) -> Option<&Task> {
        self.observation.tasks.iter().find(|task| Some(&task.arn) == incident.task.as_ref())
    }
}

/// Returns whether the effect of a call lasts or cannot be seen now. A call that was undone
/// explains nothing later.
pub(super) fn still_holds(call: &ApiCall, observation: &Observation) -> bool {
    let IndexKey::Group(arn) = &call.place else { return true };
    let Some(group) = observation.found_group(arn) else { return true };
    let registered = |named: &NamedTarget| {
        let port = named.port.or(group.default_port);
        let is_it = |other: &RegisteredTarget| {
            other.target.id == named.id && Some(other.target.port) == port
        };
        group.targets.iter().any(|other| other.is_registered() && is_it(other))
    };
    match call.operation {
        Operation::RegisterTargets => call.targets.iter().any(registered),
        Operation::DeregisterTargets => !call.targets.iter().all(registered),
        Operation::DeleteTargetGroup => false,
        _ => true,
    }
}

/// A call older than the retention of calls caused something else.
fn is_near(at: Timestamp, incident: &Incident) -> bool {
    incident.opened_at.secs_since(at) < CALLS_KEPT_SECS
}
