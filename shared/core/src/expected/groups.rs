//! The target groups of one task, with container and port: those that its own revision or task set
//! names.
//!
//! `service.loadBalancers` is not "where the task must be". It shows the groups of *new* tasks. Old
//! tasks keep their old groups after `UpdateService`, blue/green revisions alternate between two
//! groups, `CODE_DEPLOY` and EXTERNAL services keep the groups per task set.
//!
//! Only where ECS leaves open which group of a pair a rolling service uses, what is registered
//! decides.
//!
//! Sources: Amazon ECS API `ServiceRevision`, `TaskSet`, `UpdateService`; developer guide
//! "Amazon ECS blue/green deployments".
//!
//! AWS facts: F-3.1, F-3.3, F-3.4.

use super::Context;
use crate::address::{Address, Entry, address};
use crate::ids::{Target, TargetGroupArn};
use crate::input::PlanInput;
use crate::observation::{
    DeploymentController, DeploymentStrategy, LoadBalancer, Missed, Observation, Revision, Service,
    TargetGroup, Task,
};
use std::collections::BTreeSet;

/// Every group that the service names anywhere, including the second group of a pair and those of
/// older revisions.
#[must_use]
pub fn named_groups(service: &Service) -> BTreeSet<TargetGroupArn> {
    let revisions = service.revisions.iter().flat_map(|revision| &revision.load_balancers);
    let task_sets = service.task_sets.iter().flat_map(|set| &set.load_balancers);
    let entries = service.load_balancers.iter().chain(revisions).chain(task_sets);
    let named =
        entries.flat_map(|entry| entry.target_group.iter().chain(&entry.alternate_target_group));
    let resolved = service
        .revisions
        .iter()
        .filter_map(|revision| revision.resolved_target_groups.as_ref())
        .flatten();
    named.chain(resolved).cloned().collect()
}

/// Returns whether the service no longer uses a group: `UpdateService` gave it other ones, or
/// another service has its name now.
#[must_use]
pub fn has_left(observation: &Observation, group: &TargetGroupArn) -> bool {
    let whole = !observation.gaps.iter().any(|gap| gap.what == Missed::Revisions);
    let named = |service: &Service| named_groups(service).contains(group);
    whole && observation.service.as_ref().is_some_and(|service| !named(service))
}

/// Returns why a target that is registered and not expected is not this service's matter: it is in
/// a group that the service has left, and either nothing says that it was this service's, or no
/// request reaches it.
#[must_use]
pub fn left_to_others(
    input: &PlanInput,
    group: &TargetGroupArn,
    target: &Target,
) -> Option<&'static str> {
    if !has_left(&input.observation, group) {
        None
    } else if !input.record.remembers(group, target) {
        Some("the service no longer uses the target group")
    } else if input.observation.found_group(group)?.load_balancers.is_empty() {
        Some("neither the service nor a load balancer uses the target group any longer")
    } else {
        None
    }
}

