//! From differences to findings: what is wrong, whether it is proved, and what would mend it.
//!
//! Every registered target and every task gets a verdict; every fault gets a finding with a code. Whether a
//! finding is acted on now is decided in [`crate::plan`].

mod unwanted;
mod whole;

pub(crate) use unwanted::is_watched;

use crate::action::ActionKind;
use crate::code::Code;
use crate::compare::{Absent, Comparison, Matched};
use crate::desired::{Desired, Standing};
use crate::finding::{Finding, Judgement, finding};
use crate::ids::{TargetGroupArn, TargetId};
use crate::input::PlanInput;
use crate::observation::{ContainerInstanceState, FoundGroup, HealthState, Observation, Service, Task};
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;

/// Protocols whose targets need a `QuicServerId` that nobody but ECS can know (ELBv2 `TargetDescription`).
const NEEDS_SERVER_ID: [&str; 2] = ["QUIC", "TCP_QUIC"];

/// NLB targets stay `initial` for minutes: registration itself takes that long (ELBv2 NLB target groups guide).
const NLB_INITIAL_SECS: u32 = 300;

/// Judges the service as a whole, every target and every task.
#[must_use]
pub fn judge(input: &PlanInput, desired: &Desired, comparison: &Comparison) -> Judgement {
    let mut judgement = Judgement::default();
    for (task, why) in &desired.left {
        judgement.say(Subject::Task(task.clone()), None, Decision::Leave, why.clone());
    }
    for gap in &input.observation.gaps {
        let why = format!("{} could not be read: {}", gap.what, gap.why);
        judgement.say(Subject::Service, None, Decision::Unknown, why);
    }
    if !input.observation.tasks_are_whole() {
        let why = "the list of tasks is not whole, so nothing is deregistered";
        judgement.say(Subject::Service, None, Decision::Unknown, why);
    }
    whole::judge_whole(input, &mut judgement);
    judge_unclear(input, desired, &mut judgement);
    for misfit in &desired.misfits {
        judgement.find(Finding {
            task: Some(misfit.task.clone()),
            ..finding(input, misfit.code.clone(), misfit.subject.clone(), misfit.why.clone())
        });
    }
    for matched in &comparison.matched {
        judge_matched(input, matched, &mut judgement);
    }
    for absent in &comparison.absent {
        judge_absent(input, comparison, absent, &mut judgement);
    }
    for unwanted in &comparison.unwanted {
        unwanted::judge_unwanted(input, desired, unwanted, &mut judgement);
    }
    for (group, target) in &comparison.draining {
        let subject = Subject::Target(group.clone(), target.clone());
        judgement.say(subject, None, Decision::Right, "draining: on its way out");
    }
    judgement
}

/// Unclear tasks are findings only where they do not clear up by themselves.
fn judge_unclear(input: &PlanInput, desired: &Desired, judgement: &mut Judgement) {
    let policy = &input.policy;
    for unclear in &desired.unclear {
        let subject = Subject::Task(unclear.task.clone());
        let settled = unclear.since.plus_secs(policy.settle_seconds);
        match &unclear.code {
            None if unclear.read_again => {
                let soon = input.now.plus_secs(policy.confirm_seconds);
                judgement.say(subject, None, Decision::Await(soon), unclear.why.clone());
            }
            None => judgement.say(subject, None, Decision::Unknown, unclear.why.clone()),
            Some(code) if settled > input.now => {
                judgement.say(subject, Some(code.clone()), Decision::Await(settled), unclear.why.clone());
            }
            Some(code) => judgement.find(Finding {
                code: code.clone(),
                subject,
                task: Some(unclear.task.clone()),
                why: unclear.why.clone(),
                repair: None,
                confirm_seconds: match code {
                    Code::AgentDisconnected => policy.disconnected_seconds,
                    _ => policy.confirm_seconds,
                },
            }),
        }
    }
}

fn judge_matched(input: &PlanInput, matched: &Matched, judgement: &mut Judgement) {
    let (claim, registered) = (&matched.claim, &matched.registered);
    let subject = Subject::Target(claim.group.clone(), claim.target.clone());
    let Standing::Due(since) = claim.standing else {
        let Standing::Allowed(why) = claim.standing else { return };
        judgement.say(subject, None, Decision::Right, format!("registered; its task is {why}"));
        return;
    };
    let Some(group) = input.observation.found_group(&claim.group) else { return };
    let finding = if registered.is_not_in_use() {
        not_in_use(input, claim.group.clone(), group)
    } else {
        unhealthy(input, matched, group, since)
    };
    match finding {
        Some(mut finding) => {
            finding.task = Some(claim.task.clone());
            judgement.find(finding);
        }
        None => judgement.say(subject, None, Decision::Right, format!("registered, {}", registered.state)),
    }
}

/// `unused`/`Target.NotInUse`: the normal state of the idle group of a blue/green pair; else nobody sends requests.
fn not_in_use(input: &PlanInput, arn: TargetGroupArn, group: &FoundGroup) -> Option<Finding> {
    if !input.observation.service.as_ref()?.uses_every_group() {
        return None;
    }
    let (code, why) = if group.load_balancers.is_empty() {
        let why = "the group belongs to no load balancer, so its targets get no requests; registering does not help";
        (Code::TargetGroupUnattached, why)
    } else {
        let why = "the group has a load balancer, but no listener leads to it or the target's zone is not enabled";
        (Code::AzDisabled, why)
    };
    Some(finding(input, code, Subject::Group(arn), why.to_owned()))
}

