//! The rules that hold after every step, judged from what was true in the account and never from
//! what Portkeeper knew.

use super::account::{Account, ServiceModel};
use super::handled::Checked;
use super::history::{History, Place, registered_in};
use super::troubles::{answers_of_describe_tasks, lists_were_short};
use portkeeper_core::ledger::{LedgerRecord, Repair, Subject};
use portkeeper_core::plan::{ActionKind, Decision, Outcome, OutcomeResult, Plan};
use portkeeper_core::policy::{Mode, Policy};
use portkeeper_world::World;
use portkeeper_world::api::Caller;
use portkeeper_world::elbv2::{Write, WriteKind};
use portkeeper_world::truth::LiveTarget;
use std::collections::BTreeMap;

/// A task that stops while a check runs may still be registered by it: no longer after its end than
/// this.
const CHECK_TAKES_MS: u64 = 60_000;

/// The judge looks when something has happened and when a call has ended, so it learns of the end
/// of a task at most this much later than it was.
const SEEN_LATE_MS: u64 = 7_000;

/// A check that has read the kill switch makes its writes within this time.
const SWITCH_TAKES_MS: u64 = 20_000;

/// What ECS or a person deregistered within this time excuses a group that a check left empty: it
/// could not know.
const UNSEEN_MS: u64 = 15_000;

/// A rule that did not hold.
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

/// Watches every write and every check.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: Policy,
    /// How many writes were judged.
    seen: usize,
    /// When the checks began that repaired a target, by service, direction and target.
    repaired: BTreeMap<Repaired, Vec<u64>>,
    /// Begin and end of the checks of each service that saw everything.
    looks: BTreeMap<String, Vec<(u64, u64)>>,
}

impl Judge {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self { policy: policy.clone(), seen: 0, repaired: BTreeMap::new(), looks: BTreeMap::new() }
    }

    /// Judges the writes that were made since the last time.
    pub(crate) fn writes(
        &mut self,
        world: &World,
        account: &Account,
        history: &History,
    ) -> Result<(), Violation> {
        let fresh = world.elbv2.writes().get(self.seen..).unwrap_or_default();
        self.seen = world.elbv2.writes().len();
        for write in fresh.iter().filter(|write| write.caller == Caller::Client) {
            let scene =
                Scene { world, account, history, policy: &self.policy, looks: &self.looks, write };
            scene.mode()?;
            scene.kill_switch()?;
            scene.intent()?;
            match write.kind {
                WriteKind::Deregister if write.effective => scene.deregistration()?,
                WriteKind::Register if write.effective => scene.registration()?,
                _ => {}
            }
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
        let tried = |result: &OutcomeResult| {
            matches!(result, OutcomeResult::Done | OutcomeResult::Failed(_))
        };
        let tried: Vec<_> =
            checked.outcomes.iter().filter(|outcome| tried(&outcome.result)).collect();
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
        let deregistered: Vec<_> =
            tried.iter().filter(|outcome| outcome.kind == ActionKind::Deregister).collect();
        let registered: usize =
            service.groups.iter().map(|group| registered_in(world, group).len()).sum();
        // What went since the check looked, by whomever, was among what it saw.
        let went = world.elbv2.writes().iter().filter(|write| {
            write.effective
                && write.kind == WriteKind::Deregister
                && write.at_ms >= checked.began_ms
                && service.groups.contains(&write.group)
        });
        let share =
            (registered + went.count()) * self.policy.max_deregistration_percent as usize / 100;
        let limit = share.max(self.policy.max_deregistrations as usize);
        if deregistered.len() > limit {
            let what = format!(
                "{} deregistrations in one check of {key}, the limit is {limit}",
                deregistered.len()
            );
            return broken("limit", what);
        }
        for outcome in deregistered {
            let (id, port) = (outcome.target.id.to_string(), outcome.target.port.get());
            let place = Place { group: outcome.group.to_string(), id, port };
            if history.gone_at(&place, &key).is_empty() {
                return broken(
                    "proof",
                    format!("{place:?} was deregistered for {key}, no task of which ever had it"),
                );
            }
        }
        for outcome in tried.iter().filter(|outcome| outcome.result == OutcomeResult::Done) {
            let of =
                (key.clone(), outcome.kind, outcome.group.to_string(), outcome.target.to_string());
            let repaired = self.repaired.entry(of).or_default();
            let before = repaired.last().copied();
            repaired.push(checked.began_ms);
            let again =
                before.is_some_and(|at| at + u64::from(self.policy.confirm_seconds) * 1000 > now);
            if again && !service.ledger_touched {
                let what = format!(
                    "{} {} twice within the confirm time",
                    outcome.kind.verb(),
                    outcome.target
                );
                return broken("one writer", format!("{key}: {what}"));
            }
            // The window runs from the moment that the reading of a check ended, a little after its
            // begin.
            let window = u64::from(self.policy.fight_window()) * 1000 - CHECK_TAKES_MS;
            let recent = repaired.iter().filter(|at| **at + window > checked.began_ms).count();
            if recent > self.policy.fight_repairs as usize && !service.ledger_touched {
                let what =
                    format!("{} {} for the {recent}th time", outcome.kind.verb(), outcome.target);
                return broken("fight", format!("{key}: {what} within the fight window"));
            }
        }
        Ok(())
    }

    /// Registrations come first, and when one was not accepted, nothing is deregistered.
    fn order(key: &str, checked: &Checked) -> Result<(), Violation> {
        let tried = |outcome: &&Outcome| {
            matches!(outcome.result, OutcomeResult::Done | OutcomeResult::Failed(_))
        };
        let mut outcomes = checked.outcomes.iter();
        let Some(first) = outcomes.position(|outcome| outcome.kind == ActionKind::Deregister)
        else {
            return Ok(());
        };
        let registers = |outcome: &&Outcome| outcome.kind == ActionKind::Register;
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
}

struct Scene<'a> {
    world: &'a World,
    account: &'a Account,
    history: &'a History,
    policy: &'a Policy,
    looks: &'a BTreeMap<String, Vec<(u64, u64)>>,
    write: &'a Write,
}

