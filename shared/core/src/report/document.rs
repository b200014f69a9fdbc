//! The alert as programs read it. `docs/alert.schema.json` describes it; members that are not in
//! the schema are not a contract.
//!
//! Members may be added within a version. A change of meaning is a new version.

use super::attribution::{self, DocumentCause};
use super::links::{self, Link};
use super::subject_line::{SUBJECT_LIMIT, ascii, shorten, subject_line};
use super::{cut, words};
use crate::action::{ActionKind, OutcomeResult, WriteOutcome};
use crate::alert::{Alert, AlertItem, AlertState, Impact};
use crate::code::{Code, Severity};
use crate::ids::{TargetGroupArn, TaskArn};
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The value of `schema` in every document.
pub const SCHEMA: &str = "portkeeper.alert";

/// The version that this program writes and reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The number of characters of a service's name that every subject contains.
const SHORTEST_NAME: usize = 24;

/// The number of items of one alert in the document; the rest are counted.
const MOST_ITEMS: usize = 50;

/// The maximum size of a document in bytes. SNS accepts 256 KB for all forms together, and the text
/// repeats twenty of the items.
const MOST_BYTES: usize = 60_000;

/// The maximum number of characters of one reason. Some contain AWS's messages.
const LONGEST_WHY: usize = 1_000;

/// An alert with everything that any form shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// `portkeeper.alert`
    pub schema: String,
    pub version: u32,
    /// Identifies this alert. Of two alerts with the same id, one is a repetition.
    pub id: String,
    /// The state: opened, changed or ended.
    pub state: AlertState,
    /// The severity.
    pub severity: Severity,
    /// The finding code.
    pub code: Code,
    /// One line: finding, service, time, target.
    pub title: String,
    /// The meaning of the code.
    pub meaning: String,
    /// The expected state.
    pub expected: String,
    /// The state that was found instead.
    pub found: String,
    pub account: String,
    pub region: String,
    pub cluster: String,
    pub service: String,
    /// The owner: the service's tag `portkeeper:owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The time of the check.
    pub at: Timestamp,
    /// How many tasks receive no traffic, for findings about traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// The first of the items that it is about.
    pub items: Vec<DocumentItem>,
    /// How many more items there are.
    pub more: usize,
    /// The cause in words, or that it is unknown. Absent if the finding needs no cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What the operator should do now.
    pub what_to_do: Vec<String>,
    /// Links into the AWS console.
    pub links: Vec<Link>,
}

/// One item that an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentItem {
    /// The item as text: a target group's name and a target, a task, or `service`.
    pub about: String,
    /// Identifies the incident: later alerts about it have the same value.
    pub incident: String,
    /// The target group, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<TargetGroupArn>,
    /// The target with its port, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The task, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// The first check that found it.
    pub since: Timestamp,
    /// The check that found it resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Seconds from the first check to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_seconds: Option<u32>,
    /// How many checks found it.
    pub seen: u32,
    /// Why it is a finding, or how it ended.
    pub why: String,
    /// The result of the repair, if Portkeeper decided on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The API call that caused it. Absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<DocumentCause>,
}

impl Document {
    /// Returns the document of an alert, after the plan's writes.
    pub(super) fn of(alert: &Alert, outcomes: &[WriteOutcome]) -> Self {
        let cluster = &alert.key.cluster;
        let (expected, found) = words::contrast(&alert.code);
        let document = Self {
            schema: SCHEMA.to_owned(),
            version: SCHEMA_VERSION,
            id: id(alert),
            state: alert.state,
            severity: alert.severity,
            code: alert.code.clone(),
            title: title(alert, outcomes),
            meaning: words::meaning(&alert.code).to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
            account: cluster.account().to_owned(),
            region: cluster.region().to_owned(),
            cluster: cluster.name().to_owned(),
            service: alert.key.service.clone(),
            owner: alert.owner.clone(),
            at: alert.at,
            impact: alert.impact,
            items: alert
                .items
                .iter()
                .take(MOST_ITEMS)
                .map(|it| item(alert, it, outcomes))
                .collect(),
            more: alert.items.len().saturating_sub(MOST_ITEMS),
            who: attribution::cause_text(alert),
            what_to_do: if alert.state.is_end() { Vec::new() } else { what_to_do(alert, outcomes) },
            links: links::links(&alert.key, &alert.items),
        };
        document.within(MOST_BYTES)
    }

