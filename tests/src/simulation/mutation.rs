//! Mutations that each remove one safety rule, to show that the simulation detects the difference.
//!
//! The product has no test switches. Instead, a mutation changes the reading, the planner's input
//! or the plan between the steps of [`mutant`](super::mutant), a copy of the function's sequence of
//! steps.

use portkeeper_core::code::Code;
use portkeeper_core::expected::expected_targets;
use portkeeper_core::ids::{Target, TargetId};
use portkeeper_core::ledger::{Incident, Repair, Subject};
use portkeeper_core::observation::{
    ContainerInstanceState, Coverage, HealthState, Observation, TargetGroup, Task, TaskStatus,
};
use portkeeper_core::plan::{Action, ActionKind, Decision, Plan, PlanInput, Writes};
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;

/// The age of a proof that never expires.
const FAR_AWAY: Timestamp = Timestamp::from_millis(i64::MAX);

/// A safety rule to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// Removes no rule: the copy itself must behave like the original.
    Nothing,
    /// There is no settle time: a fault counts immediately.
    NoSettleTime,
    /// A finding needs no second check.
    NoSecondLook,
    /// A gap counts as absent.
    PartialIsWhole,
    /// A check does not read other tasks: a hijacked target looks like any stale target.
    OwnersIgnored,
    /// A task with desired status STOPPED counts as stopped.
    DrainingIgnored,
    /// The last target of a group may be deregistered.
    NoFloor,
    /// Any number of targets may be deregistered at once.
    NoLimit,
    /// Targets without proof are deregistered, too.
    NoProof,
    /// A proof never expires.
    OldProofs,
    /// A target that was seen absent keeps its proof.
    ReleaseIgnored,
    /// A repair that another writer undoes is repeated.
    FightIgnored,
    /// The ledger accepts every write without a condition.
    ManyWriters,
    /// The ledger is not written before a repair.
    NoIntent,
    /// Deregistrations come first, whatever the result of the registrations.
    DeregisterFirst,
    /// The tag of a service is not read.
    ModeIgnored,
    /// The kill switch is not read.
    SwitchIgnored,
    /// The groups are read after the tasks.
    GroupsAfterTasks,
    /// An answer may be older than the event that led to the check.
    OldAnswers,
    /// An instance that ECS no longer lists, or whose agent is disconnected, counts as connected.
    AnyInstance,
    /// Every host counts as read, whatever container instances it has.
    HostsCovered,
    /// A stopped task in a message counts as ECS's answer.
    ForgedBelieved,
    /// Nothing disproves that a target was a stopped task's.
    DisproofIgnored,
    /// A container instance that drains counts as active.
    DrainingInstances,
    /// There is no sweep: a fault that no event reports is never found.
    NoSweep,
    /// The stopped tasks are not listed.
    StoppedNotListed,
    /// An alert counts as sent before SNS has accepted it.
    ToldTooEarly,
}

impl Mutation {
    /// The mutations that the simulation must detect, each with a seed that detects it.
    pub const ALL: [(Self, u64); 19] = [
        (Self::NoSettleTime, 1),
        (Self::NoSecondLook, 1),
        (Self::PartialIsWhole, 49),
        (Self::OwnersIgnored, 5),
        (Self::DrainingIgnored, 12),
        (Self::NoFloor, 18),
        (Self::NoLimit, 4),
        (Self::NoProof, 1),
        (Self::ReleaseIgnored, 2),
        (Self::FightIgnored, 3),
        (Self::ManyWriters, 1),
        (Self::NoIntent, 1),
        (Self::DeregisterFirst, 3),
        (Self::ModeIgnored, 1),
        (Self::SwitchIgnored, 4),
        (Self::DrainingInstances, 11),
        (Self::NoSweep, 5),
        (Self::StoppedNotListed, 1),
        (Self::ToldTooEarly, 10),
    ];

    /// The mutations that 40 seeds do not detect, because another rule covers each. Other tests
    /// verify these rules.
    pub const NOT_NOTICED: [Self; 7] = [
        Self::OldProofs,
        Self::GroupsAfterTasks,
        Self::OldAnswers,
        Self::AnyInstance,
        Self::HostsCovered,
        Self::ForgedBelieved,
        Self::DisproofIgnored,
    ];

    /// Returns the mutation with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = Self::ALL
            .into_iter()
            .map(|(mutation, _)| mutation)
            .chain(Self::NOT_NOTICED)
            .chain([Self::Nothing]);
        all.into_iter().find(|known| format!("{known:?}") == name)
    }
}

/// Marks all other tasks as read, in this cluster and in others.
fn read_everywhere(seen: &mut Observation) {
    let hosts = seen.target_groups.keys().filter_map(|arn| seen.found_group(arn));
    let hosts = hosts.flat_map(|group| &group.targets).filter_map(|it| match &it.target.id {
        TargetId::Instance(ec2) => Some(ec2.clone()),
        TargetId::Ip(_) => None,
    });
    let hosts: BTreeSet<String> = hosts.collect();
    seen.other_tasks.coverage = Coverage { cluster: true, hosts: hosts.clone() };
    seen.other_tasks.only_here = hosts;
    seen.other_tasks.other_clusters_known = seen.target_groups.keys().cloned().collect();
}

