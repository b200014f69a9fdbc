//! Judges a registered target that no live task of this service explains: which task had it, which
//! task uses it now, and what is proved.
//!
//! Deregistering needs proof. Without proof the target counts as another writer's: Portkeeper
//! reports it and does not change it.
//!
//! AWS facts: F-1.4, F-10.3.

use super::foreign::{
    foreign, is_released, is_served_by_others, judge_of_other_clusters, not_ours, served_by_others,
};
use super::proof::{Answer, Proof, answer, disproof, is_live, note_disproof, proof, settling};
use crate::action::{ActionKind, TargetZone};
use crate::code::Code;
use crate::compare::Unexpected;
use crate::expected::{Clears, ExpectedTargets};
use crate::finding::{Finding, Judgement, RepairStep, finding};
use crate::ids::TaskArn;
use crate::input::PlanInput;
use crate::occupant::{
    OtherTaskView, covers_all_clusters, hidden_tasks, other_task_on, own_occupant,
};
use crate::subject::Subject;
use crate::verdict::Decision;
use std::fmt::Write as _;

pub(super) fn judge_unexpected(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    judgement: &mut Judgement,
) {
    let observation = &input.observation;
    let target = &unexpected.registered.target;
    let subject = Subject::Target(unexpected.group.clone(), target.clone());
    // I-PROOF: "A target is deregistered only with proof, confirmed by a second check, on complete
    // views."
    let proof = proof(input, expected, &unexpected.group, target);
    note_disproof(input, expected, unexpected, &proof, judgement);
    // I-PARTIAL: "A partial view never leads to a write that it could affect."
    if !observation.tasks_are_whole() {
        let later = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
        let why =
            "registered; some tasks could not be read, and the target may belong to one of them";
        judgement.say(subject, None, later, why);
        return;
    }
    if let Some(undetermined) =
        expected.undetermined.iter().find(|undetermined| undetermined.reach.covers(&target.id))
    {
        let why = format!(
            "registered; it may belong to task {}: {}",
            undetermined.task.short(),
            undetermined.why
        );
        let decision = match undetermined.clears {
            Clears::ByItself | Clears::OnReread => {
                Decision::Await(input.now.plus_secs(input.policy.confirm_seconds))
            }
            Clears::Report(_) => Decision::Unknown,
        };
        judgement.say(subject, None, decision, why);
        return;
    }
    if let Some(settled) = settling(input, unexpected, &proof) {
        let why = "its task has just stopped; ECS may still deregister the target";
        judgement.say(subject, Some(Code::Stale), Decision::Await(settled), why);
        return;
    }
    let reported =
        input.record.incident(&Code::Foreign, &subject).filter(|open| open.alerted.is_some());
    match other_task_on(observation, &unexpected.group, target) {
        OtherTaskView::NotKnown
            if matches!(proof, Proof::None | Proof::Disproved(..)) && reported.is_some() =>
        {
            // Not asked again: the answer would be the same, and the earlier finding still holds.
            let why = reported.map(|open| open.why.clone()).unwrap_or_default();
            judgement.find(finding(input, Code::Foreign, subject, why));
        }
        OtherTaskView::NotKnown => {
            let unread = "the other tasks that may use its address could not be read";
            judge_uncovered(input, unexpected, &proof, unread, judgement);
        }
        OtherTaskView::Pending(task) => {
            let later = input.now.plus_secs(input.policy.confirm_seconds);
            let why = format!("registered; task {} may be about to use its address", task.short());
            judgement.say(subject, None, Decision::Await(later), why);
        }
        OtherTaskView::Task { task, service, uses_group: Some(true) } => {
            let service = service.unwrap_or_default();
            let why = format!(
                "belongs to task {} of service {service}, which also uses this group",
                task.short()
            );
            judgement.say(subject, None, Decision::Leave, why);
            let is_of_other_cluster = task.cluster_name() != Some(observation.key.cluster.name());
            if is_of_other_cluster && matches!(proof, Proof::None) {
                judgement.of_other_clusters.push((unexpected.group.clone(), target.clone()));
            }
        }
        OtherTaskView::Task { task, uses_group: None, .. } => {
            let why = format!(
                "task {} uses its address, and the target groups of that task's service could not be read",
                task.short()
            );
            judgement.say(subject, None, Decision::Unknown, why);
        }
        OtherTaskView::Task { task, service, uses_group: Some(false) } => {
            judge_unexplained(
                input,
                expected,
                unexpected,
                &proof,
                Some((task, service)),
                judgement,
            );
        }
        OtherTaskView::Nobody => {
            judge_unexplained(input, expected, unexpected, &proof, None, judgement);
        }
    }
}

