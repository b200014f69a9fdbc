//! The expected targets of a task: C-1 to C-13 of `docs/cases.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bindings;
mod blue_green;
mod interfaces;
mod revisions;
mod services;
#[path = "../text_world/mod.rs"]
mod text_world;
