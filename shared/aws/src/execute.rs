//! Executes a plan: registrations, then deregistrations. It decides nothing.
//!
//! The SDK may repeat a registration, because it is idempotent, until the action expires: later, its
//! task may have stopped, and the target would be left behind. A deregistration is sent once, before
//! its proof expires: on a second attempt another task could already use the address. Every call names targets by id and port: without the port, ELBv2 uses
//! the group's default port. It names the zone only if the action does.
//!
//! AWS facts: F-4.

use crate::account::Aws;
use crate::failure::{Failure, FailureKind, chain};
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_sdk_elasticloadbalancingv2::config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::config::timeout::TimeoutConfig;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use portkeeper_core::ids::Target;
use portkeeper_core::plan::{Action, ActionKind, OutcomeResult, WriteOutcome};
use std::time::Duration;

/// Targets in one call. ELBv2 publishes no limit; Kubernetes' cloud provider uses 100, the AWS load
/// balancer controller 200.
const TARGETS_PER_CALL: usize = 100;

/// The codes with which ELBv2 refuses a call because of one target in it. It has no code of its own
/// for an address outside the VPC without a zone (aws-load-balancer-controller#3084 shows
/// `ValidationError`).
const ONE_BAD_TARGET: [&str; 2] = ["InvalidTarget", "ValidationError"];

/// The maximum number of calls for the targets of one action. ELBv2 allows an account four of these
/// calls per second; isolating one bad target among a hundred by halving takes fourteen.
const CALLS_PER_ACTION: usize = 64;

/// How long one deregistration may take, including the connection. ELBv2 answers in less than a
/// second, over a connection that the reads have opened. A proof may be this much older than its
/// `not_after` when the call reaches ELBv2.
const DEREGISTRATION_TIMEOUT: Duration = Duration::from_secs(2);

/// Executes these actions and returns the outcome for each target: registrations first, in the
/// order given. If ELBv2 did not accept a registration, nothing is deregistered.
pub async fn execute(aws: &Aws, actions: &[Action]) -> Vec<WriteOutcome> {
    let of_kind = |kind| actions.iter().filter(move |action| action.kind == kind);
    let mut outcomes = Vec::new();
    for action in of_kind(ActionKind::Register) {
        outcomes.extend(execute_one(aws, action).await);
    }
    // I-FIRST: "If one does not succeed, no deregistration of that plan is made."
    let all_registered = outcomes.iter().all(|outcome| outcome.result == OutcomeResult::Done);
    for action in of_kind(ActionKind::Deregister) {
        if all_registered {
            outcomes.extend(execute_one(aws, action).await);
        } else {
            let why = "an earlier registration was not accepted";
            outcomes.extend(skipped(action, &action.targets, why));
        }
    }
    outcomes
}

/// Returns the outcomes of these actions if none of them is executed, for this reason.
#[must_use]
pub fn skip(actions: &[Action], why: &str) -> Vec<WriteOutcome> {
    actions.iter().flat_map(|action| skipped(action, &action.targets, why)).collect()
}

/// Executes one action. If ELBv2 refuses a call because of one bad target, this function repeats it
/// with each half of the targets, until only the bad targets are refused.
async fn execute_one(aws: &Aws, action: &Action) -> Vec<WriteOutcome> {
    let mut outcomes = Vec::new();
    let mut waiting: Vec<&[Target]> = action.targets.chunks(TARGETS_PER_CALL).rev().collect();
    let mut calls = 0;
    while let Some(targets) = waiting.pop() {
        // Before the proof's age is checked: waiting makes it older.
        aws.acquire(name_of(action.kind)).await;
        // I-AGE: "A proof expires."
        if aws.now() > action.not_after {
            outcomes.extend(skipped(action, targets, "the proof expired before the call"));
            continue;
        }
        if calls == CALLS_PER_ACTION {
            outcomes.extend(skipped(
                action,
                targets,
                "too many other targets of this group were refused",
            ));
            continue;
        }
        calls += 1;
        let result = match call(aws, action, targets).await {
            Ok(()) => OutcomeResult::Done,
            Err(failure)
                if targets.len() > 1
                    && failure.code().is_some_and(|code| ONE_BAD_TARGET.contains(&code)) =>
            {
                let (first, second) = targets.split_at(targets.len() / 2);
                waiting.extend([second, first]);
                continue;
            }
            Err(failure) => result_of(&failure),
        };
        outcomes.extend(outcomes_of(action, targets, &result));
    }
    outcomes
}

async fn call(aws: &Aws, action: &Action, targets: &[Target]) -> Result<(), Failure> {
    let Action { kind, group, .. } = action;
    let kind = *kind;
    let zone = action.zone.map(|zone| zone.as_str().to_owned());
    let described = targets.iter().map(|target| {
        let description = TargetDescription::builder()
            .id(target.id.to_string())
            .port(i32::from(target.port.get()));
        description.set_availability_zone(zone.clone()).build()
    });
    let described = Some(described.collect());
    let arn = group.as_str();
    let resource = || match targets {
        [only] => format!("{only} in {}", group.name()),
        several => format!("{} targets in {}", several.len(), group.name()),
    };
    match kind {
        ActionKind::Register => {
            let sent = aws
                .elb
                .register_targets()
                .target_group_arn(arn)
                .set_targets(described)
                .customize()
                .config_override(until(action.not_after.secs_since(aws.now())))
                .send()
                .await;
            sent.map(|_| ()).map_err(|error| aws.failure(name_of(kind), resource(), error))
        }
        ActionKind::Deregister => {
            let request = aws.elb.deregister_targets().target_group_arn(arn).set_targets(described);
            let sent = request.customize().config_override(once()).send().await;
            sent.map(|_| ()).map_err(|error| aws.failure(name_of(kind), resource(), error))
        }
    }
}

/// The IAM action of this kind of write.
fn name_of(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Register => "elasticloadbalancing:RegisterTargets",
        ActionKind::Deregister => "elasticloadbalancing:DeregisterTargets",
    }
}

/// Allows one attempt with a short time-out. A failed call is reported, and a recheck covers its
/// target.
fn once() -> Builder {
    let timeouts = TimeoutConfig::builder().operation_timeout(DEREGISTRATION_TIMEOUT).build();
    Builder::new().retry_config(RetryConfig::disabled()).timeout_config(timeouts)
}

/// Allows this many seconds for all attempts together.
fn until(seconds: u32) -> Builder {
    let time = Duration::from_secs(u64::from(seconds.max(1)));
    Builder::new().timeout_config(TimeoutConfig::builder().operation_timeout(time).build())
}

fn result_of(failure: &Failure) -> OutcomeResult {
    match failure.kind {
        FailureKind::NotFound { .. } | FailureKind::Denied { .. } | FailureKind::Refused { .. } => {
            OutcomeResult::Refused(chain(failure))
        }
        FailureKind::Throttled | FailureKind::Unavailable | FailureKind::Unreadable => {
            OutcomeResult::Failed(chain(failure))
        }
    }
}

fn skipped(action: &Action, targets: &[Target], why: &str) -> Vec<WriteOutcome> {
    outcomes_of(action, targets, &OutcomeResult::Skipped(why.to_owned()))
}

fn outcomes_of(action: &Action, targets: &[Target], result: &OutcomeResult) -> Vec<WriteOutcome> {
    let outcome = |target: &Target| WriteOutcome {
        kind: action.kind,
        group: action.group.clone(),
        target: target.clone(),
        result: result.clone(),
    };
    targets.iter().map(outcome).collect()
}
