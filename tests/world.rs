//! Tests the simulated account behind real SDK clients, for services that no other wire test
//! covers.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "world/s3.rs"]
mod s3;
