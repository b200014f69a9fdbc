//! What several of the tests share.
//!
//! Tests fail by panicking, and so does what is here.
#![allow(clippy::expect_used, clippy::panic, reason = "A test fails by panicking.")]

pub mod desk;
pub mod shop;
pub mod simulation;
