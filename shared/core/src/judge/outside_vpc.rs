//! Judges a task's address outside its target group's VPC, which ECS cannot register: the evidence,
//! and the registration with the zone `all`.
//!
//! AWS facts: F-4.

use crate::action::{ActionKind, TargetZone};
use crate::code::Code;
use crate::compare::{Absent, Comparison};
use crate::expected::ExpectedTarget;
use crate::finding::{Finding, RepairStep, finding};
use crate::ids::{TargetId, TaskArn};
use crate::input::PlanInput;
use crate::ledger::Incident;
use crate::observation::FoundGroup;
use crate::subject::Subject;

/// Returns the evidence that the target's address is outside its group's VPC. Either ELBv2 refused
/// the address without a zone, or a task of the same subnet is already registered with the zone
/// `all`. There is no other evidence: subnets are not read.
pub(super) fn outside_vpc(
    input: &PlanInput,
    comparison: &Comparison,
    absent: &Absent,
) -> Option<String> {
    let expected = &absent.expected;
    let TargetId::Ip(address) = &expected.target.id else { return None };
    let subject = Subject::Target(expected.group.clone(), expected.target.clone());
    let open = |code: &Code| {
        let same = |open: &&Incident| !open.is_over() && open.task.as_ref() == Some(&expected.task);
        input.record.incident(code, &subject).filter(same)
    };
    let known = open(&Code::AzAllNeeded);
    if let Some(refusal) =
        known.or_else(|| open(&Code::Missing)).and_then(|open| open.repairs.refusal.as_deref())
    {
        if says_outside(refusal, &address.to_string()) {
            return Some("ELBv2 refuses its address without an Availability Zone".to_owned());
        }
        if refusal.contains("is within the VPC") {
            return None;
        }
    }
    if let Some(neighbour) = neighbour_outside(input, comparison, expected) {
        return Some(format!(
            "{neighbour} in the same subnet is registered with the Availability Zone `all`"
        ));
    }
    known.map(|_| "an earlier check found that its address needs an Availability Zone".to_owned())
}

/// Returns a target of the same group that is registered with the zone `all` and whose task is in
/// the same subnet.
fn neighbour_outside<'a>(
    input: &PlanInput,
    comparison: &'a Comparison,
    expected: &ExpectedTarget,
) -> Option<&'a TargetId> {
    let subnet_of = |arn: &TaskArn| {
        let task = input.observation.tasks.iter().find(|task| task.arn == *arn)?;
        task.network_interface.as_ref()?.subnet.as_ref()
    };
    let subnet = subnet_of(&expected.task)?;
    let neighbour = comparison.matched.iter().find(|matched| {
        matched.expected.group == expected.group
            && TargetZone::of(&matched.registered).is_some()
            && subnet_of(&matched.expected.task) == Some(subnet)
    })?;
    Some(&neighbour.expected.target.id)
}

/// The two messages with which ELBv2 refuses an address outside the VPC, both with the code
/// `ValidationError`: "You must specify a valid Availability Zone or select 'all' for all enabled
/// Availability zones, since the IP address '…' is outside the VPC"
/// (kubernetes-sigs/aws-load-balancer-controller#3084) and "The Availability Zone is required for
/// IP address '…' because it is not in the VPC" (the same, #3714).
fn says_outside(refusal: &str, address: &str) -> bool {
    let outside = refusal.contains("is outside the VPC") || refusal.contains("is not in the VPC");
    outside && refusal.contains("Availability Zone") && refusal.contains(&format!("'{address}'"))
}

pub(super) fn zone_needed(
    input: &PlanInput,
    absent: &Absent,
    group: &FoundGroup,
    subject: Subject,
    evidence: &str,
) -> Finding {
    let expected = &absent.expected;
    let vpc = group.vpc.as_deref().map_or(String::new(), |vpc| format!(" {vpc}"));
    let task = expected.task.short();
    let mut why = format!(
        "task {task} has been running for {evidence}: it is outside the group's VPC{vpc}, and ECS cannot register it"
    );
    if !input.policy.az_all {
        why.push_str("; the parameter AzAll is off, so Portkeeper does not register it");
    }
    let with_zone = RepairStep { kind: ActionKind::Register, zone: Some(TargetZone::All) };
    Finding {
        task: Some(expected.task.clone()),
        repair: input.policy.az_all.then_some(with_zone),
        ..finding(input, Code::AzAllNeeded, subject, why)
    }
}
