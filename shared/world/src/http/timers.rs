//! Sleeps under way, in world time. Knows their order, not the clock.

use std::collections::BTreeMap;
use std::task::Waker;

/// All sleeps that were polled and have not ended, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// By their end in world time and their number.
    waiting: BTreeMap<(u64, u64), Waker>,
    number: u64,
    ended: u64,
}

impl Timers {
    /// A number that makes a new sleep unique.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// A sleep was polled and has not ended.
    pub(super) fn wait(&mut self, key: (u64, u64), waker: Waker) {
        self.waiting.insert(key, waker);
    }

    /// How many sleeps have begun and how many have ended.
    pub(super) fn activity(&self) -> (u64, u64) {
        (self.number, self.ended)
    }

    /// Forgets a sleep and lets the others see whether they are the earliest now.
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
