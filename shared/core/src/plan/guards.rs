//! The guards, which stand above every repair: each may withhold one, and none causes one.

use crate::action::ActionKind;
use crate::code::Code;
use crate::compare::Comparison;
use crate::expected::{ExpectedTarget, Requirement, has_left};
use crate::finding::{Finding, finding};
use crate::ids::{Target, TargetGroupArn};
use crate::input::PlanInput;
use crate::observation::{HealthState, Task};
use crate::occupant::is_scaled_to_zero;
use crate::subject::Subject;
use crate::time::{Timestamp, spoken};
use crate::verdict::Decision;
use std::collections::{BTreeMap, BTreeSet};

/// The text of a guard names up to this many targets.
const LISTED: usize = 10;

/// The decision on each finding, in the order of the findings, and the guards' findings.
pub(super) struct Decided {
    pub rulings: Vec<Ruling>,
    /// The guards' findings, which need no confirmation: they follow from confirmed findings.
    pub guards: Vec<Finding>,
    /// Findings whose own alert is suppressed because a guard's alert names them.
    pub suppressed: BTreeSet<usize>,
    /// When repairs withheld by the deregistration limit may resume.
    pub resume_at: Option<Timestamp>,
}

/// The decision on one finding, and the reason.
pub(super) struct Ruling {
    pub decision: Decision,
    pub why: String,
}

impl Ruling {
    pub(super) fn new(decision: Decision, why: impl Into<String>) -> Self {
        Self { decision, why: why.into() }
    }

    fn deregisters(&self) -> bool {
        self.decision == Decision::Repair(ActionKind::Deregister)
    }
}

pub(super) fn guard(input: &PlanInput, code: Code, withheld: &Finding, why: String) -> Finding {
    let task = withheld.task.clone();
    Finding { task, ..finding(input, code, withheld.subject.clone(), why) }
}

/// A fight lasts until its incident ends, so that repairs do not restart each time the window has
/// passed.
pub(super) fn is_fight(input: &PlanInput, subject: &Subject) -> bool {
    let Subject::Target(group, target) = subject else { return false };
    let open =
        input.record.incident(&Code::Fight, subject).is_some_and(|incident| !incident.is_over());
    let recent = input.record.repairs.iter().filter(|repair| {
        // A repair without a known outcome may not have been executed, so nothing shows that it was
        // undone. It counts towards the repair limit.
        !repair.begun
            && repair.group == *group
            && repair.target == *target
            && input.now.secs_since(repair.at) < input.policy.fight_window()
    });
    open || u32::try_from(recent.count()).unwrap_or(u32::MAX) >= input.policy.fight_repairs
}

/// Never deregisters the last registered target of a group. Only registered targets past their
/// initial health checks count: a registration of this plan may still be refused, and a target that
/// the previous plan registered receives no requests yet.
pub(super) fn guard_last_target(
    input: &PlanInput,
    findings: &[Finding],
    decided: &mut Decided,
    comparison: &Comparison,
) {
    let scaled_to_zero = is_scaled_to_zero(&input.observation);
    let mut leaving: BTreeMap<&TargetGroupArn, BTreeSet<&Target>> = BTreeMap::new();
    for (finding, ruling) in findings.iter().zip(&decided.rulings) {
        if let (true, Some((group, target))) = (ruling.deregisters(), target_of(finding)) {
            leaving.entry(group).or_default().insert(target);
        }
    }
    for (group, leaving) in leaving {
        if scaled_to_zero && !input.observation.other_tasks.may_serve(group) {
            // No task serves requests here, and none should: a leftover target leads to another
            // service.
            continue;
        }
        let matched = comparison
            .matched
            .iter()
            .filter(|it| it.expected.group == *group)
            .map(|it| &it.registered);
        let unexpected =
            comparison.unexpected.iter().filter(|it| it.group == *group).map(|it| &it.registered);
        let staying: Vec<_> =
            matched.chain(unexpected).filter(|it| !leaving.contains(&it.target)).collect();
        let of_group = |finding: &Finding| finding.subject.group() == Some(group);
        if staying.iter().any(|it| it.state != HealthState::Initial) {
            continue;
        }
        if !staying.is_empty() {
            let later = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
            let why = "no other target of the group has completed its initial health checks";
            change_deregistrations(findings, decided, of_group, &later, why);
            continue;
        }
        // If the registration of the successor fails, its own finding reports that. A target that
        // misdirects requests waits for a person, not for a task that may never start.
        let misdirects = findings.iter().zip(&decided.rulings).any(|(finding, ruling)| {
            ruling.deregisters() && of_group(finding) && finding.code.misdirects_traffic()
        });
        if !misdirects && awaits_registration(input, findings, &decided.rulings, comparison, group)
        {
            let later = Decision::Await(input.now.plus_secs(input.policy.confirm_seconds));
            let why = "the target of another task of this service must be registered first";
            let waiting = change_deregistrations(findings, decided, of_group, &later, why);
            decided.suppressed.extend(waiting);
            continue;
        }
        let named: Vec<String> = leaving.iter().take(LISTED).map(ToString::to_string).collect();
        let why = format!(
            "deregistering {} would leave {} without targets; Portkeeper deregistered nothing there",
            named.join(", "),
            group.name()
        );
        decided.guards.push(limit_exceeded(input, Subject::Group(group.clone()), why));
        withhold(findings, decided, of_group, "it would leave the target group without targets");
    }
}

