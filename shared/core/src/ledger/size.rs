//! The size of the whole record, and what it gives up when it is too large: first words, then
//! proofs and causes, and incidents last. Whatever is given up, an alert that was sent stays marked
//! as sent, and nothing is proved that was not proved before.

use super::{FOREIGN_INCIDENTS, Incident, KnownTarget, LedgerRecord, OPEN_INCIDENTS, Repair};
use crate::action::ActionKind;
use crate::alert::Alert;
use crate::code::Code;
use crate::ids::Target;
use crate::others::Others;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The most bytes of a record. `DynamoDB` allows 400 KB for an item with the names of its
/// attributes (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>);
/// the rest is a margin for what a version adds that does not know this limit.
pub const RECORD_BYTES: usize = 350_000;

/// The bytes that faults and the guards' incidents may take. With names of ordinary length, they
/// are enough for [`OPEN_INCIDENTS`].
const FAULT_BYTES: usize = 240_000;

/// The bytes that `foreign` incidents may take.
const FOREIGN_BYTES: usize = 80_000;

/// The bytes of a text in JSON when the record is too large.
const TEXT_BYTES: usize = 200;

/// The bytes of a text in JSON when that is not enough.
const SHORT_TEXT_BYTES: usize = 80;

/// What an incident without marks gains until its end: six times and the names and values of its
/// optional members.
const GAIN_BYTES: usize = 300;

/// Counts bytes.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn json_bytes(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // What has no JSON has no size: storing it fails before its size matters.
    if serde_json::to_writer(&mut count, value).is_ok() { count.0 } else { 0 }
}

impl Incident {
    /// The most bytes that this incident takes until it ends, if all its texts are short.
    fn most_bytes(&self) -> usize {
        let bare = Self::opened(
            self.code.clone(),
            self.subject.clone(),
            self.task.clone(),
            String::new(),
            self.opened_at,
        );
        json_bytes(&bare) + json_bytes(&self.others) + GAIN_BYTES + SHORT_TEXT_BYTES
    }
}

/// How many incidents the record can still open.
pub(crate) struct Room {
    faults: Share,
    foreign: Share,
}

struct Share {
    incidents: usize,
    bytes: usize,
}

impl Room {
    /// The room next to these incidents.
    pub(crate) fn left_by(open: &[Incident]) -> Self {
        let (foreign, faults): (Vec<&Incident>, Vec<&Incident>) =
            open.iter().partition(|incident| incident.code == Code::Foreign);
        let share = |taken: &[&Incident], most: usize, bytes: usize| Share {
            incidents: most.saturating_sub(taken.len()),
            bytes: bytes.saturating_sub(taken.iter().map(|it| it.most_bytes()).sum()),
        };
        Self {
            faults: share(&faults, OPEN_INCIDENTS, FAULT_BYTES),
            // A group may hold a thousand foreign targets that stay: they must not displace faults.
            foreign: share(&foreign, FOREIGN_INCIDENTS, FOREIGN_BYTES),
        }
    }

    /// Takes the room that this incident needs, if it is there.
    pub(crate) fn take(&mut self, incident: &Incident) -> bool {
        let share =
            if incident.code == Code::Foreign { &mut self.foreign } else { &mut self.faults };
        let left =
            share.incidents.checked_sub(1).zip(share.bytes.checked_sub(incident.most_bytes()));
        if let Some((incidents, bytes)) = left {
            *share = Share { incidents, bytes };
        }
        left.is_some()
    }

    /// Takes the bytes that a guard's incident needs, if they are there. Its finding has an
    /// incident of its own, so it does not count towards their number.
    pub(crate) fn take_guard(&mut self, incident: &Incident) -> bool {
        let left = self.faults.bytes.checked_sub(incident.most_bytes());
        self.faults.bytes = left.unwrap_or(self.faults.bytes);
        left.is_some()
    }
}