/// Removes what disproves that a target was a stopped task's: that it is healthy, and that ECS
/// deregistered it.
fn believe(seen: &mut Observation) {
    let expected = expected_targets(seen, 0).targets;
    for (arn, group) in &mut seen.target_groups {
        let TargetGroup::Found(group) = group else { continue };
        let is_expected = |target: &Target| {
            expected.iter().any(|expected| expected.group == *arn && expected.target == *target)
        };
        for registered in group.targets.iter_mut().filter(|it| !is_expected(&it.target)) {
            if registered.state == HealthState::Healthy {
                registered.state = HealthState::Unhealthy;
            }
        }
    }
    seen.tasks.iter_mut().for_each(|task| task.deregistered = false);
}

/// Changes the observation. The message shows these stopped tasks.
pub(crate) fn change_view(mutation: Mutation, stopped: &[Task], seen: &mut Observation) {
    match mutation {
        Mutation::PartialIsWhole => {
            seen.gaps.clear();
            if let Some(service) = &mut seen.service {
                (service.running_count, service.pending_count) = (0, 0);
            }
            read_everywhere(seen);
        }
        Mutation::OwnersIgnored => {
            seen.other_tasks.tasks.clear();
            read_everywhere(seen);
        }
        Mutation::HostsCovered => read_everywhere(seen),
        Mutation::ForgedBelieved => {
            for stopped in stopped {
                match seen.tasks.iter_mut().find(|task| task.arn == stopped.arn) {
                    Some(task) => *task = stopped.clone(),
                    None => seen.tasks.push(stopped.clone()),
                }
            }
        }
        Mutation::DisproofIgnored => believe(seen),
        Mutation::DrainingInstances => {
            let states = seen.container_instances.values_mut().filter_map(|it| it.state.as_mut());
            for state in states.filter(|state| state.status == "DRAINING") {
                "ACTIVE".clone_into(&mut state.status);
            }
        }
        Mutation::DrainingIgnored => {
            for task in
                seen.tasks.iter_mut().filter(|task| task.desired_status == TaskStatus::Stopped)
            {
                if !task.last_status.is_over() {
                    task.last_status = TaskStatus::Stopped;
                    task.stopped_at = task.started_at;
                }
            }
        }
        Mutation::ModeIgnored => {
            if let Some(service) = &mut seen.service {
                service.mode_tag = None;
            }
        }
        Mutation::OldAnswers => seen.at_least.clear(),
        Mutation::AnyInstance => {
            for instance in seen.container_instances.values_mut() {
                instance.state = Some(ContainerInstanceState {
                    status: "ACTIVE".to_owned(),
                    agent_connected: true,
                });
            }
            seen.tasks.iter_mut().for_each(|task| task.connected = true);
        }
        Mutation::StoppedNotListed => {
            seen.tasks.retain(|task| task.desired_status != TaskStatus::Stopped);
            if let Some(service) = &mut seen.service {
                (service.running_count, service.pending_count) = (0, 0);
            }
        }
        _ => {}
    }
}

/// Changes the planner's input.
pub(crate) fn change_input(mutation: Mutation, input: &mut PlanInput) {
    match mutation {
        Mutation::DisproofIgnored => {
            input.calls.clear();
            input.record.calls.clear();
        }
        Mutation::NoSettleTime => input.policy.settle_seconds = 0,
        Mutation::NoSecondLook => input.policy.confirm_seconds = 0,
        Mutation::NoLimit => {
            (input.policy.max_deregistrations, input.policy.max_deregistration_percent) =
                (1000, 100);
        }
        Mutation::SwitchIgnored => input.writes = Writes::Allowed,
        Mutation::FightIgnored => {
            input.record.repairs.clear();
            input.record.incidents.retain(|incident| incident.code != Code::Fight);
            for Incident { repairs, .. } in &mut input.record.incidents {
                repairs.tried = 0;
            }
        }
        Mutation::ReleaseIgnored => {
            for known in input.record.known.values_mut().flat_map(|targets| targets.values_mut()) {
                known.seen_absent_at = None;
            }
        }
        _ => {}
    }
}

/// Changes the plan.
pub(crate) fn change_plan(mutation: Mutation, input: &PlanInput, plan: &mut Plan) {
    let by_floor = |why: &str| why.ends_with("it would leave the target group without targets");
    let not_after = input.observation.observed_at.plus_secs(input.policy.proof_seconds);
    for verdict in &plan.verdicts {
        let (Subject::Target(group, target), Some(code)) = (&verdict.subject, &verdict.code) else {
            continue;
        };
        let also = match mutation {
            Mutation::NoProof => *code == Code::Foreign && verdict.decision == Decision::Alert,
            Mutation::NoFloor => verdict.decision == Decision::Withheld && by_floor(&verdict.why),
            _ => false,
        };
        if also {
            let (group, targets) = (group.clone(), vec![target.clone()]);
            let (at, kind) = (input.now, ActionKind::Deregister);
            let repair = Repair::decided(at, kind, group.clone(), target.clone());
            plan.next_record.repairs.push(repair);
            plan.actions.push(Action {
                kind: ActionKind::Deregister,
                group,
                targets,
                zone: None,
                not_after,
            });
        }
    }
    if mutation == Mutation::OldProofs {
        plan.actions.iter_mut().for_each(|action| action.not_after = FAR_AWAY);
    }
}
