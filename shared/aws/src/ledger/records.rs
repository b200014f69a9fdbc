//! The ledger's table: one item for each service, written only when its record changes.
//!
//! The item's counter makes one writer at a time: a writer whose counter is no longer the stored
//! one has read an older record, and steps back. What a record says is not looked at here.
//!
//! The table also holds two marks that belong to no service: the kill switch, which a person sets,
//! and where the sweep goes on.

use crate::account::Aws;
use crate::failure::{Failure, chain};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
};
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// How long an item lives after it was written, in seconds: 30 days. A service that is quiet for
/// longer is written again at half of this, and one that is gone disappears.
pub const LIFE_SECONDS: u32 = 30 * 24 * 3600;

/// The largest record that is stored, in bytes. DynamoDB allows 400 KB for an item with the names
/// of its attributes; the rest of ours takes less than 1 KB.
const RECORD_LIMIT: usize = 399 * 1000;

/// How many keys `BatchGetItem` takes.
const GET_BATCH: usize = 100;

/// How often the rest of one batch is asked for. An answer holds 16 MB, so that even a hundred
/// items of 400 KB take three rounds; more than ten mean throttling, and the queue is the better
/// place to wait.
const GET_ROUNDS: usize = 10;

pub const KEY: &str = "pk";
pub const COUNTER: &str = "counter";
pub const RECORD: &str = "record";
/// A number of one write alone, by which a writer knows its own: two functions may store the same
/// words at once.
const WRITE: &str = "write";
pub const EXPIRES: &str = "expires";

/// The key of the kill switch. Keys of services hold a slash.
const SWITCH: &str = "switch";

/// What the kill switch says: [`ALLOWED`], or anything else, which stops all writes.
const WRITES: &str = "writes";
const ALLOWED: &str = "allowed";

/// Why it is set, for people.
const WHY: &str = "why";

pub type Item = HashMap<String, AttributeValue>;

/// A record as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What is remembered; empty when nothing is.
    pub record: LedgerRecord,
    /// Counts the writes of this item; 0 when there is none.
    pub counter: u64,
    /// When DynamoDB may drop the item; absent when there is none.
    pub expires_at: Option<Timestamp>,
    /// Why a stored record was read as an empty one, for people.
    pub note: Option<String>,
}

/// A record that was not stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else has written since this record was read.
    #[error("another check of {key} has written to the ledger meanwhile")]
    LostRace {
        /// The service.
        key: String,
    },
    /// The record is larger than DynamoDB takes.
    #[error("the ledger record of {key} has {bytes} bytes, more than an item may hold")]
    TooLarge {
        /// The service.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// The record cannot be written as JSON.
    #[error("the ledger record of {key} cannot be written as JSON")]
    NotJson {
        /// The service.
        key: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The call failed.
    #[error("the ledger cannot be written")]
    Call(#[from] Failure),
}

/// What is remembered of several services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// An entry for each service that was asked for.
    pub records: BTreeMap<ServiceKey, Stored>,
    /// The kill switch is on, for this reason.
    pub writes_stopped: Option<String>,
}

/// Reads the records of these services, and the kill switch.
pub async fn recall(aws: &Aws, table: &str, keys: &[ServiceKey]) -> Result<Recalled, Failure> {
    if keys.is_empty() {
        return Ok(Recalled::default());
    }
    let mut writes_stopped = None;
    let mut by_text: BTreeMap<String, &ServiceKey> =
        keys.iter().map(|key| (key.to_string(), key)).collect();
    let mut recalled: BTreeMap<ServiceKey, Stored> =
        keys.iter().map(|key| (key.clone(), Stored::default())).collect();
    let texts: Vec<String> =
        [SWITCH.to_owned()].into_iter().chain(by_text.keys().cloned()).collect();
    for batch in texts.chunks(GET_BATCH) {
        for item in get_batch(aws, table, batch).await? {
            let text = text_of(&item, KEY).unwrap_or_default();
            if text == SWITCH {
                writes_stopped = stop_of(&item);
            } else if let Some(key) = by_text.remove(text) {
                recalled.insert(key.clone(), stored(&item));
            }
        }
    }
    Ok(Recalled { records: recalled, writes_stopped })
}

/// Why writes are stopped, if the kill switch is on now.
pub async fn writes_stopped(aws: &Aws, table: &str) -> Result<Option<String>, Failure> {
    let items = get_batch(aws, table, &[SWITCH.to_owned()]).await?;
    Ok(items.iter().find_map(stop_of))
}

/// A switch that does not say that writes are allowed stops them: somebody meant something by it.
fn stop_of(item: &Item) -> Option<String> {
    let says = text_of(item, WRITES).unwrap_or_default();
    (says != ALLOWED).then(|| text_of(item, WHY).unwrap_or("no reason is given").to_owned())
}

pub fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub async fn get_batch(aws: &Aws, table: &str, keys: &[String]) -> Result<Vec<Item>, Failure> {
    let action = "dynamodb:BatchGetItem";
    let resource = || format!("{} records of table {table}", keys.len());
    let of_key = |key: &String| Item::from([(KEY.to_owned(), AttributeValue::S(key.clone()))]);
    let wanted = KeysAndAttributes::builder()
        .set_keys(Some(keys.iter().map(of_key).collect()))
        .consistent_read(true);
    let wanted = wanted
        .build()
        .map_err(|error| Failure::unreadable(action, resource(), error.to_string()))?;
    let mut wanted = Some(HashMap::from([(table.to_owned(), wanted)]));
    let mut items = Vec::new();
    for _ in 0..GET_ROUNDS {
        aws.turn(action).await;
        let answer = aws.dynamodb.batch_get_item().set_request_items(wanted).send().await;
        let answer = answer.map_err(|error| aws.failure(action, resource(), error))?;
        items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
        wanted = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
        if wanted.is_none() {
            return Ok(items);
        }
    }
    let why = format!("DynamoDB left keys unprocessed {GET_ROUNDS} times");
    Err(Failure::unreadable(action, resource(), why))
}

pub fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn stored(item: &Item) -> Stored {
    let text = text_of(item, RECORD).unwrap_or_default();
    let (record, note) = match LedgerRecord::from_json(text) {
        Ok(record) => (record, None),
        Err(error) => (LedgerRecord::default(), Some(chain(&error))),
    };
    let expires =
        number(item, EXPIRES).and_then(|secs| i64::try_from(secs).ok()).map(Timestamp::from_secs);
    Stored { record, counter: number(item, COUNTER).unwrap_or(0), expires_at: expires, note }
}

/// Stores this record in place of the one that was read, and says what is stored now. Nothing is
/// written when nothing has changed, unless more than half of the item's life is over and it holds
/// something.
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
    let text = serde_json::to_string(record)
        .map_err(|source| CommitError::NotJson { key: key.to_string(), source })?;
    let expires_at = Some(now.plus_secs(LIFE_SECONDS));
    put(aws, table, &key.to_string(), stored.counter, text, expires_at).await?;
    Ok(Stored { record: record.clone(), counter: stored.counter + 1, expires_at, note: None })
}

