//! What a message asks for: checks, the services behind an API call, or nothing.

use crate::api_call::ApiCall;
use crate::ids::{ClusterArn, TaskArn};
use crate::observation::{Task, TaskStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Check these services.
    Check(CheckRequest),
    /// An API call. Only the ledger's index knows which services it concerns.
    ApiCall {
        call: ApiCall,
        /// The ARN of the role whose session made the call.
        role: Option<String>,
    },
    /// Nothing, for this reason.
    Ignored(Ignored),
}

/// A request to check these services of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRequest {
    pub cluster: ClusterArn,
    /// Service names.
    pub services: BTreeSet<String>,
    /// Descriptions of these tasks older than this version must not be judged.
    pub at_least: BTreeMap<TaskArn, u64>,
    /// Tasks that the event itself shows as stopped: proof of their former targets.
    pub stopped: Vec<Task>,
    /// API calls by others on the groups and load balancers of these services.
    pub calls: Vec<ApiCall>,
    /// How many checks in a row led here.
    pub hop: u32,
}

impl CheckRequest {
    /// A check of these services, without further information.
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

/// Why a message requests nothing. Metrics count each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// Neither from ECS nor of Elastic Load Balancing.
    Source(String),
    /// An event of a kind that changes no registration.
    Kind(String),
    /// A task event in a state other than RUNNING and STOPPED.
    TaskStatus(TaskStatus),
    /// A task that no service started.
    NotAServiceTask,
    /// A service or deployment event that changes no registration.
    EventName(String),
    /// An old short ARN without a cluster, in an event that does not name the cluster otherwise.
    NoCluster(String),
    /// An Elastic Load Balancing call that takes no traffic from a task.
    OtherCall(String),
    /// A call that AWS refused: it changed nothing.
    RefusedCall(String),
    /// A call that ECS made.
    CallByEcs,
}

impl Ignored {
    /// The name in metrics.
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
                write!(f, "a task in {status} is not checked; only RUNNING and STOPPED tasks are")
            }
            Self::NotAServiceTask => {
                f.write_str("the task was not started by a service, so no target is expected")
            }
            Self::EventName(name) => write!(f, "`{name}` changes no registration"),
            Self::NoCluster(arn) => write!(f, "`{arn}` names no cluster"),
            Self::OtherCall(name) => write!(f, "`{name}` takes no traffic from a task"),
            Self::RefusedCall(error) => write!(f, "AWS refused the call: {error}"),
            Self::CallByEcs => {
                f.write_str("ECS made the call, and it reports its tasks in its own events")
            }
        }
    }
}
