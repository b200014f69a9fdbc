//! Container instances: the operations on them, and how they are lost.
//!
//! The machines and their agents are played by `agent`.

pub(super) mod api;
pub(super) mod event;
pub(super) mod loss;
mod view;
