//! Members that a shape does not have: what may be meant, and what AWS returns but does not accept.

use super::Typed;
use crate::problem::{Problem, ProblemCode};
use crate::reading::Member;
use crate::shapes::MemberShape;

/// Names with at least this similarity are suggested. `containerPrt` and `containerPort` have the
/// similarity 0.92.
const ALIKE: f64 = 0.7;

/// Members that only `DescribeTaskDefinition` and `DescribeServices` return. A spec copied from
/// such an answer contains them.
const ONLY_SHOWN: [&str; 24] = [
    "clusterArn",
    "compatibilities",
    "createdAt",
    "createdBy",
    "currentServiceDeployment",
    "currentServiceRevisions",
    "deployments",
    "deregisteredAt",
    "events",
    "pendingCount",
    "platformFamily",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "resourceManagementType",
    "revision",
    "roleArn",
    "runningCount",
    "serviceArn",
    "status",
    "taskDefinitionArn",
    "taskSets",
    "deploymentId",
    "externalId",
];

/// The problem lists at most this many members if none resembles the given one.
const MOST_LISTED: usize = 14;

impl Typed<'_> {
    /// Reports an unknown member. Returns the member that is meant, unless the spec has that one,
    /// too.
    pub(super) fn unknown<'m>(
        &mut self,
        members: &'m [MemberShape],
        member: &Member,
        given: &[Member],
        at: &str,
    ) -> Option<&'m MemberShape> {
        let name = member.name.as_str();
        let meant = meant(members.iter().map(|known| known.name), name);
        let meant = members.iter().find(|known| meant == Some(known.name));
        let hint = match meant {
            _ if ONLY_SHOWN.contains(&name) => {
                "AWS returns it but does not accept it: omit it".to_owned()
            }
            Some(meant) => format!("did you mean `{}`?", meant.name),
            None if members.len() <= MOST_LISTED => {
                let names: Vec<&str> = members.iter().map(|known| known.name).collect();
                format!("here are {}", names.join(", "))
            }
            None => "docs/service-spec.schema.json lists what can be here".to_owned(),
        };
        let message = format!("there is no member `{name}` here; {hint}");
        self.problems.push(
            Problem::error(ProblemCode::UnknownMember, at, message).at_position(member.position),
        );
        let is_free = |known: &&MemberShape| !given.iter().any(|member| member.name == known.name);
        meant.filter(|_| !ONLY_SHOWN.contains(&name)).filter(is_free)
    }

    /// Reports an unknown member that is passed on to AWS.
    pub(super) fn pass_on(&mut self, member: &Member, at: &str) {
        let message = format!(
            "this version does not know `{}`, and passes it on to AWS unchanged",
            member.name
        );
        self.warn(ProblemCode::UnknownMember, at, member.position, message);
    }
}

/// `CloudFormation`'s `ContainerPort` and Terraform's `container_port` are `containerPort`.
fn same_letters(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    letters(one) == letters(other)
}

/// The most similar name, if one is similar enough.
pub(super) fn meant<'m>(
    names: impl Iterator<Item = &'m str> + Clone,
    given: &str,
) -> Option<&'m str> {
    let alike = |name: &str| {
        strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &given.to_lowercase())
    };
    let best = names.clone().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let same = names.into_iter().find(|name| same_letters(name, given));
    same.or_else(|| best.filter(|best| alike(best) >= ALIKE))
}
