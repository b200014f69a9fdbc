//! Parses the messages of the `checks` queue into requests for checks.
//!
//! An event only triggers a check: it names the service, the version that the answer must have,
//! and, for a stopped task, its target. The check reads everything else again. Unknown kinds and
//! unknown fields are ignored.
//!
//! AWS facts: F-2.1, F-2.3, F-11.6.

mod cloudtrail;
mod coalesce;
pub mod envelope;
mod trigger;

pub use coalesce::{ServiceCheck, coalesce};
pub use envelope::UnreadableMessage;
pub use trigger::{CheckRequest, Home, Ignored, Trigger};

use crate::api_call::ApiCall;
use crate::ids::{ClusterArn, ServiceArn, ServiceKey, TaskArn};
use crate::observation::{Task, TaskStatus};
use crate::task_parts::TaskDetail;
use cloudtrail::CloudTrailDetail;
use envelope::{Envelope, read_own};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The version of Portkeeper's own messages.
const MESSAGE_VERSION: u32 = 1;

/// The forms that the `checks` queue accepts, apart from Portkeeper's own.
const FORMS: &str = "an EventBridge event (no `detail-type`)";

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

/// Deployment events after which the whole service needs a check.
const DEPLOYMENT_EVENTS: [&str; 2] = ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceDetail {
    event_name: String,
    /// Read only if no ARN of the event names the cluster.
    #[serde(default)]
    cluster_arn: Value,
}

/// Portkeeper's own message: a recheck, the sweep's request to check these services, or a request
/// for which there was no time.
#[derive(Serialize, Deserialize)]
struct OwnMessage {
    version: u32,
    cluster: ClusterArn,
    services: BTreeSet<String>,
    #[serde(default)]
    hop: u32,
    #[serde(default)]
    at_least: BTreeMap<TaskArn, u64>,
    /// Only in a request that was postponed: what the first message reported. ECS must confirm a
    /// stopped task all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<Task>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<ApiCall>,
}

/// Reads the body of a message that holds one event, wherever it comes from.
pub fn parse(body: &str) -> Result<Trigger, UnreadableMessage> {
    read(Envelope::open(body, FORMS)?)
}

/// Reads the body of a message, and ignores events of other accounts, Regions and partitions.
/// Without a home, all events are local. The result has an element for each event: a pipe may send
/// several in one message.
#[must_use]
pub fn parse_all(home: Option<&Home>, body: &str) -> Vec<Result<Trigger, UnreadableMessage>> {
    let opened = Envelope::open_all(body, FORMS).into_iter();
    opened.map(|envelope| read_at(home, envelope?)).collect()
}

fn read_at(home: Option<&Home>, envelope: Envelope) -> Result<Trigger, UnreadableMessage> {
    let Some(home) = home else { return read(envelope) };
    match home.excludes(envelope.account.as_deref(), envelope.region.as_deref()) {
        Some(reason) => Ok(Trigger::Ignored(reason)),
        None => Ok(home.admit(read(envelope)?)),
    }
}

fn read(envelope: Envelope) -> Result<Trigger, UnreadableMessage> {
    if let Some(own) = envelope.portkeeper {
        return parse_own(own);
    }
    let kind = envelope.detail_type.ok_or(UnreadableMessage::NotAnEvent { forms: FORMS })?;
    let malformed = |source| UnreadableMessage::Malformed { kind: kind.clone(), source };
    let used: &[&str] = match (envelope.source.as_str(), kind.as_str()) {
        ("aws.elasticloadbalancing", "AWS API Call via CloudTrail") => {
            let detail: CloudTrailDetail =
                serde_json::from_value(envelope.detail).map_err(malformed)?;
            return detail.read().ok_or(UnreadableMessage::NamesNothing { kind });
        }
        ("aws.ecs", "ECS Task State Change") => {
            return serde_json::from_value(envelope.detail).map(task_event).map_err(malformed);
        }
        ("aws.ecs", "ECS Service Action") => &SERVICE_ACTIONS,
        ("aws.ecs", "ECS Deployment State Change") => &DEPLOYMENT_EVENTS,
        ("aws.ecs" | "aws.elasticloadbalancing", _) => {
            return Ok(Trigger::Ignored(Ignored::Kind(kind)));
        }
        _ => return Ok(Trigger::Ignored(Ignored::Source(envelope.source))),
    };
    let detail = serde_json::from_value(envelope.detail).map_err(malformed)?;
    service_event(detail, used, &envelope.resources).map_err(malformed)
}

