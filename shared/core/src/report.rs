//! What people read: the text of an alert. Subject a person can act on, body with what, where, since when,
//! why, what was done and what to do next. Never a secret: it is made of names, ports and times only.

use crate::action::{ActionKind, Outcome, OutcomeResult};
use crate::alert::{Alert, AlertItem, AlertState};
use crate::code::Code;
use crate::ids::ServiceKey;
use crate::subject::Subject;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// SNS takes subjects of fewer than 100 characters, ASCII only (SNS API `Publish`).
const SUBJECT_LIMIT: usize = 99;

/// So many things of one alert are listed; the rest are counted. Keeps the body far below SNS's 256 KB.
const LISTED_ITEMS: usize = 20;

/// A message for SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// ASCII, one line, short enough for SNS.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For filter policies: `severity`, `code`, `cluster`, `service`, `state`.
    pub attributes: BTreeMap<String, String>,
}

/// The message for an alert, once the plan's writes were made.
#[must_use]
pub fn message(alert: &Alert, outcomes: &[Outcome]) -> Message {
    let state = match alert.state {
        AlertState::Opened => "opened",
        AlertState::Resolved => "resolved",
    };
    let attributes = BTreeMap::from([
        ("severity".to_owned(), alert.severity.as_str().to_owned()),
        ("code".to_owned(), alert.code.to_string()),
        ("cluster".to_owned(), alert.key.cluster.name().to_owned()),
        ("service".to_owned(), alert.key.service.clone()),
        ("state".to_owned(), state.to_owned()),
    ]);
    Message { subject: subject(alert, outcomes), body: body(alert, outcomes), attributes }
}

fn subject(alert: &Alert, outcomes: &[Outcome]) -> String {
    let what = match alert.items.as_slice() {
        [only] => only.subject.to_string(),
        several => format!("{} of them", several.len()),
    };
    let state = match alert.state {
        AlertState::Resolved => "resolved: ",
        AlertState::Opened if all_done(alert, outcomes) => "repaired: ",
        AlertState::Opened => "",
    };
    let line = format!("{state}{} in {}: {what}", alert.code, alert.key);
    let mut line: String = line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if line.len() > SUBJECT_LIMIT {
        line.truncate(SUBJECT_LIMIT - 3);
        line.push_str("...");
    }
    line
}

fn all_done(alert: &Alert, outcomes: &[Outcome]) -> bool {
    alert.items.iter().all(|item| matches!(result_of(item, outcomes), Some(OutcomeResult::Done)))
}

fn result_of<'a>(item: &AlertItem, outcomes: &'a [Outcome]) -> Option<&'a OutcomeResult> {
    let Subject::Target(group, target) = &item.subject else { return None };
    let found = outcomes
        .iter()
        .find(|outcome| outcome.group == *group && outcome.target == *target && Some(outcome.kind) == item.repair);
    found.map(|outcome| &outcome.result)
}

fn body(alert: &Alert, outcomes: &[Outcome]) -> String {
    let key = &alert.key;
    let mut text = String::new();
    let end = if alert.state == AlertState::Resolved { " (resolved)" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}{end}: {}", alert.code, meaning(&alert.code));
    let _ = writeln!(text, "Service {key} in {}, severity {}\n", key.cluster.region(), alert.severity.as_str());
    for item in alert.items.iter().take(LISTED_ITEMS) {
        let _ = writeln!(text, "- {}, since {}", item.subject, item.since);
        let _ = writeln!(text, "  {}", item.why);
        if let Some(done) = done(item, outcomes) {
            let _ = writeln!(text, "  {done}");
        }
    }
    if alert.items.len() > LISTED_ITEMS {
        let _ = writeln!(text, "- and {} more", alert.items.len() - LISTED_ITEMS);
    }
    if alert.state == AlertState::Opened {
        what_to_do(alert, outcomes, &mut text);
    }
    let _ = write!(text, "\n{}", console_link(key));
    text
}

