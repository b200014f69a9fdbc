//! The rules that must hold after every step. The judge uses what was true in the account, never
//! what Portkeeper observed.

mod write;

use super::account::{Account, ServiceModel};
use super::handled::Checked;
use super::history::{History, Place, registered_in};
use super::troubles::{answers_of_describe_tasks, lists_were_short};
use super::watched::record;
use portkeeper_core::ledger::Subject;
use portkeeper_core::plan::{ActionKind, Decision, OutcomeResult, Plan, WriteOutcome};
use portkeeper_core::policy::{Mode, Policy};
use portkeeper_world::World;
use portkeeper_world::api::Caller;
use portkeeper_world::elbv2::WriteKind;
use std::collections::BTreeMap;
use write::JudgedWrite;

/// A running check may still register a task that has just stopped, up to this long after its end.
const CHECK_TAKES_MS: u64 = 60_000;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub rule: &'static str,
    pub what: String,
}

fn broken(rule: &'static str, what: impl Into<String>) -> Result<(), Violation> {
    Err(Violation { rule, what: what.into() })
}

/// `cluster/service`, direction, group, target.
type Repaired = (String, ActionKind, String, String);

/// A repair that AWS accepted.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    /// When its check began.
    at: u64,
    /// Whether the ledger holds its outcome. A repair without one may not have been executed, so
    /// it does not count as undone.
    is_known: bool,
}

/// Judges every write and every check.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: Policy,
    /// The number of judged writes.
    seen: usize,
    /// The checks that repaired a target, by service, direction and target.
    repaired: BTreeMap<Repaired, Vec<Attempt>>,
    /// Start and end of the checks of each service that had no gaps.
    looks: BTreeMap<String, Vec<(u64, u64)>>,
}

