//! Portkeeper's decisions: from an observation to findings, repairs and alerts.
//!
//! Pure: no I/O, no clock, no randomness, no environment. `now` is a parameter and everything is
//! iterated in a fixed order, so the same input gives the same plan, byte for byte. This crate
//! cannot see AWS: it builds and tests without any AWS crate.

mod action;
pub mod address;
mod alert;
pub mod api_call;
pub mod audit;
pub mod cluster_tasks;
pub mod code;
pub mod compare;
pub mod event;
pub mod expected;
mod finding;
pub mod ids;
mod input;
pub mod judge;
pub mod ledger;
pub mod mode;
pub mod observation;
pub mod occupant;
pub mod others;
pub mod plan;
pub mod policy;
pub mod readiness;
pub mod report;
pub mod screen;
mod subject;
pub mod task_parts;
mod text_enum;
pub mod time;
mod verdict;
