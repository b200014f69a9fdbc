//! What is registered against what should be: matched, wanted but absent, present but unwanted.
//!
//! Draining targets are set aside first: they are on their way out and are nobody's fault. This
//! module says what differs and what must be asked before a difference may be judged; it judges
//! nothing.

use crate::address::{Place, places};
use crate::code::Code;
use crate::desired::{Claim, Desired, Standing, desired_targets};
use crate::ids::{ContainerInstanceArn, Target, TargetGroupArn, TargetId, TaskArn};
use crate::input::PlanInput;
use crate::ledger::LedgerRecord;
use crate::mode::mode_in_force;
use crate::observation::{
    Coverage, HealthState, Missed, Observation, Owner, Questions, RegisteredTarget, Service,
    ServiceStatus, TargetGroup, Task,
};
use crate::policy::Mode;
use crate::subject::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// The three lists, and what was set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Registered, and a live task claims it.
    pub matched: Vec<Matched>,
    /// Claimed by a running task, and not registered.
    pub absent: Vec<Absent>,
    /// Registered, and no live task of this service claims it.
    pub unwanted: Vec<Unwanted>,
    /// On its way out, and nobody misses it.
    pub draining: Vec<(TargetGroupArn, Target)>,
}

/// A target where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Whose it is.
    pub claim: Claim,
    /// As it is registered.
    pub registered: RegisteredTarget,
}

/// A target that is not where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Whose it is.
    pub claim: Claim,
    /// It is still draining from an earlier deregistration.
    pub draining: bool,
}

/// A target that no live task of this service claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwanted {
    /// The group.
    pub group: TargetGroupArn,
    /// As it is registered.
    pub registered: RegisteredTarget,
}

