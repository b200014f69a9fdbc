//! What happened in the account, in order, in words for people.
//!
//! Knows no rules: whoever changes something writes here what it did.

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A task moved through its life.
    Task,
    /// A target was registered or deregistered.
    Registration,
    /// A target became healthy or unhealthy.
    Health,
    /// A listener or rule was pointed elsewhere.
    Traffic,
    /// A person or another tool did something by hand.
    Person,
    /// Something went wrong on purpose.
    Fault,
    /// An ECS agent or its instance came, went or restarted.
    Agent,
    /// A service or one of its deployments changed.
    Deployment,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// World time.
    pub at_ms: u64,
    /// What it is about.
    pub kind: Kind,
    /// A sentence without a full stop.
    pub text: String,
    /// `cluster/service`, where one service is meant.
    pub service: Option<String>,
}

/// Everything that happened so far.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    /// Appends an entry.
    pub fn push(&mut self, at_ms: u64, kind: Kind, service: Option<&str>, text: impl Into<String>) {
        self.entries.push(Entry {
            at_ms,
            kind,
            text: text.into(),
            service: service.map(str::to_owned),
        });
    }

    /// All entries in order.
    #[must_use]
    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries from that index on, for a reader that comes back: pass how many it has seen.
    #[must_use]
    pub fn since(&self, index: usize) -> &[Entry] {
        self.entries.get(index..).unwrap_or_default()
    }
}
