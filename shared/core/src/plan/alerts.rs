//! Which incidents people are told of now: one message for each code and change of state.

use crate::alert::{Alert, AlertItem, AlertState};
use crate::code::{Code, Severity};
use crate::ids::ServiceKey;
use crate::ledger::Incident;
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::{Decision, Verdict};
use std::collections::BTreeMap;

/// The alerts that are due: begins before ends, so that an end never arrives alone.
pub(super) fn due(
    key: &ServiceKey,
    incidents: &[Incident],
    hushed: &[Subject],
    verdicts: &[Verdict],
    now: Timestamp,
) -> Vec<Alert> {
    let mut grouped: BTreeMap<(AlertState, Code), Vec<AlertItem>> = BTreeMap::new();
    for incident in incidents {
        let over = incident.resolved_at.is_some();
        let told = incident.alerted_at.is_some();
        // A guard's alert names what it withholds, but requests that reach the wrong program are worth their own.
        let quieter = incident.code != Code::LimitExceeded && incident.code.severity() < Severity::Critical;
        let waits = !over && quieter && hushed.contains(&incident.subject);
        if incident.confirmed && !told && !waits {
            let item = opened_item(incident, verdicts);
            grouped.entry((AlertState::Opened, incident.code.clone())).or_default().push(item);
        }
        if let Some(resolved_at) = incident.resolved_at.filter(|_| told || incident.confirmed) {
            let item = resolved_item(incident, resolved_at);
            grouped.entry((AlertState::Resolved, incident.code.clone())).or_default().push(item);
        }
    }
    let alert = |((state, code), mut items): ((AlertState, Code), Vec<AlertItem>)| {
        items.sort_by(|left, right| left.subject.cmp(&right.subject));
        let severity = if state == AlertState::Opened { code.severity() } else { Severity::Info };
        Alert { key: key.clone(), code, state, severity, items, at: now }
    };
    grouped.into_iter().map(alert).collect()
}

fn opened_item(incident: &Incident, verdicts: &[Verdict]) -> AlertItem {
    let verdict = verdicts
        .iter()
        .find(|verdict| verdict.subject == incident.subject && verdict.code.as_ref() == Some(&incident.code));
    let repair = verdict.and_then(|verdict| match verdict.decision {
        Decision::Repair(kind) => Some(kind),
        _ => None,
    });
    AlertItem {
        subject: incident.subject.clone(),
        since: incident.opened_at,
        why: verdict.map_or_else(|| incident.why.clone(), |verdict| verdict.why.clone()),
        repair,
        withheld: verdict.is_some_and(|verdict| verdict.decision == Decision::Withheld),
    }
}

fn resolved_item(incident: &Incident, resolved_at: Timestamp) -> AlertItem {
    let took = spoken(resolved_at.secs_since(incident.opened_at));
    let ending = incident.ending.as_deref().unwrap_or("no longer seen");
    AlertItem {
        subject: incident.subject.clone(),
        since: incident.opened_at,
        why: format!("{ending}, {took} after it was first seen"),
        repair: None,
        withheld: false,
    }
}
