//! Messages of the `checks` queue, as far as they name services to look at.
//!
//! An event is only a doorbell: it says where to look, how fresh the answer must be, and, for a
//! stopped task, what its target was. Everything else is read again. Unknown kinds and unknown
//! fields are no-ops.

mod cloudtrail;

use crate::call::Call;
use crate::ids::{ClusterArn, ServiceArn, ServiceKey, TaskArn};
use crate::observation::{Task, TaskStatus};
use crate::task_parts::TaskDetail;
use cloudtrail::TrailDetail;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The version of our own message form.
const MESSAGE_VERSION: u32 = 1;

/// Service Action events after which the registrations of a service may differ.
const SERVICE_ACTIONS: [&str; 7] = [
    "SERVICE_STEADY_STATE",
    "TASKSET_STEADY_STATE",
    "TASKS_STOPPED",
    "SERVICE_TASK_START_IMPAIRED",
    "SERVICE_DEPLOYMENT_COMPLETED",
    "SERVICE_DEPLOYMENT_FAILED",
    "SERVICE_DESIRED_COUNT_UPDATED",
];

/// Deployment events after which a whole service is worth a look.
const DEPLOYMENT_EVENTS: [&str; 2] = ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"];

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Look at these services.
    Check(Check),
    /// Somebody did something. Which services it concerns only the ledger's index knows.
    Called {
        /// What was done.
        call: Call,
        /// The ARN of the role in whose session it was done.
        role: Option<String>,
    },
    /// Nothing, for this reason.
    Ignored(Ignored),
}

/// Look at these services of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The cluster.
    pub cluster: ClusterArn,
    /// Service names.
    pub services: BTreeSet<String>,
    /// A description of this task older than this version must not be judged.
    pub at_least: BTreeMap<TaskArn, u64>,
    /// Tasks that the event itself shows as stopped: proof of what their targets were.
    pub stopped: Vec<Task>,
    /// Calls that others made where these services are registered.
    pub calls: Vec<Call>,
    /// How many looks in a row led here.
    pub hop: u32,
}

impl Check {
    /// A look at these services, without anything that is known of them.
    #[must_use]
    pub fn of(cluster: ClusterArn, services: BTreeSet<String>) -> Self {
        Self {
            cluster,
            services,
            at_least: BTreeMap::new(),
            stopped: Vec::new(),
            calls: Vec::new(),
            hop: 0,
        }
    }
}

/// Why a message asks for nothing. Counted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// Neither from ECS nor of Elastic Load Balancing.
    Source(String),
    /// An event of a kind that changes no registration.
    Kind(String),
    /// A task event in a state between the interesting ones.
    TaskStatus(TaskStatus),
    /// A task that no service started.
    NotAServiceTask,
    /// A service or deployment event that changes no registration.
    EventName(String),
    /// An old short ARN that names no cluster, in an event that names none elsewhere.
    NoCluster(String),
    /// A call of Elastic Load Balancing that takes no traffic from a task.
    OtherCall(String),
    /// A call that AWS refused: nothing was done.
    RefusedCall(String),
    /// A call that ECS made.
    CallByEcs,
}

impl Ignored {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Source(_) => "other_source",
            Self::Kind(_) => "other_kind",
            Self::TaskStatus(_) => "other_task_status",
            Self::NotAServiceTask => "not_a_service_task",
            Self::EventName(_) => "other_event_name",
            Self::NoCluster(_) => "no_cluster",
            Self::OtherCall(_) => "other_call",
            Self::RefusedCall(_) => "refused_call",
            Self::CallByEcs => "call_by_ecs",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "events of `{source}` are not used"),
            Self::Kind(kind) => write!(f, "events of kind `{kind}` change no registration"),
            Self::TaskStatus(status) => {
                write!(f, "a task in {status} is not judged yet; RUNNING and STOPPED are")
            }
            Self::NotAServiceTask => {
                f.write_str("the task was not started by a service, so no target is expected")
            }
            Self::EventName(name) => write!(f, "`{name}` changes no registration"),
            Self::NoCluster(arn) => write!(f, "`{arn}` names no cluster"),
            Self::OtherCall(name) => write!(f, "`{name}` takes no traffic from a task"),
            Self::RefusedCall(error) => write!(f, "AWS refused the call: {error}"),
            Self::CallByEcs => f.write_str("ECS made the call, and tells of its tasks itself"),
        }
    }
}

