//! The proof that a registered target belonged to this service, and what disproves it.
//!
//! AWS facts: F-1.4, F-10.3.

use super::health;
use crate::action::TargetZone;
use crate::address::{Occupied, last_occupied};
use crate::api_call::Operation;
use crate::code::Code;
use crate::compare::{Unexpected, may_get_only_later};
use crate::expected::{ExpectedTargets, FormerTarget};
use crate::finding::Judgement;
use crate::ids::{Target, TargetGroupArn, TaskArn};
use crate::input::PlanInput;
use crate::ledger::LedgerRecord;
use crate::observation::{HealthState, Observation, RegisteredTarget, Task};
use crate::occupant::{Answerer, OtherTaskView, answerer, covers_all_clusters, other_task_on};
use crate::subject::Subject;
use crate::time::Timestamp;

/// The evidence that a target belonged to this service.
pub(super) enum Proof<'a> {
    /// ECS still lists the stopped task that had the target.
    FormerTarget(&'a FormerTarget),
    /// The ledger holds it, and ECS, asked by name, confirms that its task has stopped or is
    /// MISSING.
    Ledger(&'a TaskArn),
    /// There was evidence, but another writer registered the target after the task had it.
    Disproved(&'a TaskArn, String),
    /// There is no evidence.
    None,
    /// The ledger holds it, and ECS was not asked about its task.
    Unverified,
}

pub(super) fn proof<'a>(
    input: &'a PlanInput,
    expected: &'a ExpectedTargets,
    group: &TargetGroupArn,
    target: &Target,
) -> Proof<'a> {
    let known = input.record.known_target(group, target);
    let seen_absent_at = known.and_then(|known| known.seen_absent_at);
    // The list of stopped tasks proves ownership only for tasks that stopped while the record was
    // kept: only then would the record show that the target was seen absent.
    let was_watched = |ended: &&FormerTarget| is_watched(&input.record, ended);
    // Several tasks may have had a reused address: ECS may still be deregistering for the last of
    // them, and a task that had it after it was seen absent proves ownership again.
    let here = |ended: &&FormerTarget| ended.group == *group && ended.target == *target;
    let ended = expected.ended.iter().filter(here).filter(was_watched);
    if let Some(last) = ended.max_by_key(|ended| ended.at)
        && !input.record.was_seen_absent(group, target, &last.task, last.at)
    {
        return match disproof(input, group, target, &last.task) {
            Some(why) => Proof::Disproved(&last.task, why),
            None => Proof::FormerTarget(last),
        };
    }
    if seen_absent_at.is_some() {
        return Proof::None;
    }
    let Some(known) = known else { return Proof::None };
    let listed = input.observation.tasks.iter().any(|task| task.arn == known.task);
    if !listed && !input.observation.gone_tasks.contains(&known.task) {
        return Proof::Unverified;
    }
    match disproof(input, group, target, &known.task) {
        Some(why) => Proof::Disproved(&known.task, why),
        None => Proof::Ledger(&known.task),
    }
}

/// Returns what shows that the registration is no longer the task's: ECS says that it deregistered
/// the task's targets, or another writer registered the target after the task had stopped. A call
/// proves nothing, but it disproves.
pub(super) fn disproof(
    input: &PlanInput,
    group: &TargetGroupArn,
    target: &Target,
    task: &TaskArn,
) -> Option<String> {
    let task = input.observation.tasks.iter().find(|it| it.arn == *task);
    // ECS deregisters without a zone, so it does not mean a registration with the zone `all`.
    let group_of = input.observation.found_group(group);
    let has_zone = group_of.is_some_and(|found| {
        found.targets.iter().any(|it| it.target == *target && TargetZone::of(it).is_some())
    });
    let is_over = |task: &Task| task.deregistered && task.last_status.is_over();
    if !has_zone && task.is_some_and(is_over) {
        return Some("ECS reports that it deregistered the target".to_owned());
    }
    let stopped_at = task.and_then(|task| task.stopped_at);
    if stopped_at.is_some_and(|at| was_missed_after(input, group, target, task, at)) {
        return Some("a check after the end of the task found it not registered".to_owned());
    }
    // CloudTrail counts in whole seconds. Without the time of the stop, any call counts.
    let is_later = |at: Timestamp| stopped_at.is_none_or(|stopped| at.plus_secs(1) > stopped);
    let default_port = group_of.and_then(|found| found.default_port);
    let mut calls = input.record.calls.iter().chain(&input.calls).rev();
    let call = calls.find(|call| {
        call.operation == Operation::RegisterTargets
            && is_later(call.at)
            && call.names(group, target, default_port)
    })?;
    Some(format!("{} registered the target at {}", call.by, call.at.readable()))
}

