//! What should be registered: a target for every task of a service, in each of its groups.
//!
//! Knows nothing of what is registered, except where ECS leaves open which of several targets or
//! groups a task has.

mod groups;

pub use groups::{has_left, left_to_others, named_groups};

use crate::address::{Address, Entry, Reach, address, instance_of};
use crate::code::Code;
use crate::ids::{Target, TargetGroupArn, TargetId, TaskArn};
use crate::ledger::{LedgerRecord, SEEN_ABSENT_KEPT_SECS};
use crate::observation::{Missed, Observation, Service, TargetGroup, Task, TaskStatus};
use crate::subject::Subject;
use crate::time::Timestamp;
use groups::{NoEntries, entries};
use std::collections::BTreeSet;

/// If this many checks in a row do not find a task that an event named, the task no longer exists.
const LOOKS_FOR_A_NAMED_TASK: u32 = 3;

/// The expected and former targets of a service's tasks, and what is undetermined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedTargets {
    /// Targets of live tasks.
    pub targets: Vec<ExpectedTarget>,
    /// Targets of stopped tasks.
    pub ended: Vec<FormerTarget>,
    /// The latest stop of a task that ran and whose target is now unknown.
    pub unknown_target_until: Option<Timestamp>,
    /// Tasks whose target or group is unknown. Portkeeper deregisters nothing within their reach.
    pub undetermined: Vec<Undetermined>,
    /// A setup that can never work.
    pub misfits: Vec<Misfit>,
    /// Tasks that are out of scope, with the reason.
    pub out_of_scope: Vec<(TaskArn, String)>,
}

/// A target that should be registered for a live task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedTarget {
    pub group: TargetGroupArn,
    pub target: Target,
    /// Whether it is required or optional. It precedes the task, so that a running task's target
    /// sorts first.
    pub requirement: Requirement,
    pub task: TaskArn,
}

/// Whether a live task's target must be registered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// Required: the task runs, with desired status RUNNING, since this time.
    Required(Timestamp),
    /// Optional: the task starts, stops, or cannot be judged.
    Optional(&'static str),
}

/// A target of a stopped task: proof that it belonged to this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerTarget {
    pub group: TargetGroupArn,
    pub target: Target,
    pub task: TaskArn,
    pub at: Timestamp,
}

/// A task whose target or group is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undetermined {
    pub task: TaskArn,
    /// What resolves it.
    pub clears: Clears,
    pub since: Timestamp,
    pub why: String,
    /// The targets that it may be.
    pub reach: Reach,
    /// The group, if only the target is unknown.
    pub group: Option<TargetGroupArn>,
}

/// What resolves an undetermined task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clears {
    /// It is temporary; an event will report the change.
    ByItself,
    /// The answer was older than an event: a recheck soon reads a newer one.
    OnReread,
    /// It may persist: then it is a finding of this code.
    Report(Code),
}

impl Clears {
    /// A finding of this code, if it `lasts`.
    fn report_if(lasts: bool, code: Code) -> Self {
        if lasts { Self::Report(code) } else { Self::ByItself }
    }
}

/// A setup that can never work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub code: Code,
    pub subject: Subject,
    /// An affected task.
    pub task: TaskArn,
    pub why: String,
}

/// What is known of the service whose tasks are judged.
#[derive(Clone, Copy)]
struct Context<'a> {
    observation: &'a Observation,
    record: &'a LedgerRecord,
    service: &'a Service,
}

/// The expected targets of every task of the observed service, without a record of earlier checks.
#[must_use]
pub fn expected_targets(observation: &Observation, hop: u32) -> ExpectedTargets {
    expected_with_record(observation, &LedgerRecord::default(), hop)
}

