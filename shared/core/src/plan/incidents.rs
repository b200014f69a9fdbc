//! The life of incidents: opened by the first check, confirmed by a second, and resolved when a
//! check finds the fault gone.
//!
//! "Not found" is not "over": an incident ends only if the check could judge its subject.

use super::endings::{Seen, ending, may_be_registered};
use super::impact;
use crate::code::Code;
use crate::finding::Finding;
use crate::input::PlanInput;
use crate::ledger::{Confirmation, Ending, Incident, Room};
use crate::subject::Subject;

/// Returns the incident that a finding belongs to. A target that is now missing for another task is
/// another incident, with its own second check.
fn belongs(incident: &Incident, finding: &Finding) -> bool {
    let other_task = incident.code.is_of_one_task() && incident.task != finding.task;
    incident.subject == finding.subject
        && incident.code.family() == finding.code.family()
        && !other_task
}

/// Returns the incident of a finding, after [`track`]; `None` for a finding that waits for room in
/// the record.
pub(super) fn of<'a>(incidents: &'a mut [Incident], finding: &Finding) -> Option<&'a mut Incident> {
    incidents.iter_mut().find(|incident| belongs(incident, finding))
}

/// Returns the incidents after this check.
pub(super) fn track(seen: &Seen<'_>) -> Vec<Incident> {
    let now = seen.input.now;
    let mut incidents = not_found(seen);
    let found = |known: &&Incident| seen.judgement.findings.iter().any(|it| belongs(known, it));
    let before = seen.input.record.incidents.iter().filter(found).cloned();
    let kept: Vec<Incident> = incidents.iter().cloned().chain(before).collect();
    let mut room = Room::left_by(&kept);
    for finding in &seen.judgement.findings {
        let known = seen.input.record.incidents.iter().find(|incident| belongs(incident, finding));
        // There are few codes and groups, and many targets and tasks.
        let is_one_of_few = matches!(finding.subject, Subject::Service | Subject::Group(_));
        if let Some(known) = known {
            incidents.push(seen_again(known, finding, seen.input));
        } else {
            let Finding { code, subject, task, why, .. } = finding.clone();
            let mut incident = Incident::opened(code, subject, task, why, now);
            incident.confirmation.unproved = is_unproved(finding);
            incident.confirmation.confirmed = finding.confirm_seconds == 0;
            let has_room =
                if is_one_of_few { room.take_guard(&incident) } else { room.take(&incident) };
            if has_room {
                incidents.push(incident);
            }
        }
    }
    incidents
}

/// Returns the incidents that this check did not find and that are kept: those that may persist, and
/// those whose end must be reported.
fn not_found(seen: &Seen<'_>) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for known in &seen.input.record.incidents {
        if seen.judgement.findings.iter().any(|finding| belongs(known, finding)) {
            continue;
        }
        match ending(seen, known) {
            None => incidents.push(known.clone()),
            // Another incident reported the outage, and reports its end.
            Some(_) if known.alerted.is_none() && is_reported_by_another(seen, known) => {}
            Some(ending) if known.is_worth_an_end() => {
                let ending = known.ending.clone().or(Some(ending));
                incidents.push(Incident { ending, ..known.clone() });
            }
            // Found once and gone: a race with ECS that needs no alert.
            Some(_) => {}
        }
    }
    incidents
}

/// Whether an incident about its group, or about the crash loop of its service, reports it.
fn is_reported_by_another(seen: &Seen<'_>, one: &Incident) -> bool {
    let is_of_loop = |loops: &Incident| {
        let is_reported = loops.code == Code::KillLoop && loops.alerted.is_some();
        is_reported && !loops.is_over() && one.code == Code::Unhealthy
    };
    let incidents = &seen.input.record.incidents;
    incidents.iter().any(|other| impact::reports(other, one) || is_of_loop(other))
}

fn seen_again(known: &Incident, finding: &Finding, input: &PlanInput) -> Incident {
    // An incident that had no repair needs two checks from the time at which there is one.
    let proved_now = known.confirmation.unproved && finding.repair.is_some();
    let mut known = known.clone();
    if proved_now {
        known.confirmation.proved_at = Some(input.now);
    }
    let due = known.confirmed_from(finding.confirm_seconds) <= input.now;
    let confirmation = Confirmation {
        confirmed: (known.confirmation.confirmed && !proved_now) || due,
        unproved: is_unproved(finding),
        ..known.confirmation
    };
    Incident {
        code: finding.code.clone(),
        task: finding.task.clone(),
        why: finding.why.clone(),
        last_seen_at: input.now,
        seen: known.seen.saturating_add(1),
        confirmation,
        ending: None,
        ..known
    }
}

/// A fault that could be repaired if ownership of the target were proved, or if ECS knew the state
/// of its task.
fn is_unproved(finding: &Finding) -> bool {
    finding.code.repair().is_some() && finding.repair.is_none()
}

/// Ends every incident of a service that is no longer checked. Reported incidents get a resolved
/// alert; those that only another version knows stay, and those about a leftover that is still
/// registered.
pub(super) fn close_all(incidents: &[Incident], input: &PlanInput, why: &str) -> Vec<Incident> {
    let end = || Ending { at: input.now, why: why.to_owned(), superseded: false };
    let mut kept = Vec::new();
    for incident in incidents {
        if !incident.code.is_known() || may_be_registered(incident, input) {
            kept.push(incident.clone());
        } else if incident.is_worth_an_end() {
            let ending = incident.ending.clone().or_else(|| Some(end()));
            kept.push(Incident { ending, ..incident.clone() });
        }
    }
    kept
}
