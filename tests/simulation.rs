//! The seeded simulation, a few seeds of it: `cargo run --profile simulation -p portkeeper-tests
//! --bin simulate` plays many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use portkeeper_tests::simulation::{Mutation, Outcome, run};
use std::collections::BTreeSet;
use std::env;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The seeds that every run of the tests plays. `PORTKEEPER_SEEDS=100..200` plays others.
const SEEDS: Range<u64> = 1..7;

/// A mutation that none of these seeds notices is not noticed. The seed that is known to notice it
/// is tried first.
const MUTATION_SEEDS: Range<u64> = 1..41;

fn seeds() -> Range<u64> {
    let Ok(text) = env::var("PORTKEEPER_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("PORTKEEPER_SEEDS is a range such as 100..200");
    from.parse().unwrap()..to.parse().unwrap()
}

/// Runs `job` on every item, on all processors, and gives the results in the order of the items.
fn on_all_processors<T: Sync, R: Send>(items: &[T], job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            done.push((index, job(item)));
        }
        done
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Holds I-PROOF, I-ABSENT, I-ADDRESS, I-GUARDS, I-INTENT, I-INCIDENT.
#[test]
fn every_rule_holds_in_every_seed() {
    let seeds: Vec<u64> = seeds().collect();
    for outcome in on_all_processors(&seeds, |seed| run(*seed, None).unwrap()) {
        assert!(outcome.violation.is_none(), "{}", outcome.violation.unwrap());
        println!("seed {}: {} steps, no rule broken", outcome.seed, outcome.steps.len());
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let [first, second]: [Outcome; 2] =
        on_all_processors(&[3, 3], |seed| run(*seed, None).unwrap()).try_into().unwrap();
    assert_eq!(first.steps, second.steps);
}

/// Holds I-PARTIAL, I-PROOF, I-ABSENT, I-ADDRESS, I-GUARDS, I-FIRST, I-INTENT, I-SWITCH, I-SWEEP.
#[test]
fn every_safety_rule_that_is_taken_away_is_noticed() {
    let noticed = on_all_processors(&Mutation::ALL, |(mutation, known)| {
        let mut seeds = [*known].into_iter().chain(MUTATION_SEEDS.filter(|seed| seed != known));
        let caught = seeds
            .find_map(|seed| run(seed, Some(*mutation)).unwrap().rule.map(|rule| (seed, rule)));
        (*mutation, caught)
    });
    // What is noticed is the missing rule, and not a difference between the function and its copy.
    let played: BTreeSet<u64> =
        noticed.iter().filter_map(|(_, caught)| caught.map(|(seed, _)| seed)).collect();
    let played: Vec<u64> = played.into_iter().collect();
    for outcome in on_all_processors(&played, |seed| run(*seed, Some(Mutation::Nothing)).unwrap()) {
        assert!(
            outcome.violation.is_none(),
            "without any mutation: {}",
            outcome.violation.unwrap()
        );
    }
    for (mutation, caught) in &noticed {
        match caught {
            Some((seed, rule)) => println!("{mutation:?}: seed {seed} breaks the rule `{rule}`"),
            None => println!("{mutation:?}: not noticed"),
        }
    }
    assert!(noticed.iter().all(|(_, caught)| caught.is_some()), "{noticed:?}");
}
