//! The severity of an alert: a closed list, in order.

use serde::{Deserialize, Serialize};

/// The severity of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Needs a person, but not at night.
    Warning,
    /// A task without traffic, a setup that cannot work, or a repair that a guard or AWS stopped.
    Error,
    /// Requests reach another service, the target group is gone, or no task of a group receives
    /// traffic.
    Critical,
}

impl Severity {
    /// As the message attribute `severity` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}
