//! An index of a whole cluster, from instances and addresses to the tasks that use them.
//!
//! For each service, it answers what [`questions`](crate::compare::questions) would ask about other
//! tasks: only those that use, or may use, the address of a target in the service's groups. It
//! holds facts and judges none of them.

use crate::address::{Occupied, Reach, occupied};
use crate::ids::TargetId;
use crate::observation::{Coverage, Observation, OtherTask};
use std::collections::{BTreeMap, BTreeSet};

/// Every task of a cluster, by its address.
#[derive(Debug, Clone, Default)]
pub struct ClusterTasks {
    /// The cluster's instances and task definitions.
    cluster: Option<Observation>,
    other_tasks: Vec<OtherTask>,
    by_id: BTreeMap<TargetId, BTreeSet<usize>>,
    /// Tasks whose address is unknown.
    anywhere: BTreeSet<usize>,
    whole: bool,
}

impl ClusterTasks {
    /// Builds the index of these tasks. `cluster` has the container instances and task definitions
    /// that they name; `whole` states that these are all tasks of the cluster.
    #[must_use]
    pub fn new(mut cluster: Observation, other_tasks: Vec<OtherTask>, whole: bool) -> Self {
        let (mut by_id, mut anywhere) =
            (BTreeMap::<TargetId, BTreeSet<usize>>::new(), BTreeSet::new());
        for (number, other) in other_tasks.iter().enumerate() {
            for place in occupied(&cluster, &other.task) {
                match place {
                    Occupied::Ports(id, ..)
                    | Occupied::Address(id)
                    | Occupied::Unknown(Reach::Host(id)) => {
                        by_id.entry(id).or_default().insert(number);
                    }
                    Occupied::Unknown(_) => {
                        anywhere.insert(number);
                    }
                }
            }
        }
        cluster.tasks.clear();
        cluster.target_groups.clear();
        Self { cluster: Some(cluster), other_tasks, by_id, anywhere, whole }
    }

    /// Whether all tasks of the cluster are in the index.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Adds to a service's observation the other tasks on the addresses of its groups' targets.
    /// Adds nothing if not all tasks of the cluster are known.
    pub fn add_other_tasks_to(&self, observation: &mut Observation) {
        let Some(cluster) = self.cluster.as_ref().filter(|_| self.whole) else { return };
        let groups =
            observation.target_groups.keys().filter_map(|arn| observation.found_group(arn));
        let ids: BTreeSet<&TargetId> =
            groups.flat_map(|group| &group.targets).map(|target| &target.target.id).collect();
        let hosts = ids.iter().filter_map(|id| match id {
            TargetId::Instance(ec2) => Some(ec2.clone()),
            TargetId::Ip(_) => None,
        });
        let hosts = hosts.collect();
        let here = ids.iter().filter_map(|id| self.by_id.get(*id)).flatten();
        let near: BTreeSet<usize> = here.chain(&self.anywhere).copied().collect();
        let near = near.into_iter().filter_map(|number| self.other_tasks.get(number));
        let is_own =
            |other: &&OtherTask| other.task.service() == Some(observation.key.service.as_str());
        let others: Vec<OtherTask> = near.filter(|other| !is_own(other)).cloned().collect();
        for OtherTask { task, .. } in &others {
            if let Some((arn, instance)) = task
                .container_instance
                .as_ref()
                .and_then(|arn| cluster.container_instances.get_key_value(arn))
            {
                observation
                    .container_instances
                    .entry(arn.clone())
                    .or_insert_with(|| instance.clone());
            }
            if let Some((arn, definition)) =
                cluster.task_definitions.get_key_value(&task.task_definition)
            {
                observation
                    .task_definitions
                    .entry(arn.clone())
                    .or_insert_with(|| definition.clone());
            }
        }
        observation.other_tasks.coverage = Coverage { cluster: true, hosts };
        observation.other_tasks.tasks = others;
    }
}
