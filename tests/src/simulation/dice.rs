//! The sources of randomness: one for the world, one for faults, one for delivery.
//!
//! They are separate so that a change in one does not affect the other two: a seed keeps its
//! account and its actions when a fault is added.

use fastrand::Rng;

/// The three sources of one seed.
#[derive(Debug)]
pub(crate) struct Dice {
    /// The account, and the actions of people and ECS in it.
    pub world: Rng,
    /// The failures between Portkeeper and AWS.
    pub faults: Rng,
    /// How events and messages arrive, and how functions run.
    pub delivery: Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Any odd constant works: successive seeds must not lead to successive sources.
        let source = |number: u64| {
            Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number))
        };
        Self { world: source(1), faults: source(2), delivery: source(3) }
    }
}

/// Returns true with a probability of one in `times`.
pub(crate) fn one_in(random: &mut Rng, times: u32) -> bool {
    random.u32(0..times.max(1)) == 0
}

/// Returns one of these at random, by weight.
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