/// Whether a check found the target absent after this time, when ECS still listed the task as
/// running, and Portkeeper has not registered it since.
fn was_missed_after(
    input: &PlanInput,
    group: &TargetGroupArn,
    target: &Target,
    task: Option<&Task>,
    stopped_at: Timestamp,
) -> bool {
    let subject = Subject::Target(group.clone(), target.clone());
    let missed = [Code::Missing, Code::AzAllNeeded];
    missed.iter().filter_map(|code| input.record.incident(code, &subject)).any(|missed| {
        missed.task.as_ref() == task.map(|task| &task.arn)
            && missed.last_seen_at >= stopped_at
            && missed.repairs.last_at.is_none()
    })
}

/// Returns whether a stopped task proves ownership of its target: the record held the target, or
/// was being kept when the task stopped.
pub(crate) fn is_watched(record: &LedgerRecord, ended: &FormerTarget) -> bool {
    let known = record.known_target(&ended.group, &ended.target);
    known.is_some_and(|known| known.task == ended.task)
        || record.continuous_since.is_some_and(|since| ended.at >= since)
}

/// Returns how long ECS still has to deregister the target of a task that has just stopped. This
/// counts from the last task that had the target, even if ECS no longer shows where that task was,
/// and from a task that was or may have been on the address, even if its group is undetermined.
pub(super) fn settling(
    input: &PlanInput,
    unexpected: &Unexpected,
    proof: &Proof<'_>,
) -> Option<Timestamp> {
    let target = &unexpected.registered.target;
    let known = input.record.known_target(&unexpected.group, target);
    let was_here = |task: &&Task| {
        let occupied = last_occupied(&input.observation, task);
        // A task may not show where it ran: in host mode its ports are in a task definition that is
        // not read.
        let is_untold = task.started_at.is_some()
            && occupied.iter().all(|place| matches!(place, Occupied::Unknown(_)));
        let holds = |place: &Occupied| place.holds(target) || (is_untold && place.may_hold(target));
        task.last_status.is_over() && occupied.iter().any(holds)
    };
    let end_of =
        |arn: &TaskArn| input.observation.tasks.iter().find(|task| task.arn == *arn)?.stopped_at;
    let stopped_at = match proof {
        Proof::FormerTarget(ended) => {
            let later = known
                .filter(|known| known.seen_absent_at.is_none())
                .and_then(|known| end_of(&known.task));
            Some(ended.at).max(later)
        }
        Proof::Ledger(arn) => end_of(arn),
        Proof::Disproved(..) | Proof::None | Proof::Unverified => return None,
    };
    let ends_here =
        input.observation.tasks.iter().filter(was_here).filter_map(|task| task.stopped_at);
    let stopped_at = ends_here.chain(stopped_at).max();
    stopped_at.map(|at| input.policy.settled_at(at)).filter(|settled| *settled > input.now)
}

/// What the load balancer's health checks show of an address on which no task of ECS can answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing but a task of ECS answers, or no requests are sent: a deregistration takes nothing
    /// from anybody else.
    None,
    /// The checks may not have noticed yet that the task has stopped.
    Pending(Timestamp),
    /// The same, for longer than any checks take.
    Overdue,
    /// Something answers.
    Serves,
    /// The state does not show it.
    Unknown,
}

/// Returns when the last task on the address stopped: this one, or one of any service that had the
/// address after it.
fn last_stop(observation: &Observation, target: &Target, was: &TaskArn) -> Option<Timestamp> {
    let others = observation.other_tasks.tasks.iter().map(|other| &other.task);
    let was_here = |task: &&Task| {
        task.arn == *was || last_occupied(observation, task).iter().any(|place| place.holds(target))
    };
    let ended = observation.tasks.iter().chain(others).filter(was_here);
    ended.filter_map(|task| task.stopped_at).max()
}

