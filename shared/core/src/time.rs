//! Times as numbers. The core has no clock: `now` is always a parameter.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A time: milliseconds since the Unix epoch. JSON has it in ISO 8601 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// A text that is not an ISO 8601 time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an ISO 8601 time, such as 2026-11-23T10:15:00Z")]
pub struct NotATimestamp(String);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub fn plus_secs(self, secs: u32) -> Self {
        Self(self.0.saturating_add(i64::from(secs) * 1000))
    }

    /// The next millisecond.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    #[must_use]
    pub fn minus_secs(self, secs: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(secs) * 1000))
    }

    /// Whole seconds since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub fn secs_since(self, earlier: Self) -> u32 {
        u32::try_from((self.0.saturating_sub(earlier.0) / 1000).max(0)).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{} ms since the epoch", self.0),
        }
    }
}

impl Timestamp {
    /// The form for people, in whole seconds: `2026-11-23 10:00:05Z`. JSON and logs have the full
    /// form.
    #[must_use]
    pub fn readable(self) -> String {
        Self::from_secs(self.as_secs()).to_string().replacen('T', " ", 1)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.parse::<jiff::Timestamp>() {
            Ok(moment) => Ok(Self(moment.as_millisecond())),
            Err(_) => Err(NotATimestamp(text)),
        }
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> Self {
        moment.to_string()
    }
}

/// A duration in words: `45 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn spoken(secs: u32) -> String {
    match (secs / 3600, secs % 3600 / 60, secs % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