/// Stores the text of a record under this key, in place of the one with this counter.
pub async fn put(
    aws: &Aws,
    table: &str,
    key: &str,
    counter: u64,
    text: String,
    expires_at: Option<Timestamp>,
) -> Result<(), CommitError> {
    if text.len() > RECORD_LIMIT {
        return Err(CommitError::TooLarge { key: key.to_owned(), bytes: text.len() });
    }
    let write = format!("{:016x}", fastrand::u64(..));
    let mut item = Item::from([
        (KEY.to_owned(), AttributeValue::S(key.to_owned())),
        (COUNTER.to_owned(), AttributeValue::N((counter + 1).to_string())),
        (RECORD.to_owned(), AttributeValue::S(text)),
        (WRITE.to_owned(), AttributeValue::S(write.clone())),
    ]);
    item.extend(
        expires_at.map(|at| (EXPIRES.to_owned(), AttributeValue::N(at.as_secs().to_string()))),
    );
    let put = aws.dynamodb.put_item().table_name(table).set_item(Some(item));
    let put =
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let put = match counter {
        0 => put
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", KEY),
        // An item that has expired meanwhile has no counter, which fails, too.
        counter => put
            .condition_expression("#counter = :counter")
            .expression_attribute_names("#counter", COUNTER)
            .expression_attribute_values(":counter", AttributeValue::N(counter.to_string())),
    };
    aws.turn("dynamodb:PutItem").await;
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            // The answer to our own write was lost, and the SDK tried again.
            Some(PutItemError::ConditionalCheckFailedException(lost))
                if lost.item().is_some_and(|item| text_of(item, WRITE) == Some(&write)) =>
            {
                Ok(())
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Err(CommitError::LostRace { key: key.to_owned() })
            }
            _ => Err(aws
                .failure("dynamodb:PutItem", format!("record {key} of table {table}"), error)
                .into()),
        },
    }
}

impl Stored {
    /// More than half of the item's life is over, and it holds something.
    #[must_use]
    pub fn is_aging(&self, now: Timestamp) -> bool {
        let half_over = self.expires_at.is_none_or(|at| at < now.plus_secs(LIFE_SECONDS / 2));
        self.record != LedgerRecord::default() && half_over
    }
}

fn is_due(stored: &Stored, record: &LedgerRecord, now: Timestamp) -> bool {
    // An unreadable record is replaced as soon as there is anything to say.
    *record != stored.record || stored.is_aging(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(record: &str) -> Item {
        Item::from([
            (COUNTER.to_owned(), AttributeValue::N("7".to_owned())),
            (RECORD.to_owned(), AttributeValue::S(record.to_owned())),
            (EXPIRES.to_owned(), AttributeValue::N("1700000000".to_owned())),
        ])
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
        let busy = LedgerRecord { look_again_at: Some(now), ..LedgerRecord::default() };
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
