//! The record of registrations and deregistrations, and which of them were harmful.
//!
//! Harm is judged by the true state of the account at that moment, not by what the caller could
//! know.

use crate::api::Caller;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// `RegisterTargets`.
    Register,
    /// `DeregisterTargets`.
    Deregister,
}

/// One target of one accepted `RegisterTargets` or `DeregisterTargets` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// When the call was made, by the world's clock.
    pub at_ms: u64,
    pub caller: Caller,
    pub kind: WriteKind,
    pub group: String,
    /// EC2 instance id or IP address.
    pub id: String,
    /// The port, after the group's default was applied.
    pub port: u16,
    /// Whether it changed anything: false if a target to register was already registered, or one to
    /// deregister was not.
    pub effective: bool,
    /// ARN of an ACTIVATING or RUNNING task with desired status RUNNING whose service revision or
    /// task set has exactly this target in this group at this moment.
    pub owner: Option<String>,
}

impl Write {
    /// Whether it deregistered the target of a running task.
    #[must_use]
    pub fn is_wrong_deregistration(&self) -> bool {
        self.kind == WriteKind::Deregister && self.effective && self.owner.is_some()
    }
}
