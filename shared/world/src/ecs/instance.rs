//! Container instances: their operations, and what happens to their tasks when they are lost.
//!
//! `agent` simulates the EC2 instances and their agents.

pub(super) mod api;
pub(super) mod event;
pub(super) mod loss;
mod view;
