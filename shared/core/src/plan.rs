//! Turns observations into a plan. Pure and complete: nothing after this module makes decisions.

mod alerts;
mod attribution;
mod endings;
mod guards;
mod impact;
mod incidents;
mod known;
mod repairs;

use crate::api_call::ApiCall;
use crate::code::{Code, Severity};
use crate::compare::{compare, out_of_scope};
use crate::expected::{ExpectedTargets, expected_with_record};
use crate::finding::{Finding, RepairStep};
use crate::ids::{ServiceKey, Target, TargetGroupArn};
use crate::judge::judge;
use crate::ledger::{Incident, LedgerRecord, PUBLISHING_SECS, Repair, Room};
use crate::mode::mode_in_force;
use crate::observation::{Missed, ServiceStatus};
use crate::policy::Mode;
use crate::subject::Subject;
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

pub use crate::action::{Action, ActionKind, OutcomeResult, TargetZone, WriteOutcome};
pub use crate::alert::{Alert, AlertItem, AlertState, Cause, Impact};
pub use crate::input::{INPUT_VERSION, PlanInput, Writes};
pub use crate::verdict::{Decision, Verdict};

/// The longest delay of an SQS message; a later recheck takes several hops.
const MAX_DELAY_SECS: u32 = 900;

/// An earlier recheck would only read the same answers.
const MIN_DELAY_SECS: u32 = 5;

/// A registration later than this after the reading might name a task that has stopped in the
/// meantime.
const REGISTER_WITHIN_SECS: u32 = 30;

/// How long after a repair quick rechecks look for its effect; after that, events and sweeps take
/// over.
const WATCH_REPAIR_SECS: u32 = 900;

/// What Portkeeper will do about one service, and why it does nothing about the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub key: ServiceKey,
    /// One verdict for every target and every task.
    pub verdicts: Vec<Verdict>,
    /// The writes, registrations first.
    pub actions: Vec<Action>,
    /// The alerts to publish after the writes. Empty while another function publishes.
    pub alerts: Vec<Alert>,
    /// When to check again without waiting for an event.
    #[serde(rename = "look_again_at")]
    pub recheck_at: Option<Timestamp>,
    /// The record that must be stored before any write.
    pub next_record: LedgerRecord,
}

/// Plans what to do about one service. After the plan was executed, a second plan has nothing to
/// do.
#[must_use]
pub fn plan(input: &PlanInput) -> Plan {
    if input.observation.gaps.iter().any(|gap| gap.what == Missed::Service) {
        let why = "the service could not be read".to_owned();
        let verdict =
            Verdict { subject: Subject::Service, code: None, decision: Decision::Unknown, why };
        // What other writers did disproves ownership in later checks.
        let mut record = input.record.clone();
        record.note_calls(&input.calls, &input.record.incidents, |_| true, input.now);
        return finish(input, vec![verdict], Vec::new(), Vec::new(), None, record);
    }
    let mode = mode_in_force(input);
    if mode.mode == Mode::Off {
        let verdict = Verdict {
            subject: Subject::Service,
            code: None,
            decision: Decision::Leave,
            why: format!("mode off ({})", mode.why),
        };
        let mut record = input.record.clone();
        record.forget_registered();
        return finish(input, vec![verdict], Vec::new(), Vec::new(), None, record);
    }
    if let Some(why) = out_of_scope(&input.observation) {
        let closed = incidents::close_all(&input.record.incidents, input, why);
        return at_rest(input, why, closed);
    }
    let expected = expected_with_record(&input.observation, &input.record, input.hop);
    let comparison = compare(&input.observation, &expected);
    let mut judgement = judge(input, &expected, &comparison);
    impact::judge_new_tasks(input, &comparison, &mut judgement);
    impact::find_groups(input, &expected, &mut judgement);
    let mut record = input.record.clone();
    record.continuous_since.get_or_insert(input.now);
    known::update(&mut record, input, &expected, &comparison);
    known::update_other_clusters(&mut record, &input.observation, &judgement, input.now);
    for (group, target, task) in &judgement.disproved {
        record.mark_seen_absent(group, target, task, input.now);
    }
    let seen = endings::Seen {
        input,
        expected: &expected,
        comparison: &comparison,
        judgement: &judgement,
    };
    let mut open = incidents::track(&seen);
    let decided = repairs::decide(input, mode.mode, &judgement.findings, &mut open, &comparison);
    let mut suppressed = outages_of_a_loop(&judgement.findings, &open);
    // I-COMPLETE: "every finding is repaired, awaited or reported"
    let mut verdicts = judgement.verdicts.clone();
    let mut actions = Actions::default();
    for (index, (finding, ruling)) in judgement.findings.iter().zip(&decided.rulings).enumerate() {
        verdicts.push(Verdict {
            subject: finding.subject.clone(),
            code: Some(finding.code.clone()),
            decision: ruling.decision.clone(),
            why: format!("{}: {}", finding.why, ruling.why),
        });
        if decided.suppressed.contains(&index) {
            suppressed.push(finding.subject.clone());
        }
        if let (Decision::Repair(_), Some(step)) = (&ruling.decision, finding.repair) {
            begin_repair(input, finding, step, &mut record, &mut open, &mut actions);
        }
    }
    raise_guards(input, decided.guards, &mut open, &mut verdicts);
    release_explained(&verdicts, &mut record, input.now);
    record.note_index_keys(&input.observation, input.now);
    if input.observation.is_gone() {
        record.drop_index_keys();
    }
    record.note_calls(
        &input.calls,
        &open,
        |call| attribution::still_holds(call, &input.observation),
        input.now,
    );
    let alerts = due_alerts(
        input,
        &record.calls,
        (&expected, &judgement.findings),
        &open,
        &suppressed,
        &verdicts,
    );
    open.sort_by(|left, right| (&left.code, &left.subject).cmp(&(&right.code, &right.subject)));
    record.incidents = open;
    verdicts.sort_by(|left, right| (&left.subject, &left.code).cmp(&(&right.subject, &right.code)));
    // The sweep lists no such service.
    let lingers = input.observation.ending().map(|_| input.now.plus_secs(MAX_DELAY_SECS));
    let resume_at = decided.resume_at.into_iter().chain(lingers).min();
    let recheck_at = next_look(input, &verdicts, resume_at, &mut record);
    finish(input, verdicts, actions.in_order(input), alerts, recheck_at, record)
}