/// The expected targets of every task of the observed service.
#[must_use]
pub fn expected_with_record(
    observation: &Observation,
    record: &LedgerRecord,
    hop: u32,
) -> ExpectedTargets {
    let mut expected = ExpectedTargets::default();
    let Some(service) = &observation.service else { return expected };
    let context = Context { observation, record, service };
    for task in &observation.tasks {
        task_targets(context, task, &mut expected);
    }
    let listed: BTreeSet<&TaskArn> = observation.tasks.iter().map(|task| &task.arn).collect();
    for (task, version) in &observation.at_least {
        if !listed.contains(task)
            && !observation.gone_tasks.contains(task)
            && hop < LOOKS_FOR_A_NAMED_TASK
        {
            expected.undetermined.push(Undetermined {
                task: task.clone(),
                clears: Clears::OnReread,
                since: observation.observed_at,
                why: format!(
                    "an event names version {version} of the task, but ECS does not list the task yet"
                ),
                reach: Reach::Anything,
                group: None,
            });
        }
    }
    expected.targets.sort();
    expected.targets.dedup();
    expected
}

/// Whether the container that had this host port has stopped, although its task may run on. An
/// address of its own stays the task's.
#[must_use]
pub fn is_of_a_stopped_container(observation: &Observation, expected: &ExpectedTarget) -> bool {
    let task = observation.tasks.iter().find(|task| task.arn == expected.task);
    matches!(expected.target.id, TargetId::Instance(_))
        && task.is_some_and(|task| task.stopped_container(expected.target.port).is_some())
}

fn task_targets(context: Context<'_>, task: &Task, expected: &mut ExpectedTargets) {
    let observation = context.observation;
    if task.service() != Some(observation.key.service.as_str()) {
        expected.out_of_scope.push((
            task.arn.clone(),
            "this service did not start the task, so no target is expected".to_owned(),
        ));
        return;
    }
    if task.anywhere {
        expected.out_of_scope.push((
            task.arn.clone(),
            "ECS Anywhere: AWS does not load-balance the task".to_owned(),
        ));
        return;
    }
    let since = task.started_at.unwrap_or(observation.observed_at);
    if observation.at_least.get(&task.arn).is_some_and(|version| task.version < *version) {
        let why = format!("ECS returned version {}, which is older than the event", task.version);
        expected.undetermined.push(undetermined(
            task,
            Clears::OnReread,
            since,
            why,
            Reach::Anything,
        ));
        return;
    }
    match entries(context, task) {
        Err(NoEntries::Nowhere(why)) => {
            expected.out_of_scope.push((task.arn.clone(), why.to_owned()));
        }
        Err(NoEntries::Ambiguous(_)) if task.last_status.is_over() => {
            untraced(observation, task, expected);
            expected
                .out_of_scope
                .push((task.arn.clone(), "stopped; where it was registered is unknown".to_owned()));
        }
        Err(NoEntries::Ambiguous(why)) => {
            let reach = occupied_host(observation, task).map_or(Reach::Anything, Reach::Host);
            // A stopping task is temporary, and a revision that could not be read is not ambiguous.
            let unread = observation.gaps.iter().any(|gap| {
                gap.retry && matches!(gap.what, Missed::Revisions | Missed::TargetGroup(_))
            });
            let lasts = task.desired_status == TaskStatus::Running && !unread;
            let clears = Clears::report_if(lasts, Code::AmbiguousRevision);
            expected.undetermined.push(undetermined(task, clears, since, why, reach));
        }
        Ok(entries) if entries.is_empty() => {
            expected
                .out_of_scope
                .push((task.arn.clone(), "its revision has no target group".to_owned()));
        }
        Ok(entries) => {
            for entry in entries {
                entry_target(observation, task, &entry, expected);
            }
        }
    }
    if !task.connected && !task.last_status.is_over() {
        let reach = occupied_host(observation, task).map_or(Reach::Anything, Reach::Host);
        let why = "its agent is disconnected, so its state may be outdated".to_owned();
        let clears = Clears::Report(Code::AgentDisconnected);
        expected.undetermined.push(undetermined(task, clears, since, why, reach));
    }
}

/// Whether a call that would have returned the task's address failed and will be retried.
fn was_missed(observation: &Observation, task: &Task) -> bool {
    observation.gaps.iter().filter(|gap| gap.retry).any(|gap| match &gap.what {
        Missed::ContainerInstance(arn) => task.container_instance.as_ref() == Some(arn),
        Missed::TaskDefinition(arn) => *arn == task.task_definition,
        _ => false,
    })
}

