//! Verdicts, repairs and alerts: C-14 to C-39 of `docs/cases.md`, as far as the core decides them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alerts;
mod audit;
mod breaker;
mod calls;
mod dead_groups;
mod draining;
mod elsewhere;
mod ending;
mod exited;
mod fights;
mod floor;
mod health;
mod hijacked;
mod hostile;
mod hosts;
mod instances;
mod ledger;
mod left_groups;
mod limits;
mod live_groups;
mod misplaced;
mod missing;
mod modes;
mod no_traffic;
mod owners;
mod plumbing;
mod random;
mod registered_again;
mod rest;
mod service_events;
mod silence;
mod size;
mod stale;
mod stuck;
mod succession;
mod telling;
#[path = "../text_world/mod.rs"]
mod text_world;
mod unproved;
mod unused;
mod versions;
mod views;
mod whole;
mod whose;
mod zones;
