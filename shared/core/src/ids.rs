//! Identifiers: ARNs, ports, targets. They are parsed at the edge and trusted inside.
//!
//! Partitions are never checked against a list: `aws`, `aws-cn`, `aws-us-gov` and future ones are
//! all valid.
//!
//! AWS facts: F-10.6.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct NotAnId {
    pub text: String,
    /// What was expected, with its article.
    pub wanted: &'static str,
}

/// The parts of `arn:partition:service:region:account:resource`.
struct ArnParts<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

fn split_arn(text: &str) -> Option<ArnParts<'_>> {
    // The parts are short and every check reads thousands of ARNs: looking at each byte is several
    // times as fast as a search that is made for long texts.
    let mut rest = text.strip_prefix("arn:")?;
    let mut next = || {
        let end = rest.bytes().position(|byte| byte == b':')?;
        let part = rest.get(..end)?;
        rest = rest.get(end + 1..)?;
        Some(part)
    };
    let (partition, service, region, account) = (next()?, next()?, next()?, next()?);
    (!partition.is_empty() && !rest.is_empty()).then_some(ArnParts {
        partition,
        service,
        region,
        account,
        resource: rest,
    })
}

macro_rules! arn {
    ($(#[$doc:meta])* $name:ident, $service:literal, $kind:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The whole ARN.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text after `resource-kind/`: the path of names that identifies this resource.
            #[must_use]
            pub fn path(&self) -> &str {
                split_arn(&self.0).and_then(|arn| arn.resource.strip_prefix(concat!($kind, "/"))).unwrap_or(&self.0)
            }

            /// The last part of the path.
            #[must_use]
            pub fn tail(&self) -> &str {
                self.0.rsplit('/').next().unwrap_or(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                let fits = split_arn(&text).is_some_and(|arn| {
                    arn.service == $service
                        && arn.resource.strip_prefix(concat!($kind, "/")).is_some_and(|path| !path.is_empty())
                });
                if fits { Ok(Self(text)) } else { Err(NotAnId { text, wanted: $wanted }) }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NotAnId;

            fn try_from(text: &str) -> Result<Self, NotAnId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(arn: $name) -> Self {
                arn.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

arn!(
    /// `arn:aws:ecs:eu-west-1:111122223333:cluster/shop`
    ClusterArn, "ecs", "cluster", "the ARN of an ECS cluster");
arn!(
    /// `…:service/shop/web`, or the old short form `…:service/web` that names no cluster.
    ServiceArn, "ecs", "service", "the ARN of an ECS service");
arn!(
    /// `…:task/shop/<id>`, or the old short form `…:task/<id>`.
    TaskArn, "ecs", "task", "the ARN of an ECS task");
arn!(
    /// `…:task-definition/web:7`
    TaskDefinitionArn, "ecs", "task-definition", "the ARN of an ECS task definition");
arn!(
    /// `…:container-instance/shop/<id>`, or the old short form.
    ContainerInstanceArn, "ecs", "container-instance", "the ARN of an ECS container instance");
arn!(
    /// `…:service-revision/shop/web/<19 digits>`
    RevisionArn, "ecs", "service-revision", "the ARN of an ECS service revision");
arn!(
    /// `arn:aws:elasticloadbalancing:…:targetgroup/web/<16 hex digits>`
    TargetGroupArn, "elasticloadbalancing", "targetgroup", "the ARN of an ELBv2 target group");

impl ClusterArn {
    #[must_use]
    pub fn name(&self) -> &str {
        self.path()
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        split_arn(&self.0).map_or("aws", |arn| arn.partition)
    }

    #[must_use]
    pub fn region(&self) -> &str {
        split_arn(&self.0).map_or("", |arn| arn.region)
    }

    #[must_use]
    pub fn account(&self) -> &str {
        split_arn(&self.0).map_or("", |arn| arn.account)
    }
}

impl ServiceArn {
    /// The ARN of a service.
    #[must_use]
    pub fn of(key: &ServiceKey) -> Self {
        let ServiceKey { cluster, service } = key;
        let (partition, region, account) =
            (cluster.partition(), cluster.region(), cluster.account());
        Self(format!("arn:{partition}:ecs:{region}:{account}:service/{}/{service}", cluster.name()))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.tail()
    }

    /// The ARN of the cluster, if this ARN names it (the short form before 2018 does not).
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterArn> {
        let arn = split_arn(&self.0)?;
        let (cluster, _service) = self.path().split_once('/')?;
        let text =
            format!("arn:{}:ecs:{}:{}:cluster/{cluster}", arn.partition, arn.region, arn.account);
        ClusterArn::try_from(text).ok()
    }
}

impl ContainerInstanceArn {
    /// The name of its cluster, which the old short form does not contain.
    #[must_use]
    pub fn cluster_name(&self) -> Option<&str> {
        self.path().split_once('/').map(|(cluster, _)| cluster)
    }

    /// The name of its cluster, if that is another one than this.
    #[must_use]
    pub fn other_cluster(&self, this: &ClusterArn) -> Option<&str> {
        self.cluster_name().filter(|name| *name != this.name())
    }
}

impl TaskArn {
    /// The name of the task's cluster, which the old short form does not contain.
    #[must_use]
    pub fn cluster_name(&self) -> Option<&str> {
        self.path().split_once('/').map(|(cluster, _)| cluster)
    }

    /// The first eight characters of the 32 that ECS gives a task's id, for people. Links and JSON
    /// name it in full.
    #[must_use]
    pub fn short(&self) -> &str {
        let id = self.tail();
        id.get(..8).filter(|_| id.len() >= 32).unwrap_or(id)
    }
}

impl TargetGroupArn {
    /// The target group's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path().split('/').next().unwrap_or(&self.0)
    }
}

/// A service of a cluster. Two clusters with a service of the same name are two services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    pub cluster: ClusterArn,
    pub service: String,
}

impl fmt::Display for ServiceKey {
    /// `<cluster>/<service>`: the ledger's key, and the form in texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster.name(), self.service)
    }
}

macro_rules! port {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(NonZeroU16);

        impl $name {
            #[must_use]
            pub const fn get(self) -> u16 {
                self.0.get()
            }
        }

        impl TryFrom<i64> for $name {
            type Error = NotAnId;

            fn try_from(number: i64) -> Result<Self, NotAnId> {
                u16::try_from(number)
                    .ok()
                    .and_then(NonZeroU16::new)
                    .map(Self)
                    .ok_or_else(|| NotAnId { text: number.to_string(), wanted: "a port from 1 to 65535" })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

port!(
    /// A port of a host (an instance, or a task's own network interface).
    HostPort);
port!(
    /// The port on which a program listens inside its container.
    ContainerPort);

impl ContainerPort {
    /// The same number as a host port: correct in host mode and awsvpc mode.
    #[must_use]
    pub const fn as_host_port(self) -> HostPort {
        HostPort(self.0)
    }
}

/// An EC2 instance or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetId {
    /// An EC2 instance id: `i-0123456789abcdef0`.
    Instance(String),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
}

impl TryFrom<String> for TargetId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        if text.strip_prefix("i-").is_some_and(|rest| !rest.is_empty()) {
            return Ok(Self::Instance(text));
        }
        match text.parse() {
            Ok(ip) => Ok(Self::Ip(ip)),
            Err(_) => Err(NotAnId { text, wanted: "an EC2 instance id or an IP address" }),
        }
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => f.write_str(id),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// A target of a target group: an id and a port, never one without the other.
///
/// A deregistration without the port would name the group's default port instead (ELBv2
/// `DeregisterTargets`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    /// The instance or address.
    pub id: TargetId,
    pub port: HostPort,
}

impl TryFrom<String> for Target {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        let wanted =
            "a target such as i-0123456789abcdef0:32768, 10.0.1.7:8080 or [2001:db8::7]:8080";
        let parsed = text.rsplit_once(':').and_then(|(id, port)| {
            let id = id.strip_prefix('[').and_then(|id| id.strip_suffix(']')).unwrap_or(id);
            let id = TargetId::try_from(id.to_owned()).ok()?;
            let port = HostPort::try_from(port.parse::<i64>().ok()?).ok()?;
            Some(Self { id, port })
        });
        parsed.ok_or(NotAnId { text, wanted })
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            TargetId::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            id => write!(f, "{id}:{}", self.port),
        }
    }
}
