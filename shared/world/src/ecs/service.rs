//! Operations on services: what they take, what they refuse, and how services look.
//!
//! What a service *is* stands in `state::service`; what the scheduler makes of it, in `scheduler`.

pub(super) mod api;
pub(super) mod check;
mod options;
pub(super) mod rules;
pub(super) mod update;
pub(super) mod view;
