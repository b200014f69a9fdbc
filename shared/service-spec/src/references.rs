//! What Portkeeper must read in the account before it can plan a spec.

use super::members::{list, text, texts};
use super::spec::{ListenerRef, Spec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a spec names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The task definition to compare with: the latest active one of this family, or the one that
    /// the service names by `family`, `family:revision` or ARN.
    pub task_definition: String,
    /// Listeners, each with its rules.
    pub listeners: BTreeSet<ListenerRef>,
    /// Target groups by name.
    pub group_names: BTreeSet<String>,
    /// Target groups by ARN.
    pub group_arns: BTreeSet<String>,
    /// Roles by name.
    pub roles: BTreeSet<String>,
    /// Subnets.
    pub subnets: BTreeSet<String>,
    /// Security groups.
    pub security_groups: BTreeSet<String>,
    /// Log groups by name: those to create, and those that containers write to.
    pub log_groups: BTreeSet<String>,
    /// Whether containers are placed on the cluster's own instances, so that these count.
    pub needs_instances: bool,
}

impl References {
    /// Returns the same without what is read only before something is created.
    #[must_use]
    pub fn for_removal(&self) -> Self {
        let none = Self::default();
        Self {
            roles: none.roles,
            subnets: none.subnets,
            security_groups: none.security_groups,
            ..self.clone()
        }
    }
}

impl Spec {
    /// What must be read in the account.
    #[must_use]
    pub fn references(&self) -> References {
        let named = text(&self.service, "taskDefinition").filter(|named| !named.is_empty());
        let mut references = References {
            cluster: self.cluster.clone(),
            service: self.service_name().to_owned(),
            task_definition: self.family().or(named).unwrap_or_default().to_owned(),
            needs_instances: !self.is_fargate(),
            ..References::default()
        };
        for entry in &self.load_balancing {
            references.listeners.insert(entry.listener.clone());
            references.group_names.insert(entry.group.name.clone());
            if let Some(blue_green) = &entry.blue_green {
                references.group_names.insert(blue_green.alternate_group.clone());
                references.roles.extend(role_name(&blue_green.role));
            }
        }
        for entry in list(&self.service, "loadBalancers") {
            let advanced = entry.get("advancedConfiguration").unwrap_or(&Value::Null);
            references.group_arns.extend(text(entry, "targetGroupArn").map(str::to_owned));
            references.group_names.extend(text(entry, "targetGroupName").map(str::to_owned));
            references
                .group_arns
                .extend(text(advanced, "alternateTargetGroupArn").map(str::to_owned));
            references
                .group_names
                .extend(text(advanced, "alternateTargetGroupName").map(str::to_owned));
            references.roles.extend(text(advanced, "roleArn").and_then(role_name));
        }
        self.add_roles(&mut references);
        let vpc = self
            .service
            .pointer("/networkConfiguration/awsvpcConfiguration")
            .unwrap_or(&Value::Null);
        references.subnets.extend(texts(vpc, "subnets").map(str::to_owned));
        references.security_groups.extend(texts(vpc, "securityGroups").map(str::to_owned));
        references.log_groups.extend(self.log_groups.iter().map(|group| group.name.clone()));
        references.log_groups.extend(self.log_groups_written().map(|(_, group)| group.to_owned()));
        references
    }

    fn add_roles(&self, references: &mut References) {
        let definition = self.task_definition.as_ref().unwrap_or(&Value::Null);
        let roles = [
            (definition, "taskRoleArn"),
            (definition, "executionRoleArn"),
            (&self.service, "role"),
        ];
        references.roles.extend(
            roles.into_iter().filter_map(|(value, member)| text(value, member).and_then(role_name)),
        );
    }

    /// The log groups that containers write to and that nothing creates automatically, with the
    /// container's path.
    pub(super) fn log_groups_written(&self) -> impl Iterator<Item = (String, &str)> {
        let containers = self
            .task_definition
            .iter()
            .flat_map(|definition| list(definition, "containerDefinitions"));
        containers.enumerate().filter_map(|(index, container)| {
            let logs = container.get("logConfiguration")?;
            let options = logs.get("options").filter(|_| text(logs, "logDriver") == Some("awslogs"))?;
            let makes_it = text(options, "awslogs-create-group") == Some("true");
            let at = format!("taskDefinition.containerDefinitions[{index}].logConfiguration.options.awslogs-group");
            Some((at, text(options, "awslogs-group").filter(|_| !makes_it)?))
        })
    }
}

/// The name of a role, given by name or ARN; roles with a path keep only the name, which is unique.
pub(super) fn role_name(role: &str) -> Option<String> {
    let name = role.rsplit('/').next().unwrap_or(role);
    (!name.is_empty()).then(|| name.to_owned())
}
