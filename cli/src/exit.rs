//! How a command ends, as a number that scripts and CI read. `docs/command-line.md` has the table.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// There is nothing to report.
    Clean,
    /// There is something to report.
    Findings,
    /// The answer is incomplete, or there is none.
    Incomplete,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Findings, Self::Incomplete];

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Incomplete => 2,
        }
    }

    /// What it means, as the documentation says it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "nothing to report",
            Self::Findings => "findings, or errors in a file",
            Self::Incomplete => "the answer is incomplete, or the command failed",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
