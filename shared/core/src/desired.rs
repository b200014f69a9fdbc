//! What should be registered: a target for every task of a service, in each of its groups.
//!
//! Knows nothing of what is registered.

mod groups;

use crate::address::{Address, Entry, Reach, address, instance_of};
use crate::code::Code;
use crate::ids::{Target, TargetGroupArn, TargetId, TaskArn};
use crate::ledger::RELEASED_KEPT_SECS;
use crate::observation::{Missed, Observation, Service, TargetGroup, Task, TaskStatus};
use crate::subject::Subject;
use crate::time::Timestamp;
use groups::{NoEntries, entries};
use std::collections::BTreeSet;

/// If this many checks in a row do not find a task that an event named, the task no longer exists.
const LOOKS_FOR_A_NAMED_TASK: u32 = 3;

/// The expected and former targets of a service's tasks, and what is undetermined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Targets of live tasks.
    pub claims: Vec<Claim>,
    /// Targets of stopped tasks.
    pub ended: Vec<Ended>,
    /// The latest stop of a task that ran and whose target is now unknown.
    pub untraced_until: Option<Timestamp>,
    /// Tasks whose target or group is unknown. Portkeeper deregisters nothing within their reach.
    pub unclear: Vec<Unclear>,
    /// A setup that can never work.
    pub misfits: Vec<Misfit>,
    /// Tasks that are out of scope, with the reason.
    pub left: Vec<(TaskArn, String)>,
}

/// A target that should be registered for a live task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub group: TargetGroupArn,
    pub target: Target,
    /// Whether it is required or optional. It precedes the task, so that a running task's target
    /// sorts first.
    pub standing: Standing,
    pub task: TaskArn,
}

/// Whether a live task's target must be registered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Required: the task runs, with desired status RUNNING, since this time.
    Due(Timestamp),
    /// Optional: the task starts, stops, or cannot be judged.
    Allowed(&'static str),
}

/// A target of a stopped task: proof that it belonged to this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub group: TargetGroupArn,
    pub target: Target,
    pub task: TaskArn,
    pub at: Timestamp,
}

/// A task whose target or group is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    pub task: TaskArn,
    /// What clears it up.
    pub clears: Clears,
    pub since: Timestamp,
    pub why: String,
    /// The targets that it may be.
    pub reach: Reach,
}

/// What clears up an undetermined task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clears {
    /// It passes; an event will report it.
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

/// The expected targets of every task of the observed service.
#[must_use]
pub fn desired_targets(observation: &Observation, hop: u32) -> Desired {
    let mut desired = Desired::default();
    let Some(service) = &observation.service else { return desired };
    for task in &observation.tasks {
        task_targets(observation, service, task, &mut desired);
    }
    let listed: BTreeSet<&TaskArn> = observation.tasks.iter().map(|task| &task.arn).collect();
    for (task, version) in &observation.at_least {
        if !listed.contains(task)
            && !observation.gone_tasks.contains(task)
            && hop < LOOKS_FOR_A_NAMED_TASK
        {
            desired.unclear.push(Unclear {
                task: task.clone(),
                clears: Clears::OnReread,
                since: observation.observed_at,
                why: format!(
                    "an event names version {version} of the task, but ECS does not list the task yet"
                ),
                reach: Reach::Anything,
            });
        }
    }
    desired.claims.sort();
    desired.claims.dedup();
    desired
}

