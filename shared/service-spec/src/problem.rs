//! Problems of a spec: what is wrong, where, and how to fix it.

mod code;

pub use code::ProblemCode;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    /// `12:5`, as compilers and editors write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Whether a problem stops the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nothing is written while there is one.
    Error,
    /// It is reported and does not stop the spec.
    Warning,
}

impl fmt::Display for Weight {
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
    pub weight: Weight,
    /// Names the kind of problem; stays the same when the sentence gets better.
    pub code: ProblemCode,
    /// Where, as a path of members: `service.loadBalancers[0].containerPort`. Empty for the file as
    /// a whole.
    pub at: String,
    /// Where in the file, if the file could be read so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    /// An error.
    pub fn error(code: ProblemCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Weight::Error, code, at.into(), message.into())
    }

    /// A warning.
    pub fn warning(code: ProblemCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Weight::Warning, code, at.into(), message.into())
    }

    fn new(weight: Weight, code: ProblemCode, at: String, message: String) -> Self {
        debug_assert!(code.weights().contains(&weight), "`{code}` is never a {weight}");
        Self { weight, code, at, place: None, message }
    }

    /// The same at this place.
    pub(super) fn at_place(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Whether it stops the spec.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.weight == Weight::Error
    }
}
