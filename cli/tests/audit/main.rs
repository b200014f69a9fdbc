//! The command `portkeeper audit`, against a simulated account behind HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod failures;
mod large;
mod odd;
mod recording;
