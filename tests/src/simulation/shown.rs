//! What ECS lists about the services once they are stable.

use super::Stop;
use super::account::{Kind, ServiceModel};
use portkeeper_world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What ECS lists about the services.
pub(crate) struct Shown {
    /// Stopped tasks that are still listed, of deployments and task sets that are still there.
    pub stopped: BTreeSet<String>,
    /// The load balancers of each service. After a rollback they are the old ones again.
    load_balancers: BTreeMap<String, String>,
}

impl Shown {
    pub(crate) fn read(world: &mut World, services: &[ServiceModel]) -> Result<Self, Stop> {
        let (mut shown, mut load_balancers) = (BTreeSet::new(), BTreeMap::new());
        for service in services.iter().filter(|service| !service.deleted) {
            let ServiceModel { cluster, name, .. } = service;
            let described = world.person_ecs(
                "DescribeServices",
                &json!({ "cluster": cluster, "services": [name] }),
            )?;
            let named = described.pointer("/services/0/loadBalancers").map(Value::to_string);
            load_balancers.insert(service.key(), named.unwrap_or_default());
            let current: BTreeSet<String> = ["/services/0/deployments", "/services/0/taskSets"]
                .into_iter()
                .flat_map(|list| texts(described.pointer(list), "id"))
                .collect();
            let stopped =
                json!({ "cluster": cluster, "serviceName": name, "desiredStatus": "STOPPED" });
            let listed = world.person_ecs("ListTasks", &stopped)?;
            let tasks =
                listed.get("taskArns").and_then(Value::as_array).cloned().unwrap_or_default();
            if tasks.is_empty() {
                continue;
            }
            let described = world
                .person_ecs("DescribeTasks", &json!({ "cluster": cluster, "tasks": tasks }))?;
            let tasks = described.get("tasks").and_then(Value::as_array).into_iter().flatten();
            let of_current = tasks.filter(|task| {
                task.get("startedBy").and_then(Value::as_str).is_some_and(|by| current.contains(by))
            });
            shown.extend(
                of_current.filter_map(|task| task.get("taskArn")?.as_str().map(str::to_owned)),
            );
        }
        Ok(Self { stopped: shown, load_balancers })
    }

    /// Returns whether the service itself names the group. Task sets name their own.
    pub(crate) fn names(&self, service: &ServiceModel, group: &str) -> bool {
        let named =
            self.load_balancers.get(&service.key()).filter(|_| service.kind != Kind::CodeDeploy);
        named.is_some_and(|named| named.contains(group))
    }
}

/// Returns this member of every item of a list.
fn texts(list: Option<&Value>, member: &str) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get(member)?.as_str().map(str::to_owned)).collect()
}
