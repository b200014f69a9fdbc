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

/// Where Portkeeper runs. An event may come from elsewhere: EventBridge forwards events between
/// accounts and Regions
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    partition: String,
    region: String,
    account: String,
}

impl Home {
    /// The home of the resource with this ARN; none if it names no account or no Region.
    #[must_use]
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(1);
        let (partition, _service) = (parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?, parts.next()?);
        let named = !partition.is_empty() && !region.is_empty() && !account.is_empty();
        named.then(|| Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// Why an event of this account and Region is ignored, if it is. An event without them is not.
    pub(super) fn excludes(&self, account: Option<&str>, region: Option<&str>) -> Option<Ignored> {
        let other = |ours: &str, theirs: Option<&str>| {
            theirs.filter(|theirs| *theirs != ours).map(str::to_owned)
        };
        other(&self.account, account)
            .map(Ignored::OtherAccount)
            .or_else(|| other(&self.region, region).map(Ignored::OtherRegion))
    }

    /// The trigger, if it concerns a resource here.
    pub(super) fn admit(&self, trigger: Trigger) -> Trigger {
        let place = match &trigger {
            Trigger::Check(check) => check.cluster.as_str(),
            Trigger::ApiCall { call, .. } => call.place.as_str(),
            Trigger::Ignored(_) => return trigger,
        };
        let Some(theirs) = Self::of(place) else { return trigger };
        let elsewhere = if theirs.partition == self.partition {
            self.excludes(Some(&theirs.account), Some(&theirs.region))
        } else {
            Some(Ignored::OtherPartition(theirs.partition))
        };
        elsewhere.map_or(trigger, Trigger::Ignored)
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
    /// An event of another account.
    OtherAccount(String),
    /// An event of another Region.
    OtherRegion(String),
    /// An event of another partition.
    OtherPartition(String),
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
            Self::OtherAccount(_) => "other_account",
            Self::OtherRegion(_) => "other_region",
            Self::OtherPartition(_) => "other_partition",
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
            Self::OtherAccount(account) => {
                write!(f, "it comes from account {account}, which Portkeeper does not check here")
            }
            Self::OtherRegion(region) => {
                write!(f, "it comes from Region {region}, which Portkeeper does not check here")
            }
            Self::OtherPartition(partition) => {
                write!(
                    f,
                    "it comes from partition {partition}, which Portkeeper does not check here"
                )
            }
        }
    }
}