/// How things stand with one thing of an alert. What a person does follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    /// Nobody but a person does anything about it.
    Theirs,
    /// AWS does not let it be repaired.
    Refused(ActionKind),
    /// A guard holds the repair back.
    Withheld,
    /// The repair was not made yet, or it is not known.
    Waits,
    /// Repaired.
    Done,
}

impl Stand {
    fn of(item: &AlertItem, outcomes: &[Outcome]) -> Self {
        match (item.repair, result_of(item, outcomes)) {
            (None, _) if item.withheld => Self::Withheld,
            (None, _) => Self::Theirs,
            (Some(_), Some(OutcomeResult::Done)) => Self::Done,
            (Some(kind), Some(OutcomeResult::Refused(_))) => Self::Refused(kind),
            (Some(_), Some(OutcomeResult::Failed(_) | OutcomeResult::Skipped(_)) | None) => Self::Waits,
        }
    }

    /// Tells the things of one alert apart, where they do not all stand alike.
    fn label(self) -> &'static str {
        match self {
            Self::Theirs => " where nothing is done",
            Self::Refused(_) => " where AWS refused",
            Self::Withheld => " where the repair is held back",
            Self::Waits => " where the repair is still to come",
            Self::Done => " where it was repaired",
        }
    }
}

/// One line for each way in which the things of the alert stand.
fn what_to_do(alert: &Alert, outcomes: &[Outcome], text: &mut String) {
    let stands: BTreeSet<Stand> = alert.items.iter().map(|item| Stand::of(item, outcomes)).collect();
    text.push('\n');
    for stand in &stands {
        let label = if stands.len() > 1 { stand.label() } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "What to do{label}: {}", advice_for(&alert.code, *stand));
    }
}

fn advice_for(code: &Code, stand: Stand) -> String {
    let hijacked = *code == Code::Hijacked;
    match stand {
        Stand::Theirs => advice(code).to_owned(),
        Stand::Done if hijacked => {
            "nothing more here; requests reached the wrong program until now, so look whether they did harm there".to_owned()
        }
        Stand::Done => "nothing; if it comes back, look at the service's events for ECS's own errors".to_owned(),
        Stand::Waits if hijacked => {
            "nothing, if a minute or two can be waited for; else deregister the target by hand".to_owned()
        }
        Stand::Waits => "nothing yet: it is looked at again by itself".to_owned(),
        Stand::Refused(kind) => {
            let now = if hijacked { " now" } else { "" };
            format!("read above what AWS answered and mend that, or {} the target by hand{now}", kind.verb())
        }
        Stand::Withheld if hijacked => {
            "requests reach the wrong program and a guard holds the repair back: deregister the target by hand now".to_owned()
        }
        Stand::Withheld => {
            "read the alert of the guard that holds it back (limit_exceeded or fight); then repair it by hand, if it is right".to_owned()
        }
    }
}

fn done(item: &AlertItem, outcomes: &[Outcome]) -> Option<String> {
    let kind = item.repair?;
    let past = match kind {
        ActionKind::Register => "Registered.",
        ActionKind::Deregister => "Deregistered.",
    };
    Some(match result_of(item, outcomes) {
        Some(OutcomeResult::Done) => past.to_owned(),
        Some(OutcomeResult::Refused(text)) => format!("AWS refused to {} it: {text}", kind.verb()),
        Some(OutcomeResult::Failed(text)) => {
            format!("The call to {} it failed: {text}. It will be looked at again.", kind.verb())
        }
        Some(OutcomeResult::Skipped(text)) => format!("Not tried: {text}. It will be looked at again."),
        None => format!("It was decided to {} it; no answer is known yet.", kind.verb()),
    })
}

