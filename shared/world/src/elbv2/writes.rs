//! The record of registrations and deregistrations, and the detector of harmful ones.
//!
//! It judges by what was true in the account at that instant, never by what the caller could know.

use crate::api::Caller;

/// What was done to a target.
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
    /// World time.
    pub at_ms: u64,
    /// Who called.
    pub caller: Caller,
    /// What was done.
    pub kind: WriteKind,
    /// ARN of the target group.
    pub group: String,
    /// Instance id or IP address.
    pub id: String,
    /// The port, after the group's default was applied.
    pub port: u16,
    /// Whether it changed anything: false for registering what is registered and deregistering what
    /// is not.
    pub effective: bool,
    /// ARN of a task that is meant to run (desired status RUNNING), is ACTIVATING or RUNNING, and
    /// whose own revision or task set wants exactly this target in this group, at this instant.
    pub owner: Option<String>,
}

impl Write {
    /// A deregistration that took a running task's own target away from it.
    #[must_use]
    pub fn is_wrong_deregistration(&self) -> bool {
        self.kind == WriteKind::Deregister && self.effective && self.owner.is_some()
    }
}
