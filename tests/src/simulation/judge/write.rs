//! The rules that every single write of Portkeeper must follow.

use super::{CHECK_TAKES_MS, Violation, broken};
use crate::simulation::account::{Account, ServiceModel};
use crate::simulation::history::{History, Place, registered_in};
use crate::simulation::troubles::lists_were_short;
use portkeeper_core::ledger::{LedgerRecord, Repair};
use portkeeper_core::plan::ActionKind;
use portkeeper_core::policy::{Mode, Policy};
use portkeeper_world::World;
use portkeeper_world::api::Caller;
use portkeeper_world::elbv2::{Write, WriteKind};
use portkeeper_world::truth::LiveTarget;
use std::collections::BTreeMap;

/// The judge reads the account after every change and every call, so it records the end of a task
/// at most this much late.
const SEEN_LATE_MS: u64 = 7_000;

/// A check makes its writes within this time after it has read the kill switch.
const SWITCH_TAKES_MS: u64 = 20_000;

/// If ECS or a person deregistered a target within this time, the check could not observe it, and
/// may leave the group empty.
const UNSEEN_MS: u64 = 15_000;

/// A check may have read a target before a program outside ECS made it healthy, this long ago.
const SERVED_MS: u64 = 20_000;

/// A write of Portkeeper, with what was true when it was made.
pub(super) struct JudgedWrite<'a> {
    pub world: &'a World,
    pub account: &'a Account,
    pub history: &'a History,
    pub policy: &'a Policy,
    pub looks: &'a BTreeMap<String, Vec<(u64, u64)>>,
    pub write: &'a Write,
}

impl JudgedWrite<'_> {
    /// Judges it.
    pub(super) fn judge(&self) -> Result<(), Violation> {
        self.mode()?;
        self.kill_switch()?;
        self.intent()?;
        match self.write.kind {
            WriteKind::Deregister if self.write.effective => self.deregistration(),
            WriteKind::Register if self.write.effective => self.registration(),
            _ => Ok(()),
        }
    }

    fn place(&self) -> Place {
        Place { group: self.write.group.clone(), id: self.write.id.clone(), port: self.write.port }
    }

    fn users(&self) -> impl Iterator<Item = &ServiceModel> {
        self.account.users(&self.write.group)
    }

    fn seconds_before(&self, seconds: u32) -> u64 {
        self.write.at_ms.saturating_sub(u64::from(seconds) * 1000)
    }

    /// Returns whether ECS omitted tasks from its lists during the check. ECS does not count tasks
    /// with desired status STOPPED, so the check could not detect one that was stopping.
    fn could_not_see(&self) -> bool {
        lists_were_short(
            self.world,
            self.seconds_before(self.policy.settle_seconds + self.policy.confirm_seconds),
        )
    }

    /// Verifies that a service's mode lets Portkeeper write in this group.
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

    /// Verifies that the kill switch is not set.
    fn kill_switch(&self) -> Result<(), Violation> {
        let since = self
            .account
            .stopped_since_ms
            .filter(|since| since + SWITCH_TAKES_MS < self.write.at_ms);
        since.map_or(Ok(()), |since| {
            broken("kill switch", format!("on since {since}, and: {:?}", self.write))
        })
    }

    /// Verifies that the ledger recorded the write before it was made.
    fn intent(&self) -> Result<(), Violation> {
        let write = self.write;
        let kind = match write.kind {
            WriteKind::Register => ActionKind::Register,
            WriteKind::Deregister => ActionKind::Deregister,
        };
        let target = format!("{}:{}", write.id, write.port);
        let noted = |repair: &Repair| {
            let of_it = repair.kind.known() == Some(kind) && repair.group.as_str() == write.group;
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
        if let Some(since) = self.history.served_since(&place)
            && since + SERVED_MS < write.at_ms
        {
            return broken(
                "outsider",
                format!("{write:?}, which something outside ECS has served since {since}"),
            );
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

    /// Verifies that no person registered the target after a check had seen it absent: such a
    /// target is that person's.
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
        // A service that had the target last and was not checked meanwhile could not detect this.
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
        let drains = self.account.draining_since_ms.get(&write.id);
        if drains.is_some_and(|since| since + CHECK_TAKES_MS < write.at_ms) {
            return broken("draining", format!("{write:?} on a container instance that drains"));
        }
        // Another task had this target when the check began, or still has it according to ECS: the
        // check meant that task's.
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