/// Why a service is not looked at more closely.
#[must_use]
pub fn quiet(observation: &Observation) -> Option<&'static str> {
    let Some(service) = &observation.service else { return Some("ECS does not know this service") };
    match &service.status {
        ServiceStatus::Active => {}
        ServiceStatus::Draining => return Some("the service is being deleted"),
        ServiceStatus::Inactive => return Some("the service is deleted"),
        ServiceStatus::Unknown(_) => {
            return Some("this version of Portkeeper does not know the service's status");
        }
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
    if has(|entry| entry.target_group.is_some()) {
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

/// A target may be left behind in one of the service's groups: what is left of a service that was
/// scaled to zero leads to whoever gets the port next.
fn may_have_targets(observation: &Observation) -> bool {
    let unread = observation
        .gaps
        .iter()
        .any(|gap| matches!(gap.what, Missed::TargetGroup(_) | Missed::Revisions));
    let groups = observation.target_groups.keys().filter_map(|arn| observation.found_group(arn));
    unread || groups.flat_map(|group| &group.targets).any(RegisteredTarget::is_registered)
}

/// No task is wanted, and none is left.
#[must_use]
pub fn is_scaled_to_zero(observation: &Observation) -> bool {
    let wanted = observation.service.as_ref().is_some_and(|service| service.desired_count > 0);
    !wanted && observation.tasks.iter().all(|task| task.last_status.is_over())
}

/// Compares every group that was read.
#[must_use]
pub fn compare(observation: &Observation, desired: &Desired) -> Comparison {
    let mut comparison = Comparison::default();
    for (arn, group) in &observation.target_groups {
        let TargetGroup::Found(group) = group else { continue };
        // Claims are sorted, so going backwards a running task's claim displaces one that only may
        // be there.
        let claims: BTreeMap<&Target, &Claim> = desired
            .claims
            .iter()
            .rev()
            .filter(|claim| claim.group == *arn)
            .map(|it| (&it.target, it))
            .collect();
        let (registered, aside): (Vec<&RegisteredTarget>, Vec<&RegisteredTarget>) =
            group.targets.iter().partition(|target| target.is_registered());
        for present in &registered {
            match claims.get(&present.target) {
                Some(claim) => {
                    comparison
                        .matched
                        .push(Matched { claim: (*claim).clone(), registered: (*present).clone() });
                }
                None => {
                    comparison
                        .unwanted
                        .push(Unwanted { group: arn.clone(), registered: (*present).clone() });
                }
            }
        }
        let registered: BTreeSet<&Target> =
            registered.iter().map(|present| &present.target).collect();
        let aside: BTreeSet<&Target> = aside.iter().map(|other| &other.target).collect();
        let mut due: BTreeMap<&Target, &Claim> = claims;
        due.retain(|_, claim| matches!(claim.standing, Standing::Due(_)));
        for (target, claim) in due.iter().filter(|(target, _)| !registered.contains(**target)) {
            comparison
                .absent
                .push(Absent { claim: (*claim).clone(), draining: aside.contains(*target) });
        }
        let unmissed = aside.into_iter().filter(|target| !due.contains_key(target));
        comparison.draining.extend(unmissed.map(|target| (arn.clone(), target.clone())));
    }
    comparison
}

/// Who is on an address now, other than this service's own tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerView {
    /// Not everybody who could be there was read.
    NotKnown,
    /// Nobody in the cluster.
    Nobody,
    /// A task that may come to be there, and whose service may register it in this group.
    Pending(TaskArn),
    /// This task.
    Task {
        /// The task.
        task: TaskArn,
        /// Its service, if a service started it.
        service: Option<String>,
        /// Whether its service registers its tasks in this group; absent when that could not be
        /// told.
        uses_group: Option<bool>,
    },
}

/// Who, other than this service, is on `target`, as far as it bears on `group`.
///
/// Two may seem to be there at once: a task on its way out still shows a port that another task has
/// already taken. So whoever may be registered in the group comes before everybody else.
#[must_use]
pub fn owner_of(observation: &Observation, group: &TargetGroupArn, target: &Target) -> OwnerView {
    // I-ADDRESS: "A target is deregistered only if no other task uses its address."
    let owners = &observation.owners;
    let covered = match &owners.coverage {
        Coverage::Cluster => true,
        Coverage::Instances(instances) => container_instance_of(observation, &target.id)
            .is_some_and(|arn| instances.contains(&arn)),
    };
    if !covered {
        return OwnerView::NotKnown;
    }
    let views =
        owners.tasks.iter().filter_map(|owner| owner_view(observation, owner, group, target));
    views.min_by_key(precedence).unwrap_or(OwnerView::Nobody)
}

fn owner_view(
    observation: &Observation,
    owner: &Owner,
    group: &TargetGroupArn,
    target: &Target,
) -> Option<OwnerView> {
    let Owner { task, target_groups } = owner;
    let uses_group = target_groups.as_ref().map(|groups| groups.contains(group));
    let places = places(observation, task);
    if places.iter().any(|place| place.holds(target)) {
        let service = task.service().map(|name| named(observation, task, name));
        return Some(OwnerView::Task { task: task.arn.clone(), service, uses_group });
    }
    let may_be = uses_group != Some(false) && places.iter().any(|place| place.may_hold(target));
    may_be.then(|| OwnerView::Pending(task.arn.clone()))
}

/// A service as people tell it from this one: with its cluster, where that is another.
fn named(observation: &Observation, task: &Task, service: &str) -> String {
    match task.arn.cluster_name() {
        Some(cluster) if cluster != observation.key.cluster.name() => {
            format!("{cluster}/{service}")
        }
        _ => service.to_owned(),
    }
}

/// It is known who else may be registered with `target` in `group`, in whatever cluster. An
/// instance of this cluster is in no other one; an address, or an instance that is not here, may be
/// a task's of another cluster that uses the same group.
#[must_use]
pub fn is_known_everywhere(
    observation: &Observation,
    group: &TargetGroupArn,
    target: &Target,
) -> bool {
    let owners = &observation.owners;
    // A service that is scaled to zero may leave its group empty: of that one it must be known who
    // uses it elsewhere, whatever the target is.
    let here = || {
        container_instance_of(observation, &target.id)
            .is_some_and(|arn| owners.coverage.covers(&arn) && !is_scaled_to_zero(observation))
    };
    owners.known_elsewhere.contains(group) || here()
}

/// The more a view speaks against a deregistration, the earlier it comes.
fn precedence(view: &OwnerView) -> u8 {
    match view {
        OwnerView::NotKnown => 0,
        OwnerView::Task { uses_group: Some(true), .. } => 1,
        OwnerView::Task { uses_group: None, .. } => 2,
        OwnerView::Pending(_) => 3,
        OwnerView::Task { uses_group: Some(false), .. } => 4,
        OwnerView::Nobody => 5,
    }
}

/// This service's own live task that occupies `target`, whatever it claims.
#[must_use]
pub fn own_occupant(observation: &Observation, target: &Target) -> Option<TaskArn> {
    let here = |place: &Place| place.holds(target);
    let occupant = observation.tasks.iter().find(|task| places(observation, task).iter().any(here));
    occupant.map(|task| task.arn.clone())
}

fn container_instance_of(observation: &Observation, id: &TargetId) -> Option<ContainerInstanceArn> {
    let TargetId::Instance(ec2) = id else { return None };
    let found =
        observation.container_instances.iter().find(|(_, instance)| instance.ec2_instance == *ec2);
    found.map(|(arn, _)| arn.clone())
}

/// What must be read before the differences may be judged. A service in order asks nothing.
#[must_use]
pub fn questions(input: &PlanInput) -> Questions {
    let observation = &input.observation;
    let mut questions = Questions::default();
    if mode_in_force(input).mode == Mode::Off || quiet(observation).is_some() {
        return questions;
    }
    let desired = desired_targets(observation, input.hop);
    // I-COST: "It costs no call beyond"
    let comparison = compare(observation, &desired);
    for absent in &comparison.absent {
        let Standing::Due(since) = absent.claim.standing else { continue };
        if input.policy.settled_at(since) > input.now {
            continue;
        }
        questions.target_groups.insert(absent.claim.group.clone());
        let task = observation.tasks.iter().find(|task| task.arn == absent.claim.task);
        questions.container_instances.extend(task.and_then(|task| task.container_instance.clone()));
    }
    for matched in &comparison.matched {
        let state = &matched.registered.state;
        let failing = matches!(
            state,
            HealthState::Unhealthy | HealthState::UnhealthyDraining | HealthState::Initial
        );
        let idle = matched.registered.is_not_in_use()
            && observation.service.as_ref().is_some_and(Service::uses_every_group);
        if (failing || idle) && matches!(matched.claim.standing, Standing::Due(_)) {
            questions.target_groups.insert(matched.claim.group.clone());
        }
    }
    // I-PARTIAL: "A partial view never leads to a write that it could affect."
    if !observation.tasks_are_whole() {
        return questions;
    }
    let judgeable = |unwanted: &&Unwanted| {
        let id = &unwanted.registered.target.id;
        !desired.unclear.iter().any(|unclear| unclear.reach.covers(id))
    };
    for unwanted in comparison.unwanted.iter().filter(judgeable) {
        ask_about_unwanted(observation, &input.record, &desired, unwanted, &mut questions);
    }
    questions
}

fn ask_about_unwanted(
    observation: &Observation,
    record: &LedgerRecord,
    desired: &Desired,
    unwanted: &Unwanted,
    questions: &mut Questions,
) {
    let target = &unwanted.registered.target;
    let known =
        record.known_target(&unwanted.group, target).filter(|known| known.released_at.is_none());
    let ended =
        desired.ended.iter().any(|ended| ended.group == unwanted.group && ended.target == *target);
    if let Some(known) = known {
        let listed = observation.tasks.iter().any(|task| task.arn == known.task);
        if !listed && !observation.gone_tasks.contains(&known.task) {
            questions.tasks.insert(known.task.clone());
        }
    }
    // Nothing new can be learnt about a target that was never ours and of which people were told.
    let told =
        |incident: &crate::ledger::Incident| incident.alerted.is_some() && !incident.is_over();
    let subject = Subject::Target(unwanted.group.clone(), target.clone());
    if known.is_none() && !ended && record.incident(&Code::Foreign, &subject).is_some_and(told) {
        return;
    }
    // A service that is scaled to zero may leave its group empty, but not if the group serves
    // another one, wherever that runs.
    match container_instance_of(observation, &target.id) {
        Some(instance) if !is_scaled_to_zero(observation) => {
            questions.owners.add(instance);
        }
        _ => {
            questions.owners = Coverage::Cluster;
            // Only what may be taken out is worth the calls: it may be a task's of another cluster
            // by now.
            if known.is_some() || ended {
                questions.elsewhere.insert(unwanted.group.clone());
            }
        }
    }
}