impl LedgerRecord {
    /// The bytes of the record as it is stored.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        json_bytes(self)
    }

    fn excess(&self) -> usize {
        self.json_bytes().saturating_sub(RECORD_BYTES)
    }

    /// Brings the record within [`RECORD_BYTES`]. Called, like `tidy`, only on a record that is
    /// about to be written for another reason.
    pub(crate) fn fit(&mut self) {
        let steps = [
            Self::drop_of_other_clusters,
            Self::shorten_texts,
            Self::drop_marks,
            Self::drop_proofs,
            Self::drop_calls,
            Self::drop_texts,
            Self::drop_registrations,
            Self::drop_parts_of_other_versions,
            Self::drop_incidents,
        ];
        for step in steps {
            if self.excess() == 0 {
                return;
            }
            step(self);
        }
    }

    /// Brings the record within its size before its alerts are published: what the record could not
    /// mark as sent must wait.
    pub(crate) fn fit_with(&mut self, alerts: &mut Vec<Alert>) {
        let before = self.incidents.len();
        self.fit();
        if self.incidents.len() == before || alerts.is_empty() {
            return;
        }
        for alert in &mut *alerts {
            let Alert { code, items, .. } = alert;
            items.retain(|item| self.incidents.iter().any(|it| it.is_of(code, item)));
        }
        alerts.retain(|alert| !alert.items.is_empty());
        if alerts.is_empty() {
            self.publishing_since = None;
        }
    }

    /// Other clusters are asked again.
    fn drop_of_other_clusters(&mut self) {
        self.of_other_clusters.clear();
    }

    /// The next check writes `why` again. A refusal of several targets was one answer.
    fn shorten_texts(&mut self) {
        let mut answers = BTreeSet::new();
        for Incident { why, repairs, ending, .. } in &mut self.incidents {
            shorten(why, TEXT_BYTES);
            if let Some(ending) = ending {
                shorten(&mut ending.why, TEXT_BYTES);
            }
            repairs.refusal = repairs.refusal.take().filter(|text| answers.insert(text.clone()));
            if let Some(refusal) = &mut repairs.refusal {
                shorten(refusal, TEXT_BYTES);
            }
        }
    }

    fn drop_marks(&mut self) {
        self.retain_known(|_, known| known.seen_absent_at.is_none());
    }

    /// The fault is then reported instead of repaired.
    fn drop_proofs(&mut self) {
        let mut excess = self.excess();
        self.retain_known(|target, known| {
            let stays = excess == 0;
            excess = excess.saturating_sub(json_bytes(target) + json_bytes(known) + 2);
            stays
        });
    }

    /// What a dropped entry barred must not be proved: no task that has stopped until the next
    /// check proves anything by itself.
    fn retain_known(&mut self, mut stays: impl FnMut(&Target, &KnownTarget) -> bool) {
        let mut lost = false;
        for targets in self.known.values_mut() {
            let before = targets.len();
            targets.retain(|target, known| stays(target, known));
            lost |= targets.len() < before;
        }
        self.known.retain(|_, targets| !targets.is_empty());
        self.continuous_since = self.continuous_since.filter(|_| !lost);
    }

    /// The alerts name no cause.
    fn drop_calls(&mut self) {
        self.calls.clear();
    }

    /// What an incident still has to say when it is over is how it ended.
    fn drop_texts(&mut self) {
        for Incident { why, repairs, ending, .. } in &mut self.incidents {
            if let Some(ending) = ending {
                why.clear();
                shorten(&mut ending.why, SHORT_TEXT_BYTES);
            }
            shorten(why, SHORT_TEXT_BYTES);
            repairs.refusal = None;
        }
    }

    /// A fight with registrations is then noticed later. Deregistrations stay: they count towards
    /// the limit.
    fn drop_registrations(&mut self) {
        let registers = |repair: &Repair| repair.kind.known() == Some(ActionKind::Register);
        let excess = self.excess();
        drop_excess(&mut self.repairs, excess, registers);
    }

    fn drop_parts_of_other_versions(&mut self) {
        // Another version's entry for a target may bar a proof, too.
        self.continuous_since = self.continuous_since.filter(|_| self.unread.is_empty());
        self.unread.clear();
        self.others = Others::default();
        for incident in &mut self.incidents {
            incident.others = Others::default();
        }
    }

    /// Only a record of a version that opened more of them has too many. Those that were not
    /// reported yet go first; they are found again when there is room.
    fn drop_incidents(&mut self) {
        let is_foreign = |incident: &Incident| incident.code == Code::Foreign;
        let orders: [fn(bool, bool) -> bool; 4] = [
            |foreign, reported| foreign && !reported,
            |_, reported| !reported,
            |foreign, _| foreign,
            |_, _| true,
        ];
        for goes in orders {
            let excess = self.excess();
            drop_excess(&mut self.incidents, excess, |it| {
                goes(is_foreign(it), it.alerted.is_some())
            });
        }
    }
}

/// Drops the first elements that may go, until this many bytes are gone.
fn drop_excess<T: Serialize>(list: &mut Vec<T>, mut excess: usize, goes: impl Fn(&T) -> bool) {
    list.retain(|element| {
        let stays = excess == 0 || !goes(element);
        if !stays {
            excess = excess.saturating_sub(json_bytes(element) + 1);
        }
        stays
    });
}

/// Cuts a text to this many bytes in JSON.
fn shorten(text: &mut String, most: usize) {
    if json_bytes(text) <= most {
        return;
    }
    let mut left = most.saturating_sub("\"…\"".len());
    let fits = |letter: &char| {
        let bytes = match letter {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            letter if letter.is_ascii_control() => 6,
            letter => letter.len_utf8(),
        };
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    *text = cut;
}
