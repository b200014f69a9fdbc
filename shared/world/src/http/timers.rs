//! Pending sleeps. Knows their order, not the clock.

use std::collections::BTreeMap;
use std::task::Waker;

/// All sleeps that were polled and have not ended, earliest first.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// By end, on the world's clock, and number.
    waiting: BTreeMap<(u64, u64), Waker>,
    number: u64,
    ended: u64,
}

impl Timers {
    /// A unique number for a new sleep.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Records a sleep that was polled and has not ended.
    pub(super) fn wait(&mut self, key: (u64, u64), waker: Waker) {
        self.waiting.insert(key, waker);
    }

    /// How many sleeps have begun and how many have ended.
    pub(super) fn activity(&self) -> (u64, u64) {
        (self.number, self.ended)
    }

    /// Removes a sleep and wakes the others, one of which may be the earliest now.
    pub(super) fn end(&mut self, key: (u64, u64)) {
        if self.waiting.remove(&key).is_some() {
            self.ended += 1;
            self.waiting.values().for_each(Waker::wake_by_ref);
        }
    }

    pub(super) fn is_earliest(&self, key: (u64, u64)) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == key)
    }
}