fn parse_own(own: Value) -> Result<Trigger, UnreadableMessage> {
    let OwnMessage { cluster, services, hop, at_least, stopped, calls, .. } =
        read_own(own, MESSAGE_VERSION)?;
    Ok(Trigger::Check(CheckRequest { cluster, services, at_least, stopped, calls, hop }))
}

fn task_event(detail: TaskDetail) -> Trigger {
    let status = TaskStatus::from(detail.last_status.as_str());
    if !matches!(status, TaskStatus::Running | TaskStatus::Stopped) {
        return Trigger::Ignored(Ignored::TaskStatus(status));
    }
    let started_by_service =
        detail.started_by.as_deref().is_some_and(|by| by.starts_with("ecs-svc/"));
    let service = detail.group.as_deref().and_then(|group| group.strip_prefix("service:"));
    let Some(service) = service.filter(|name| started_by_service && !name.is_empty()) else {
        return Trigger::Ignored(Ignored::NotAServiceTask);
    };
    let check = CheckRequest::of(detail.cluster_arn.clone(), BTreeSet::from([service.to_owned()]));
    let at_least = BTreeMap::from([(detail.task_arn.clone(), detail.version)]);
    let stopped =
        if status.is_over() { detail.into_task().into_iter().collect() } else { Vec::new() };
    Trigger::Check(CheckRequest { at_least, stopped, ..check })
}

fn service_event(
    detail: ServiceDetail,
    used: &[&str],
    resources: &[String],
) -> Result<Trigger, serde_json::Error> {
    if !used.contains(&detail.event_name.as_str()) {
        return Ok(Trigger::Ignored(Ignored::EventName(detail.event_name)));
    }
    let arns: Vec<ServiceArn> = resources
        .iter()
        .filter_map(|resource| ServiceArn::try_from(resource.as_str()).ok())
        .collect();
    let cluster = match arns.iter().find_map(ServiceArn::cluster) {
        Some(cluster) => Some(cluster),
        None => serde_json::from_value(detail.cluster_arn)?,
    };
    Ok(match cluster {
        Some(cluster) if !arns.is_empty() => Trigger::Check(CheckRequest::of(
            cluster,
            arns.iter().map(|arn| arn.name().to_owned()).collect(),
        )),
        _ => Trigger::Ignored(Ignored::NoCluster(resources.join(", "))),
    })
}

/// The body of a message that requests a recheck of a service, as the `hop`-th check in a row.
#[must_use]
pub fn recheck_message(key: &ServiceKey, at_least: &BTreeMap<TaskArn, u64>, hop: u32) -> Value {
    let services = BTreeSet::from([key.service.clone()]);
    let request = CheckRequest::of(key.cluster.clone(), services);
    request_message(&CheckRequest { at_least: at_least.clone(), hop, ..request })
}

/// The body of a message that requests checks of these services of a cluster.
#[must_use]
pub fn check_message(cluster: &ClusterArn, services: &BTreeSet<String>) -> Value {
    request_message(&CheckRequest::of(cluster.clone(), services.clone()))
}

/// The body of a message that holds this request, whatever kind of message it came with.
#[must_use]
pub fn request_message(request: &CheckRequest) -> Value {
    let CheckRequest { cluster, services, at_least, stopped, calls, hop } = request.clone();
    let own =
        OwnMessage { version: MESSAGE_VERSION, cluster, services, hop, at_least, stopped, calls };
    serde_json::json!({ "portkeeper": own })
}