impl Scene<'_> {
    fn place(&self) -> Place {
        Place { group: self.write.group.clone(), id: self.write.id.clone(), port: self.write.port }
    }

    fn users(&self) -> impl Iterator<Item = &ServiceModel> {
        self.account.users(&self.write.group)
    }

    fn seconds_before(&self, seconds: u32) -> u64 {
        self.write.at_ms.saturating_sub(u64::from(seconds) * 1000)
    }

    /// ECS left tasks out of its lists while this was looked at. Tasks that it wants stopped it
    /// does not count, so that nobody could know of one on its way out.
    fn could_not_see(&self) -> bool {
        lists_were_short(
            self.world,
            self.seconds_before(self.policy.settle_seconds + self.policy.confirm_seconds),
        )
    }

    /// Somebody lets Portkeeper write in this group.
    fn mode(&self) -> Result<(), Violation> {
        let recently = self.write.at_ms.saturating_sub(CHECK_TAKES_MS);
        let may = |service: &ServiceModel| {
            service.mode == Mode::Repair || service.mode_since_ms > recently
        };
        if self.users().any(may) {
            Ok(())
        } else {
            broken("mode", format!("nobody allowed {:?}", self.write))
        }
    }

    /// Nobody has stopped all writes.
    fn kill_switch(&self) -> Result<(), Violation> {
        let since = self
            .account
            .stopped_since_ms
            .filter(|since| since + SWITCH_TAKES_MS < self.write.at_ms);
        since.map_or(Ok(()), |since| {
            broken("kill switch", format!("on since {since}, and: {:?}", self.write))
        })
    }

    /// The ledger knew of it before.
    fn intent(&self) -> Result<(), Violation> {
        let write = self.write;
        let kind = match write.kind {
            WriteKind::Register => ActionKind::Register,
            WriteKind::Deregister => ActionKind::Deregister,
        };
        let target = format!("{}:{}", write.id, write.port);
        let noted = |repair: &Repair| {
            let of_it = repair.kind == kind && repair.group.as_str() == write.group;
            of_it && repair.target.to_string() == target
        };
        let oldest = write.at_ms.saturating_sub(CHECK_TAKES_MS);
        let calls = self.world.calls.all().iter().rev().skip_while(|call| call.at_ms > write.at_ms);
        let stored = calls
            .take_while(|call| call.at_ms >= oldest)
            .filter(|call| call.operation == "PutItem");
        let texts = stored.filter_map(|call| call.input.pointer("/Item/record/S")?.as_str());
        let mut records = texts.filter_map(|text| LedgerRecord::from_json(text).ok());
        if records.any(|record| record.repairs.iter().any(noted)) {
            return Ok(());
        }
        broken("intent", format!("the ledger did not know of {write:?}"))
    }

    fn deregistration(&self) -> Result<(), Violation> {
        let (write, place) = (self.write, self.place());
        if write.is_wrong_deregistration() {
            return broken("wrong deregistration", format!("{write:?}"));
        }
        let leaving = |live: &&LiveTarget| live.desired_status == "STOPPED";
        if let Some(live) =
            self.history.live_at(&place).find(|live| !(leaving(live) && self.could_not_see()))
        {
            return broken("live target", format!("{write:?} took it from {live:?}"));
        }
        let gone: Vec<(String, Vec<u64>)> = self
            .users()
            .map(|user| (user.key(), self.history.gone_at(&place, &user.key())))
            .collect();
        if gone.iter().all(|(_, gone)| gone.is_empty()) {
            return broken("proof", format!("no stopped task ever had it: {write:?}"));
        }
        let settled = self.seconds_before(self.policy.settle_seconds);
        let confirmed =
            self.seconds_before(self.policy.settle_seconds + self.policy.confirm_seconds);
        let long_enough = |gone: &[u64]| {
            let by = |moment: Option<&u64>, limit: u64| {
                moment.is_some_and(|moment| *moment <= limit + SEEN_LATE_MS)
            };
            by(gone.first(), confirmed) && by(gone.last(), settled)
        };
        if !gone.iter().any(|(_, gone)| long_enough(gone)) && !self.could_not_see() {
            return broken(
                "settle",
                format!("{write:?} so soon after its tasks were gone: {gone:?}"),
            );
        }
        self.restraint(&place, &gone)?;
        self.floor()
    }

    /// What a person put there after a check had seen it gone is that person's.
    fn restraint(&self, place: &Place, gone: &[(String, Vec<u64>)]) -> Result<(), Violation> {
        let writes = self.world.elbv2.writes().iter().rev().filter(|write| {
            write.effective
                && write.group == place.group
                && write.id == place.id
                && write.port == place.port
        });
        let before: Vec<&Write> =
            writes.filter(|write| !std::ptr::eq(*write, self.write)).take(2).collect();
        let [last, previous] = before.as_slice() else { return Ok(()) };
        let by_hand = last.caller == Caller::Person && last.kind == WriteKind::Register;
        if !by_hand
            || previous.kind != WriteKind::Deregister
            || self.users().any(|user| user.ledger_touched)
        {
            return Ok(());
        }
        let ended =
            gone.iter().flat_map(|(_, gone)| gone).copied().max().unwrap_or(0).max(previous.at_ms);
        let seen_gone = |service: &String| {
            let looks = self.looks.get(service).into_iter().flatten();
            looks.copied().any(|(began, over)| began > ended && over < last.at_ms)
        };
        // Whoever had it last and did not look meanwhile could not know.
        let had_it = gone.iter().filter(|(_, gone)| !gone.is_empty());
        if had_it.map(|(service, _)| service).all(seen_gone) {
            return broken(
                "release",
                format!("{:?} undoes {last:?}, after {previous:?}; {gone:?}", self.write),
            );
        }
        Ok(())
    }

    fn floor(&self) -> Result<(), Violation> {
        let group = &self.write.group;
        let live = self.history.live().iter();
        let runs = |target: &&LiveTarget| {
            let seen = target.desired_status != "STOPPED" || !self.could_not_see();
            target.target_group_arn == *group && target.last_status == "RUNNING" && seen
        };
        let running = live.filter(runs).count();
        if running == 0 || !registered_in(self.world, group).is_empty() {
            return Ok(());
        }
        let unseen = self.write.at_ms.saturating_sub(UNSEEN_MS);
        let excuse = |write: &&Write| {
            write.group == *group
                && write.effective
                && write.kind == WriteKind::Deregister
                && write.caller != Caller::Client
                && write.at_ms >= unseen
        };
        match self.world.elbv2.writes().iter().rev().find(excuse) {
            Some(_) => Ok(()),
            None => broken(
                "floor",
                format!("{:?} left a group empty that has {running} running tasks", self.write),
            ),
        }
    }

    fn registration(&self) -> Result<(), Violation> {
        let (write, place) = (self.write, self.place());
        let Some(owner) = &write.owner else {
            let recent = write.at_ms.saturating_sub(CHECK_TAKES_MS);
            let gone = self.users().flat_map(|user| self.history.gone_at(&place, &user.key()));
            let just_gone = gone.max().is_some_and(|at| at >= recent);
            let leaving = self.history.live_at(&place).next().is_some();
            if just_gone || leaving {
                return Ok(());
            }
            let known = self.history.was_anybodys(&place);
            return broken(
                "registration",
                format!("of nobody's target (once somebody's: {known}): {write:?}"),
            );
        };
        // Another task had this target when the check began, or has it still by ECS's book: that
        // one was meant.
        let recent = write.at_ms.saturating_sub(CHECK_TAKES_MS);
        let mut gone = self.users().flat_map(|user| self.history.gone_at(&place, &user.key()));
        let mut live = self.history.live_at(&place);
        if gone.any(|at| at >= recent) || live.any(|live| live.task_arn != *owner) {
            return Ok(());
        }
        let settled = self.seconds_before(self.policy.settle_seconds);
        let since = self
            .history
            .live_at(&place)
            .filter(|live| live.task_arn == *owner)
            .find_map(|live| live.running_since_ms);
        if since.is_none_or(|since| since > settled) {
            return broken("settle", format!("{write:?}, and its task runs only since {since:?}"));
        }
        let confirmed = self.seconds_before(self.policy.confirm_seconds);
        let absent = self.history.first_absent(&place, owner);
        if absent.is_none_or(|first| first > confirmed) {
            return broken(
                "second look",
                format!("{write:?}, and it is absent only since {absent:?}"),
            );
        }
        Ok(())
    }
}
