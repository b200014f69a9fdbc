//! Helpers that several tests share.
//!
//! Tests fail by panicking, and so do these helpers.
#![allow(clippy::expect_used, clippy::panic, reason = "A test fails by panicking.")]

pub mod bound;
pub mod desk;
pub mod runtime_api;
pub mod shop;
pub mod simulation;
pub mod slack_server;
pub mod yaml;