/// No task that may be registered in this group is on this address now.
fn judge_unexplained(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    proof: &Proof<'_>,
    other: Option<(TaskArn, Option<String>)>,
    judgement: &mut Judgement,
) {
    let target = &unexpected.registered.target;
    let subject = Subject::Target(unexpected.group.clone(), target.clone());
    let occupant = own_occupant(&input.observation, target);
    let (was, ended) = match proof {
        Proof::FormerTarget(ended) => (&ended.task, true),
        Proof::Ledger(task) => (*task, !is_live(&input.observation, task)),
        Proof::Unverified => {
            let why = "registered and recorded as this service's target; Portkeeper could not ask ECS about its task";
            judgement.say(subject, None, Decision::Unknown, why);
            return;
        }
        Proof::Disproved(task, why) => {
            judgement.find(not_ours(input, unexpected, subject, other, task, why));
            return;
        }
        Proof::None => {
            let is_free = occupant.is_none() && other.is_none();
            let finding = match occupant {
                Some(task) if !is_served_by_others(input, unexpected) => {
                    own_task_elsewhere(input, expected, unexpected, subject, task)
                }
                _ => unproved(input, expected, unexpected, subject, other),
            };
            if finding.code == Code::Foreign && is_free {
                judge_of_other_clusters(input, unexpected, finding, judgement);
            } else {
                judgement.find(finding);
            }
            return;
        }
    };
    if let (false, Some(task)) = (ended, &occupant) {
        judgement.find(own_task_elsewhere(input, expected, unexpected, subject, task.clone()));
        return;
    }
    if !covers_all_clusters(&input.observation, &unexpected.group, target) {
        let unread = "the services of other clusters that use this group could not be read";
        judge_uncovered(input, unexpected, proof, unread, judgement);
        return;
    }
    let (code, why) = if ended {
        describe_leftover(input, &subject, was, other.as_ref())
    } else {
        (Code::WrongPort, format!("task {} is running and no longer uses this port", was.short()))
    };
    // Some people register the tasks that they run by hand: a target that leads to such a task may
    // be intended.
    let may_be_meant = matches!(other, Some((_, None)));
    let answer = answer(input, unexpected, was);
    match answer {
        Answer::Pending(at) => {
            judgement.say(subject, Some(code), Decision::Await(at), format!("{why}: {PENDING}"));
            return;
        }
        Answer::Overdue => {
            let why = format!("{why}; not deregistered: {PENDING}");
            let found = finding(input, code, subject, why);
            judgement.find(Finding { task: Some(was.clone()), ..found });
            return;
        }
        Answer::Serves => {
            let idle = other.map(|(task, _)| task).or(occupant);
            judgement.find(served_by_others(input, unexpected, subject, idle.as_ref(), was));
            judgement.disproved.push((unexpected.group.clone(), target.clone(), was.clone()));
            return;
        }
        Answer::None | Answer::Unknown => {}
    }
    let zone = TargetZone::of(&unexpected.registered);
    let step = RepairStep { kind: ActionKind::Deregister, zone };
    judgement.find(Finding {
        task: Some(was.clone()),
        repair: (!may_be_meant && answer != Answer::Unknown).then_some(step),
        ..finding(input, code, subject, why)
    });
}

/// Why such a target is not judged yet.
const PENDING: &str = "the load balancer has not finished its health checks since";

