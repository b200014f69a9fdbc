//! Decides whether an incident that a check did not find has ended, and how.
//!
//! "Not found" is not "over": an incident ends only if the check could judge its subject.

use super::impact;
use crate::code::{Code, Ends};
use crate::compare::Comparison;
use crate::expected::{
    ExpectedTargets, Requirement, has_left, is_of_a_stopped_container, named_groups,
};
use crate::finding::{Finding, Judgement};
use crate::ids::{Target, TargetGroupArn};
use crate::input::PlanInput;
use crate::judge::{is_served, knows_groups, serves_nobody};
use crate::ledger::{Ending, Incident};
use crate::observation::{HealthState, Missed, RegisteredTarget, TargetGroup};
use crate::occupant::{OtherTaskView, other_task_on};
use crate::subject::Subject;
use crate::time::spoken;
use crate::verdict::Decision;
use std::ops::ControlFlow;

/// The end of an incident in a group that its service has left, other than about a leftover of the
/// service. The text must not suggest that the target is gone.
const LEFT_GROUP: &str = "the service no longer uses the target group, and Portkeeper does not check what is registered there";

/// The end of an incident in a group to which no request is sent any longer.
const LEFT_BY_ALL: &str =
    "neither the service nor a load balancer uses the target group any longer";

/// The input for judging the end of an incident.
pub(super) struct Seen<'a> {
    pub input: &'a PlanInput,
    pub expected: &'a ExpectedTargets,
    pub comparison: &'a Comparison,
    pub judgement: &'a Judgement,
}

impl Seen<'_> {
    fn over(&self, why: impl Into<String>) -> Ending {
        Ending { at: self.input.now, why: why.into(), superseded: false }
    }

    fn superseded(&self, why: impl Into<String>) -> Ending {
        Ending { superseded: true, ..self.over(why) }
    }
}

/// Returns how an incident that this check did not find has ended; `None` if that is undetermined.
pub(super) fn ending(seen: &Seen<'_>, incident: &Incident) -> Option<Ending> {
    let observation = &seen.input.observation;
    let ends = incident.code.ends();
    if ends == Ends::Undetermined {
        return None;
    }
    let whole_service = !matches!(incident.subject, Subject::Target(..));
    if let Some(why) = observation.ending().filter(|_| whole_service) {
        return Some(seen.over(why));
    }
    if let ControlFlow::Break(ending) = ended_with_its_group(seen, incident, ends) {
        return ending;
    }
    match (ends, &incident.subject) {
        (Ends::Registered | Ends::Serving, Subject::Group(_)) => group_ended(seen, incident),
        (Ends::Registered, Subject::Target(..)) => missing_ended(seen, incident),
        (Ends::Serving, Subject::Target(..)) => unhealthy_ended(seen, incident),
        (Ends::Deregistered, Subject::Target(group, target)) => {
            unexplained_ended(seen, incident, group, target)
        }
        (Ends::NotUndone, _) => {
            let quiet_for = seen.input.now.secs_since(incident.last_seen_at);
            (quiet_for >= seen.input.policy.fight_window())
                .then(|| seen.over("the repairs are no longer undone"))
        }
        (Ends::TasksRun, _) => below_desired_ended(seen, incident),
        (Ends::Served, _) => no_traffic_ended(seen, incident),
        (Ends::TasksLive, _) => {
            let within = spoken(seen.input.policy.kill_loop_seconds);
            let out_of_scope = || seen.over(format!("no task failed within {within}"));
            observation.tasks_are_whole().then(out_of_scope)
        }
        (Ends::Registered | Ends::Serving | Ends::Deregistered | Ends::NotFound, subject) => {
            let judged = match subject {
                // In a deployment no check can judge whether the group should be in use.
                Subject::Group(group) => {
                    let is_judged = observation.uses_groups_of_tasks()
                        || !is_of_the_use_of_a_group(&incident.code)
                        || !incident.confirmation.confirmed;
                    is_judged && !may_be_unread(seen, group)
                }
                Subject::Task(task) => !seen
                    .expected
                    .undetermined
                    .iter()
                    .any(|undetermined| undetermined.task == *task),
                Subject::Service | Subject::Target(..) => true,
            };
            (judged && observation.tasks_are_whole()).then(|| seen.over("no longer found"))
        }
        (Ends::Undetermined, _) => None,
    }
}

