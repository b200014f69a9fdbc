//! Where chance comes from: one source for the world, one for faults, one for delivery.
//!
//! They are apart so that a change in one kind of trouble leaves the other two as they were: a seed
//! keeps its account and its story when a fault is added.

use fastrand::Rng;

/// The three sources of one seed.
#[derive(Debug)]
pub(crate) struct Dice {
    /// What the account is like and what people and ECS do in it.
    pub world: Rng,
    /// What goes wrong between Portkeeper and AWS.
    pub faults: Rng,
    /// How events and messages arrive, and how functions run.
    pub delivery: Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Any odd constant does: seeds that follow one another must not give sources that follow
        // one another.
        let source = |number: u64| {
            Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number))
        };
        Self { world: source(1), faults: source(2), delivery: source(3) }
    }
}

/// True once in so many times.
pub(crate) fn one_in(random: &mut Rng, times: u32) -> bool {
    random.u32(0..times.max(1)) == 0
}

/// One of these, by weight.
pub(crate) fn weighted<T: Copy>(random: &mut Rng, choices: &[(u32, T)]) -> Option<T> {
    let mut left = random.u32(0..choices.iter().map(|(weight, _)| *weight).sum::<u32>().max(1));
    for (weight, choice) in choices {
        if left < *weight {
            return Some(*choice);
        }
        left -= weight;
    }
    None
}
