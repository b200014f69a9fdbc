//! Which task uses an address now, as far as the observation covers it.
//!
//! This module knows the coverage of the reading; it does not know which targets are expected.

use crate::address::{Occupied, instance_of, may_listen, occupied};
use crate::ids::{ContainerInstanceArn, Target, TargetGroupArn, TargetId, TaskArn};
use crate::observation::{
    ContainerInstance, ContainerInstanceState, FoundGroup, Observation, OtherTask, Task, TaskStatus,
};

/// Returns whether no task is desired and none is left.
#[must_use]
pub fn is_scaled_to_zero(observation: &Observation) -> bool {
    let wanted = observation.service.as_ref().is_some_and(|service| service.desired_count > 0);
    !wanted && observation.tasks.iter().all(|task| task.last_status.is_over())
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
    let others = observation.other_tasks.tasks.iter().map(|OtherTask { task, target_groups }| {
        (task, target_groups.as_ref().map(|groups| groups.contains(group)))
    });
    let others = others.chain(listed_others(observation));
    let views =
        others.filter_map(|(task, uses_group)| owner_view(observation, task, uses_group, target));
    let found = views.min_by_key(precedence).unwrap_or(OtherTaskView::Nobody);
    let explains = matches!(found, OtherTaskView::Task { uses_group: Some(true), .. });
    // A task that explains the target does so, whatever else was not read.
    if explains || is_covered(observation, &target.id) { found } else { OtherTaskView::NotKnown }
}

/// Returns the tasks that ECS lists with the service's own and that it did not start, and whether
/// their services use a group: a caller of `RunTask` chooses the task's group freely. One of no
/// service registers nothing by itself; the groups of another service's were not read.
fn listed_others(observation: &Observation) -> impl Iterator<Item = (&Task, Option<bool>)> {
    let listed = observation.tasks.iter().filter(|task| !is_own(observation, task));
    listed.map(|task| (task, task.service().is_none().then_some(false)))
}

fn is_own(observation: &Observation, task: &Task) -> bool {
    task.service() == Some(observation.key.service.as_str())
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
    let is_connected = disconnected_on(observation, id).is_none();
    coverage.hosts.contains(ec2) && are_fit && is_connected && (is_host || coverage.cluster)
}

/// Returns another service's live task on the host whose agent ECS reports as disconnected.
fn disconnected_on<'a>(observation: &'a Observation, host: &TargetId) -> Option<&'a TaskArn> {
    let mut others = observation.other_tasks.tasks.iter().map(|other| &other.task);
    let lost = others.find(|task| {
        !task.connected
            && !task.last_status.is_over()
            && instance_of(observation, task).as_ref() == Some(host)
    });
    lost.map(|task| &task.arn)
}

/// Returns why tasks that ECS does not show may use an address, as long as its host stays as it is:
/// reading again does not help.
#[must_use]
pub fn hidden_tasks(observation: &Observation, id: &TargetId) -> Option<String> {
    let TargetId::Instance(ec2) = id else { return None };
    let own = &observation.key.cluster;
    let lost = disconnected_on(observation, id)
        .map(|task| format!("the agent of task {} on its host is disconnected", task.short()));
    let of_host = observation.container_instances.iter().filter(|(_, it)| it.ec2_instance == *ec2);
    let mut unfit = of_host.filter_map(|(arn, instance)| {
        let state = instance.state.as_ref()?;
        match arn.other_cluster(own) {
            Some(cluster) => {
                Some(format!("its host is also a container instance of cluster {cluster}"))
            }
            None if state.is_fit() => None,
            None if state.is_managed() => {
                Some("the agent of a container instance of its host is disconnected".to_owned())
            }
            None => Some(format!("a container instance of its host is {}", state.status)),
        }
    });
    unfit.next().or(lost)
}

/// Returns the container instances of this cluster that an EC2 instance is known to have.
pub(crate) fn own_container_instances<'a>(
    observation: &'a Observation,
    ec2: &str,
) -> impl Iterator<Item = (&'a ContainerInstanceArn, &'a ContainerInstance)> {
    let own = &observation.key.cluster;
    observation.container_instances.iter().filter(move |(arn, instance)| {
        instance.ec2_instance == ec2 && arn.other_cluster(own).is_none()
    })
}

