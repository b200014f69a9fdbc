//! Chooses the alerts that are due: one message for each code and change of state.

use super::attribution::Causes;
use super::impact::{self, Impacts};
use crate::alert::{Alert, AlertItem, AlertState, Cause};
use crate::code::{Code, Severity};
use crate::ids::ServiceKey;
use crate::ledger::{Alerted, Ending, Incident};
use crate::policy::Policy;
use crate::subject::Subject;
use crate::time::Timestamp;
use crate::verdict::{Decision, Verdict};
use std::collections::BTreeMap;

/// The input for alerts.
pub(super) struct AlertInput<'a> {
    pub key: &'a ServiceKey,
    pub owner: Option<&'a str>,
    pub incidents: &'a [Incident],
    /// The incidents that a guard's alert names.
    pub suppressed: &'a [Subject],
    pub verdicts: &'a [Verdict],
    pub impacts: &'a Impacts<'a>,
    pub causes: &'a Causes<'a>,
    pub policy: &'a Policy,
    pub now: Timestamp,
}

impl AlertInput<'_> {
    /// Returns the alerts that are due, opened before resolved, so that a resolved one never
    /// arrives alone.
    pub(super) fn due(&self) -> Vec<Alert> {
        // I-INCIDENT: "an end is never reported without its beginning"
        let mut grouped: BTreeMap<(AlertState, Code), Vec<&Incident>> = BTreeMap::new();
        // An incident that only another version knows is reported by that version.
        for incident in self.incidents.iter().filter(|incident| incident.code.is_known()) {
            let states = [self.begin_or_change(incident), end(incident)];
            for state in states.into_iter().flatten() {
                grouped.entry((state, incident.code.clone())).or_default().push(incident);
            }
        }
        grouped
            .into_iter()
            .map(|((state, code), incidents)| self.alert(state, code, &incidents))
            .collect()
    }

    /// Returns the state to publish for an open incident that was not reported yet, or not like
    /// this.
    fn begin_or_change(&self, incident: &Incident) -> Option<AlertState> {
        let over = incident.is_over();
        let suppressed = !over
            && incident.code.may_be_suppressed()
            && self.suppressed.contains(&incident.subject);
        let waits = suppressed || self.incidents.iter().any(|it| impact::reports(it, incident));
        if !incident.confirmation.confirmed || waits {
            return None;
        }
        let Some(alerted) = &incident.alerted else { return Some(AlertState::Opened) };
        let seen_now = !over && incident.last_seen_at == self.now;
        let published = alerted.severity();
        let escalated = self.impacts.severity(incident) > published;
        let remind = self.policy.remind_seconds;
        let long_ago = remind > 0 && self.now.secs_since(alerted.at) >= remind;
        if seen_now && (incident.is_renamed() || escalated) {
            Some(AlertState::Escalated)
        } else if seen_now && long_ago && published > Severity::Warning {
            Some(AlertState::Reminder)
        } else {
            None
        }
    }

    fn alert(&self, state: AlertState, code: Code, incidents: &[&Incident]) -> Alert {
        let item = |incident: &&Incident| {
            if state.is_end() { self.ended_item(incident) } else { self.open_item(incident) }
        };
        let mut items: Vec<AlertItem> = incidents.iter().map(item).collect();
        items.sort_by(|left, right| left.subject.cmp(&right.subject));
        // A resolved alert has the severity of its opened one: a filter by severity passes both or
        // neither.
        let loud = |incident: &&Incident| {
            if state.is_end() {
                published_severity(incident)
            } else {
                self.impacts.severity(incident)
            }
        };
        let severity = incidents.iter().map(loud).max().unwrap_or(Severity::Info);
        let impact = self.impacts.told_with(&code).filter(|_| !state.is_end());
        let owner = self.owner.map(str::to_owned);
        Alert { key: self.key.clone(), owner, code, state, severity, impact, items, at: self.now }
    }

    fn open_item(&self, incident: &Incident) -> AlertItem {
        let verdict = self.verdict(incident);
        let step = |verdict: &Verdict| match verdict.decision {
            Decision::Repair(kind) => Some(kind),
            _ => None,
        };
        // The repairs of a group are those of its targets.
        let of_parts = self.parts(incident).filter_map(|one| self.verdict(one)).find_map(step);
        let own = verdict.filter(|_| of_parts.is_none());
        AlertItem {
            why: own.map_or_else(|| incident.why.clone(), |verdict| verdict.why.clone()),
            repair: verdict.and_then(step).or(of_parts),
            withheld: verdict.is_some_and(|verdict| verdict.decision == Decision::Withheld),
            ..self.item(incident)
        }
    }

    fn verdict(&self, incident: &Incident) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| {
            verdict.subject == incident.subject && verdict.code.as_ref() == Some(&incident.code)
        })
    }

    /// The incidents that this one about a group reports.
    fn parts(&self, whole: &Incident) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(move |one| impact::reports(whole, one))
    }

    /// Returns the call that led to an incident; for a group, only if the same actor caused it for
    /// each of the targets.
    fn cause(&self, incident: &Incident) -> Option<Cause> {
        let mut parts = self.parts(incident).peekable();
        if parts.peek().is_none() {
            return self.causes.of(incident);
        }
        // I-CAUSE: "If a call may have led to something else, no caller is named."
        let causes: Vec<Cause> = parts.map(|one| self.causes.of(one)).collect::<Option<_>>()?;
        let last = causes.iter().max_by_key(|cause| cause.at)?;
        causes.iter().all(|cause| cause.by == last.by).then(|| last.clone())
    }

    fn ended_item(&self, incident: &Incident) -> AlertItem {
        let item = self.item(incident);
        match &incident.ending {
            Some(Ending { at, why, .. }) => {
                AlertItem { why: why.clone(), ended_at: Some(*at), ..item }
            }
            None => item,
        }
    }

    fn item(&self, incident: &Incident) -> AlertItem {
        AlertItem {
            subject: incident.subject.clone(),
            task: incident.task.clone(),
            since: incident.opened_at,
            ended_at: None,
            seen: incident.seen,
            why: incident.why.clone(),
            repair: None,
            withheld: false,
            cause: self.cause(incident),
        }
    }
}

/// Returns the severity of the last alert, or before that the severity of the code.
fn published_severity(incident: &Incident) -> Severity {
    incident.alerted.as_ref().map_or_else(|| incident.code.severity(), Alerted::severity)
}

/// Returns the state to publish for an incident that has ended.
fn end(incident: &Incident) -> Option<AlertState> {
    let ending = incident.ending.as_ref().filter(|_| incident.is_worth_an_end())?;
    Some(if ending.superseded { AlertState::Superseded } else { AlertState::Resolved })
}
