//! The existing resources that a spec names, as AWS returns them, and a gap for everything that
//! could not be read. The reader always reads the service's scaling target. It reads the target
//! groups that the spec refers to and those that the existing service uses. It reads the listeners
//! that the spec refers to and those of the load balancers that use a group of the spec.

use super::spec::{HealthCheck, ListenerRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The existing resources that a spec names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Found {
    /// The cluster.
    pub cluster: Option<FoundCluster>,
    /// The service, even if it is draining or inactive.
    pub service: Option<FoundService>,
    /// The task definition that [`References`](super::references::References) asks for.
    pub task_definition: Option<FoundTaskDefinition>,
    /// Load balancers of the referenced listeners, by name, even if no listener has the port.
    pub load_balancers: BTreeMap<String, FoundLoadBalancer>,
    /// Listeners.
    pub listeners: Vec<FoundListener>,
    /// Target groups.
    pub groups: Vec<FoundTargetGroup>,
    /// Names of the referenced roles that exist; `None` if they were not read.
    pub roles: Option<BTreeSet<String>>,
    /// The referenced subnets that exist, each with its VPC; `None` if they were not read.
    pub subnets: Option<BTreeMap<String, String>>,
    /// The referenced security groups that exist, each with its VPC; `None` if they were not read.
    pub security_groups: Option<BTreeMap<String, String>>,
    /// The referenced log groups that exist, each with the days for which it keeps events (none:
    /// forever).
    pub log_groups: BTreeMap<String, Option<u32>>,
    /// The service's scaling target.
    pub scaling: Option<FoundScaling>,
    /// What could not be read. A gap never counts as absent.
    pub gaps: Vec<Gap>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Its kind.
    pub about: About,
    /// The IAM action of the call.
    pub action: String,
    /// What failed, as text.
    pub why: String,
    /// Whether the permission is missing: then a retry does not help.
    pub denied: bool,
}

impl Gap {
    /// Returns whether a later read may succeed; until then the spec cannot be judged.
    #[must_use]
    pub fn must_wait(&self) -> bool {
        !self.denied && !self.about.is_optional()
    }
}

/// The kinds of resources that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The cluster.
    Cluster,
    /// The service.
    Service,
    /// The task definition.
    TaskDefinition,
    /// Load balancers, listeners and rules.
    Listeners,
    /// Target groups, their attributes and tags.
    Groups,
    /// Roles.
    Roles,
    /// Subnets.
    Subnets,
    /// Security groups.
    SecurityGroups,
    /// Log groups.
    LogGroups,
    /// Scaling.
    Scaling,
}

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundCluster {
    /// Its ARN.
    pub arn: String,
    /// Its status, such as `ACTIVE`.
    pub status: String,
    /// How many container instances are registered.
    #[serde(default)]
    pub registered_instances: u32,
    /// Its capacity providers.
    #[serde(default)]
    pub capacity_providers: BTreeSet<String>,
    /// Whether it has a default capacity provider strategy.
    #[serde(default)]
    pub has_default_strategy: bool,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundService {
    /// As `DescribeServices` shows it, in AWS's JSON.
    pub shown: Value,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A task definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundTaskDefinition {
    /// As `DescribeTaskDefinition` shows it, in AWS's JSON.
    pub shown: Value,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundLoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// `application`, `network`, `gateway`.
    pub kind: String,
    /// Its VPC.
    pub vpc: String,
}

/// A listener with all of its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundListener {
    /// Its ARN.
    pub arn: String,
    /// The load balancer's name.
    pub load_balancer: String,
    /// The load balancer's ARN.
    pub load_balancer_arn: String,
    /// `application`, `network`, `gateway`.
    pub kind: String,
    /// The load balancer's VPC.
    pub vpc: String,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// All of its rules, including the default one.
    #[serde(default)]
    pub rules: Vec<FoundRule>,
}

/// A rule of a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FoundRule {
    /// Its ARN.
    pub arn: String,
    /// Its priority; none for the default rule.
    pub priority: Option<u32>,
    /// Host patterns (`host-header`).
    pub hosts: Vec<String>,
    /// Path patterns (`path-pattern`).
    pub paths: Vec<String>,
    /// The fields of its other conditions, such as `http-header`, `source-ip`; also host or path
    /// conditions by regular expression.
    pub other_conditions: Vec<String>,
    /// The ARNs of the target groups to which it forwards, with their weights.
    pub forwards_to: BTreeMap<String, u32>,
    /// The types of its actions other than forward: `redirect`, `fixed-response`,
    /// `authenticate-oidc`, ...
    pub other_actions: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A target group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FoundTargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `instance`, `ip`, `lambda`, `alb`.
    pub target_type: String,
    /// HTTP, TCP, ...
    pub protocol: String,
    /// HTTP1, HTTP2, GRPC.
    pub protocol_version: Option<String>,
    /// The default port.
    pub port: Option<u16>,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: Option<String>,
    /// Its VPC.
    pub vpc: String,
    /// Its health checks.
    pub health_check: HealthCheck,
    /// The ARNs of the load balancers that use it.
    pub load_balancers: Vec<String>,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A service's scaling target, with its target tracking policies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FoundScaling {
    /// The minimum number of tasks.
    pub min: u32,
    /// The maximum number of tasks.
    pub max: u32,
    /// Its target's ARN, for tags.
    pub arn: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Its policies: name -> `TargetTrackingScalingPolicyConfiguration` as AWS shows it; null for
    /// other kinds.
    pub policies: BTreeMap<String, Value>,
}

impl About {
    /// Portkeeper reads these through another API, only to report a mistake before it creates
    /// anything: ECS checks them itself.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::Roles | Self::Subnets | Self::SecurityGroups)
    }
}

impl Found {
    /// Returns why not all resources of this kind could be read.
    #[must_use]
    pub fn gap(&self, about: About) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.about == about)
    }

    /// The listener that a spec names.
    #[must_use]
    pub fn listener(&self, named: &ListenerRef) -> Option<&FoundListener> {
        self.listeners.iter().find(|listener| match named {
            ListenerRef::Arn(arn) => listener.arn == *arn,
            ListenerRef::On { load_balancer, port } => {
                listener.load_balancer == *load_balancer && listener.port == *port
            }
        })
    }

    /// The target group of this name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&FoundTargetGroup> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The target group of this ARN.
    #[must_use]
    pub fn group_at(&self, arn: &str) -> Option<&FoundTargetGroup> {
        self.groups.iter().find(|group| group.arn == arn)
    }
}
