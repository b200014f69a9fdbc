//! The facts of a world.

use super::error::WordError;
use super::names;
use portkeeper_core::api_call::{ApiCall, IndexKey};
use portkeeper_core::ids::{
    ContainerInstanceArn, NotAnId, ServiceKey, TargetGroupArn, TaskArn, TaskDefinitionArn,
};
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::observation::{
    ContainerInstanceState, FoundGroup, Gap, OtherTask, Questions, Service, ServiceStatus, Task,
    TaskDefinition,
};
use portkeeper_core::plan::{Plan, PlanInput};
use portkeeper_core::policy::Policy;
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// 2026-11-23T10:00:00Z, the time of the first line.
const START: Timestamp = Timestamp::from_secs(1_795_428_000);

/// A target group and how it answers.
#[derive(Debug)]
pub struct Group {
    pub arn: TargetGroupArn,
    pub found: FoundGroup,
    pub missing: bool,
    pub unread: bool,
}

/// A task of the service and how it answers.
#[derive(Debug)]
pub struct OwnTask {
    pub task: Task,
    /// No list includes the task; ECS describes it when asked by ARN.
    pub unlisted: bool,
    /// ECS lists it and cannot describe it.
    pub unread: bool,
}

/// A container instance; none when it cannot be read.
pub type Instance = Option<ContainerInstanceState>;

/// Everything that the lines have stated so far, and the record of the service.
#[derive(Debug)]
pub struct World {
    pub key: ServiceKey,
    pub start: Timestamp,
    pub now: Timestamp,
    pub hop: u32,
    pub policy: Policy,
    pub record: LedgerRecord,
    pub groups: BTreeMap<String, Group>,
    pub service: Option<Service>,
    pub desired_count: Option<u32>,
    pub counts: Option<(u32, u32)>,
    /// The task definition of a task or deployment for which the text names none.
    pub default_definition: TaskDefinitionArn,
    pub definitions: BTreeMap<String, TaskDefinition>,
    pub tasks: BTreeMap<String, OwnTask>,
    pub other_tasks: BTreeMap<String, OtherTask>,
    pub instances: BTreeMap<ContainerInstanceArn, Instance>,
    pub at_least: BTreeMap<TaskArn, u64>,
    pub gaps: Vec<Gap>,
    pub owners_unread: bool,
    pub elsewhere_unread: bool,
    /// The API calls that CloudTrail has reported since the last check.
    pub calls: Vec<ApiCall>,
}

/// One check: the world as it is then, what was read of it, what the core requested after the first
/// reading, and what the core planned.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub world: &'a World,
    pub input: &'a PlanInput,
    pub questions: &'a Questions,
    pub plan: &'a Plan,
}

impl World {
    /// A world without any facts. The record is a day old.
    pub fn new() -> Result<Self, NotAnId> {
        Ok(Self {
            key: ServiceKey { cluster: names::cluster("shop")?, service: "web".to_owned() },
            start: START,
            now: START,
            hop: 0,
            policy: Policy::default(),
            record: LedgerRecord {
                continuous_since: Some(START.minus_secs(24 * 3600)),
                ..LedgerRecord::default()
            },
            groups: BTreeMap::new(),
            service: None,
            desired_count: None,
            counts: None,
            default_definition: names::definition("web:1")?,
            definitions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            other_tasks: BTreeMap::new(),
            instances: BTreeMap::new(),
            at_least: BTreeMap::new(),
            gaps: Vec::new(),
            owners_unread: false,
            elsewhere_unread: false,
            calls: Vec::new(),
        })
    }

    /// The ledger's index lists the groups of the service, so each write to the record has another
    /// reason. A service that is gone leaves the index.
    pub fn index_places(&mut self) {
        let is_active = |service: &Service| service.status == ServiceStatus::Active;
        if !self.service.as_ref().is_some_and(is_active) {
            return;
        }
        for group in self.groups.values() {
            let balancers =
                group.found.load_balancers.iter().filter_map(|arn| IndexKey::of_balancer(arn));
            for place in balancers.chain([IndexKey::Group(group.arn.clone())]) {
                self.record.index_keys.entry(place).or_insert(self.start);
            }
        }
    }

    /// The task is of another cluster.
    #[must_use]
    pub fn is_elsewhere(&self, owner: &OtherTask) -> bool {
        owner.task.arn.cluster_name() != Some(self.key.cluster.name())
    }

    /// The container instances that an EC2 instance has in any cluster, with or without tasks.
    #[must_use]
    pub fn container_instances_of(&self, host: &str) -> BTreeSet<ContainerInstanceArn> {
        let own = self.tasks.values().map(|own| &own.task);
        let tasks = own.chain(self.other_tasks.values().map(|other| &other.task));
        let named = tasks.filter_map(|task| task.container_instance.as_ref());
        named.chain(self.instances.keys()).filter(|arn| names::host(arn) == host).cloned().collect()
    }

    pub(crate) fn service_facts(&mut self) -> Result<&mut Service, WordError> {
        self.service.as_mut().ok_or(WordError::NoService)
    }

    pub(crate) fn group(&mut self, name: &str) -> Result<&mut Group, WordError> {
        self.groups.get_mut(name).ok_or_else(|| WordError::NoGroup { group: name.to_owned() })
    }
}
