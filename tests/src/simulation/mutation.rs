//! The safety rules that are taken away, one at a time, to show that the simulation would notice.
//!
//! The product has no test switches. What is read, what is planned from and what is planned is
//! changed here, between the steps of [`mutant`](super::mutant), which is the function's straight
//! line once more.

use portkeeper_core::code::Code;
use portkeeper_core::ledger::{Incident, Repair, Subject};
use portkeeper_core::observation::{ContainerInstanceState, Coverage, Observation, TaskStatus};
use portkeeper_core::plan::{Action, ActionKind, Decision, Plan, PlanInput, Writes};
use portkeeper_core::time::Timestamp;

/// A proof that never grows old.
const FAR_AWAY: Timestamp = Timestamp::from_millis(i64::MAX);

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// None: the copy itself must behave like the original.
    Nothing,
    /// Nothing is left to ECS: a fault counts from the first moment.
    NoSettleTime,
    /// One look is enough.
    NoSecondLook,
    /// What could not be read counts as absent.
    PartialIsWhole,
    /// Nobody asks who else is on an address: a hijack looks like any stale target.
    OwnersIgnored,
    /// A task that ECS wants stopped counts as gone.
    DrainingIgnored,
    /// The last target of a group may go.
    NoFloor,
    /// Any number of targets may go at once.
    NoLimit,
    /// What nothing explains is deregistered, too.
    NoProof,
    /// A proof may be as old as it likes.
    OldProofs,
    /// A target that was seen gone is still thought to be ours.
    ReleaseIgnored,
    /// Whoever undoes a repair makes it be done again.
    FightIgnored,
    /// The ledger takes what anybody writes.
    ManyWriters,
    /// Nothing is written to the ledger before a repair is made.
    NoIntent,
    /// Deregistrations come first, whatever becomes of the registrations.
    DeregisterFirst,
    /// The tag of a service is not read.
    ModeIgnored,
    /// The kill switch is not read.
    SwitchIgnored,
    /// The groups are read after the tasks.
    GroupsAfterTasks,
    /// An answer may be older than the event that led to it.
    OldAnswers,
    /// An instance that ECS has forgotten, or whose agent is away, is as good as any.
    AnyInstance,
    /// Nobody sweeps: what no event tells of is never seen.
    NoSweep,
    /// The stopped tasks are not listed.
    StoppedNotListed,
    /// An alert counts as told before SNS has it.
    ToldTooEarly,
}

impl Mutation {
    /// All that must be noticed, with a seed that notices each.
    pub const ALL: [(Self, u64); 18] = [
        (Self::NoSettleTime, 2),
        (Self::NoSecondLook, 8),
        (Self::PartialIsWhole, 49),
        (Self::OwnersIgnored, 12),
        (Self::DrainingIgnored, 20),
        (Self::NoFloor, 83),
        (Self::NoLimit, 13),
        (Self::NoProof, 1),
        (Self::ReleaseIgnored, 15),
        (Self::FightIgnored, 16),
        (Self::ManyWriters, 12),
        (Self::NoIntent, 1),
        (Self::DeregisterFirst, 6),
        (Self::ModeIgnored, 2),
        (Self::SwitchIgnored, 3),
        (Self::NoSweep, 1),
        (Self::StoppedNotListed, 1),
        (Self::ToldTooEarly, 3),
    ];

    /// Not noticed in forty seeds: what they take away is doubled by another rule. Other tests hold
    /// each of them.
    pub const NOT_NOTICED: [Self; 4] =
        [Self::OldProofs, Self::GroupsAfterTasks, Self::OldAnswers, Self::AnyInstance];

    /// The mutation of this name.
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

/// As if everybody had been read, here and in other clusters.
fn read_everywhere(seen: &mut Observation) {
    seen.owners.coverage = Coverage::Cluster;
    seen.owners.known_elsewhere = seen.target_groups.keys().cloned().collect();
}

/// What was read, changed.
pub(crate) fn change_view(mutation: Mutation, seen: &mut Observation) {
    match mutation {
        Mutation::PartialIsWhole => {
            seen.gaps.clear();
            if let Some(service) = &mut seen.service {
                (service.running_count, service.pending_count) = (0, 0);
            }
            read_everywhere(seen);
        }
        Mutation::OwnersIgnored => {
            seen.owners.tasks.clear();
            read_everywhere(seen);
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

/// What is planned from, changed.
pub(crate) fn change_input(mutation: Mutation, input: &mut PlanInput) {
    match mutation {
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
                known.released_at = None;
            }
        }
        _ => {}
    }
}

/// What is planned, changed.
pub(crate) fn change_plan(mutation: Mutation, input: &PlanInput, plan: &mut Plan) {
    let by_floor = |why: &str| why.ends_with("it would leave the target group without targets");
    let not_after = input.observation.observed_at.plus_secs(input.policy.proof_seconds);
    for verdict in &plan.verdicts {
        let (Subject::Target(group, target), Some(code)) = (&verdict.subject, &verdict.code) else {
            continue;
        };
        let also = match mutation {
            Mutation::NoProof => *code == Code::Foreign && verdict.decision == Decision::Tell,
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
