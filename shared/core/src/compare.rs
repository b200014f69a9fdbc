//! Compares registered with expected targets: matched, absent, unexpected.
//!
//! Draining targets are set aside first. This module finds the differences and the questions that
//! must be answered before a difference may be judged; it judges nothing.

use crate::address::{Occupied, occupied};
use crate::code::Code;
use crate::expected::{
    ExpectedTarget, ExpectedTargets, Requirement, expected_targets, is_of_a_stopped_container,
    left_to_others,
};
use crate::ids::{ContainerInstanceArn, Target, TargetGroupArn, TargetId, TaskArn};
use crate::input::PlanInput;
use crate::ledger::LedgerRecord;
use crate::mode::mode_in_force;
use crate::observation::{
    ContainerInstance, ContainerInstanceState, HealthState, Missed, Observation, OtherTask,
    Questions, RegisteredTarget, ServiceStatus, TargetGroup, Task,
};
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
    let unread = observation
        .gaps
        .iter()
        .any(|gap| matches!(gap.what, Missed::TargetGroup(_) | Missed::Revisions));
    unread || has_registered(observation)
}

fn has_registered(observation: &Observation) -> bool {
    let groups = observation.target_groups.keys().filter_map(|arn| observation.found_group(arn));
    groups.flat_map(|group| &group.targets).any(RegisteredTarget::is_registered)
}

/// Returns whether no task is desired and none is left.
#[must_use]
pub fn is_scaled_to_zero(observation: &Observation) -> bool {
    let wanted = observation.service.as_ref().is_some_and(|service| service.desired_count > 0);
    !wanted && observation.tasks.iter().all(|task| task.last_status.is_over())
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

/// The task on an address, other than this service's own tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherTaskView {
    /// Not every task that may be there was read.
    NotKnown,
    /// No task of the cluster.
    Nobody,
    /// A task that may still start there and whose service may register it in this group.
    Pending(TaskArn),
    Task {
        task: TaskArn,
        /// The task's service, if a service started it.
        service: Option<String>,
        /// Whether its service registers its tasks in this group; `None` if undetermined.
        uses_group: Option<bool>,
    },
}

/// Returns the task, other than this service's, that uses `target`, as far as it matters for
/// `group`.
///
/// Two tasks may seem to use one port: a stopping task still shows a port that another task already
/// has. So a task that may be registered in the group comes first.
#[must_use]
pub fn other_task_on(
    observation: &Observation,
    group: &TargetGroupArn,
    target: &Target,
) -> OtherTaskView {
    // I-ADDRESS: "A target is deregistered only if no other task uses its address."
    if !is_covered(observation, &target.id) {
        return OtherTaskView::NotKnown;
    }
    let views = observation
        .other_tasks
        .tasks
        .iter()
        .filter_map(|other| owner_view(observation, other, group, target));
    views.min_by_key(precedence).unwrap_or(OtherTaskView::Nobody)
}

/// Returns whether every task of this cluster that may use the address was read.
///
/// An EC2 instance is covered only over all its container instances: one whose agent is
/// disconnected, or that ECS no longer manages, may run tasks that ECS does not show
/// (aws/amazon-ecs-agent#782).
fn is_covered(observation: &Observation, id: &TargetId) -> bool {
    let coverage = &observation.other_tasks.coverage;
    let TargetId::Instance(ec2) = id else { return coverage.cluster };
    let mut here = own_container_instances(observation, ec2).peekable();
    let is_host = here.peek().is_some();
    let are_fit = here.all(|(_, it)| it.state.as_ref().is_none_or(ContainerInstanceState::is_fit));
    coverage.hosts.contains(ec2) && are_fit && (is_host || coverage.cluster)
}

/// Returns the container instances of this cluster that an EC2 instance is known to have.
fn own_container_instances<'a>(
    observation: &'a Observation,
    ec2: &str,
) -> impl Iterator<Item = (&'a ContainerInstanceArn, &'a ContainerInstance)> {
    let cluster = observation.key.cluster.name();
    let here = move |arn: &ContainerInstanceArn| arn.cluster_name().is_none_or(|it| it == cluster);
    let of_host = move |instance: &ContainerInstance| instance.ec2_instance == ec2;
    observation
        .container_instances
        .iter()
        .filter(move |(arn, instance)| of_host(instance) && here(arn))
}