/// What a code means, in one sentence.
#[must_use]
pub fn meaning(code: &Code) -> &'static str {
    match code {
        Code::Missing => "a running task's target is not registered, so it gets no traffic",
        Code::Stale => "a stopped task's target is still registered",
        Code::Hijacked => "a stopped task's target is still registered and leads to another service's program",
        Code::Misplaced => "a task's target is registered in a group that is not its revision's",
        Code::WrongPort => "the right instance or address is registered with a port that is not load-balanced",
        Code::Foreign => "nothing in ECS explains a registered target",
        Code::Unhealthy => "a registered target keeps failing its health checks",
        Code::TargetGroupMissing => "the service's target group does not exist",
        Code::TargetGroupUnattached => "the service's target group gets no requests from any load balancer",
        Code::TargetTypeMismatch => "the target group takes another kind of target than the service's tasks are",
        Code::IpFamilyMismatch => "the service's tasks have no address of the target group's IP family",
        Code::AzAllNeeded => "a task's address is outside the target group's VPC, where ECS cannot register it",
        Code::AzDisabled => "targets get no requests although their group has a load balancer",
        Code::BindingsMissing => "a running task has no usable port binding or address",
        Code::AgentDisconnected => "a container instance's agent has been out of contact for long",
        Code::AmbiguousRevision => "it cannot be told which revision or task set a task belongs to",
        Code::KillLoop => "tasks are stopped again and again for failed load balancer health checks",
        Code::BelowDesired => "fewer tasks run than are wanted, and no deployment is in progress",
        Code::Fight => "somebody undoes Portkeeper's repairs of a target",
        Code::LimitExceeded => "a guard withheld repairs",
        Code::Unknown(_) => "a finding that this version does not know",
    }
}

/// What a person does about a code where Portkeeper does nothing.
#[must_use]
pub fn advice(code: &Code) -> &'static str {
    match code {
        Code::Missing => {
            "register the target by hand, and look at the service's events for ECS's own errors; in mode repair Portkeeper does it"
        }
        Code::Stale => "make sure that nobody needs the target, and deregister it by hand",
        Code::Hijacked => "requests reach the wrong program: deregister the target by hand now",
        Code::Misplaced | Code::WrongPort | Code::Foreign => {
            "find out who registered it; deregister it by hand if nobody wants it. Portkeeper will not touch it without proof"
        }
        Code::Unhealthy => {
            "check what is said beside each target: the program, the health check's path and codes, or the security group"
        }
        Code::TargetGroupMissing => {
            "create the service anew with an existing target group, or update its load balancers"
        }
        Code::TargetGroupUnattached => "let a listener or a rule of a load balancer forward to the group",
        Code::TargetTypeMismatch => {
            "use a group of type ip for awsvpc tasks, of type instance for bridge and host mode"
        }
        Code::IpFamilyMismatch => "use a group of the tasks' IP family, or give the tasks an address of the group's",
        Code::AzAllNeeded => {
            "let Portkeeper register such addresses (parameter AzAll), register them by hand with the Availability Zone `all`, or use a group of the tasks' VPC"
        }
        Code::AzDisabled => {
            "enable the target's zone for the load balancer, or add a listener that forwards to the group"
        }
        Code::BindingsMissing => "check that the task definition maps the load-balanced container port",
        Code::AgentDisconnected => {
            "check the ECS agent on the instance; until it is back nothing is deregistered there"
        }
        Code::AmbiguousRevision => {
            "compare the task's startedBy with the service's revisions; nothing is changed for it"
        }
        Code::KillLoop => {
            "see why the health checks fail; give a program that starts slowly a longer health check grace period, and check path, port and security group"
        }
        Code::BelowDesired => {
            "read the service's events and the stopped tasks' reasons: places, image, permissions, or a program that ends"
        }
        Code::Fight => {
            "find the other writer (Terraform attachment, script, second Portkeeper) and stop one of the two"
        }
        Code::LimitExceeded => "look at what is listed; raise the limits or repair by hand if it is right",
        Code::Unknown(_) => "update Portkeeper",
    }
}

/// The service in the console of its partition and region.
fn console_link(key: &ServiceKey) -> String {
    let region = key.cluster.region();
    let host = match key.cluster.partition() {
        "aws-cn" => "console.amazonaws.cn".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => format!("{region}.console.aws.amazon.com"),
    };
    format!("https://{host}/ecs/v2/clusters/{}/services/{}?region={region}", key.cluster.name(), key.service)
}