fn task_targets(observation: &Observation, service: &Service, task: &Task, desired: &mut Desired) {
    if task.service() != Some(observation.key.service.as_str()) {
        desired.left.push((
            task.arn.clone(),
            "this service did not start the task, so no target is expected".to_owned(),
        ));
        return;
    }
    if task.anywhere {
        desired.left.push((
            task.arn.clone(),
            "ECS Anywhere: AWS does not load-balance the task".to_owned(),
        ));
        return;
    }
    let since = task.started_at.unwrap_or(observation.observed_at);
    if observation.at_least.get(&task.arn).is_some_and(|version| task.version < *version) {
        let why = format!("ECS returned version {}, which is older than the event", task.version);
        desired.unclear.push(unclear(task, Clears::OnReread, since, why, Reach::Anything));
        return;
    }
    match entries(observation, service, task) {
        Err(NoEntries::Nowhere(why)) => desired.left.push((task.arn.clone(), why.to_owned())),
        Err(NoEntries::Ambiguous(_)) if task.last_status.is_over() => {
            untraced(observation, task, desired);
            desired
                .left
                .push((task.arn.clone(), "stopped; where it was registered is unknown".to_owned()));
        }
        Err(NoEntries::Ambiguous(why)) => {
            let reach = occupied_host(observation, task).map_or(Reach::Anything, Reach::Host);
            // A stopping task passes, and a revision that could not be read is not ambiguous.
            let unread =
                observation.gaps.iter().any(|gap| gap.retry && gap.what == Missed::Revisions);
            let lasts = task.desired_status == TaskStatus::Running && !unread;
            let clears = Clears::report_if(lasts, Code::AmbiguousRevision);
            desired.unclear.push(unclear(task, clears, since, why, reach));
        }
        Ok(entries) if entries.is_empty() => {
            desired.left.push((task.arn.clone(), "its revision has no target group".to_owned()));
        }
        Ok(entries) => {
            for entry in entries {
                entry_target(observation, task, &entry, desired);
            }
        }
    }
    if !task.connected && !task.last_status.is_over() {
        let reach = occupied_host(observation, task).map_or(Reach::Anything, Reach::Host);
        let why = "its agent is disconnected, so its state may be outdated".to_owned();
        let clears = Clears::Report(Code::AgentDisconnected);
        desired.unclear.push(unclear(task, clears, since, why, reach));
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

fn unclear(task: &Task, clears: Clears, since: Timestamp, why: String, reach: Reach) -> Unclear {
    Unclear { task: task.arn.clone(), clears, since, why, reach }
}

/// The instance or the address that a task uses.
fn occupied_host(observation: &Observation, task: &Task) -> Option<TargetId> {
    let eni = task.network_interface.as_ref();
    let ip = eni.and_then(|eni| eni.ipv4.or(eni.ipv6)).map(TargetId::Ip);
    if eni.is_some() { ip } else { instance_of(observation, task) }
}

fn entry_target(observation: &Observation, task: &Task, entry: &Entry, desired: &mut Desired) {
    let over = task.last_status.is_over();
    let since = task.started_at.unwrap_or(observation.observed_at);
    let group = match observation.target_groups.get(&entry.group) {
        Some(TargetGroup::Found(group)) => group,
        Some(TargetGroup::Missing) => {
            if !over {
                let why =
                    "the target group does not exist, so ECS cannot register any target".to_owned();
                desired.misfits.push(misfit(Code::TargetGroupMissing, task, entry, why));
            }
            return;
        }
        // Unread: it is a gap, and nothing in it is compared.
        None => return,
    };
    match address(observation, task, entry, group) {
        Address::Known(target) if over => {
            let at = task.stopped_at.unwrap_or(observation.observed_at);
            // An event may have waited for days in the dead-letter queue.
            if observation.observed_at.secs_since(at) < RELEASED_KEPT_SECS {
                desired.ended.push(Ended {
                    group: entry.group.clone(),
                    target,
                    task: task.arn.clone(),
                    at,
                });
            }
        }
        Address::Known(target) => desired.claims.push(Claim {
            group: entry.group.clone(),
            target,
            task: task.arn.clone(),
            standing: standing(task, since),
        }),
        Address::Unknown { .. } if over => untraced(observation, task, desired),
        Address::Misfit { .. } if over => {}
        Address::Unknown { why, reach } => {
            let lasts =
                matches!(standing(task, since), Standing::Due(_)) && !was_missed(observation, task);
            let clears = Clears::report_if(lasts, Code::BindingsMissing);
            desired.unclear.push(unclear(task, clears, since, why, reach));
        }
        Address::Misfit { code, why } => desired.misfits.push(misfit(code, task, entry, why)),
    }
}

/// Records a stopped task whose target is unknown now but may become known: its agent reports late,
/// or a call failed.
fn untraced(observation: &Observation, task: &Task, desired: &mut Desired) {
    if task.started_at.is_some() {
        desired.untraced_until =
            desired.untraced_until.max(Some(task.stopped_at.unwrap_or(observation.observed_at)));
    }
}

fn misfit(code: Code, task: &Task, entry: &Entry, why: String) -> Misfit {
    Misfit { code, subject: Subject::Group(entry.group.clone()), task: task.arn.clone(), why }
}

/// The requirement. The target of a task that ECS is stopping is neither missing nor stale: ECS is
/// still deregistering it.
fn standing(task: &Task, since: Timestamp) -> Standing {
    match (&task.desired_status, &task.last_status) {
        _ if !task.connected => Standing::Allowed("disconnected"),
        (TaskStatus::Running, TaskStatus::Running) => Standing::Due(since),
        (TaskStatus::Running, _) => Standing::Allowed("starting"),
        _ => Standing::Allowed("stopping"),
    }
}