fn owner_view(
    observation: &Observation,
    other: &OtherTask,
    group: &TargetGroupArn,
    target: &Target,
) -> Option<OtherTaskView> {
    let OtherTask { task, target_groups } = other;
    let uses_group = target_groups.as_ref().map(|groups| groups.contains(group));
    let occupied = occupied(observation, task);
    if occupied.iter().any(|place| place.holds(target)) {
        let service = task.service().map(|name| named(observation, task, name));
        return Some(OtherTaskView::Task { task: task.arn.clone(), service, uses_group });
    }
    let may_be = uses_group != Some(false) && occupied.iter().any(|place| place.may_hold(target));
    may_be.then(|| OtherTaskView::Pending(task.arn.clone()))
}

/// Returns a service's name, with its cluster if that is another one.
fn named(observation: &Observation, task: &Task, service: &str) -> String {
    match task.arn.cluster_name() {
        Some(cluster) if cluster != observation.key.cluster.name() => {
            format!("{cluster}/{service}")
        }
        _ => service.to_owned(),
    }
}

/// Returns whether all tasks that may be registered with `target` in `group` were read, in every
/// cluster. An instance of this cluster may be a container instance of another cluster, too; an
/// address, or an instance that is not in this cluster, may belong to a task of another cluster
/// that uses the same group.
#[must_use]
pub fn covers_all_clusters(
    observation: &Observation,
    group: &TargetGroupArn,
    target: &Target,
) -> bool {
    let other_tasks = &observation.other_tasks;
    let users_known = other_tasks.other_clusters_known.contains(group);
    let TargetId::Instance(ec2) = &target.id else { return users_known };
    let is_host = own_container_instances(observation, ec2).next().is_some();
    // A service scaled to zero may leave its group empty, so the group's users in other clusters
    // must be known, whatever the target is.
    let users_matter = !is_host || is_scaled_to_zero(observation);
    other_tasks.only_here.contains(ec2) && (users_known || !users_matter)
}

/// Views that prevent a deregistration come first.
fn precedence(view: &OtherTaskView) -> u8 {
    match view {
        OtherTaskView::NotKnown => 0,
        OtherTaskView::Task { uses_group: Some(true), .. } => 1,
        OtherTaskView::Task { uses_group: None, .. } => 2,
        OtherTaskView::Pending(_) => 3,
        OtherTaskView::Task { uses_group: Some(false), .. } => 4,
        OtherTaskView::Nobody => 5,
    }
}

/// Returns this service's own live task that occupies `target`, whatever its expected targets are.
#[must_use]
pub fn own_occupant(observation: &Observation, target: &Target) -> Option<TaskArn> {
    let here = |place: &Occupied| place.holds(target);
    let occupant =
        observation.tasks.iter().find(|task| occupied(observation, task).iter().any(here));
    occupant.map(|task| task.arn.clone())
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
    let expected = expected_targets(observation, input.hop);
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
        if is_of_a_stopped_container(observation, &matched.expected) {
            if let TargetId::Instance(ec2) = &matched.expected.target.id {
                questions.other_tasks.hosts.insert(ec2.clone());
            }
        }
    }
    // I-PARTIAL: "A partial view never leads to a write that it could affect."
    if !observation.tasks_are_whole() {
        return questions;
    }
    let judgeable = |unexpected: &&Unexpected| {
        let id = &unexpected.registered.target.id;
        !expected.undetermined.iter().any(|undetermined| undetermined.reach.covers(id))
    };
    let is_ours =
        |it: &&Unexpected| left_to_others(input, &it.group, &it.registered.target).is_none();
    for unexpected in comparison.unexpected.iter().filter(judgeable).filter(is_ours) {
        ask_about_unexpected(observation, &input.record, &expected, unexpected, &mut questions);
    }
    questions
}

fn ask_about_unexpected(
    observation: &Observation,
    record: &LedgerRecord,
    expected: &ExpectedTargets,
    unexpected: &Unexpected,
    questions: &mut Questions,
) {
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
    let is_host = match &target.id {
        TargetId::Instance(ec2) => own_container_instances(observation, ec2).next().is_some(),
        TargetId::Ip(_) => false,
    };
    // A service scaled to zero may leave its group empty, but not if the group serves another
    // service in any cluster.
    let users_matter = !is_host || is_scaled_to_zero(observation);
    // Only a possible deregistration justifies the calls to other clusters: the address may belong
    // to a task of another cluster by now.
    let may_leave = known.is_some() || ended;
    if let TargetId::Instance(ec2) = &target.id {
        questions.other_tasks.hosts.insert(ec2.clone());
        if may_leave {
            questions.only_here.insert(ec2.clone());
        }
    }
    questions.other_tasks.cluster |= users_matter;
    if users_matter && may_leave {
        questions.other_clusters.insert(unexpected.group.clone());
    }
}