/// A message that nobody can read: it fails, alone, and ends in the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("the message is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON of another kind.
    #[error(
        "the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)"
    )]
    NotAnEvent,
    /// An event of a kind that is used, without what it needs.
    #[error("the `{kind}` event cannot be read")]
    Malformed {
        /// The event's `detail-type`, or `portkeeper`.
        kind: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A call that does not say what was changed.
    #[error("the `{kind}` event does not name what was changed")]
    NamesNothing {
        /// The event's `detail-type`.
        kind: String,
    },
    /// One of ours, of a version that this program does not read.
    #[error("the message has version {0}, this program reads {MESSAGE_VERSION}")]
    OtherVersion(u64),
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail: Value,
    portkeeper: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceDetail {
    event_name: String,
    cluster_arn: Option<ClusterArn>,
}

/// Our own message: "check these services", from a look-again or from the sweep.
#[derive(Serialize, Deserialize)]
struct OwnMessage {
    version: u32,
    cluster: ClusterArn,
    services: BTreeSet<String>,
    #[serde(default)]
    hop: u32,
    #[serde(default)]
    at_least: BTreeMap<TaskArn, u64>,
}

/// Reads the body of a message.
pub fn parse(body: &str) -> Result<Message, Unreadable> {
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Unreadable::NotAnEvent,
            _ => Unreadable::NotJson(error),
        })?;
    if let Some(own) = envelope.portkeeper {
        return parse_own(own);
    }
    let kind = envelope.detail_type.ok_or(Unreadable::NotAnEvent)?;
    let malformed = |source| Unreadable::Malformed { kind: kind.clone(), source };
    match (envelope.source.as_str(), kind.as_str()) {
        ("aws.elasticloadbalancing", "AWS API Call via CloudTrail") => {
            let detail: TrailDetail = serde_json::from_value(envelope.detail).map_err(malformed)?;
            return detail.read().ok_or(Unreadable::NamesNothing { kind });
        }
        ("aws.elasticloadbalancing", _) => return Ok(Message::Ignored(Ignored::Kind(kind))),
        ("aws.ecs", _) => {}
        _ => return Ok(Message::Ignored(Ignored::Source(envelope.source))),
    }
    match kind.as_str() {
        "ECS Task State Change" => {
            serde_json::from_value(envelope.detail).map(task_event).map_err(malformed)
        }
        "ECS Service Action" => serde_json::from_value(envelope.detail)
            .map(|detail| service_event(detail, &SERVICE_ACTIONS, &envelope.resources))
            .map_err(malformed),
        "ECS Deployment State Change" => serde_json::from_value(envelope.detail)
            .map(|detail| service_event(detail, &DEPLOYMENT_EVENTS, &envelope.resources))
            .map_err(malformed),
        _ => Ok(Message::Ignored(Ignored::Kind(kind))),
    }
}

fn parse_own(own: Value) -> Result<Message, Unreadable> {
    let malformed = |source| Unreadable::Malformed { kind: "portkeeper".to_owned(), source };
    // The version first: a message of another version may have other members.
    let version = own.get("version").and_then(Value::as_u64);
    if let Some(version) = version.filter(|version| *version != u64::from(MESSAGE_VERSION)) {
        return Err(Unreadable::OtherVersion(version));
    }
    let OwnMessage { cluster, services, hop, at_least, .. } =
        serde_json::from_value(own).map_err(malformed)?;
    Ok(Message::Check(Check { at_least, hop, ..Check::of(cluster, services) }))
}