/// Returns what needs no alert of its own while an alert says that no task of a crash loop becomes
/// healthy: each task of the loop would be reported, and resolved when ECS replaces it.
fn outages_of_a_loop(findings: &[Finding], open: &[Incident]) -> Vec<Subject> {
    let is_loop = |code: &Code| *code == Code::KillLoop;
    let is_confirmed = open.iter().any(|it| is_loop(&it.code) && it.confirmation.confirmed);
    let is_outage =
        findings.iter().any(|it| is_loop(&it.code) && it.severity == Some(Severity::Critical));
    let failing = findings.iter().filter(|it| it.code == Code::Unhealthy);
    failing.filter(|_| is_confirmed && is_outage).map(|it| it.subject.clone()).collect()
}

fn due_alerts(
    input: &PlanInput,
    calls: &[ApiCall],
    (expected, findings): (&ExpectedTargets, &[Finding]),
    open: &[Incident],
    suppressed: &[Subject],
    verdicts: &[Verdict],
) -> Vec<Alert> {
    let impacts = impact::Impacts::of(expected, findings, open, input.now);
    let (key, policy, now) = (&input.observation.key, &input.policy, input.now);
    let owner = input.observation.service.as_ref().and_then(|service| service.owner_tag.as_deref());
    let causes = attribution::Causes { calls, observation: &input.observation };
    alerts::AlertInput {
        key,
        owner,
        incidents: open,
        suppressed,
        verdicts,
        impacts: &impacts,
        causes: &causes,
        policy,
        now,
    }
    .due()
}

/// A target that belongs to another service's task now is no longer this service's, even after that
/// task stops.
fn release_explained(verdicts: &[Verdict], record: &mut LedgerRecord, now: Timestamp) {
    for verdict in verdicts.iter().filter(|verdict| verdict.decision == Decision::Leave) {
        let Subject::Target(group, target) = &verdict.subject else { continue };
        let held =
            record.known_target(group, target).filter(|known| known.seen_absent_at.is_none());
        if let Some(task) = held.map(|known| known.task.clone()) {
            record.mark_seen_absent(group, target, &task, now);
        }
    }
}

/// Returns a plan that only ends incidents.
fn at_rest(input: &PlanInput, why: &str, open: Vec<Incident>) -> Plan {
    let verdict = Verdict {
        subject: Subject::Service,
        code: None,
        decision: Decision::Leave,
        why: why.to_owned(),
    };
    let alerts =
        due_alerts(input, &input.record.calls, (&ExpectedTargets::default(), &[]), &open, &[], &[]);
    let mut record = LedgerRecord { incidents: open, ..input.record.clone() };
    record.mark_all_seen_absent(input.now);
    // A service that is being deleted without any target left is as good as deleted, and may not be
    // checked again.
    if input.observation.is_gone() || input.observation.ending().is_some() {
        record.drop_index_keys();
    }
    let lingers = record.incidents.iter().any(|open| open.code.is_known() && !open.is_over());
    let recheck = lingers.then(|| input.now.plus_secs(MAX_DELAY_SECS));
    let recheck_at = next_look(input, &[], recheck, &mut record);
    finish(input, vec![verdict], Vec::new(), alerts, recheck_at, record)
}