    /// Returns the same document with as many items as fit into this many bytes, at least one.
    fn within(mut self, bytes: usize) -> Self {
        while self.items.len() > 1 && self.to_json().len() > bytes {
            self.items.pop();
            self.more += 1;
        }
        self
    }

    /// Returns the document as JSON on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // The keys are strings and the numbers integers, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns how many items it is about.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len() + self.more
    }
}

/// Identifies an alert by its content, so that a later check that sends it again uses the same id.
/// The id of an alert that may repeat for the same items also contains the time.
fn id(alert: &Alert) -> String {
    let since = alert.items.iter().map(|item| item.since).min().unwrap_or(alert.at);
    let first = alert.items.first().map(|item| item.subject.to_string()).unwrap_or_default();
    let id = format!(
        "{}/{}/{}/{since}/{}/{first}",
        alert.key,
        alert.code,
        alert.state.as_str(),
        alert.items.len()
    );
    match alert.state {
        AlertState::Escalated | AlertState::Reminder => format!("{id}/{}", alert.at),
        AlertState::Opened | AlertState::Superseded | AlertState::Resolved => id,
    }
}

fn item(alert: &Alert, item: &AlertItem, outcomes: &[WriteOutcome]) -> DocumentItem {
    let AlertItem { subject, task, since, ended_at, seen, why, .. } = item;
    let target = match subject {
        Subject::Target(_, target) => Some(target.to_string()),
        _ => None,
    };
    DocumentItem {
        about: subject.readable(),
        incident: format!("{} {} {subject} {since}", alert.key, alert.code.family()),
        target_group: subject.group().cloned(),
        target,
        task: task.clone(),
        since: *since,
        ended_at: *ended_at,
        took_seconds: ended_at.map(|ended_at| ended_at.secs_since(*since)),
        seen: *seen,
        why: cut(why, LONGEST_WHY),
        done: done(item, outcomes).map(|text| cut(&text, LONGEST_WHY)),
        cause: item.cause.as_ref().map(DocumentCause::of),
    }
}

/// Returns SNS's subject: finding, service, time, target.
fn title(alert: &Alert, outcomes: &[WriteOutcome]) -> String {
    let what = match alert.items.as_slice() {
        [only] => only.subject.readable(),
        several => format!("{} {}", several.len(), plural(several)),
    };
    let state = match alert.state {
        AlertState::Opened if all_done(alert, outcomes) => "repaired: ",
        AlertState::Opened => "",
        other => &format!("{}: ", other.as_str()),
    };
    let since = alert.items.iter().map(|item| item.since).min().unwrap_or(alert.at);
    let when = match alert.items.iter().filter_map(|item| item.ended_at).max() {
        Some(ended_at) => format!("after {}", spoken(ended_at.secs_since(since))),
        None => format!("since {}", since.readable()),
    };
    let (before, after) = (format!("{state}{} in ", alert.code), format!(" {when}: {what}"));
    // A long name is cut first: the time says more than the end of a name.
    let room = SUBJECT_LIMIT.saturating_sub(before.len() + after.len()).max(SHORTEST_NAME);
    let name = shorten(&ascii(&alert.key.to_string()), room);
    subject_line(&format!("{before}{name}{after}"))
}

/// What the items of an alert are. One code is about one kind of subject, with few exceptions.
fn plural(items: &[AlertItem]) -> &'static str {
    let all = |is_it: fn(&Subject) -> bool| items.iter().all(|item| is_it(&item.subject));
    if all(|subject| matches!(subject, Subject::Target(..))) {
        "targets"
    } else if all(|subject| matches!(subject, Subject::Task(_))) {
        "tasks"
    } else if all(|subject| matches!(subject, Subject::Group(_))) {
        "target groups"
    } else {
        "findings"
    }
}

fn all_done(alert: &Alert, outcomes: &[WriteOutcome]) -> bool {
    alert.items.iter().all(|item| matches!(result_of(item, outcomes), Some(OutcomeResult::Done)))
}

fn result_of<'a>(item: &AlertItem, outcomes: &'a [WriteOutcome]) -> Option<&'a OutcomeResult> {
    let Subject::Target(group, target) = &item.subject else { return None };
    let found = outcomes.iter().find(|outcome| {
        outcome.group == *group && outcome.target == *target && Some(outcome.kind) == item.repair
    });
    found.map(|outcome| &outcome.result)
}

