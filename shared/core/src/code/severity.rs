//! How loud an alert is: a closed list, in order.

use serde::{Deserialize, Serialize};

/// How loud an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it in the morning.
    Warning,
    /// A task without traffic, or a repair that was stopped.
    Error,
    /// Requests reach the wrong program, or none.
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
