//! Compares registered with expected targets: matched, absent, unexpected.
//!
//! Draining targets are set aside first. This module finds the differences and the questions that
//! must be answered before a difference may be judged; it judges nothing.

use crate::code::Code;
use crate::expected::{
    ExpectedTarget, ExpectedTargets, Requirement, expected_with_record, is_of_a_stopped_container,
    left_to_others,
};
use crate::ids::{Target, TargetGroupArn, TargetId};
use crate::input::PlanInput;
use crate::mode::mode_in_force;
use crate::observation::{
    HealthState, Observation, Questions, RegisteredTarget, ServiceStatus, TargetGroup, TaskStatus,
};
use crate::occupant::users_matter;
use crate::policy::Mode;
use crate::subject::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// The three lists, and the targets that are set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Registered and expected for a live task.
    pub matched: Vec<Matched>,
    /// Expected for a running task and not registered.
    pub absent: Vec<Absent>,
    /// Registered and not expected for any live task of this service.
    pub unexpected: Vec<Unexpected>,
    /// Draining, and not expected.
    pub draining: Vec<(TargetGroupArn, Target)>,
    /// Listed by ELBv2 as `Target.NotRegistered`, and not expected.
    pub unregistered: Vec<(TargetGroupArn, Target)>,
}

/// A registered target that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub expected: ExpectedTarget,
    /// The registered target.
    pub registered: RegisteredTarget,
}

/// An expected target that is not registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    pub expected: ExpectedTarget,
    /// Whether it is still draining from an earlier deregistration.
    pub draining: bool,
}

/// A registered target that is not expected for any live task of this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    pub group: TargetGroupArn,
    /// The registered target.
    pub registered: RegisteredTarget,
}

/// Returns why a service is out of scope.
#[must_use]
pub fn out_of_scope(observation: &Observation) -> Option<&'static str> {
    let Some(service) = &observation.service else { return Some("ECS does not know this service") };
    if matches!(service.status, ServiceStatus::Unknown(_)) {
        return Some("this version of Portkeeper does not know the service's status");
    }
    if let Some(why) = observation.ending().filter(|_| !may_have_targets(observation)) {
        return Some(why);
    }
    if service.desired_count == 0 && !may_have_targets(observation) {
        return Some("the desired count is 0 and no target is registered");
    }
    if service.managed_by_ecs || service.behind_gateway {
        return Some(
            "ECS manages this service's target groups itself, so Portkeeper only observes it",
        );
    }
    let has = |found: fn(&crate::observation::LoadBalancer) -> bool| {
        let sets = service.task_sets.iter().flat_map(|set| &set.load_balancers);
        let revisions = service.revisions.iter().flat_map(|revision| &revision.load_balancers);
        service.load_balancers.iter().chain(sets).chain(revisions).any(found)
    };
    if has(|entry| entry.target_group.is_some()) || has_registered(observation) {
        None
    } else if has(|entry| entry.classic.is_some()) {
        Some(
            "it uses a Classic Load Balancer, which registers instances only and does not support dynamic host ports",
        )
    } else if service.behind_lattice {
        Some("it uses VPC Lattice, which is not ELBv2")
    } else {
        Some("it has no target group")
    }
}

/// Returns whether a target may be left over in one of the service's groups: a leftover of a
/// service that is deleted or scaled to zero leads to the next task on its port.
fn may_have_targets(observation: &Observation) -> bool {
    !observation.groups_are_whole() || has_registered(observation)
}

fn has_registered(observation: &Observation) -> bool {
    let groups = observation.target_groups.keys().filter_map(|arn| observation.found_group(arn));
    groups.flat_map(|group| &group.targets).any(RegisteredTarget::is_registered)
}

/// Compares every group that was read.
#[must_use]
pub fn compare(observation: &Observation, expected: &ExpectedTargets) -> Comparison {
    let mut comparison = Comparison::default();
    for (arn, group) in &observation.target_groups {
        let TargetGroup::Found(group) = group else { continue };
        // Expected targets are sorted, so in reverse order a required one replaces an optional one.
        let targets: BTreeMap<&Target, &ExpectedTarget> = expected
            .targets
            .iter()
            .rev()
            .filter(|expected| expected.group == *arn)
            .map(|it| (&it.target, it))
            .collect();
        let (registered, aside): (Vec<&RegisteredTarget>, Vec<&RegisteredTarget>) =
            group.targets.iter().partition(|target| target.is_registered());
        for present in &registered {
            match targets.get(&present.target) {
                Some(expected) => {
                    comparison.matched.push(Matched {
                        expected: (*expected).clone(),
                        registered: (*present).clone(),
                    });
                }
                None => {
                    comparison
                        .unexpected
                        .push(Unexpected { group: arn.clone(), registered: (*present).clone() });
                }
            }
        }
        let registered: BTreeSet<&Target> =
            registered.iter().map(|present| &present.target).collect();
        let (draining, unregistered): (Vec<&RegisteredTarget>, Vec<&RegisteredTarget>) =
            aside.into_iter().partition(|target| target.is_draining());
        let draining: BTreeSet<&Target> = draining.iter().map(|other| &other.target).collect();
        let mut due: BTreeMap<&Target, &ExpectedTarget> = targets;
        due.retain(|_, expected| matches!(expected.requirement, Requirement::Required(_)));
        for (target, expected) in due.iter().filter(|(target, _)| !registered.contains(**target)) {
            comparison.absent.push(Absent {
                expected: (*expected).clone(),
                draining: draining.contains(*target),
            });
        }
        let unmissed = |target: &&Target| !due.contains_key(*target);
        let of_group = |target: &Target| (arn.clone(), target.clone());
        comparison.draining.extend(draining.into_iter().filter(unmissed).map(of_group));
        let unregistered = unregistered.into_iter().map(|other| &other.target);
        comparison.unregistered.extend(unregistered.filter(unmissed).map(of_group));
    }
    comparison
}

