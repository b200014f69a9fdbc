//! An API call to Elastic Load Balancing: the operation, the group or load balancer, the time and
//! the caller.
//!
//! It proves nothing: it may only withhold a repair. It arrives minutes late, or not at all.

mod actor;

pub use actor::{Actor, ActorKind};

use crate::ids::{HostPort, NotAnId, Target, TargetGroupArn, TargetId};
use crate::others::Others;
use crate::subject::Subject;
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

text_enum! {
    /// The operations that may take traffic from a task, or send it to a wrong target.
    Operation {
        RegisterTargets = "RegisterTargets",
        DeregisterTargets = "DeregisterTargets",
        DeleteTargetGroup = "DeleteTargetGroup",
        DeleteListener = "DeleteListener",
        DeleteRule = "DeleteRule",
        ModifyRule = "ModifyRule",
        ModifyListener = "ModifyListener",
    }
}

/// The target group or load balancer of a call. The ledger's index leads from it to services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum IndexKey {
    Group(TargetGroupArn),
    /// A load balancer, by its ARN. The ARNs of listeners and rules contain its path; Portkeeper
    /// does not read listeners and rules.
    Balancer(String),
}

impl IndexKey {
    /// The load balancer that a listener or a rule belongs to, from its ARN:
    /// `…:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee` is at
    /// `…:loadbalancer/app/web/50dc6c495c0c9188` ([resource
    /// types](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html)).
    #[must_use]
    pub fn of_listener(arn: &str) -> Option<Self> {
        let (before, path) =
            arn.split_once(":listener-rule/").or_else(|| arn.split_once(":listener/"))?;
        let mut parts = path.split('/');
        let (kind, name, id) = (parts.next()?, parts.next()?, parts.next()?);
        Self::of_balancer(&format!("{before}:loadbalancer/{kind}/{name}/{id}"))
    }

    /// A load balancer by its ARN.
    #[must_use]
    pub fn of_balancer(arn: &str) -> Option<Self> {
        let fits = arn.starts_with("arn:")
            && arn.contains(":elasticloadbalancing:")
            && arn.contains(":loadbalancer/");
        fits.then(|| Self::Balancer(arn.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::Balancer(arn) => arn,
        }
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for IndexKey {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        if let Some(place) = Self::of_balancer(&text) {
            return Ok(place);
        }
        TargetGroupArn::try_from(text).map(Self::Group).map_err(|NotAnId { text, .. }| NotAnId {
            text,
            wanted: "the ARN of a target group or a load balancer",
        })
    }
}

impl From<IndexKey> for String {
    fn from(place: IndexKey) -> Self {
        place.as_str().to_owned()
    }
}

/// A target as a call names it. Without a port, it means the group's default port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedTarget {
    /// The instance or address.
    pub id: TargetId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<HostPort>,
    /// Members that only another version knows.
    #[serde(flatten)]
    pub others: Others,
}

impl NamedTarget {
    fn may_be(&self, target: &Target) -> bool {
        self.id == target.id && self.port.is_none_or(|port| port == target.port)
    }
}

/// An API call, as CloudTrail reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCall {
    /// CloudTrail's `eventID`.
    pub id: String,
    /// The time of the call, in whole seconds.
    pub at: Timestamp,
    pub by: Actor,
    pub operation: Operation,
    /// The target group or load balancer.
    pub place: IndexKey,
    /// The targets that it names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub targets: BTreeSet<NamedTarget>,
    /// Members that only another version knows.
    #[serde(flatten)]
    pub others: Others,
}

impl ApiCall {
    /// Whether the call names this target of a group. A target without a port has the group's
    /// default port; if that is unknown, it may be any.
    #[must_use]
    pub fn names(
        &self,
        group: &TargetGroupArn,
        target: &Target,
        default_port: Option<HostPort>,
    ) -> bool {
        let is_it = |it: &NamedTarget| {
            let port = it.port.or(default_port);
            it.id == target.id && port.is_none_or(|port| port == target.port)
        };
        matches!(&self.place, IndexKey::Group(place) if place == group)
            && self.targets.iter().any(is_it)
    }

    /// Whether the call concerns this subject. A group's traffic may also depend on calls to its
    /// load balancer, whatever they name.
    #[must_use]
    pub fn is_about(&self, subject: &Subject) -> bool {
        match (&self.place, subject) {
            (IndexKey::Group(place), Subject::Target(group, target)) => {
                place == group && self.targets.iter().any(|named| named.may_be(target))
            }
            (IndexKey::Group(place), Subject::Group(group)) => {
                place == group && self.operation == Operation::DeleteTargetGroup
            }
            (IndexKey::Balancer(_), Subject::Group(_)) => true,
            _ => false,
        }
    }
}
