//! An index of a whole cluster, from instances and addresses to the tasks that use them.
//!
//! For each service, it answers what [`questions`](crate::compare::questions) would ask about other
//! tasks: only those that use, or may use, the address of a target in the service's groups. It
//! holds facts and judges none of them.

use crate::address::{Place, Reach, places};
use crate::ids::TargetId;
use crate::observation::{Coverage, Observation, Owner};
use std::collections::{BTreeMap, BTreeSet};

/// Every task of a cluster, by its address.
#[derive(Debug, Clone, Default)]
pub struct Everybody {
    /// The cluster's instances and task definitions.
    cluster: Option<Observation>,
    owners: Vec<Owner>,
    by_place: BTreeMap<TargetId, BTreeSet<usize>>,
    /// Tasks whose address is unknown.
    anywhere: BTreeSet<usize>,
    whole: bool,
}

impl Everybody {
    /// Builds the index of these tasks. `cluster` has the container instances and task definitions
    /// that they name; `whole` states that these are all tasks of the cluster.
    #[must_use]
    pub fn new(mut cluster: Observation, owners: Vec<Owner>, whole: bool) -> Self {
        let (mut by_place, mut anywhere) =
            (BTreeMap::<TargetId, BTreeSet<usize>>::new(), BTreeSet::new());
        for (number, owner) in owners.iter().enumerate() {
            for place in places(&cluster, &owner.task) {
                match place {
                    Place::Ports(id, ..) | Place::Address(id) | Place::Unknown(Reach::Host(id)) => {
                        by_place.entry(id).or_default().insert(number);
                    }
                    Place::Unknown(_) => {
                        anywhere.insert(number);
                    }
                }
            }
        }
        cluster.tasks.clear();
        cluster.target_groups.clear();
        Self { cluster: Some(cluster), owners, by_place, anywhere, whole }
    }

    /// Whether all tasks of the cluster are in the index.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Adds to a service's observation the other tasks on the addresses of its groups' targets.
    /// Adds nothing if not all tasks of the cluster are known.
    pub fn tell(&self, observation: &mut Observation) {
        let Some(cluster) = self.cluster.as_ref().filter(|_| self.whole) else { return };
        let groups =
            observation.target_groups.keys().filter_map(|arn| observation.found_group(arn));
        let ids: BTreeSet<&TargetId> =
            groups.flat_map(|group| &group.targets).map(|target| &target.target.id).collect();
        let here = ids.iter().filter_map(|id| self.by_place.get(*id)).flatten();
        let near: BTreeSet<usize> = here.chain(&self.anywhere).copied().collect();
        let near = near.into_iter().filter_map(|number| self.owners.get(number));
        let is_own =
            |owner: &&Owner| owner.task.service() == Some(observation.key.service.as_str());
        let others: Vec<Owner> = near.filter(|owner| !is_own(owner)).cloned().collect();
        for Owner { task, .. } in &others {
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
        observation.owners.coverage = Coverage::Cluster;
        observation.owners.tasks = others;
    }
}
