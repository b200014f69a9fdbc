//! A first check without a ledger: the findings now, and what an identical second check would do.
//!
//! A first check proves nothing: a stopped task's leftover target is reported and would not be
//! deregistered. Differences within the settle time are not findings.

use crate::code::{Code, Severity};
use crate::compare::compare;
use crate::expected::expected_with_record;
use crate::finding::Finding;
use crate::ids::TaskArn;
use crate::input::{INPUT_VERSION, PlanInput, Writes};
use crate::judge::judge;
use crate::ledger::LedgerRecord;
use crate::observation::Observation;
use crate::occupant::{OtherTaskView, other_task_on};
use crate::plan::{Plan, plan};
use crate::policy::Policy;
use crate::subject::Subject;
use crate::verdict::{Decision, Verdict};
use serde::Serialize;

/// The audit of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The findings, the most severe first.
    pub findings: Vec<Audit>,
    /// Differences within the settle time.
    pub young: Vec<Verdict>,
    /// What is undetermined.
    pub unknown: Vec<Verdict>,
    /// The plan of this check.
    pub plan: Plan,
}

/// A finding as an audit reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    pub code: Code,
    /// The severity of the finding, or of its code; `error` if requests reach another service.
    pub severity: Severity,
    pub subject: Subject,
    pub task: Option<TaskArn>,
    /// What was expected, what is there, and why.
    pub why: String,
    /// The decision after an identical second check.
    pub then: Decision,
    /// The reason for the decision.
    pub then_why: String,
}

/// Returns the input of a first check of this observation. Its time is the start of the reading, so
/// a difference caused only by reads at different times is still within the settle time.
///
/// The record is empty and begins one settle time before the check: ECS may still be deregistering
/// a task that stopped since then, and a task that stopped earlier proves nothing.
#[must_use]
pub fn first_check(observation: Observation, policy: &Policy) -> PlanInput {
    let now = observation.observed_at;
    // One second less, so that nothing that the record proves is older than the settle time.
    let continuous_since = now.minus_secs(policy.settle_seconds.saturating_sub(1));
    let record =
        LedgerRecord { continuous_since: Some(continuous_since), ..LedgerRecord::default() };
    PlanInput {
        version: INPUT_VERSION,
        now,
        hop: 0,
        policy: policy.clone(),
        writes: Writes::Allowed,
        record,
        calls: Vec::new(),
        observation,
    }
}

/// Judges one service in a first check.
#[must_use]
pub fn audit(input: &PlanInput) -> Audited {
    let plan = plan(input);
    let expected = expected_with_record(&input.observation, &input.record, input.hop);
    let comparison = compare(&input.observation, &expected);
    let judgement = judge(input, &expected, &comparison);
    let second = second_check(input, &plan);
    let (mut findings, mut young, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for verdict in &plan.verdicts {
        let is_it = |found: &&Finding| {
            Some(&found.code) == verdict.code.as_ref() && found.subject == verdict.subject
        };
        match (judgement.findings.iter().find(is_it), &verdict.decision) {
            (Some(found), _) => findings.push(finding_of(input, found, verdict, &second)),
            // An audit lists each target of the group.
            (None, _) if matches!(verdict.subject, Subject::Group(_)) => {}
            (None, Decision::Await(_)) if verdict.code.is_some() => young.push(verdict.clone()),
            (None, Decision::Await(_) | Decision::Unknown) => unknown.push(verdict.clone()),
            // In order, out of scope, or a guard's finding about the ledger's limits.
            (None, _) => {}
        }
    }
    findings.sort_by(|one, other| {
        let order =
            |it: &Audit| (std::cmp::Reverse(it.severity), it.code.to_string(), it.subject.clone());
        order(one).cmp(&order(other))
    });
    Audited { findings, young, unknown, plan }
}

/// Returns the plan of an identical second check.
fn second_check(input: &PlanInput, first: &Plan) -> Plan {
    let now = input.now.plus_secs(input.policy.confirm_seconds);
    let observation = Observation { observed_at: now, ..input.observation.clone() };
    plan(&PlanInput {
        now,
        hop: input.hop + 1,
        record: first.next_record.clone(),
        observation,
        ..input.clone()
    })
}

fn finding_of(input: &PlanInput, found: &Finding, verdict: &Verdict, second: &Plan) -> Audit {
    let is_same =
        |it: &&Verdict| it.code.as_ref() == Some(&found.code) && it.subject == found.subject;
    let then = second.verdicts.iter().find(is_same).unwrap_or(verdict);
    Audit {
        code: found.code.clone(),
        severity: found
            .severity
            .unwrap_or_else(|| severity(&input.observation, &found.code, &found.subject)),
        subject: found.subject.clone(),
        task: found.task.clone(),
        why: found.why.clone(),
        then: then.decision.clone(),
        then_why: then.why.clone(),
    }
}

/// Nothing proves that a foreign target is a fault, but its destination is a fact.
fn severity(observation: &Observation, code: &Code, subject: &Subject) -> Severity {
    if let (Code::Foreign, Subject::Target(group, target)) = (code, subject)
        && let OtherTaskView::Task { service: Some(_), .. } =
            other_task_on(observation, group, target)
    {
        return Severity::Error;
    }
    code.severity()
}
