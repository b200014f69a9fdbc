//! Decides which confirmed findings are repaired now, and applies the guards that withhold a
//! repair.
//!
//! Last target: the last registered target of a group stays. Deregistration limit: too many
//! deregistrations, in one plan or within ten minutes, stop all of them. Fight: a target whose
//! repairs another writer undoes is not repaired again. Repair limit: a target whose repairs do not
//! last needs an operator.

use super::guards::{
    Decided, Ruling, guard, guard_deregistration_limit, guard_last_target, is_fight, limit_exceeded,
};
use super::{impact, incidents};
use crate::code::Code;
use crate::compare::Comparison;
use crate::finding::Finding;
use crate::ids::TargetGroupArn;
use crate::input::{PlanInput, Writes};
use crate::ledger::{FOREIGN_INCIDENTS, Incident, OPEN_INCIDENTS, Repair, Repairs};
use crate::observation::HealthState;
use crate::policy::{Mode, Policy};
use crate::subject::Subject;
use crate::time::Timestamp;
use crate::verdict::Decision;
use std::collections::BTreeSet;

/// After this many repairs in a row that came too late, a person must find out why: reading takes
/// longer than a proof is valid.
const LATE_REPAIRS: u32 = 3;

/// Decides on every finding.
pub(super) fn decide(
    input: &PlanInput,
    mode: Mode,
    findings: &[Finding],
    open: &mut [Incident],
    comparison: &Comparison,
) -> Decided {
    let mut decided = Decided {
        rulings: Vec::new(),
        guards: Vec::new(),
        suppressed: BTreeSet::new(),
        resume_at: None,
    };
    let mut waiting = 0;
    for finding in findings {
        let ruling = if let Some(incident) = incidents::of(open, finding) {
            decide_one(input, mode, finding, incident, comparison, &mut decided.guards)
        } else {
            // An early recheck would not make room: an event or the sweep leads to the next check.
            // Foreign ones may be explained by the second check.
            let is_confirmed = finding.code != Code::Foreign
                || open.iter().any(|it| it.code == Code::Foreign && it.confirmation.confirmed);
            waiting += usize::from(is_confirmed && !impact::is_of_group(findings, finding));
            Ruling::new(
                Decision::Withheld,
                "too many incidents are open; this finding waits until one is resolved",
            )
        };
        decided.rulings.push(ruling);
    }
    if waiting > 0 {
        let why = format!(
            "{waiting} more faults were found than are kept at once (at most {OPEN_INCIDENTS}, and {FOREIGN_INCIDENTS} \
             foreign ones); they wait their turn"
        );
        decided.guards.push(limit_exceeded(input, Subject::Service, why));
    }
    // I-GUARDS: "Guards stand above every repair."
    guard_last_target(input, findings, &mut decided, comparison);
    guard_deregistration_limit(findings, &mut decided, input);
    decided
}

fn decide_one(
    input: &PlanInput,
    mode: Mode,
    finding: &Finding,
    incident: &Incident,
    comparison: &Comparison,
    guards: &mut Vec<Finding>,
) -> Ruling {
    let policy = &input.policy;
    if !incident.confirmation.confirmed {
        let at = incident.confirmed_from(finding.confirm_seconds);
        return Ruling::new(Decision::Await(at), "found once; waiting for a second check");
    }
    let (Some(repair), Subject::Target(group, _)) = (finding.repair, &finding.subject) else {
        return Ruling::new(Decision::Alert, "alert only");
    };
    if let Writes::Stopped(why) = &input.writes {
        return Ruling::new(
            Decision::Alert,
            format!("the kill switch is set ({why}): Portkeeper writes nothing"),
        );
    }
    if mode != Mode::Repair {
        return Ruling::new(Decision::Alert, format!("mode {mode}: Portkeeper writes nothing"));
    }
    if let Some(until) = finding.meant_until.filter(|until| *until > input.now) {
        let why = "a person deregistered it, so the repair waits";
        return Ruling::new(Decision::Await(until), why);
    }
    if let Some(again_at) = again_at(incident, policy).filter(|at| *at > input.now) {
        let verb = repair.kind.verb();
        let why = match incident.repairs.skipped {
            0 => format!("a repair ({verb}) was just executed"),
            _ => format!("the last repair ({verb}) came too late; the next one waits longer"),
        };
        return Ruling::new(Decision::Await(again_at), why);
    }
    if is_fight(input, &finding.subject) {
        guards.push(guard(
            input,
            Code::Fight,
            finding,
            format!(
                "{} repairs of this target within {} s did not last: another writer undoes them. Last finding: {}",
                policy.fight_repairs,
                policy.fight_window(),
                finding.why
            ),
        ));
        return Ruling::new(
            Decision::Withheld,
            "another writer undoes the repairs of this target, so Portkeeper stops repairing it",
        );
    }
    if incident.repairs.tried >= policy.max_repairs || incident.repairs.skipped >= LATE_REPAIRS {
        guards.push(guard(input, Code::LimitExceeded, finding, repairs_end(incident, finding)));
        return Ruling::new(Decision::Withheld, "the repair limit for one target is reached");
    }
    if finding.code == Code::WrongPort && !task_has_right_target(comparison, finding, group) {
        let at = input.now.plus_secs(policy.confirm_seconds);
        return Ruling::new(
            Decision::Await(at),
            "the task's expected target must be registered first",
        );
    }
    if let Some(at) = finding.repair_from {
        return Ruling::new(
            Decision::Await(at),
            format!(
                "confirmed by a second check; AWS does not accept the repair ({}) yet",
                repair.kind.verb()
            ),
        );
    }
    Ruling::new(Decision::Repair(repair.kind), "confirmed by a second check")
}

/// When the next repair may follow the last one. One that came too late would come too late again,
/// and every try reads who else may use the address: each waits twice as long as the one before.
fn again_at(incident: &Incident, policy: &Policy) -> Option<Timestamp> {
    let Repairs { last_at, skipped, .. } = &incident.repairs;
    let longer = 1_u32.checked_shl(*skipped).unwrap_or(u32::MAX);
    last_at.map(|at| at.plus_secs(policy.confirm_seconds.saturating_mul(longer)))
}

/// Why a target gets no further repair.
fn repairs_end(incident: &Incident, finding: &Finding) -> String {
    let Repairs { tried, refusal, skipped, .. } = &incident.repairs;
    let (what, label) = if *skipped >= LATE_REPAIRS {
        (format!("{skipped} repairs in a row came too late"), "")
    } else {
        (format!("{tried} repairs did not fix it"), "AWS answered: ")
    };
    let answer = refusal.as_ref().map_or(String::new(), |text| format!("; {label}{text}"));
    format!("{what}{answer}. Last finding: {}", finding.why)
}

fn task_has_right_target(
    comparison: &Comparison,
    finding: &Finding,
    group: &TargetGroupArn,
) -> bool {
    comparison.matched.iter().any(|matched| {
        matched.expected.group == *group
            && Some(&matched.expected.task) == finding.task.as_ref()
            && matched.registered.state != HealthState::Initial
    })
}

/// Records a repair before it is executed.
pub(super) fn note(incident: &mut Incident, repair: &Repair) {
    let tried = incident.repairs.tried.saturating_add(1);
    let skipped = incident.repairs.skipped;
    incident.repairs = Repairs { tried, last_at: Some(repair.at), refusal: None, skipped };
}
