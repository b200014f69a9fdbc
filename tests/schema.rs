//! Compares the published schemas of specs and results with what the program reads and writes.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "schema/result.rs"]
mod result;
#[path = "schema/spec.rs"]
mod spec;
