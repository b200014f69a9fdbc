//! Why a text is not a text world.

use portkeeper_core::ids::NotAnId;
use std::borrow::Cow;

/// Why a text could not be run as a text world.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("cannot understand line {number}: `{line}`")]
    Line {
        /// The first line is 1.
        number: usize,
        line: String,
        #[source]
        source: WordError,
    },
    /// A defect of this crate: the names are its own.
    #[error("cannot name the service of an empty world")]
    Start(#[from] NotAnId),
}

/// Why a line is not understood. Each text names the word and what is expected in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    #[error("found `{word}`; expected {expected}")]
    Unexpected { word: String, expected: Cow<'static, str> },
    #[error("the line ends too early; expected {expected}")]
    Missing { expected: &'static str },
    #[error("the line ends within a quotation; expected another `\"`")]
    OpenQuote,
    #[error(transparent)]
    Name(#[from] NotAnId),
    #[error("expected a line `service CLUSTER/SERVICE ...` before this one")]
    NoService,
    #[error("expected a line `group {group} ...` before this one")]
    NoGroup { group: String },
    #[error("found `{word}`; expected a container of this task")]
    NoContainer { word: String },
    #[error("expected `ended SPAN` for a task that is {status}: when did it end?")]
    NotEnded { status: String },
    #[error("expected no `ended` for a task that is {status}: only a STOPPED task has ended")]
    Ended { status: String },
}

impl WordError {
    pub(crate) fn unexpected(word: &str, expected: impl Into<Cow<'static, str>>) -> Self {
        Self::Unexpected { word: word.to_owned(), expected: expected.into() }
    }
}
