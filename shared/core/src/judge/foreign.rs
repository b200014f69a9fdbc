//! Finds a registered target that nothing in ECS explains, or that another writer registered again,
//! and asks first whether a task of another cluster explains it.
//!
//! AWS facts: F-10.3.

use super::proof::is_answered;
use crate::action::TargetZone;
use crate::code::Code;
use crate::compare::Unexpected;
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetId, TaskArn};
use crate::input::PlanInput;
use crate::observation::Missed;
use crate::occupant::{Answerer, answerer, users_matter};
use crate::subject::Subject;
use crate::verdict::Decision;
use std::fmt::Write as _;

/// How long a finding about a target that may belong to a task of another cluster waits for an
/// answer of that cluster, if a call failed: a throttled call succeeds within minutes.
const ANSWER_SECS: u32 = 900;

/// Judges a target that nothing in this cluster explains. An earlier check may have found a task of
/// another cluster there; to ask in each check would take too many calls.
pub(super) fn judge_of_other_clusters(
    input: &PlanInput,
    unexpected: &Unexpected,
    mut foreign: Finding,
    judgement: &mut Judgement,
) {
    let Unexpected { group, registered } = unexpected;
    let (observation, target) = (&input.observation, &registered.target);
    let is_read = observation.other_tasks.other_clusters_known.contains(group);
    if !is_read && input.record.is_of_other_cluster(group, target, input.now) {
        let why = "belongs to a task of another cluster, which an earlier check has found";
        judgement.say(foreign.subject, None, Decision::Leave, why);
        return;
    }
    let failed = observation.gaps.iter().any(|gap| gap.retry && gap.what == Missed::Elsewhere);
    if failed && users_matter(observation, target) {
        foreign.confirm_seconds = foreign.confirm_seconds.max(ANSWER_SECS);
    }
    judgement.find(foreign);
}

/// Finds a target that nothing in ECS explains. The text names the probable origin.
pub(super) fn foreign(
    input: &PlanInput,
    unexpected: &Unexpected,
    subject: Subject,
    other: Option<(TaskArn, Option<String>)>,
) -> Finding {
    let observation = &input.observation;
    let target = &unexpected.registered.target;
    let default_port =
        observation.found_group(&unexpected.group).and_then(|group| group.default_port);
    let why = match (other, &target.id) {
        (Some((task, Some(service))), _) => {
            format!("leads to task {} of service {service}; Portkeeper has no proof that it ever belonged to this service", task.short())
        }
        (Some((task, None)), _) => format!("leads to task {}, which no service started", task.short()),
        (None, _) if TargetZone::of(&unexpected.registered).is_some() => {
            "registered with the Availability Zone `all`, as an address outside the group's VPC: ECS cannot do that, so a person or another tool registered it".to_owned()
        }
        (None, TargetId::Instance(_)) if Some(target.port) == default_port => {
            "an instance on the group's default port: an Auto Scaling group is probably attached to this target group"
                .to_owned()
        }
        (None, TargetId::Instance(id)) if observation.container_instances.values().any(|it| it.ec2_instance == *id) => {
            "no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists".to_owned()
        }
        (None, TargetId::Instance(_)) => {
            "no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it".to_owned()
        }
        (None, TargetId::Ip(_)) => {
            "no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS".to_owned()
        }
    };
    finding(input, Code::Foreign, subject, why)
}

/// Why a healthy target without a task is another writer's.
const SERVES: &str = "its health checks are answered although no task of this cluster is on its address: something else answers there";

/// Finds a target that belonged to this task and that another writer registered again.
pub(super) fn not_ours(
    input: &PlanInput,
    unexpected: &Unexpected,
    subject: Subject,
    other: Option<(TaskArn, Option<String>)>,
    was: &TaskArn,
    why: &str,
) -> Finding {
    let mut finding = foreign(input, unexpected, subject, other);
    // Writing to a String cannot fail.
    let _ = write!(finding.why, "; it belonged to task {}, but {why}", was.short());
    finding
}

/// Finds a healthy target on which no task of ECS can answer, although one may be on its address.
pub(super) fn served_by_others(
    input: &PlanInput,
    unexpected: &Unexpected,
    subject: Subject,
    idle: Option<&TaskArn>,
    was: &TaskArn,
) -> Finding {
    let Some(idle) = idle else {
        return not_ours(input, unexpected, subject, None, was, SERVES);
    };
    let why = format!(
        "its health checks are answered although task {}, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task {}",
        idle.short(),
        was.short()
    );
    finding(input, Code::Foreign, subject, why)
}

/// Whether the proof has ended and something answers without a task that can answer there.
pub(super) fn is_served_by_others(input: &PlanInput, unexpected: &Unexpected) -> bool {
    let Unexpected { group, registered } = unexpected;
    is_released(input, unexpected)
        && is_answered(registered)
        && answerer(&input.observation, group, &registered.target) == Answerer::Nobody
}

/// Whether the proof that this registration was this service's has ended.
pub(super) fn is_released(input: &PlanInput, unexpected: &Unexpected) -> bool {
    let known = input.record.known_target(&unexpected.group, &unexpected.registered.target);
    known.is_some_and(|known| known.seen_absent_at.is_some())
}