fn finish(
    input: &PlanInput,
    verdicts: Vec<Verdict>,
    actions: Vec<Action>,
    mut alerts: Vec<Alert>,
    recheck_at: Option<Timestamp>,
    mut next_record: LedgerRecord,
) -> Plan {
    let is_being_told = |since: Timestamp| input.now.secs_since(since) < PUBLISHING_SECS;
    if next_record.publishing_since.is_some_and(is_being_told) {
        alerts.clear();
    } else if !alerts.is_empty() {
        next_record.publishing_since = Some(input.now);
    }
    let service = input.observation.service.as_ref();
    if let Some(service) = service.filter(|it| it.status != ServiceStatus::Inactive) {
        next_record.mode_tag.clone_from(&service.mode_tag);
    }
    if next_record != input.record {
        next_record.tidy(input.now, input.policy.fight_window());
        next_record.fit_with(&mut alerts);
    }
    Plan { key: input.observation.key.clone(), verdicts, actions, alerts, recheck_at, next_record }
}

/// Groups the writes by kind, group and zone; registrations sort first.
#[derive(Default)]
struct Actions(BTreeMap<(ActionKind, TargetGroupArn, Option<TargetZone>), Vec<Target>>);

impl Actions {
    fn in_order(self, input: &PlanInput) -> Vec<Action> {
        let not_after = |kind| {
            let seconds = match kind {
                ActionKind::Register => REGISTER_WITHIN_SECS,
                ActionKind::Deregister => input.policy.proof_seconds,
            };
            input.observation.observed_at.plus_secs(seconds)
        };
        let action = |((kind, group, zone), targets)| Action {
            kind,
            group,
            targets,
            zone,
            not_after: not_after(kind),
        };
        self.0.into_iter().map(action).collect()
    }
}

/// Records a repair before it is executed: whatever the result, the ledger holds the attempt.
fn begin_repair(
    input: &PlanInput,
    finding: &Finding,
    RepairStep { kind, zone }: RepairStep,
    record: &mut LedgerRecord,
    open: &mut [Incident],
    actions: &mut Actions,
) {
    let Some((group, target)) = guards::target_of(finding) else { return };
    let repair = Repair::decided(input.now, kind, group.clone(), target.clone());
    if let Some(incident) = incidents::of(open, finding) {
        repairs::note(incident, &repair);
    }
    record.repairs.push(repair);
    actions.0.entry((kind, group.clone(), zone)).or_default().push(target.clone());
}

/// Opens the guards' own incidents, which follow from confirmed findings.
fn raise_guards(
    input: &PlanInput,
    guards: Vec<Finding>,
    open: &mut Vec<Incident>,
    verdicts: &mut Vec<Verdict>,
) {
    let mut room = Room::left_by(open);
    for guard in guards {
        verdicts.push(Verdict {
            subject: guard.subject.clone(),
            code: Some(guard.code.clone()),
            decision: Decision::Alert,
            why: guard.why.clone(),
        });
        let known = open.iter_mut().find(|it| it.code == guard.code && it.subject == guard.subject);
        if let Some(known) = known {
            known.last_seen_at = input.now;
            known.seen = known.seen.saturating_add(1);
            known.why = guard.why;
            known.ending = None;
        } else {
            let mut incident =
                Incident::opened(guard.code, guard.subject, guard.task, guard.why, input.now);
            incident.confirmation.confirmed = true;
            // Without room, the finding's own alert says that its repair is withheld.
            let is_of_one = matches!(incident.subject, Subject::Target(..));
            if !is_of_one || room.take_guard(&incident) {
                open.push(incident);
            }
        }
    }
}

/// Returns when to check again: at the first time at which an awaited difference may be judged, a
/// repair should show its effect, or a guard's limit ends. A recheck that was already requested is
/// not requested twice.
fn next_look(
    input: &PlanInput,
    verdicts: &[Verdict],
    resume_at: Option<Timestamp>,
    record: &mut LedgerRecord,
) -> Option<Timestamp> {
    let awaited = verdicts.iter().filter_map(|verdict| match verdict.decision {
        Decision::Await(at) => Some(at),
        Decision::Repair(_) => Some(input.now.plus_secs(input.policy.confirm_seconds)),
        _ => None,
    });
    let watched = record.incidents.iter().filter_map(|incident| {
        // What came too late was not written, and shows no effect.
        let written = !incident.is_over() && incident.repairs.skipped == 0;
        let repaired_at = incident.repairs.last_at.filter(|_| written)?;
        let soon = input.now.secs_since(repaired_at) < WATCH_REPAIR_SECS;
        soon.then(|| input.now.plus_secs(input.policy.confirm_seconds))
    });
    let earliest = awaited.chain(watched).chain(resume_at).min()?;
    let at =
        earliest.max(input.now.plus_secs(MIN_DELAY_SECS)).min(input.now.plus_secs(MAX_DELAY_SECS));
    // The last recheck in a row cannot be followed by another one.
    let on_its_way = record.recheck_hop <= input.hop.saturating_add(1)
        && record.recheck_at.is_some_and(|pending| pending > input.now && pending <= at);
    if on_its_way || input.hop >= input.policy.max_hops {
        return None;
    }
    record.recheck_at = Some(at);
    record.recheck_hop = input.hop.saturating_add(1);
    Some(at)
}
