//! Runs text worlds (`docs/text-worlds.md`) and compares the result. Every check of every world must
//! hold the properties.

mod properties;
mod screened;

use expect_test::Expect;
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_text_world::{World, run_in};
use std::error::Error as _;

/// Runs the text and compares the result.
#[track_caller]
pub fn check(text: &str, expect: &Expect) {
    expect.assert_eq(&run(text));
}

/// Runs the text. Every check must hold the properties.
pub fn run(text: &str) -> String {
    run_from(World::new().unwrap().record, text).0
}

/// Runs the text with this record, and also returns the record at the end.
pub fn run_from(record: LedgerRecord, text: &str) -> (String, LedgerRecord) {
    let mut world = World { record, ..World::new().unwrap() };
    let ran = run_in(&mut world, text, |look| {
        properties::hold(look.world, look.input, look.plan);
        screened::hold(look.world, look.plan);
    });
    let out = ran.unwrap_or_else(|error| panic!("{error}: {}", error.source().unwrap()));
    (out, world.record)
}
