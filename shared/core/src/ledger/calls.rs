//! Which calls of others are remembered, and for how long: until what they led to was told of, or
//! an hour.

use super::{Incident, LedgerRecord};
use crate::call::Call;
use crate::time::Timestamp;

/// What a call leads to is found within minutes: by the check that its event asks for, or by the
/// next sweep. After an hour something else is behind it. `CloudTrail` takes up to a quarter of an
/// hour.
pub(crate) const CALLS_KEPT_SECS: u32 = 3600;

/// The bytes that calls may take in a record; see `KNOWN_BYTES`. Beyond it the oldest go, and
/// nobody is named.
const CALLS_BYTES: usize = 16_000;

/// What a call takes without its targets: `CloudTrail`'s id, names, an ARN.
const CALL_BYTES: usize = 700;

/// What one target of it takes.
const TARGET_BYTES: usize = 60;

fn bytes(call: &Call) -> usize {
    CALL_BYTES + call.targets.len() * TARGET_BYTES
}

impl LedgerRecord {
    /// Notes calls that were not known: those of the last hour, and those about what is open. What
    /// was undone before anything came of it is forgotten.
    pub(crate) fn note_calls(
        &mut self,
        calls: &[Call],
        incidents: &[Incident],
        still_holds: impl Fn(&Call) -> bool,
        now: Timestamp,
    ) {
        for call in calls {
            let known = self.calls.iter().any(|known| known.id == call.id);
            if !known && is_of_use(call, incidents, now) {
                self.calls.push(call.clone());
            }
        }
        self.calls.retain(|call| is_about_any(call, incidents) || still_holds(call));
        self.calls.sort_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
    }

    /// Drops the calls that led to these incidents, unless they led to others, too: what happens
    /// next is not their doing.
    pub(super) fn forget_calls(&mut self, over: &[Incident]) {
        let Self { calls, incidents, .. } = self;
        calls.retain(|call| !is_about_any(call, over) || is_about_any(call, incidents));
    }

    /// Drops calls that have served their time, and the oldest where they take too much room.
    pub(super) fn tidy_calls(&mut self, now: Timestamp) {
        let Self { calls, incidents, .. } = self;
        calls.retain(|call| is_of_use(call, incidents, now));
        let mut room = CALLS_BYTES;
        let fits = |call: &&Call| {
            let left = room.checked_sub(bytes(call));
            room = left.unwrap_or(room);
            left.is_some()
        };
        let kept = calls.iter().rev().take_while(fits).count();
        calls.drain(..calls.len() - kept);
    }
}

fn is_of_use(call: &Call, incidents: &[Incident], now: Timestamp) -> bool {
    now.secs_since(call.at) < CALLS_KEPT_SECS || is_about_any(call, incidents)
}

fn is_about_any(call: &Call, incidents: &[Incident]) -> bool {
    incidents.iter().any(|incident| call.is_about(&incident.subject))
}