/// Failing for longer than the group's own interval and threshold, the service's grace period and a margin explain.
fn unhealthy(input: &PlanInput, matched: &Matched, group: &FoundGroup, since: Timestamp) -> Option<Finding> {
    let registered = &matched.registered;
    let failing =
        matches!(registered.state, HealthState::Unhealthy | HealthState::UnhealthyDraining | HealthState::Initial);
    if !failing {
        return None;
    }
    let service = input.observation.service.as_ref()?;
    let checks = group.health_interval_seconds.saturating_mul(group.unhealthy_threshold);
    let network = !matches!(group.protocol.as_str(), "HTTP" | "HTTPS");
    let initial = if network && registered.state == HealthState::Initial { NLB_INITIAL_SECS } else { 0 };
    let patience = checks.saturating_add(initial).saturating_add(input.policy.unhealthy_margin_seconds);
    let subject = Subject::Target(matched.claim.group.clone(), matched.claim.target.clone());
    let first_seen = input.record.incident(&Code::Unhealthy, &subject).map_or(input.now, |known| known.opened_at);
    let grace_left = service.health_check_grace_seconds.saturating_sub(first_seen.secs_since(since));
    let reason = registered.reason.as_deref().unwrap_or("no reason given");
    let why = format!(
        "registered, and {} ({reason}); its group's settings explain no more than {} of that",
        registered.state,
        spoken(patience)
    );
    Some(Finding {
        confirm_seconds: patience.saturating_add(grace_left),
        ..finding(input, Code::Unhealthy, subject, why)
    })
}

/// A running task's target is not there. Registering needs little: a wanted, running, settled task on a fresh read.
fn judge_absent(input: &PlanInput, comparison: &Comparison, absent: &Absent, judgement: &mut Judgement) {
    let claim = &absent.claim;
    let subject = Subject::Target(claim.group.clone(), claim.target.clone());
    let (Standing::Due(since), Some(group)) = (&claim.standing, input.observation.found_group(&claim.group)) else {
        return;
    };
    let settled = since.plus_secs(input.policy.settle_seconds);
    if settled > input.now {
        let why = "its task has only just started; ECS may still register it";
        judgement.say(subject, Some(Code::Missing), Decision::Await(settled), why);
        return;
    }
    if absent.draining && matches!(claim.target.id, TargetId::Ip(_)) {
        let later = input.now.plus_secs(input.policy.confirm_seconds);
        let why = "wanted, and still draining: ELBv2 takes an address back only after the deregistration delay";
        judgement.say(subject, Some(Code::Missing), Decision::Await(later), why);
        return;
    }
    if group.load_balancers.is_empty() && input.observation.service.as_ref().is_some_and(Service::uses_every_group) {
        let why = "the group belongs to no load balancer: registering would bring no requests".to_owned();
        let code = Code::TargetGroupUnattached;
        judgement.find(finding(input, code, Subject::Group(claim.group.clone()), why));
        return;
    }
    let elsewhere = comparison.unwanted.iter().find(|unwanted| unwanted.registered.target == claim.target);
    if let (Some(other), false) = (elsewhere, input.observation.service.as_ref().is_some_and(Service::uses_every_group))
    {
        let why =
            format!("it is registered in {}; which of the two groups ECS means cannot be told", other.group.name());
        judgement.say(subject, Some(Code::Missing), Decision::Unknown, why);
        return;
    }
    let task = input.observation.tasks.iter().find(|task| task.arn == claim.task);
    if let Some((decision, why)) = task.and_then(|task| unfit_instance(&input.observation, task)) {
        judgement.say(subject, Some(Code::Missing), decision, why);
        return;
    }
    let running = spoken(input.now.secs_since(*since));
    let state = if absent.draining { "is draining" } else { "is not registered" };
    let mut why = format!("task {} has been running for {running} and its target {state}", claim.task.tail());
    let needs_id = NEEDS_SERVER_ID.contains(&group.protocol.as_str());
    if needs_id {
        why.push_str("; a QUIC target needs a server id that only its owner knows, so it cannot be registered here");
    }
    judgement.find(Finding {
        task: Some(claim.task.clone()),
        repair: (!needs_id).then_some(ActionKind::Register),
        ..finding(input, Code::Missing, subject, why)
    });
}

/// Why nothing may be registered on the task's container instance. Its state is read anew before any registration.
fn unfit_instance(observation: &Observation, task: &Task) -> Option<(Decision, String)> {
    let instance = observation.container_instances.get(task.container_instance.as_ref()?);
    match instance.and_then(|instance| instance.state.as_ref()) {
        None => Some((Decision::Unknown, "the state of its container instance is not known".to_owned())),
        Some(ContainerInstanceState { status, .. }) if !matches!(status.as_str(), "ACTIVE" | "DRAINING") => {
            let why = format!("its container instance is {status}: an orphan, which nobody watches any more");
            Some((Decision::Leave, why))
        }
        Some(ContainerInstanceState { agent_connected: false, .. }) => {
            Some((Decision::Unknown, "the agent of its container instance is out of contact".to_owned()))
        }
        Some(_) => None,
    }
}