/// Judges a target whose address may belong to a task that was not read. It stays. On a host where
/// ECS may not show every task it is reported, because reading again does not help.
fn judge_uncovered(
    input: &PlanInput,
    unexpected: &Unexpected,
    proof: &Proof<'_>,
    unread: &str,
    judgement: &mut Judgement,
) {
    let target = &unexpected.registered.target;
    let subject = Subject::Target(unexpected.group.clone(), target.clone());
    let Some(hidden) = hidden_tasks(&input.observation, &target.id) else {
        let later = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
        judgement.say(subject, None, later, format!("registered and unexplained; {unread}"));
        return;
    };
    let was = match proof {
        Proof::FormerTarget(ended) => Some(&ended.task),
        Proof::Ledger(task) if !is_live(&input.observation, task) => Some(*task),
        Proof::Ledger(_) | Proof::Disproved(..) | Proof::None | Proof::Unverified => None,
    };
    let Some(was) = was else {
        let mut found = foreign(input, unexpected, subject, None);
        // Writing to a String cannot fail.
        let _ = write!(found.why, "; {hidden}, so ECS may not show its task");
        // Agents disconnect several times an hour in normal operation.
        found.confirm_seconds = found.confirm_seconds.max(input.policy.disconnected_seconds);
        judgement.find(found);
        return;
    };
    let (code, mut why) = describe_leftover(input, &subject, was, None);
    // Writing to a String cannot fail.
    let _ =
        write!(why, "; not deregistered: {hidden}, so ECS may not show the task that uses it now");
    judgement.find(Finding { task: Some(was.clone()), ..finding(input, code, subject, why) });
}

/// Returns the finding for a stopped task's leftover target, by the task that uses its address now.
/// A hijacked one keeps its code, because the other task may have a successor.
fn describe_leftover(
    input: &PlanInput,
    subject: &Subject,
    was: &TaskArn,
    other: Option<&(TaskArn, Option<String>)>,
) -> (Code, String) {
    let open = input.record.incident(&Code::Hijacked, subject).is_some_and(|open| !open.is_over());
    let was = was.short();
    match other {
        Some((task, service)) => {
            let whose = service
                .as_deref()
                .map_or(", which no service started".to_owned(), |it| format!(" of service {it}"));
            let why = format!(
                "task {was} has stopped, and its target now leads to task {}{whose}: requests reach the wrong task",
                task.short()
            );
            (Code::Hijacked, why)
        }
        None if open => {
            let why = format!(
                "task {was} has stopped and its target is still registered; no other task uses its address at the moment"
            );
            (Code::Hijacked, why)
        }
        None => (Code::Stale, format!("task {was} has stopped and its target is still registered")),
    }
}

/// Judges a target without proof that this registration still belongs to this service. If ECS lists
/// a stopped task that had the target, and the target was never seen absent, the alert has the true
/// code; but an operator has to deregister it.
fn unproved(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    subject: Subject,
    other: Option<(TaskArn, Option<String>)>,
) -> Finding {
    let (group, target) = (&unexpected.group, &unexpected.registered.target);
    let listed = expected
        .ended
        .iter()
        .filter(|it| it.group == *group && it.target == *target)
        .max_by_key(|it| it.at);
    // ECS forgets a stopped task after an hour. An incident that was reported keeps its code then.
    let reported =
        |code: &Code| input.record.incident(code, &subject).filter(|open| !open.is_over());
    let before = || reported(&Code::Hijacked).or_else(|| reported(&Code::Stale))?.task.clone();
    let Some(was) = listed.map(|ended| ended.task.clone()).or_else(before) else {
        return foreign(input, unexpected, subject, other);
    };
    if is_released(input, unexpected) {
        let disproof = disproof(input, group, target, &was);
        if disproof.is_none() && is_served_by_others(input, unexpected) {
            let idle = other.map(|(task, _)| task);
            let idle = idle.or_else(|| own_occupant(&input.observation, target));
            return served_by_others(input, unexpected, subject, idle.as_ref(), &was);
        }
        let why = disproof.unwrap_or_else(|| {
            "an earlier check showed that this registration is another writer's".to_owned()
        });
        return not_ours(input, unexpected, subject, other, &was, &why);
    }
    let (code, mut why) = describe_leftover(input, &subject, &was, other.as_ref());
    why.push_str("; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task");
    Finding { task: Some(was), ..finding(input, code, subject, why) }
}

/// Judges a target that a live task of this service uses, in another group or on a port that is not
/// load-balanced. People register such targets on purpose, so without proof that it was once
/// expected it is not repaired.
fn own_task_elsewhere(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    subject: Subject,
    task: TaskArn,
) -> Finding {
    let own = expected.targets.iter().find(|it| it.target == unexpected.registered.target);
    let (code, why) = if let Some(own) = own {
        (
            Code::Misplaced,
            format!("task {} belongs in {}, not in this group", task.short(), own.group.name()),
        )
    } else {
        let why = format!(
            "task {} uses this address and port, but it is not the task's load-balanced port",
            task.short()
        );
        (Code::WrongPort, why)
    };
    Finding { task: Some(task), ..finding(input, code, subject, why) }
}