impl Judge {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self { policy: policy.clone(), seen: 0, repaired: BTreeMap::new(), looks: BTreeMap::new() }
    }

    /// Judges the writes since the last call.
    pub(crate) fn writes(
        &mut self,
        world: &World,
        account: &Account,
        history: &History,
    ) -> Result<(), Violation> {
        let fresh = world.elbv2.writes().get(self.seen..).unwrap_or_default();
        self.seen = world.elbv2.writes().len();
        for write in fresh.iter().filter(|write| write.caller == Caller::Client) {
            let (policy, looks) = (&self.policy, &self.looks);
            JudgedWrite { world, account, history, policy, looks, write }.judge()?;
        }
        Ok(())
    }

    /// Judges a check by its report.
    pub(crate) fn check(
        &mut self,
        world: &World,
        account: &Account,
        history: &History,
        checked: &Checked,
    ) -> Result<(), Violation> {
        let key = checked.key.to_string();
        let Some(service) = account.service(&key) else { return Ok(()) };
        let tried: Vec<&WriteOutcome> =
            checked.outcomes.iter().filter(|outcome| was_tried(outcome)).collect();
        let now = world.now_ms();
        let judged = |plan: &Plan| {
            plan.verdicts.iter().any(|verdict| verdict.subject != Subject::Service)
                && plan.verdicts.iter().all(|verdict| verdict.decision != Decision::Unknown)
        };
        let fresh = answers_of_describe_tasks(world, checked.began_ms) >= account.old_answers
            && !lists_were_short(world, checked.began_ms);
        if fresh && checked.errors.is_empty() && checked.plan.as_ref().is_some_and(judged) {
            self.looks.entry(key.clone()).or_default().push((checked.began_ms, now));
        }
        if service.mode != Mode::Repair
            && service.mode_since_ms + CHECK_TAKES_MS < now
            && !tried.is_empty()
        {
            return broken(
                "mode",
                format!("{key} is in mode {} and its check wrote: {tried:?}", service.mode),
            );
        }
        Self::order(&key, checked)?;
        let deregistered: Vec<&WriteOutcome> =
            tried.into_iter().filter(|outcome| outcome.kind == ActionKind::Deregister).collect();
        self.limit(world, service, checked.began_ms, deregistered.len())?;
        Self::proof(history, &key, &deregistered)?;
        self.repeats(world, service, checked)
    }

    /// Registrations come first. If AWS does not accept one, the check deregisters no target.
    fn order(key: &str, checked: &Checked) -> Result<(), Violation> {
        let tried = |outcome: &&WriteOutcome| was_tried(outcome);
        let mut outcomes = checked.outcomes.iter();
        let Some(first) = outcomes.position(|outcome| outcome.kind == ActionKind::Deregister)
        else {
            return Ok(());
        };
        let registers = |outcome: &&WriteOutcome| outcome.kind == ActionKind::Register;
        let late = checked.outcomes.iter().skip(first).filter(registers).find(tried);
        let refused = checked
            .outcomes
            .iter()
            .take(first)
            .filter(registers)
            .any(|it| it.result != OutcomeResult::Done);
        let removed = checked.outcomes.iter().skip(first).find(tried);
        if late.is_some() || (refused && removed.is_some()) {
            return broken("order", format!("{key}: {:?}", checked.outcomes));
        }
        Ok(())
    }

    /// One check deregisters at most as many targets as the settings allow.
    fn limit(
        &self,
        world: &World,
        service: &ServiceModel,
        began_ms: u64,
        deregistrations: usize,
    ) -> Result<(), Violation> {
        let key = service.key();
        let registered: usize =
            service.groups.iter().map(|group| registered_in(world, group).len()).sum();
        // Every target that was deregistered since the check's reading, by any writer, was part of
        // its observation.
        let went = world.elbv2.writes().iter().filter(|write| {
            write.effective
                && write.kind == WriteKind::Deregister
                && write.at_ms >= began_ms
                && service.groups.contains(&write.group)
        });
        let share =
            (registered + went.count()) * self.policy.max_deregistration_percent as usize / 100;
        let limit = share.max(self.policy.max_deregistrations as usize);
        if deregistrations > limit {
            let what = format!(
                "{deregistrations} deregistrations in one check of {key}, the limit is {limit}"
            );
            return broken("limit", what);
        }
        Ok(())
    }

    /// A check deregisters only targets that a task of its service once had.
    fn proof(
        history: &History,
        key: &str,
        deregistered: &[&WriteOutcome],
    ) -> Result<(), Violation> {
        for outcome in deregistered {
            let (id, port) = (outcome.target.id.to_string(), outcome.target.port.get());
            let place = Place { group: outcome.group.to_string(), id, port };
            if history.gone_at(&place, key).is_empty() {
                return broken(
                    "proof",
                    format!("{place:?} was deregistered for {key}, no task of which ever had it"),
                );
            }
        }
        Ok(())
    }

    /// Returns whether a check of this service without gaps began and ended between these times.
    pub(crate) fn looked(&self, key: &str, after: u64, before: u64) -> bool {
        let looks = self.looks.get(key).map(Vec::as_slice).unwrap_or_default();
        looks.iter().any(|(began, ended)| *began >= after && *ended <= before)
    }

    /// No two writers make the same repair, and no repair repeats without end.
    fn repeats(
        &mut self,
        world: &World,
        service: &ServiceModel,
        checked: &Checked,
    ) -> Result<(), Violation> {
        let (key, now) = (service.key(), world.now_ms());
        let stored = record(world, &key);
        for outcome in checked.outcomes.iter().filter(|it| it.result == OutcomeResult::Done) {
            let of =
                (key.clone(), outcome.kind, outcome.group.to_string(), outcome.target.to_string());
            let is_known = !stored.repairs.iter().any(|repair| {
                repair.begun && repair.group == outcome.group && repair.target == outcome.target
            });
            let repaired = self.repaired.entry(of).or_default();
            let before = repaired.last().copied();
            repaired.push(Attempt { at: checked.began_ms, is_known });
            let confirm = u64::from(self.policy.confirm_seconds) * 1000;
            let again = before.is_some_and(|before| before.at + confirm > now);
            if again && !service.ledger_touched {
                let what = format!(
                    "{} {} twice within the confirm time",
                    outcome.kind.verb(),
                    outcome.target
                );
                return broken("one writer", format!("{key}: {what}"));
            }
            // The window starts when a check has finished reading, a little after its start.
            let window = u64::from(self.policy.fight_window()) * 1000 - CHECK_TAKES_MS;
            let is_recent = |it: &&Attempt| it.is_known && it.at + window > checked.began_ms;
            let recent = repaired.iter().filter(is_recent).count();
            if recent > self.policy.fight_repairs as usize && !service.ledger_touched {
                let what =
                    format!("{} {} for the {recent}th time", outcome.kind.verb(), outcome.target);
                return broken("fight", format!("{key}: {what} within the fight window"));
            }
        }
        Ok(())
    }
}

/// Returns whether the write reached AWS.
fn was_tried(outcome: &WriteOutcome) -> bool {
    matches!(outcome.result, OutcomeResult::Done | OutcomeResult::Failed(_))
}
