//! What has to be read in the account before a spec can be planned.

use super::spec::ListenerRef;
use std::collections::BTreeSet;

/// What a spec names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The task definition to compare with: the latest active one of this family, or the one that the service names by
    /// `family`, `family:revision` or ARN.
    pub task_definition: String,
    /// Listeners, each with its rules.
    pub listeners: BTreeSet<ListenerRef>,
    /// Target groups by name.
    pub group_names: BTreeSet<String>,
    /// Target groups by ARN.
    pub group_arns: BTreeSet<String>,
    /// Roles by name: `iam:GetRole`.
    pub roles: BTreeSet<String>,
    /// Subnets: `ec2:DescribeSubnets`.
    pub subnets: BTreeSet<String>,
    /// Security groups: `ec2:DescribeSecurityGroups`.
    pub security_groups: BTreeSet<String>,
    /// Log groups by name: those to make, and those that containers write to.
    pub log_groups: BTreeSet<String>,
    /// Whether containers are placed on the cluster's own instances, so that these count.
    pub needs_instances: bool,
}
