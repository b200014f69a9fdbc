//! Who is where in a whole cluster: an index from instances and addresses to the tasks on them.
//!
//! A service among many gets from it what [`questions`](crate::compare::questions) would ask about
//! other people's tasks: only those that are, or may come to be, where a target of its own groups
//! is. It holds facts and judges none of them.

use crate::address::{Place, Reach, places};
use crate::ids::TargetId;
use crate::observation::{Coverage, Observation, Owner};
use std::collections::{BTreeMap, BTreeSet};

/// Every task of a cluster, by where it is.
#[derive(Debug, Clone, Default)]
pub struct Everybody {
    /// What is known of the cluster beside its tasks: instances and task definitions.
    cluster: Option<Observation>,
    owners: Vec<Owner>,
    by_place: BTreeMap<TargetId, BTreeSet<usize>>,
    /// Tasks of which it cannot be told where they are, or will be.
    anywhere: BTreeSet<usize>,
    whole: bool,
}

impl Everybody {
    /// The index of these tasks. `cluster` knows the container instances and the task definitions
    /// that they name; `whole` says that they are all of the cluster's tasks.
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

    /// All of the cluster's tasks are here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Adds to a service's observation who else is where its groups' targets are. Nothing is added
    /// where not everybody is known.
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
