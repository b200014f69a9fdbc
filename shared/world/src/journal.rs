//! What happened in the account, in order, as sentences for people.
//!
//! Knows no rules: the module that changes something adds the entry.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A task changed its status.
    Task,
    /// A target was registered or deregistered.
    Registration,
    /// A target became healthy or unhealthy.
    Health,
    /// A listener or rule forwards to other target groups.
    Traffic,
    /// A person or another tool changed something.
    Person,
    /// An injected fault.
    Fault,
    /// An ECS agent or its container instance started, stopped or restarted.
    Agent,
    /// A service or one of its deployments changed.
    Deployment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since the Unix epoch, by the world's clock.
    pub at_ms: u64,
    pub kind: Kind,
    /// A sentence without a full stop.
    pub text: String,
    /// `cluster/service`, if the entry is about one service.
    pub service: Option<String>,
}

#[derive(Debug, Default)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    pub fn push(&mut self, at_ms: u64, kind: Kind, service: Option<&str>, text: impl Into<String>) {
        self.entries.push(Entry {
            at_ms,
            kind,
            text: text.into(),
            service: service.map(str::to_owned),
        });
    }

    #[must_use]
    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries from this index on: pass the number of entries already read.
    #[must_use]
    pub fn since(&self, index: usize) -> &[Entry] {
        self.entries.get(index..).unwrap_or_default()
    }
}