/// Decides by its group about the end of an incident about a target, or about all targets of a
/// group, if the group decides it.
fn ended_with_its_group(
    seen: &Seen<'_>,
    incident: &Incident,
    ends: Ends,
) -> ControlFlow<Option<Ending>> {
    let group = match &incident.subject {
        Subject::Target(group, _) => group,
        Subject::Group(group) if ends != Ends::NotFound => group,
        Subject::Group(_) | Subject::Service | Subject::Task(_) => {
            return ControlFlow::Continue(());
        }
    };
    let observation = &seen.input.observation;
    let has_left = has_left(observation, group);
    match observation.target_groups.get(group) {
        Some(TargetGroup::Missing) => {
            ControlFlow::Break(Some(seen.over("its target group no longer exists")))
        }
        _ if has_left && !incident.is_of_a_leftover() => {
            ControlFlow::Break((!may_be_unread(seen, group)).then(|| seen.over(LEFT_GROUP)))
        }
        Some(TargetGroup::Found(found)) if has_left && found.load_balancers.is_empty() => {
            ControlFlow::Break(Some(seen.over(LEFT_BY_ALL)))
        }
        Some(TargetGroup::Found(_)) => ControlFlow::Continue(()),
        None => ControlFlow::Break(None),
    }
}

/// Whether the fault is that no request is sent to a group.
fn is_of_the_use_of_a_group(code: &Code) -> bool {
    matches!(code, Code::TargetGroupUnattached | Code::AzDisabled)
}

/// Returns the end of a finding about a registered target: it is no longer registered, a task
/// explains it, or it has another code now.
fn unexplained_ended(
    seen: &Seen<'_>,
    incident: &Incident,
    group: &TargetGroupArn,
    target: &Target,
) -> Option<Ending> {
    let found = seen.input.observation.found_group(group)?;
    if !found.targets.iter().any(|other| other.target == *target && other.is_registered()) {
        return Some(seen.over("the target is no longer registered"));
    }
    let claimed = seen
        .comparison
        .matched
        .iter()
        .find(|matched| matched.expected.group == *group && matched.expected.target == *target);
    let observation = &seen.input.observation;
    if claimed.is_some_and(|it| is_of_a_stopped_container(observation, &it.expected))
        && other_task_on(observation, group, target) == OtherTaskView::NotKnown
    {
        return None;
    }
    let explained = seen
        .judgement
        .verdicts
        .iter()
        .any(|it| it.subject == incident.subject && it.decision == Decision::Leave);
    if claimed.is_some() || explained {
        return Some(seen.over("the target belongs to a task now"));
    }
    let other =
        seen.judgement.findings.iter().find(|finding| finding.subject == incident.subject)?;
    Some(seen.superseded(format!("superseded by {}", other.code)))
}

/// Returns the end of an incident about a group, which reports those about its targets: it ends with
/// the last of them.
fn group_ended(seen: &Seen<'_>, whole: &Incident) -> Option<Ending> {
    let known = &seen.input.record.incidents;
    let mut last = seen.over("no target of the group has this fault any longer");
    for one in known.iter().filter(|one| impact::reports(whole, one)) {
        let ending = ending(seen, one)?;
        last = if ending.superseded { ending } else { last };
    }
    seen.input.observation.tasks_are_whole().then_some(last)
}

/// A deployment that starts while tasks are missing does not restore them. It only suppresses
/// alerts that it may explain. A shortage that was confirmed lasts until a target is healthy: tasks
/// that run for seconds before they fail serve nobody.
fn below_desired_ended(seen: &Seen<'_>, incident: &Incident) -> Option<Ending> {
    let service = seen.input.observation.service.as_ref()?;
    let (running, wanted) = (service.running_count, service.wanted_count());
    if running >= wanted {
        let serves_nobody =
            || serves_nobody(&seen.input.observation, service, seen.expected, seen.comparison);
        let lasts = wanted > 0 && incident.confirmation.confirmed && serves_nobody();
        return (!lasts)
            .then(|| seen.over(format!("{running} of {wanted} desired tasks are running")));
    }
    (!incident.confirmation.confirmed).then(|| seen.over("a deployment is in progress"))
}

/// A confirmed outage lasts until a target is healthy, even while other findings report it and while
/// no task runs, or until the service's tasks are served through another group.
fn no_traffic_ended(seen: &Seen<'_>, incident: &Incident) -> Option<Ending> {
    let observation = &seen.input.observation;
    let service = observation.service.as_ref()?;
    let is_served =
        |group: &TargetGroupArn| is_served(observation, seen.expected, seen.comparison, group);
    let of_others = || named_groups(service).iter().any(is_served);
    let is_over = match &incident.subject {
        Subject::Group(group) => {
            let is_used = seen.expected.targets.iter().any(|it| it.group == *group);
            let is_left =
                !is_used && seen.expected.undetermined.is_empty() && observation.tasks_are_whole();
            is_served(group) || (is_left && of_others())
        }
        Subject::Service | Subject::Task(_) | Subject::Target(..) => of_others(),
    };
    if is_over {
        return Some(seen.over("a target of the service is healthy"));
    }
    if service.wanted_count() == 0 {
        return Some(seen.over("no task is desired"));
    }
    let others = || seen.superseded("other findings report the outage");
    (!incident.confirmation.confirmed && knows_groups(observation)).then(others)
}

