//! Operations on services: inputs, validation and responses.
//!
//! `state::service` has the data, and `scheduler` runs the tasks.

pub(super) mod api;
pub(super) mod check;
mod options;
pub(super) mod rules;
pub(super) mod update;
pub(super) mod view;
