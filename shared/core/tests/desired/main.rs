//! What a task should have: `CASES.md` 1 to 13.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod revisions;
mod services;
#[path = "../text_world/mod.rs"]
mod text_world;