fn undetermined(
    task: &Task,
    clears: Clears,
    since: Timestamp,
    why: String,
    reach: Reach,
) -> Undetermined {
    Undetermined { task: task.arn.clone(), clears, since, why, reach, group: None }
}

/// The instance or the address that a task uses.
fn occupied_host(observation: &Observation, task: &Task) -> Option<TargetId> {
    let eni = task.network_interface.as_ref();
    let ip = eni.and_then(|eni| eni.ipv4.or(eni.ipv6)).map(TargetId::Ip);
    if eni.is_some() { ip } else { instance_of(observation, task) }
}

fn entry_target(
    observation: &Observation,
    task: &Task,
    entry: &Entry,
    expected: &mut ExpectedTargets,
) {
    let over = task.last_status.is_over();
    let since = task.started_at.unwrap_or(observation.observed_at);
    let group = match observation.target_groups.get(&entry.group) {
        Some(TargetGroup::Found(group)) => group,
        Some(TargetGroup::Missing) => {
            if !over {
                let why =
                    "the target group does not exist, so ECS cannot register any target".to_owned();
                expected.misfits.push(misfit(Code::TargetGroupMissing, task, entry, why));
            }
            return;
        }
        // Unread: it is a gap, and nothing in it is compared.
        None => return,
    };
    let of_task = |target| ExpectedTarget {
        group: entry.group.clone(),
        target,
        task: task.arn.clone(),
        requirement: requirement(observation, task, since),
    };
    match address(observation, task, entry, group) {
        Address::Known(target) if over => {
            let at = task.stopped_at.unwrap_or(observation.observed_at);
            // An event may have waited for days in the dead-letter queue. ECS registers nothing for a
            // task before it has started.
            let is_recent = observation.observed_at.secs_since(at) < SEEN_ABSENT_KEPT_SECS;
            if is_recent && task.started_at.is_some() {
                expected.ended.push(FormerTarget {
                    group: entry.group.clone(),
                    target,
                    task: task.arn.clone(),
                    at,
                });
            }
        }
        Address::Known(target) => expected.targets.push(of_task(target)),
        Address::Registered(targets) => {
            expected.targets.extend(targets.into_iter().map(of_task));
        }
        Address::Unknown { .. } if over => untraced(observation, task, expected),
        Address::Misfit { .. } if over => {}
        Address::Unknown { why, reach } => {
            let lasts = matches!(requirement(observation, task, since), Requirement::Required(_))
                && !was_missed(observation, task);
            let clears = Clears::report_if(lasts, Code::BindingsMissing);
            let group = Some(entry.group.clone());
            let unknown = undetermined(task, clears, since, why, reach);
            expected.undetermined.push(Undetermined { group, ..unknown });
        }
        Address::Misfit { code, why } => expected.misfits.push(misfit(code, task, entry, why)),
    }
}

/// Records a stopped task whose target is unknown now but may become known: its agent reports late,
/// or a call failed.
fn untraced(observation: &Observation, task: &Task, expected: &mut ExpectedTargets) {
    if task.started_at.is_some() {
        expected.unknown_target_until = expected
            .unknown_target_until
            .max(Some(task.stopped_at.unwrap_or(observation.observed_at)));
    }
}

fn misfit(code: Code, task: &Task, entry: &Entry, why: String) -> Misfit {
    Misfit { code, subject: Subject::Group(entry.group.clone()), task: task.arn.clone(), why }
}

/// The requirement. The target of a task that ECS is stopping is neither missing nor stale: ECS is
/// still deregistering it.
fn requirement(observation: &Observation, task: &Task, since: Timestamp) -> Requirement {
    let service = observation.service.as_ref();
    match (&task.desired_status, &task.last_status) {
        _ if !task.connected => Requirement::Optional("disconnected"),
        _ if service.is_some_and(|service| service.ends_task_set_of(task)) => {
            Requirement::Optional("of a task set that ECS is stopping")
        }
        (TaskStatus::Running, TaskStatus::Running) => Requirement::Required(since),
        (TaskStatus::Running, _) => Requirement::Optional("starting"),
        _ => Requirement::Optional("stopping"),
    }
}
