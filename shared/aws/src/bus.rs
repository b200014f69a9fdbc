//! Puts events on the account's default event bus, where any rule can match them.

use crate::failure::Failure;
use crate::lazy::{Lazily, lazily};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

/// `PutEvents` accepts ten entries; a caller with more entries makes several calls.
pub const EVENTS_PER_CALL: usize = 10;

/// An event for the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `detail-type`
    pub kind: String,
    /// `detail`: a JSON object.
    pub detail: String,
    /// `resources`: ARNs.
    pub resources: Vec<String>,
}

/// The default event bus of the account and region.
#[derive(Debug)]
pub struct Bus {
    eventbridge: Lazily<aws_sdk_eventbridge::Client>,
    source: &'static str,
}

impl Bus {
    /// A client that puts events under this source.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig, source: &'static str) -> Self {
        Self { eventbridge: lazily(config, aws_sdk_eventbridge::Client::new), source }
    }

    /// Puts up to ten events. Returns for each, in order, why it was rejected, or `None` if it was
    /// accepted.
    pub async fn put(&self, events: &[Event]) -> Result<Vec<Option<String>>, Failure> {
        let (action, what) = ("events:PutEvents", "the default event bus");
        let entries = events.iter().map(|event| {
            let entry = PutEventsRequestEntry::builder()
                .source(self.source)
                .detail_type(&event.kind)
                .detail(&event.detail);
            entry.set_resources(Some(event.resources.clone())).build()
        });
        let answer =
            self.eventbridge.put_events().set_entries(Some(entries.collect())).send().await;
        let answer = answer.map_err(|error| Failure::of_sdk_error(action, what, error))?;
        if answer.entries().len() != events.len() {
            let text = format!("{} answers for {} events", answer.entries().len(), events.len());
            return Err(Failure::unreadable(action, what, text));
        }
        let refusal = |entry: &aws_sdk_eventbridge::types::PutEventsResultEntry| {
            let code = entry.error_code()?;
            Some(format!("{code}: {}", entry.error_message().unwrap_or_default()))
        };
        Ok(answer.entries().iter().map(refusal).collect())
    }
}