fn owner_view(
    observation: &Observation,
    task: &Task,
    uses_group: Option<bool>,
    target: &Target,
) -> Option<OtherTaskView> {
    let occupied = occupied(observation, task);
    if occupied.iter().any(|place| place.holds(target)) {
        let service = task.service().map(|name| named(observation, task, name));
        return Some(OtherTaskView::Task { task: task.arn.clone(), service, uses_group });
    }
    // A person may have meant the target for a task that no service started.
    let may_be_registered = uses_group != Some(false) || task.service().is_none();
    let may_be = may_be_registered && occupied.iter().any(|place| place.may_hold(target));
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
    other_tasks.only_here.contains(ec2) && (users_known || !users_matter(observation, target))
}

/// Returns whether it matters which services of other clusters use the group of a target: its
/// address may be that of a task there. A service scaled to zero may leave its group empty, but not
/// if the group serves another service in any cluster.
pub(crate) fn users_matter(observation: &Observation, target: &Target) -> bool {
    let is_host = match &target.id {
        TargetId::Instance(ec2) => own_container_instances(observation, ec2).next().is_some(),
        TargetId::Ip(_) => false,
    };
    !is_host || is_scaled_to_zero(observation)
}

/// Views that prevent a deregistration come first.
fn precedence(view: &OtherTaskView) -> u8 {
    match view {
        OtherTaskView::NotKnown => 0,
        OtherTaskView::Task { uses_group: Some(true), .. } => 1,
        OtherTaskView::Task { uses_group: None, .. } => 2,
        OtherTaskView::Pending(_) => 3,
        // A person may have meant the target for a task that no service started.
        OtherTaskView::Task { service: None, uses_group: Some(false), .. } => 4,
        OtherTaskView::Task { uses_group: Some(false), .. } => 5,
        OtherTaskView::Nobody => 6,
    }
}

/// Returns this service's own live task that occupies `target`, whatever its expected targets are.
#[must_use]
pub fn own_occupant(observation: &Observation, target: &Target) -> Option<TaskArn> {
    let here = |place: &Occupied| place.holds(target);
    let mut own = observation.tasks.iter().filter(|task| is_own(observation, task));
    let occupant = own.find(|task| occupied(observation, task).iter().any(here));
    occupant.map(|task| task.arn.clone())
}

/// What can answer on an address now, so far as ECS knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answerer {
    /// No task: whatever answers is not in ECS.
    Nobody,
    /// A task that has just begun or ended to use it: health checks may not show it yet.
    Changing,
    /// A task that runs.
    Task,
}

/// Returns which task of any service can answer on `target`. More tasks than these protect a target
/// ([`other_task_on`]): one that may use an address does not explain why the target is healthy.
#[must_use]
pub fn answerer(observation: &Observation, group: &TargetGroupArn, target: &Target) -> Answerer {
    let group = observation.found_group(group);
    let others = observation.other_tasks.tasks.iter().map(|other| &other.task);
    let here = |task: &&Task| occupied(observation, task).iter().any(|place| place.holds(target));
    let tasks = observation.tasks.iter().chain(others).filter(here);
    tasks
        .map(|task| as_answerer(observation, task, group, target))
        .max()
        .unwrap_or(Answerer::Nobody)
}

/// Source: [task lifecycle](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html).
fn as_answerer(
    observation: &Observation,
    task: &Task,
    group: Option<&FoundGroup>,
    target: &Target,
) -> Answerer {
    let is_on_host = matches!(target.id, TargetId::Instance(_));
    if is_on_host && !may_listen(observation, task, group, target.port) {
        // The containers of a task that is on its way out stopped a moment ago.
        return if task.is_stopping() { Answerer::Changing } else { Answerer::Nobody };
    }
    match task.last_status {
        TaskStatus::Activating
        | TaskStatus::Running
        | TaskStatus::Deactivating
        | TaskStatus::Stopping => Answerer::Task,
        // A container that has its port has started, while others of its task wait for it.
        TaskStatus::Provisioning | TaskStatus::Pending => {
            let has_started = task.containers.iter().any(|it| !it.bindings.is_empty());
            if has_started { Answerer::Changing } else { Answerer::Nobody }
        }
        // Its containers have stopped, a moment ago.
        TaskStatus::Deprovisioning | TaskStatus::Unknown(_) => Answerer::Changing,
        TaskStatus::Stopped | TaskStatus::Deleted => Answerer::Nobody,
    }
}