/// The group, or the service that names it, could not be read.
fn may_be_unread(seen: &Seen<'_>, group: &TargetGroupArn) -> bool {
    seen.input.observation.gaps.iter().any(|gap| match &gap.what {
        Missed::TargetGroup(other) => other == group,
        Missed::Revisions | Missed::Service => true,
        _ => false,
    })
}

/// Neither failing nor in initial checks: the load balancer sends requests, or would.
fn serves(target: &RegisteredTarget) -> bool {
    // The group as a whole is not in use: that is another incident, or the idle half of a pair.
    target.is_not_in_use()
        || matches!(target.state, HealthState::Healthy | HealthState::Unavailable)
}

fn missing_ended(seen: &Seen<'_>, incident: &Incident) -> Option<Ending> {
    let Subject::Target(group, target) = &incident.subject else { return None };
    let here = |expected: &crate::expected::ExpectedTarget| {
        let same_task = incident.task.as_ref().is_none_or(|task| expected.task == *task);
        expected.group == *group && expected.target == *target && same_task
    };
    if let Some(matched) = seen.comparison.matched.iter().find(|matched| here(&matched.expected)) {
        let failing =
            seen.judgement.findings.iter().any(|finding| {
                finding.code == Code::Unhealthy && finding.subject == incident.subject
            });
        let told_as_unhealthy = failing
            && seen
                .input
                .record
                .incident(&Code::Unhealthy, &incident.subject)
                .is_some_and(|other| other.confirmation.confirmed);
        return match &matched.expected.requirement {
            Requirement::Optional(why) => Some(seen.over(format!("its task is {why}"))),
            Requirement::Required(_) if serves(&matched.registered) => {
                Some(seen.over(format!("registered and {}", matched.registered.state)))
            }
            Requirement::Required(_) if told_as_unhealthy => {
                Some(seen.superseded("registered; superseded by unhealthy"))
            }
            Requirement::Required(_) => None,
        };
    }
    // An alert about the group covers each task that is missing in it.
    let unattached = |finding: &Finding| {
        finding.code == Code::TargetGroupUnattached
            && finding.subject == Subject::Group(group.clone())
    };
    if seen.judgement.findings.iter().any(unattached) {
        return Some(seen.superseded(format!(
            "superseded by {} of its target group",
            Code::TargetGroupUnattached
        )));
    }
    if let Some((other, name)) = known_in_other_group(seen, target) {
        return Some(
            seen.superseded(format!("superseded by {} of the same target in {name}", other.code)),
        );
    }
    let claimed = seen.expected.targets.iter().any(here);
    let task_unclear = seen
        .expected
        .undetermined
        .iter()
        .any(|undetermined| Some(&undetermined.task) == incident.task.as_ref());
    let over = !claimed && !task_unclear && seen.input.observation.tasks_are_whole();
    over.then(|| seen.over("its task has stopped"))
}

/// Returns the fault of a target in the other group of a pair of which ECS may use either. While it
/// exists, no absence is reported.
fn known_in_other_group<'a>(seen: &'a Seen<'_>, target: &Target) -> Option<(&'a Finding, &'a str)> {
    if seen.input.observation.service.as_ref()?.uses_every_group() {
        return None;
    }
    let other = seen
        .comparison
        .unexpected
        .iter()
        .filter(|unexpected| !has_left(&seen.input.observation, &unexpected.group))
        .find(|unexpected| unexpected.registered.target == *target)?;
    let subject = Subject::Target(other.group.clone(), target.clone());
    let finding = seen.judgement.findings.iter().find(|finding| finding.subject == subject)?;
    Some((finding, other.group.name()))
}

fn unhealthy_ended(seen: &Seen<'_>, incident: &Incident) -> Option<Ending> {
    let Subject::Target(group, target) = &incident.subject else { return None };
    let found = seen.input.observation.found_group(group)?;
    match found.targets.iter().find(|other| other.target == *target && other.is_registered()) {
        Some(registered) if serves(registered) => {
            Some(seen.over(format!("the target is {}", registered.state)))
        }
        Some(_) => {
            seen.input.observation.tasks_are_whole().then(|| seen.over("its task has stopped"))
        }
        None => Some(seen.over("the target is no longer registered")),
    }
}

/// Whether the leftover that an incident is about is registered, or its group could not be read.
pub(super) fn may_be_registered(incident: &Incident, input: &PlanInput) -> bool {
    let observation = &input.observation;
    let Subject::Target(group, target) = &incident.subject else { return false };
    let unread = |gap: &crate::observation::Gap| gap.what == Missed::TargetGroup(group.clone());
    let registered = observation.found_group(group).is_some_and(|found| {
        found.targets.iter().any(|other| other.target == *target && other.is_registered())
    });
    incident.is_of_a_leftover() && (registered || observation.gaps.iter().any(unread))
}