/// Returns whether a target of this service will be registered in the group soon, by ECS or by
/// Portkeeper. A registration that was given up or withheld is not awaited.
fn awaits_registration(
    input: &PlanInput,
    findings: &[Finding],
    rulings: &[Ruling],
    comparison: &Comparison,
    group: &TargetGroupArn,
) -> bool {
    let own = Some(input.observation.key.service.as_str());
    let starts = |task: &Task| task.service() == own && task.is_starting();
    let is_registered_soon = |expected: &ExpectedTarget| {
        let has_just_started = matches!(expected.requirement,
            Requirement::Required(since) if input.policy.settled_at(since) > input.now);
        let decides = |(finding, ruling): (&Finding, &Ruling)| {
            target_of(finding) == Some((group, &expected.target))
                && finding.repair.is_some_and(|step| step.kind == ActionKind::Register)
                && matches!(ruling.decision, Decision::Repair(_) | Decision::Await(_))
        };
        has_just_started || findings.iter().zip(rulings).any(decides)
    };
    let mut absent = comparison.absent.iter().filter(|it| it.expected.group == *group);
    absent.any(|it| is_registered_soon(&it.expected)) || input.observation.tasks.iter().any(starts)
}

/// If the deregistrations, together with those of the last ten minutes, exceed the limit, all of
/// them are withheld, not only the excess. A fault in Portkeeper or in its input must not continue
/// a few targets at a time.
pub(super) fn guard_deregistration_limit(
    findings: &[Finding],
    decided: &mut Decided,
    input: &PlanInput,
) {
    let wanted = decided.rulings.iter().filter(|ruling| ruling.deregisters()).count();
    // A group that the service has left holds targets of others.
    let groups = input.observation.target_groups.keys();
    let groups = groups.filter(|arn| !has_left(&input.observation, arn));
    let registered: usize = groups
        .filter_map(|arn| input.observation.found_group(arn))
        .map(|group| {
            group
                .targets
                .iter()
                .filter(|it| it.is_registered() && it.state != HealthState::Initial)
                .count()
        })
        .sum();
    let limit = input.policy.deregistration_limit(registered);
    let made = deregistered_at(input);
    let Some(excess) = (wanted + made.len()).checked_sub(limit + 1).filter(|_| wanted > 0) else {
        return;
    };
    let named: Vec<String> = findings
        .iter()
        .zip(&decided.rulings)
        .filter(|(_, ruling)| ruling.deregisters())
        .take(LISTED)
        .map(|(finding, _)| finding.subject.readable())
        .collect();
    let before = match made.len() {
        0 => String::new(),
        count => format!(
            ", together with {count} executed within {},",
            spoken(input.policy.fight_window())
        ),
    };
    let why = format!(
        "{} at once{before} {} the limit of {limit}; Portkeeper executed none. First: {}",
        if wanted == 1 {
            "1 deregistration".to_owned()
        } else {
            format!("{wanted} deregistrations")
        },
        if wanted == 1 && made.is_empty() { "exceeds" } else { "exceed" },
        named.join(", ")
    );
    decided.guards.push(limit_exceeded(input, Subject::Service, why));
    withhold(findings, decided, |_| true, "the deregistration limit is exceeded");
    // When enough earlier deregistrations have left the window. A plan that exceeds the limit by
    // itself needs an operator.
    decided.resume_at = made.get(excess).map(|at| at.plus_secs(input.policy.fight_window()));
}

/// Returns when the deregistrations in the window were decided, oldest first, without those that
/// AWS refused or that were not attempted.
fn deregistered_at(input: &PlanInput) -> Vec<Timestamp> {
    let repairs = input
        .record
        .repairs
        .iter()
        .filter(|repair| repair.kind.known() == Some(ActionKind::Deregister));
    let recent =
        repairs.filter(|repair| input.now.secs_since(repair.at) < input.policy.fight_window());
    let mut at: Vec<Timestamp> = recent.map(|repair| repair.at).collect();
    at.sort();
    at
}

pub(super) fn limit_exceeded(input: &PlanInput, subject: Subject, why: String) -> Finding {
    finding(input, Code::LimitExceeded, subject, why)
}

fn withhold(
    findings: &[Finding],
    decided: &mut Decided,
    which: impl Fn(&Finding) -> bool,
    why: &str,
) {
    let changed = change_deregistrations(findings, decided, which, &Decision::Withheld, why);
    decided.suppressed.extend(changed);
}

/// Changes the decision on deregistrations, and returns which ones.
fn change_deregistrations(
    findings: &[Finding],
    decided: &mut Decided,
    which: impl Fn(&Finding) -> bool,
    to: &Decision,
    why: &str,
) -> Vec<usize> {
    let mut changed = Vec::new();
    for (index, (finding, ruling)) in findings.iter().zip(&mut decided.rulings).enumerate() {
        if ruling.deregisters() && which(finding) {
            *ruling = Ruling::new(to.clone(), why);
            changed.push(index);
        }
    }
    changed
}

/// Returns the target of a finding about a target.
pub(super) fn target_of(finding: &Finding) -> Option<(&TargetGroupArn, &Target)> {
    match &finding.subject {
        Subject::Target(group, target) => Some((group, target)),
        Subject::Service | Subject::Task(_) | Subject::Group(_) => None,
    }
}
