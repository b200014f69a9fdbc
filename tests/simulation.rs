//! The seeded simulation, a few seeds of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use portkeeper_tests::simulation;

#[test]
fn seeds() {
    let from: u64 = std::env::var("FROM").map_or(1, |it| it.parse().unwrap());
    let to: u64 = std::env::var("TO").map_or(5, |it| it.parse().unwrap());
    for seed in from..to {
        let began = std::time::Instant::now();
        let outcome = simulation::run(seed, None).unwrap();
        println!("{seed} {:?} {:?}", began.elapsed(), outcome.rule);
        if let Some(violation) = outcome.violation {
            println!("{violation}");
        } else if std::env::var("TRACE").is_ok() {
            for step in outcome.steps {
                println!("{step}");
            }
            println!("{}", outcome.stats);
        }
    }
}