/// How long after the end of a task the load balancer may take to check its target: at most 300 s
/// for each of at most 10 checks
/// ([CreateTargetGroup](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html)).
const CHECKS_TAKE_SECS: u32 = 3600;

/// A leftover target fails its health checks, because its task has stopped. If it does not, it is
/// in use by something that ECS does not know.
pub(super) fn answer(input: &PlanInput, unexpected: &Unexpected, was: &TaskArn) -> Answer {
    let answer = answer_now(input, unexpected, was);
    // ECS lists a stopped task for an hour.
    let task = input.observation.tasks.iter().find(|it| it.arn == *was);
    let is_recent = task.is_some_and(|task| {
        task.stopped_at.is_none_or(|at| input.now.secs_since(at) < CHECKS_TAKE_SECS)
    });
    if matches!(answer, Answer::Pending(_)) && !is_recent { Answer::Overdue } else { answer }
}

fn answer_now(input: &PlanInput, unexpected: &Unexpected, was: &TaskArn) -> Answer {
    let target = &unexpected.registered.target;
    let by = answerer(&input.observation, &unexpected.group, target);
    if by == Answerer::Task {
        return Answer::None;
    }
    let soon = input.now.plus_secs(input.policy.confirm_seconds);
    match &unexpected.registered.state {
        HealthState::Initial => Answer::Pending(soon),
        _ if is_answered(&unexpected.registered) => {
            let noticed = input.observation.found_group(&unexpected.group).map_or(0, |group| {
                health::failing_after(group).saturating_add(input.policy.unhealthy_margin_seconds)
            });
            let stopped_at = last_stop(&input.observation, target, was);
            // The groups are read first: with slow answers, the state may be minutes old by now.
            let read_at = input.observation.observed_at;
            match stopped_at.map(|at| at.plus_secs(noticed)).filter(|at| *at > read_at) {
                Some(at) => Answer::Pending(at.max(input.now.next())),
                None if by == Answerer::Changing => Answer::Pending(soon),
                None => Answer::Serves,
            }
        }
        HealthState::Unhealthy | HealthState::UnhealthyDraining | HealthState::Unused => {
            Answer::None
        }
        HealthState::Healthy
        | HealthState::Draining
        | HealthState::Unavailable
        | HealthState::Unknown(_) => Answer::Unknown,
    }
}

/// Whether a program answers the health checks: it passes them, or answers with an unexpected code
/// ([TargetHealth.Reason](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html)).
pub(super) fn is_answered(target: &RegisteredTarget) -> bool {
    target.state == HealthState::Healthy
        || target.reason.as_deref() == Some("Target.ResponseCodeMismatch")
}

/// Ends the proof of a registration that is another writer's, even if the verdict has to wait: what
/// shows it may be gone by then.
pub(super) fn note_disproof(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    proof: &Proof<'_>,
    judgement: &mut Judgement,
) {
    let target = &unexpected.registered.target;
    let serves = |was: &TaskArn| {
        is_answered_meanwhile(input, expected, unexpected)
            && answer(input, unexpected, was) == Answer::Serves
    };
    let was = match proof {
        Proof::Disproved(task, _) => *task,
        Proof::FormerTarget(FormerTarget { task, .. }) if serves(task) => task,
        Proof::Ledger(task) if !is_live(&input.observation, task) && serves(task) => *task,
        Proof::FormerTarget(_) | Proof::Ledger(_) | Proof::None | Proof::Unverified => return,
    };
    judgement.disproved.push((unexpected.group.clone(), target.clone(), was.clone()));
}

/// Whether a program answers on the address although each task that may get it has not started.
fn is_answered_meanwhile(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
) -> bool {
    let observation = &input.observation;
    let target = &unexpected.registered.target;
    let view = || other_task_on(observation, &unexpected.group, target);
    observation.tasks_are_whole()
        && is_answered(&unexpected.registered)
        && may_get_only_later(observation, expected, target)
        && covers_all_clusters(observation, &unexpected.group, target)
        && matches!(view(), OtherTaskView::Nobody | OtherTaskView::Pending(_))
}

pub(super) fn is_live(observation: &Observation, task: &TaskArn) -> bool {
    observation.tasks.iter().any(|listed| listed.arn == *task && !listed.last_status.is_over())
}
