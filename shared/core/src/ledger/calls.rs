//! Which API calls by others the record keeps: until the findings that they led to are reported, or
//! for an hour.

use super::{Incident, LedgerRecord};
use crate::api_call::ApiCall;
use crate::time::Timestamp;

/// A check finds what a call led to within minutes: the check that its event requests, or one after
/// the next sweep. After an hour, the call is not the cause. `CloudTrail` takes up to a quarter of
/// an hour.
pub(crate) const CALLS_KEPT_SECS: u32 = 3600;

/// The bytes that calls may take in a record; see `KNOWN_BYTES`. Beyond it the oldest are dropped,
/// and alerts name no cause.
const CALLS_BYTES: usize = 16_000;

/// The bytes of a call without its targets: `CloudTrail`'s id, names, an ARN.
const CALL_BYTES: usize = 700;

/// The bytes of one target of a call.
const TARGET_BYTES: usize = 60;

fn bytes(call: &ApiCall) -> usize {
    CALL_BYTES + call.targets.len() * TARGET_BYTES
}

impl LedgerRecord {
    /// Adds new calls: those of the last hour, and those about open incidents. Drops calls that
    /// were undone before they led to a finding.
    pub(crate) fn note_calls(
        &mut self,
        calls: &[ApiCall],
        incidents: &[Incident],
        still_holds: impl Fn(&ApiCall) -> bool,
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

    /// Drops the calls that led to these incidents, unless they also led to others: they cannot be
    /// the cause of later findings.
    pub(super) fn forget_calls(&mut self, over: &[Incident]) {
        let Self { calls, incidents, .. } = self;
        calls.retain(|call| !is_about_any(call, over) || is_about_any(call, incidents));
    }

    /// Drops outdated calls, and the oldest ones if they take too much room.
    pub(super) fn tidy_calls(&mut self, now: Timestamp) {
        let Self { calls, incidents, .. } = self;
        calls.retain(|call| is_of_use(call, incidents, now));
        let mut room = CALLS_BYTES;
        let fits = |call: &&ApiCall| {
            let left = room.checked_sub(bytes(call));
            room = left.unwrap_or(room);
            left.is_some()
        };
        let kept = calls.iter().rev().take_while(fits).count();
        calls.drain(..calls.len() - kept);
    }
}

fn is_of_use(call: &ApiCall, incidents: &[Incident], now: Timestamp) -> bool {
    now.secs_since(call.at) < CALLS_KEPT_SECS || is_about_any(call, incidents)
}

fn is_about_any(call: &ApiCall, incidents: &[Incident]) -> bool {
    incidents.iter().any(|incident| call.is_about(&incident.subject))
}
