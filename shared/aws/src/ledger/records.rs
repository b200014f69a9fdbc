//! The records of services: one item for each, written only when its record changes.

use super::switch::stop_of;
use super::table::{CommitError, Item, Key, LIFE_SECONDS, get, put_record};
use crate::account::Aws;
use crate::failure::{Failure, chain};
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeMap;

/// A record as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The stored record; empty if there is none.
    pub record: LedgerRecord,
    /// Counts the writes of this item; 0 when there is none.
    pub counter: u64,
    /// When DynamoDB may drop the item; absent when there is none.
    pub expires_at: Option<Timestamp>,
    /// Why a stored record counts as empty, or which parts of it could not be read, as text.
    pub note: Option<String>,
}

/// The records of several services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// An entry for each requested service.
    pub records: BTreeMap<ServiceKey, Stored>,
    /// The reason, if the kill switch is set.
    pub writes_stopped: Option<String>,
}

/// Reads the records of these services, and the kill switch.
pub async fn recall(aws: &Aws, table: &str, keys: &[ServiceKey]) -> Result<Recalled, Failure> {
    if keys.is_empty() {
        return Ok(Recalled::default());
    }
    let mut records: BTreeMap<ServiceKey, Stored> =
        keys.iter().map(|key| (key.clone(), Stored::default())).collect();
    let asked: Vec<Key> =
        [Key::Switch].into_iter().chain(records.keys().cloned().map(Key::Service)).collect();
    let mut writes_stopped = None;
    for (key, item) in get(aws, table, &asked).await? {
        match key {
            Key::Service(service) => drop(records.insert(service, stored(&item))),
            _ => writes_stopped = stop_of(&item),
        }
    }
    Ok(Recalled { records, writes_stopped })
}

fn stored(item: &Item) -> Stored {
    let (record, note) = match LedgerRecord::from_json(item.record()) {
        Ok(record) => {
            let note = record.unread_note();
            (record, note)
        }
        Err(error) => (LedgerRecord::default(), Some(chain(&error))),
    };
    Stored { record, counter: item.counter(), expires_at: item.expires_at(), note }
}

/// Replaces the record that was read with this one, and returns what is stored now. If nothing has
/// changed, nothing is written, unless the item is past half of its life and not empty.
pub async fn commit(
    aws: &Aws,
    table: &str,
    key: &ServiceKey,
    stored: &Stored,
    record: &LedgerRecord,
    now: Timestamp,
) -> Result<Stored, CommitError> {
    if !is_due(stored, record, now) {
        return Ok(stored.clone());
    }
    let key = Key::Service(key.clone());
    let text = serde_json::to_string(record)
        .map_err(|source| CommitError::NotJson { key: key.clone(), source })?;
    let expires_at = Some(now.plus_secs(LIFE_SECONDS));
    put_record(aws, table, &key, stored.counter, text, expires_at).await?;
    Ok(Stored { record: record.clone(), counter: stored.counter + 1, expires_at, note: None })
}

impl Stored {
    /// Returns whether the item is past half of its life and not empty.
    #[must_use]
    pub fn is_aging(&self, now: Timestamp) -> bool {
        let half_over = self.expires_at.is_none_or(|at| at < now.plus_secs(LIFE_SECONDS / 2));
        self.record != LedgerRecord::default() && half_over
    }
}

fn is_due(stored: &Stored, record: &LedgerRecord, now: Timestamp) -> bool {
    // An unreadable record is replaced as soon as there is something to store.
    // I-COST: "A service in order costs no write, not even to the ledger."
    *record != stored.record || stored.is_aging(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(record: &str) -> Item {
        Item::of_record(record, 7, 1_700_000_000)
    }

    #[test]
    fn an_item_is_read() {
        let read = stored(&item(r#"{"schema":1}"#));
        assert_eq!(read.record, LedgerRecord::default());
        assert_eq!((read.counter, read.expires_at), (7, Some(Timestamp::from_secs(1_700_000_000))));
        assert_eq!(read.note, None);
    }

    #[test]
    fn a_record_of_another_version_is_empty_but_keeps_its_counter() {
        let read = stored(&item(r#"{"schema":99}"#));
        assert_eq!((read.record, read.counter), (LedgerRecord::default(), 7));
        assert!(read.note.is_some_and(|note| note.contains("99")));
        assert!(stored(&item("{")).note.is_some());
    }

    #[test]
    fn quiet_services_are_written_only_at_half_of_their_life() {
        let now = Timestamp::from_secs(1_700_000_000);
        let busy = LedgerRecord { recheck_at: Some(now), ..LedgerRecord::default() };
        let stored = |record: &LedgerRecord, expires_at| Stored {
            record: record.clone(),
            expires_at,
            ..Stored::default()
        };
        let fresh = Some(now.plus_secs(LIFE_SECONDS));
        let old = Some(now.plus_secs(LIFE_SECONDS / 2 - 1));
        assert!(!is_due(&stored(&LedgerRecord::default(), None), &LedgerRecord::default(), now));
        assert!(!is_due(&stored(&LedgerRecord::default(), old), &LedgerRecord::default(), now));
        assert!(!is_due(&stored(&busy, fresh), &busy, now));
        assert!(is_due(&stored(&busy, old), &busy, now));
        assert!(is_due(&stored(&busy, fresh), &LedgerRecord::default(), now));
    }
}