/// The state of one item of an alert. What the operator should do follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ItemState {
    /// Only an operator can act.
    NeedsPerson,
    /// AWS refused the repair.
    Refused(ActionKind),
    /// A guard withholds the repair.
    Withheld,
    /// The repair is still to come, or its result is unknown.
    Pending,
    /// Repaired.
    Done,
}

impl ItemState {
    fn of(item: &AlertItem, outcomes: &[WriteOutcome]) -> Self {
        match (item.repair, result_of(item, outcomes)) {
            (None, _) if item.withheld => Self::Withheld,
            (None, _) => Self::NeedsPerson,
            (Some(_), Some(OutcomeResult::Done)) => Self::Done,
            (Some(kind), Some(OutcomeResult::Refused(_))) => Self::Refused(kind),
            (Some(_), Some(OutcomeResult::Failed(_) | OutcomeResult::Skipped(_)) | None) => {
                Self::Pending
            }
        }
    }

    /// Distinguishes the items of one alert if they have different states.
    fn label(self) -> &'static str {
        match self {
            Self::NeedsPerson => "where Portkeeper does not act: ",
            Self::Refused(_) => "where AWS refused: ",
            Self::Withheld => "where a guard withholds the repair: ",
            Self::Pending => "where the repair is pending: ",
            Self::Done => "where the repair is done: ",
        }
    }
}

/// Returns one line for each state among the items.
fn what_to_do(alert: &Alert, outcomes: &[WriteOutcome]) -> Vec<String> {
    let states: BTreeSet<ItemState> =
        alert.items.iter().map(|item| ItemState::of(item, outcomes)).collect();
    let several = states.len() > 1;
    let line = |state: ItemState| {
        let label = if several { state.label() } else { "" };
        format!("{label}{}", advice_for(&alert.code, state))
    };
    states.into_iter().map(line).collect()
}

fn advice_for(code: &Code, state: ItemState) -> String {
    let hijacked = code.misdirects_traffic();
    match state {
        ItemState::NeedsPerson => words::advice(code).to_owned(),
        ItemState::Done if hijacked => {
            "none here. Requests reached another service until now: check that service for damage".to_owned()
        }
        ItemState::Done => "none. If it recurs, check the service's events for ECS errors".to_owned(),
        ItemState::Pending if hijacked => {
            "wait one or two minutes for the repair, or deregister the target by hand".to_owned()
        }
        ItemState::Pending => "none yet: Portkeeper checks the service again".to_owned(),
        ItemState::Refused(kind) => {
            let now = if hijacked { " now" } else { "" };
            format!("fix what AWS reports above, or {} the target by hand{now}", kind.verb())
        }
        ItemState::Withheld if hijacked => {
            "deregister the target by hand now: requests reach another service, and a guard withholds the repair".to_owned()
        }
        ItemState::Withheld => {
            "read the alert of the guard that withholds the repair (limit_exceeded or fight), then repair the target by hand if the repair is correct".to_owned()
        }
    }
}

fn done(item: &AlertItem, outcomes: &[WriteOutcome]) -> Option<String> {
    let kind = item.repair?;
    let past = match kind {
        ActionKind::Register => "Registered.",
        ActionKind::Deregister => "Deregistered.",
    };
    if let Subject::Group(group) = &item.subject {
        let is_done = |outcome: &&WriteOutcome| {
            outcome.group == *group && outcome.kind == kind && outcome.result == OutcomeResult::Done
        };
        let count = outcomes.iter().filter(is_done).count();
        let (past, verb) = (past.trim_end_matches('.'), kind.verb());
        return Some(format!(
            "{past} so far: {count}. Portkeeper continues to {verb} its targets."
        ));
    }
    Some(match result_of(item, outcomes) {
        Some(OutcomeResult::Done) => past.to_owned(),
        Some(OutcomeResult::Refused(text)) => format!("AWS refused to {} it: {text}", kind.verb()),
        Some(OutcomeResult::Failed(text)) => {
            format!("The call to {} it failed: {text}. Portkeeper checks it again.", kind.verb())
        }
        Some(OutcomeResult::Skipped(text)) => {
            format!("Skipped: {text}. Portkeeper checks it again.")
        }
        None => format!("Portkeeper decided to {} it; the result is unknown so far.", kind.verb()),
    })
}