/// Returns the questions to answer before the differences may be judged. A service in order has
/// none.
#[must_use]
pub fn questions(input: &PlanInput) -> Questions {
    let observation = &input.observation;
    let mut questions = Questions::default();
    if mode_in_force(input).mode == Mode::Off || out_of_scope(observation).is_some() {
        return questions;
    }
    let expected = expected_with_record(observation, &input.record, input.hop);
    // I-COST: "It costs no call beyond"
    let comparison = compare(observation, &expected);
    for absent in &comparison.absent {
        let Requirement::Required(since) = absent.expected.requirement else { continue };
        if input.policy.settled_at(since) > input.now {
            continue;
        }
        questions.target_groups.insert(absent.expected.group.clone());
        let task = observation.tasks.iter().find(|task| task.arn == absent.expected.task);
        questions.container_instances.extend(task.and_then(|task| task.container_instance.clone()));
    }
    let is_required = |it: &&Matched| matches!(it.expected.requirement, Requirement::Required(_));
    for matched in comparison.matched.iter().filter(is_required) {
        let state = &matched.registered.state;
        let failing = matches!(
            state,
            HealthState::Unhealthy | HealthState::UnhealthyDraining | HealthState::Initial
        );
        let idle = matched.registered.is_not_in_use() && observation.uses_groups_of_tasks();
        let unusable = matched.registered.is_unusable();
        if failing || idle || unusable {
            questions.target_groups.insert(matched.expected.group.clone());
        }
        if is_of_a_stopped_container(observation, &matched.expected)
            && let TargetId::Instance(ec2) = &matched.expected.target.id
        {
            questions.other_tasks.hosts.insert(ec2.clone());
        }
    }
    // I-PARTIAL: "A partial view never leads to a write that it could affect."
    if !observation.tasks_are_whole() {
        return questions;
    }
    let judgeable = |unexpected: &&Unexpected| {
        let target = &unexpected.registered.target;
        let mut covering = expected.undetermined.iter().filter(|it| it.reach.covers(&target.id));
        // What is healthy while the next task has not started may be another writer's.
        let is_healthy = unexpected.registered.state == HealthState::Healthy;
        covering.next().is_none()
            || (is_healthy && may_get_only_later(observation, &expected, target))
    };
    let is_ours =
        |it: &&Unexpected| left_to_others(input, &it.group, &it.registered.target).is_none();
    for unexpected in comparison.unexpected.iter().filter(judgeable).filter(is_ours) {
        ask_about_unexpected(input, &expected, unexpected, &mut questions);
    }
    questions
}

/// Whether each undetermined task that may get the target has not started, so it cannot answer
/// there.
pub(crate) fn may_get_only_later(
    observation: &Observation,
    expected: &ExpectedTargets,
    target: &Target,
) -> bool {
    let mut covering = expected.undetermined.iter().filter(|it| it.reach.covers(&target.id));
    covering.all(|it| {
        let task = observation.tasks.iter().find(|task| task.arn == it.task);
        task.is_some_and(|task| {
            let waits = matches!(task.last_status, TaskStatus::Provisioning | TaskStatus::Pending);
            waits && task.containers.iter().all(|it| it.bindings.is_empty())
        })
    })
}

fn ask_about_unexpected(
    input: &PlanInput,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    questions: &mut Questions,
) {
    let PlanInput { observation, record, .. } = input;
    let target = &unexpected.registered.target;
    let known = record
        .known_target(&unexpected.group, target)
        .filter(|known| known.seen_absent_at.is_none());
    let ended = expected
        .ended
        .iter()
        .any(|ended| ended.group == unexpected.group && ended.target == *target);
    if let Some(known) = known {
        let listed = observation.tasks.iter().any(|task| task.arn == known.task);
        if !listed && !observation.gone_tasks.contains(&known.task) {
            questions.tasks.insert(known.task.clone());
        }
    }
    // No answer changes a reported finding about a target that never belonged to this service.
    let reported =
        |incident: &crate::ledger::Incident| incident.alerted.is_some() && !incident.is_over();
    let subject = Subject::Target(unexpected.group.clone(), target.clone());
    if known.is_none() && !ended && record.incident(&Code::Foreign, &subject).is_some_and(reported)
    {
        return;
    }
    let users_matter = users_matter(observation, target);
    // Two things justify the calls to other clusters, because the address may belong to a task
    // there: a possible deregistration, and an alert that the next check would publish.
    let may_leave = known.is_some() || ended;
    let may_be_reported = record.incident(&Code::Foreign, &subject).is_some_and(|it| !it.is_over())
        && !record.is_of_other_cluster(&unexpected.group, target, input.now);
    if let TargetId::Instance(ec2) = &target.id {
        questions.other_tasks.hosts.insert(ec2.clone());
        if may_leave {
            questions.only_here.insert(ec2.clone());
        }
    }
    questions.other_tasks.cluster |= users_matter;
    if users_matter && (may_leave || may_be_reported) {
        questions.other_clusters.insert(unexpected.group.clone());
    }
}