fn task_event(detail: TaskDetail) -> Message {
    let status = TaskStatus::from(detail.last_status.as_str());
    if !matches!(status, TaskStatus::Running | TaskStatus::Stopped) {
        return Message::Ignored(Ignored::TaskStatus(status));
    }
    let started_by_service =
        detail.started_by.as_deref().is_some_and(|by| by.starts_with("ecs-svc/"));
    let service = detail.group.as_deref().and_then(|group| group.strip_prefix("service:"));
    let Some(service) = service.filter(|name| started_by_service && !name.is_empty()) else {
        return Message::Ignored(Ignored::NotAServiceTask);
    };
    let check = Check::of(detail.cluster_arn.clone(), BTreeSet::from([service.to_owned()]));
    let at_least = BTreeMap::from([(detail.task_arn.clone(), detail.version)]);
    let stopped =
        if status.is_over() { detail.into_task().into_iter().collect() } else { Vec::new() };
    Message::Check(Check { at_least, stopped, ..check })
}

fn service_event(detail: ServiceDetail, used: &[&str], resources: &[String]) -> Message {
    if !used.contains(&detail.event_name.as_str()) {
        return Message::Ignored(Ignored::EventName(detail.event_name));
    }
    let arns: Vec<ServiceArn> = resources
        .iter()
        .filter_map(|resource| ServiceArn::try_from(resource.as_str()).ok())
        .collect();
    let cluster = detail.cluster_arn.or_else(|| arns.iter().find_map(ServiceArn::cluster));
    match cluster {
        Some(cluster) if !arns.is_empty() => Message::Check(Check::of(
            cluster,
            arns.iter().map(|arn| arn.name().to_owned()).collect(),
        )),
        _ => Message::Ignored(Ignored::NoCluster(resources.join(", "))),
    }
}

/// The body of a message that asks to look at a service again, as the `hop`-th look in a row.
#[must_use]
pub fn look_again_message(key: &ServiceKey, at_least: &BTreeMap<TaskArn, u64>, hop: u32) -> Value {
    let own = OwnMessage {
        version: MESSAGE_VERSION,
        cluster: key.cluster.clone(),
        services: BTreeSet::from([key.service.clone()]),
        hop,
        at_least: at_least.clone(),
    };
    serde_json::json!({ "portkeeper": own })
}

/// The body of a message that asks to look at these services of a cluster.
#[must_use]
pub fn check_message(cluster: &ClusterArn, services: &BTreeSet<String>) -> Value {
    let (cluster, services) = (cluster.clone(), services.clone());
    let own = OwnMessage {
        version: MESSAGE_VERSION,
        cluster,
        services,
        hop: 0,
        at_least: BTreeMap::new(),
    };
    serde_json::json!({ "portkeeper": own })
}

/// One service to look at, and the messages that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCheck {
    /// The service.
    pub key: ServiceKey,
    /// See [`Check::at_least`]; the newest version that any message names.
    pub at_least: BTreeMap<TaskArn, u64>,
    /// See [`Check::stopped`].
    pub stopped: Vec<Task>,
    /// See [`Check::calls`].
    pub calls: Vec<Call>,
    /// The shortest chain of looks among the messages.
    pub hop: u32,
    /// The ids of the messages.
    pub messages: BTreeSet<String>,
}

/// Turns the messages of a batch into one check for each service: 500 task events of one deployment
/// are one check.
#[must_use]
pub fn coalesce(messages: impl IntoIterator<Item = (String, Check)>) -> Vec<ServiceCheck> {
    let mut checks: BTreeMap<ServiceKey, ServiceCheck> = BTreeMap::new();
    for (id, check) in messages {
        for service in &check.services {
            let key = ServiceKey { cluster: check.cluster.clone(), service: service.clone() };
            let merged = checks.entry(key.clone()).or_insert_with(|| ServiceCheck {
                key,
                at_least: BTreeMap::new(),
                stopped: Vec::new(),
                calls: Vec::new(),
                hop: check.hop,
                messages: BTreeSet::new(),
            });
            merged.hop = merged.hop.min(check.hop);
            merged.messages.insert(id.clone());
            for (task, version) in &check.at_least {
                let floor = merged.at_least.entry(task.clone()).or_insert(0);
                *floor = (*floor).max(*version);
            }
            for task in &check.stopped {
                if !merged.stopped.iter().any(|known| known.arn == task.arn) {
                    merged.stopped.push(task.clone());
                }
            }
            merged.calls.extend(check.calls.iter().cloned());
        }
    }
    checks.into_values().collect()
}
