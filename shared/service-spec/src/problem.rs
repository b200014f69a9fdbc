//! Problems of a spec: what is wrong, where, and how to fix it.

mod code;

pub use code::ProblemCode;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    /// `12:5`, as compilers and editors write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Whether a problem stops the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// An error: Portkeeper writes nothing while there is one.
    Error,
    /// A warning: it is reported and does not stop the spec.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Whether it stops the spec.
    #[serde(rename = "weight")]
    pub level: Level,
    /// Names the kind of problem; stays the same if the message changes.
    pub code: ProblemCode,
    /// Where, as a path of members: `service.loadBalancers[0].containerPort`. Empty for the file as
    /// a whole.
    pub at: String,
    /// The position in the file, if that part of the file could be read.
    #[serde(rename = "place", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    /// An error.
    pub fn error(code: ProblemCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, at.into(), message.into())
    }

    /// A warning.
    pub fn warning(code: ProblemCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, at.into(), message.into())
    }

    fn new(level: Level, code: ProblemCode, at: String, message: String) -> Self {
        debug_assert!(code.levels().contains(&level), "`{code}` is never a {level}");
        Self { level, code, at, position: None, message }
    }

    /// Returns the same problem at this position.
    pub(super) fn at_position(self, position: Position) -> Self {
        Self { position: Some(position), ..self }
    }

    /// Whether it stops the spec.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}
