//! Tasks: their life cycle and the operations on them.

pub(super) mod api;
pub(super) mod changes;
pub(super) mod lifecycle;
mod ports;
mod view;
