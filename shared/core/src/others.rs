//! Values in the ledger that only another version knows. They are kept unchanged, so that neither
//! an upgrade nor a rollback loses anything.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Members of a JSON object that this version does not know. They are written unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Others(BTreeMap<String, Value>);

impl Others {
    /// By their JSON text: any fixed order is good enough.
    fn text(&self) -> Option<String> {
        serde_json::to_string(&self.0).ok()
    }
}

impl PartialOrd for Others {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Others {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.is_empty() && other.0.is_empty() {
            return Ordering::Equal;
        }
        self.text().cmp(&other.text())
    }
}

/// A value of a closed list, or one that only another version knows. It is written unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recorded<T> {
    Known(T),
    Other(Value),
}

impl<T: Copy> Recorded<T> {
    /// The value, if this version knows it.
    #[must_use]
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Other(_) => None,
        }
    }
}
