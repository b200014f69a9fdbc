//! The lines that the program writes to standard output.

use portkeeper_world::World;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// One line of JSON with one member.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// The first line: where the account's endpoints are.
    Ready { url: String },
    /// An EventBridge event that ECS emitted.
    Event(&'a Value),
    /// A journal entry, for people to read.
    Journal(&'a str),
    /// A command succeeded.
    Done(Value),
    /// A command failed.
    Refused(String),
}

impl From<Result<Value, String>> for Line<'_> {
    fn from(outcome: Result<Value, String>) -> Self {
        outcome.map_or_else(Self::Refused, Self::Done)
    }
}

/// Writes one whole line.
pub(crate) fn say(what: &Line) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// How much of the account's events and journal was already written.
pub(crate) struct Lines {
    events: usize,
    journal: usize,
}

impl Lines {
    /// Starts at the present: earlier entries are not written.
    pub(crate) fn from_now_on(world: &World) -> Self {
        Self { events: world.eventbridge.events().len(), journal: world.journal.all().len() }
    }

    /// Writes the new entries.
    pub(crate) fn tell_news(&mut self, world: &World) -> io::Result<()> {
        let entries = world.journal.all();
        for entry in entries.iter().skip(self.journal) {
            say(&Line::Journal(&entry.text))?;
        }
        let events = world.eventbridge.events();
        for event in events.iter().skip(self.events) {
            say(&Line::Event(event))?;
        }
        (self.journal, self.events) = (entries.len(), events.len());
        Ok(())
    }
}