/// Why the groups of a task are unknown.
pub(super) enum NoEntries {
    /// A task of such a service has no group.
    Nowhere(&'static str),
    /// Its revision or task set is undetermined.
    Ambiguous(String),
}

/// The groups, containers and ports of one task.
pub(super) fn entries(context: Context<'_>, task: &Task) -> Result<Vec<Entry>, NoEntries> {
    let service = context.service;
    if service.managed_by_ecs || service.behind_gateway {
        return Err(NoEntries::Nowhere(
            "ECS manages this service's target groups itself, so Portkeeper only observes it",
        ));
    }
    let started_by = task.started_by.as_deref().unwrap_or_default();
    match (&service.controller, &service.strategy) {
        (DeploymentController::CodeDeploy | DeploymentController::External, _) => {
            match service.task_sets.iter().find(|set| set.id == started_by) {
                Some(set) => Ok(own_groups(&set.load_balancers)),
                None => Err(NoEntries::Ambiguous(format!("no task set has the id {started_by}"))),
            }
        }
        (DeploymentController::Ecs, DeploymentStrategy::Rolling) => {
            match (service.deployments.as_slice(), service.current_revisions.len()) {
                ([only], 0..=1) if only.id == started_by && !has_pairs(&service.load_balancers) => {
                    Ok(own_groups(&service.load_balancers))
                }
                _ => by_revision(context, task, started_by),
            }
        }
        (
            DeploymentController::Ecs,
            DeploymentStrategy::BlueGreen | DeploymentStrategy::Linear | DeploymentStrategy::Canary,
        ) => by_revision(context, task, started_by),
        (DeploymentController::Ecs, DeploymentStrategy::Unknown(name)) => {
            Err(NoEntries::Ambiguous(format!(
                "this version of Portkeeper does not know the deployment strategy `{name}`"
            )))
        }
        (DeploymentController::Unknown(name), _) => Err(NoEntries::Ambiguous(format!(
            "this version of Portkeeper does not know the deployment controller `{name}`"
        ))),
    }
}

/// Whether an entry names two groups. A change of strategy starts no deployment: after a change to
/// rolling, tasks of a blue/green deployment stay where they are, possibly in the second group.
fn has_pairs(load_balancers: &[LoadBalancer]) -> bool {
    load_balancers.iter().any(|entry| entry.alternate_target_group.is_some())
}

/// The entries with their first group. A Classic Load Balancer has no group and no dynamic ports.
fn own_groups(load_balancers: &[LoadBalancer]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = load_balancers
        .iter()
        .filter_map(|entry| {
            let group = entry.target_group.clone()?;
            Some(Entry { group, container: entry.container.clone(), port: entry.port })
        })
        .collect();
    entries.sort();
    entries.dedup();
    entries
}

/// A task's revision is the one whose ARN ends with the digits of `startedBy`. AWS documents
/// neither that nor the contrary, so it counts only if a revision has these digits and runs the
/// same task definition. Otherwise every revision with the task's task definition must agree.
fn by_revision(
    context: Context<'_>,
    task: &Task,
    started_by: &str,
) -> Result<Vec<Entry>, NoEntries> {
    let Context { observation, service, .. } = context;
    let digits = started_by.strip_prefix("ecs-svc/").unwrap_or_default();
    if let Some(revision) = service.revisions.iter().find(|revision| revision.arn.tail() == digits)
    {
        if revision.task_definition != task.task_definition {
            let why = format!(
                "revision {digits} runs {}, but the task does not",
                revision.task_definition.path()
            );
            return Err(NoEntries::Ambiguous(why));
        }
        return resolved_groups(context, task, revision);
    }
    let all_read = !observation.gaps.iter().any(|gap| gap.what == Missed::Revisions);
    let is_rolling = service.strategy == DeploymentStrategy::Rolling;
    if is_rolling && is_primary(service, task, started_by) {
        if !has_pairs(&service.load_balancers) {
            return Ok(own_groups(&service.load_balancers));
        }
        if let Some(entries) = used_groups(context, task, &service.load_balancers, None)
            && all_read
        {
            return Ok(entries);
        }
    }
    // If the digits of other tasks name revisions, digits that name none belong to a revision that
    // ECS did not return.
    let names_revision = |id: &str| {
        service
            .revisions
            .iter()
            .any(|revision| id.strip_prefix("ecs-svc/") == Some(revision.arn.tail()))
    };
    let digits_name_revisions =
        service.deployments.iter().any(|deployment| names_revision(&deployment.id))
            || observation
                .tasks
                .iter()
                .filter_map(|task| task.started_by.as_deref())
                .any(names_revision);
    let whole = all_read && !digits_name_revisions;
    let mut candidates: Vec<Vec<Entry>> = Vec::new();
    for revision in
        service.revisions.iter().filter(|revision| revision.task_definition == task.task_definition)
    {
        candidates.push(resolved_groups(context, task, revision)?);
    }
    candidates.dedup();
    match (candidates.pop(), candidates.is_empty()) {
        (Some(entries), true) if whole => Ok(entries),
        _ => {
            Err(NoEntries::Ambiguous(format!("startedBy {started_by} matches no current revision")))
        }
    }
}

/// The PRIMARY deployment of a rolling service uses exactly `service.loadBalancers`.
fn is_primary(service: &Service, task: &Task, started_by: &str) -> bool {
    service.deployments.iter().any(|deployment| {
        deployment.status == "PRIMARY"
            && deployment.id == started_by
            && deployment.task_definition == task.task_definition
    })
}

/// `resolvedConfiguration` names the groups that a revision uses, without container and port; the
/// revision's own entries name those. Of a pair, ECS names the one that the revision uses (API
/// `ServiceRevisionLoadBalancer`): both or none leave it undetermined.
fn resolved_groups(
    context: Context<'_>,
    task: &Task,
    revision: &Revision,
) -> Result<Vec<Entry>, NoEntries> {
    let (entries, resolved) = (&revision.load_balancers, &revision.resolved_target_groups);
    let named = |group: &TargetGroupArn| {
        entries.iter().any(|entry| groups_of(entry).any(|other| other == group))
    };
    if let Some(group) = resolved.iter().flatten().find(|group| !named(group)) {
        let why = format!(
            "revision {} uses {}, which none of its entries names",
            revision.arn.tail(),
            group.name()
        );
        return Err(NoEntries::Ambiguous(why));
    }
    used_groups(context, task, entries, resolved.as_deref()).ok_or_else(|| {
        let open = match resolved {
            None => "does not say which of its two groups it uses",
            Some(_) => "does not name exactly one group for each of its entries",
        };
        let tasks = if context.service.uses_every_group() {
            ", and its targets do not show it"
        } else {
            ""
        };
        NoEntries::Ambiguous(format!("revision {} {open}{tasks}", revision.arn.tail()))
    })
}

/// The entries with the group that each of them uses; `None` if that is undetermined.
fn used_groups(
    context: Context<'_>,
    task: &Task,
    load_balancers: &[LoadBalancer],
    resolved: Option<&[TargetGroupArn]>,
) -> Option<Vec<Entry>> {
    let with_group = load_balancers.iter().filter(|entry| entry.target_group.is_some());
    let used = with_group.map(|entry| {
        let is_used =
            |group: &&TargetGroupArn| resolved.is_none_or(|resolved| resolved.contains(group));
        let mut used = groups_of(entry).filter(is_used);
        let group = match (used.next(), used.next()) {
            (Some(group), None) => group,
            _ => group_of_pair(context, task, entry)?,
        };
        let (container, port) = (entry.container.clone(), entry.port);
        Some(Entry { group: group.clone(), container, port })
    });
    let mut entries = used.collect::<Option<Vec<Entry>>>()?;
    entries.sort();
    entries.dedup();
    Some(entries)
}

/// The group of a pair that a rolling service uses, if ECS does not say it: the one that has the
/// target of each task of the same deployment that has one. Without any target it is the first: a
/// rolling deployment registers its tasks in `targetGroupArn`, and the alternate group is for
/// blue/green deployments
/// ([AdvancedConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AdvancedConfiguration.html)).
/// That proves nothing of a task that has stopped.
fn group_of_pair<'a>(
    context: Context<'_>,
    task: &Task,
    pair: &'a LoadBalancer,
) -> Option<&'a TargetGroupArn> {
    let (first, second) = (pair.target_group.as_ref()?, pair.alternate_target_group.as_ref()?);
    let is_read = |group| context.observation.target_groups.contains_key(group);
    if !context.service.uses_every_group() || !is_read(first) || !is_read(second) {
        return None;
    }
    let (mut in_first, mut in_second, mut tasks) = (0, 0, 0);
    let of_deployment = context.observation.tasks.iter().filter(|other| {
        other.started_by == task.started_by
            && other.group == task.group
            && !other.last_status.is_over()
    });
    for other in of_deployment {
        let registered = |group| is_registered(context.observation, other, pair, group);
        let known = |group| context.record.knows(group, &other.arn);
        let (here, there) = match (registered(first), registered(second)) {
            (false, false) => (known(first), known(second)),
            found => found,
        };
        in_first += u32::from(here);
        in_second += u32::from(there);
        tasks += u32::from(here || there);
    }
    match (in_first == tasks, in_second == tasks) {
        (true, false) => Some(first),
        (false, true) => Some(second),
        (true, true) => {
            let may_guess = !task.last_status.is_over() && context.observation.tasks_are_whole();
            may_guess.then_some(first)
        }
        (false, false) => None,
    }
}

/// Whether a group holds the target that this entry would mean for a task there, draining or not.
fn is_registered(
    observation: &Observation,
    task: &Task,
    entry: &LoadBalancer,
    group: &TargetGroupArn,
) -> bool {
    let Some(TargetGroup::Found(found)) = observation.target_groups.get(group) else {
        return false;
    };
    let entry =
        Entry { group: group.clone(), container: entry.container.clone(), port: entry.port };
    match address(observation, task, &entry, found) {
        Address::Known(target) => found
            .targets
            .iter()
            .any(|it| it.target == target && (it.is_registered() || it.is_draining())),
        Address::Registered(targets) => !targets.is_empty(),
        Address::Unknown { .. } | Address::Misfit { .. } => false,
    }
}

/// The groups of an entry: one, or the two of a pair.
fn groups_of(entry: &LoadBalancer) -> impl Iterator<Item = &TargetGroupArn> {
    entry.target_group.iter().chain(&entry.alternate_target_group)
}
