//! The state of ECS, its agents and the EC2 instances. Knows no operation.

pub(super) mod definition;
pub(super) mod image;
pub(super) mod instance;
pub(super) mod network;
pub(super) mod service;
pub(super) mod settings;
pub(super) mod task;
pub(super) mod tasks;

use definition::TaskDefinition;
use instance::{Host, Instance};
use network::Network;
use serde_json::Value;
use service::{Service, ServiceStatus};
use settings::{Behaviour, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use task::{Answer, Task};
use tasks::Tasks;

/// The injected faults of one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Misbehaviour {
    pub(super) registrations_to_lose: u32,
    pub(super) targets_to_keep: u32,
    pub(super) registration_delay_secs: u64,
    pub(super) revisions_unknown: bool,
}

/// The state of ECS, of its agents, and of the EC2 instances and subnets they need.
#[derive(Debug)]
pub struct Ecs {
    pub timing: Timing,
    pub behaviour: Behaviour,
    pub(crate) network: Network,
    /// EC2 instances by instance id, whether or not they run an agent.
    pub(crate) hosts: BTreeMap<String, Host>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// By container instance id.
    pub(super) instances: BTreeMap<String, Instance>,
    /// By family, ordered by revision.
    pub(super) definitions: BTreeMap<String, Vec<Arc<TaskDefinition>>>,
    /// By `cluster/service`.
    pub(super) services: BTreeMap<String, Service>,
    /// By task id.
    pub(crate) tasks: Tasks,
    /// The task that answers on (instance id or address, port).
    pub(super) sockets: BTreeMap<(String, u16), String>,
    /// Programs outside tasks, by (instance id or address, port).
    pub(super) programs: BTreeSet<(String, u16)>,
    pub(super) misbehaviour: BTreeMap<String, Misbehaviour>,
    pub(super) broken_images: image::Images,
    pub(super) stale_reads: u32,
    pub(super) rng: fastrand::Rng,
}

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) tags: BTreeMap<String, String>,
    pub(super) capacity_providers: Vec<String>,
    /// Items of a capacity provider strategy, as given.
    pub(super) default_strategy: Vec<Value>,
}

impl Ecs {
    /// No clusters, and three subnets, one in each Availability Zone. The seed is for jitter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            timing: Timing::default(),
            behaviour: Behaviour::default(),
            network: Network::default(),
            hosts: BTreeMap::new(),
            clusters: BTreeMap::new(),
            instances: BTreeMap::new(),
            definitions: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: Tasks::default(),
            sockets: BTreeMap::new(),
            programs: BTreeSet::new(),
            misbehaviour: BTreeMap::new(),
            broken_images: BTreeMap::new(),
            stale_reads: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// The answer to a client that connects to (instance id or address, port) now.
    pub(crate) fn answer(&self, id: &str, port: u16) -> Answer {
        let key = (id.to_owned(), port);
        match self.sockets.get(&key).and_then(|task| self.tasks.get(task)) {
            Some(task) => task.answers,
            None if self.programs.contains(&key) => Answer::Ok,
            None => Answer::Refused,
        }
    }

    /// The task that answers on (instance id or address, port) now.
    pub(crate) fn listener(&self, id: &str, port: u16) -> Option<&Task> {
        self.tasks.get(self.sockets.get(&(id.to_owned(), port))?)
    }

    /// Whether a program outside ECS listens on (instance id or address, port).
    pub(crate) fn is_program(&self, id: &str, port: u16) -> bool {
        self.programs.contains(&(id.to_owned(), port))
    }

    /// The desired count of `cluster/service`. Returns `None` if there is no such active service.
    pub(crate) fn desired_count(&self, service: &str) -> Option<u32> {
        self.services
            .get(service)
            .filter(|held| held.status == ServiceStatus::Active)
            .map(|held| held.desired)
    }

    /// A task by ARN or id.
    pub(crate) fn find_task(&self, task: &str) -> Option<&Task> {
        self.tasks.get(tail(task))
    }

    pub(super) fn misbehaviour(&mut self, service: &str) -> &mut Misbehaviour {
        self.misbehaviour.entry(service.to_owned()).or_default()
    }
}

/// The id at the end of an ARN, or the id itself.
pub(super) fn tail(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
