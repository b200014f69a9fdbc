//! Compares what is deployed and documented with what the code expects: environment, permissions,
//! queues, tables, and event patterns.
//!
//! Reads `template.yaml`, `events/` and documents; calls nothing.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "A test fails by panicking."
)]

#[path = "template/dashboard.rs"]
mod dashboard;
#[path = "template/document.rs"]
mod document;
#[path = "template/environment.rs"]
mod environment;
#[path = "template/events.rs"]
mod events;
#[path = "template/functions.rs"]
mod functions;
#[path = "template/permissions.rs"]
mod permissions;
#[path = "template/queues.rs"]
mod queues;
#[path = "template/stage.rs"]
mod stage;
#[path = "template/tables.rs"]
mod tables;
