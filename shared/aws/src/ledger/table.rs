//! The items of the ledger's table: their keys, and how they are read and written.
//!
//! The whole key space. The primary key has one attribute, `pk`, and only [`Key`] writes and parses
//! it:
//!
//! | `pk` | item | other attributes | written by |
//! | --- | --- | --- | --- |
//! | `<cluster>/<service>` | the record of a service | `counter`, `record`, `write`, `expires` | `records` |
//! | `switch` | the kill switch | `writes`, `why` | a person; read by `switch` |
//! | `sweep` | where the next sweep resumes | `cluster`, `after`, `unread`, `expires` | `sweep_mark` |
//! | `arn:<partition>:elasticloadbalancing:…:targetgroup/…` | the services in a target group | `services`, `expires` | `index` |
//! | `arn:<partition>:elasticloadbalancing:…:loadbalancer/…` | the services behind a load balancer | `services`, `expires` | `index` |
//! | `spec#<key in the bucket>` | the record of a spec | `counter`, `record`, `write`, `expires` | the spec's record |
//! | `spec-of#<cluster>/<service>` | the spec that manages a service | `spec`, `expires` | the spec's record |
//!
//! No two kinds can have the same key: the names of clusters and services contain neither `#`, `:`
//! nor `/`, so a key with a `#` is never the record of a service, and a key with one slash and
//! neither `#` nor `:` always is. This module does not interpret the items.

mod item;

pub use item::Item;

use crate::account::Aws;
use crate::failure::Failure;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
};
use item::{
    Attributes, COUNTER, EXPIRES, HOLDER, KEY, RECORD, SERVICES, WRITE, expires, text, text_of,
};
use portkeeper_core::api_call::IndexKey;
use portkeeper_core::ids::{ServiceKey, TargetGroupArn};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// How long an item lives after it was written, in seconds: 30 days. The record of a service
/// without changes is written again after half of this time, and the record of a deleted service
/// expires.
pub const LIFE_SECONDS: u32 = 30 * 24 * 3600;

/// The largest record that is stored, in bytes. DynamoDB allows 400 KB for an item with the names
/// of its attributes; the other attributes take less than 1 KB.
const RECORD_LIMIT: usize = 399 * 1000;

/// How many keys `BatchGetItem` accepts.
const GET_BATCH: usize = 100;

/// How often the unprocessed keys of one batch are requested. A response holds 16 MB, so even a
/// hundred items of 400 KB take three rounds; more than ten mean throttling, and then waiting in
/// the queue is better.
const GET_ROUNDS: usize = 10;

/// What an item is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The record of this service.
    Service(ServiceKey),
    /// The kill switch.
    Switch,
    /// Where the next sweep resumes.
    Sweep,
    /// The services in this target group.
    Group(TargetGroupArn),
    /// The services behind the load balancer with this ARN.
    LoadBalancer(String),
    /// The record of the spec with this key in the bucket.
    Spec(String),
    /// The spec that manages this service.
    SpecOf(ServiceKey),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(key) => key.fmt(f),
            Self::Switch => f.write_str("switch"),
            Self::Sweep => f.write_str("sweep"),
            Self::Group(arn) => arn.fmt(f),
            Self::LoadBalancer(arn) => arn.fmt(f),
            Self::Spec(key) => write!(f, "spec#{key}"),
            Self::SpecOf(key) => write!(f, "spec-of#{key}"),
        }
    }
}

impl From<IndexKey> for Key {
    fn from(place: IndexKey) -> Self {
        match place {
            IndexKey::Group(arn) => Self::Group(arn),
            IndexKey::Balancer(arn) => Self::LoadBalancer(arn),
        }
    }
}

/// What happens to the members of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetChange {
    Add,
    Delete,
}

/// A record that was not stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another writer has stored a record since this one was read.
    #[error("another check has stored the ledger record of {key} in the meantime")]
    LostRace {
        /// The item.
        key: Key,
    },
    /// The record is larger than DynamoDB accepts.
    #[error("the ledger record of {key} has {bytes} bytes, more than an item may hold")]
    TooLarge {
        /// The item.
        key: Key,
        /// Its size.
        bytes: usize,
    },
    /// The record cannot be written as JSON.
    #[error("the ledger record of {key} cannot be written as JSON")]
    NotJson {
        /// The item.
        key: Key,
        /// The error.
        #[source]
        source: serde_json::Error,
    },
    /// The call failed.
    #[error("the ledger cannot be written")]
    Call(#[from] Failure),
}

/// Reads the items with these keys and returns those that exist.
pub async fn get(aws: &Aws, table: &str, keys: &[Key]) -> Result<BTreeMap<Key, Item>, Failure> {
    let mut items = BTreeMap::new();
    for batch in keys.chunks(GET_BATCH) {
        let by_text: HashMap<String, &Key> =
            batch.iter().map(|key| (key.to_string(), key)).collect();
        // Boxed: otherwise the futures of the functions nest deeper than the compiler supports.
        for attributes in Box::pin(get_batch(aws, table, batch)).await? {
            if let Some(key) = text_of(&attributes, KEY).and_then(|text| by_text.get(text)) {
                items.insert((*key).clone(), Item(attributes));
            }
        }
    }
    Ok(items)
}

/// Reads one item.
pub async fn get_one(aws: &Aws, table: &str, key: Key) -> Result<Option<Item>, Failure> {
    Ok(get(aws, table, &[key]).await?.into_values().next())
}

async fn get_batch(aws: &Aws, table: &str, keys: &[Key]) -> Result<Vec<Attributes>, Failure> {
    let action = "dynamodb:BatchGetItem";
    let resource = || format!("{} records of table {table}", keys.len());
    let wanted = KeysAndAttributes::builder()
        .set_keys(Some(keys.iter().map(|key| Attributes::from([text(KEY, key)])).collect()))
        .consistent_read(true);
    let wanted = wanted
        .build()
        .map_err(|error| Failure::unreadable(action, resource(), error.to_string()))?;
    let mut wanted = Some(HashMap::from([(table.to_owned(), wanted)]));
    let mut items = Vec::new();
    for _ in 0..GET_ROUNDS {
        aws.acquire(action).await;
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

/// Stores the text of a record under this key, in place of the one with this counter. The counter
/// allows one writer at a time: if the stored counter has changed, the writer has read an older
/// record, and the write fails.
pub async fn put_record(
    aws: &Aws,
    table: &str,
    key: &Key,
    counter: u64,
    record: String,
    expires_at: Option<Timestamp>,
) -> Result<(), CommitError> {
    if record.len() > RECORD_LIMIT {
        return Err(CommitError::TooLarge { key: key.clone(), bytes: record.len() });
    }
    let write = format!("{:016x}", fastrand::u64(..));
    let mut item = Attributes::from([
        text(KEY, key),
        (COUNTER.to_owned(), AttributeValue::N((counter + 1).to_string())),
        (RECORD.to_owned(), AttributeValue::S(record)),
        text(WRITE, &write),
    ]);
    item.extend(expires_at.map(expires));
    let put = aws.dynamodb.put_item().table_name(table).set_item(Some(item));
    let put =
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let put = match counter {
        0 => put
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", KEY),
        // An item that has expired in the meantime has no counter, so the write fails, too.
        counter => put
            .condition_expression("#counter = :counter")
            .expression_attribute_names("#counter", COUNTER)
            .expression_attribute_values(":counter", AttributeValue::N(counter.to_string())),
    };
    aws.acquire("dynamodb:PutItem").await;
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            // The response to this function's own write was lost, and the SDK retried the write.
            Some(PutItemError::ConditionalCheckFailedException(lost))
                if lost.item().is_some_and(|item| text_of(item, WRITE) == Some(&write)) =>
            {
                Ok(())
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Err(CommitError::LostRace { key: key.clone() })
            }
            _ => Err(aws
                .failure("dynamodb:PutItem", format!("record {key} of table {table}"), error)
                .into()),
        },
    }
}

/// Stores these texts under this key, replacing any previous item.
pub(super) async fn put_texts(
    aws: &Aws,
    table: &str,
    key: &Key,
    texts: impl IntoIterator<Item = (&str, String)>,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let action = "dynamodb:PutItem";
    let mut item = Attributes::from([text(KEY, key), expires(expires_at)]);
    item.extend(texts.into_iter().map(|(name, value)| text(name, &value)));
    aws.acquire(action).await;
    let put = aws.dynamodb.put_item().table_name(table).set_item(Some(item)).send().await;
    put.map(|_| ())
        .map_err(|error| aws.failure(action, format!("item {key} of table {table}"), error))
}

/// Changes the set of services under this key by this service. The item is not read first.
pub(super) async fn update_services(
    aws: &Aws,
    table: &str,
    key: &Key,
    change: SetChange,
    service: String,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let action = "dynamodb:UpdateItem";
    let (_, expires) = expires(expires_at);
    let update = aws
        .dynamodb
        .update_item()
        .table_name(table)
        .set_key(Some(Attributes::from([text(KEY, key)])))
        // Both write `expires`: an item that this creates must not stay for ever.
        .update_expression(match change {
            SetChange::Add => "SET #expires = :expires ADD #services :services",
            SetChange::Delete => "SET #expires = :expires DELETE #services :services",
        })
        .expression_attribute_names("#expires", EXPIRES)
        .expression_attribute_names("#services", SERVICES)
        .expression_attribute_values(":expires", expires)
        .expression_attribute_values(":services", AttributeValue::Ss(vec![service]));
    aws.acquire(action).await;
    let updated = update.send().await.map(|_| ());
    updated.map_err(|error| aws.failure(action, format!("item {key} of table {table}"), error))
}

/// Assigns an item to `next` (to no holder if `next` is empty), provided that `claimant` or no one
/// holds it. Returns the holder if it is another.
pub async fn claim(
    aws: &Aws,
    table: &str,
    key: &Key,
    claimant: &str,
    next: &str,
    expires_at: Option<Timestamp>,
) -> Result<Option<String>, Failure> {
    let action = "dynamodb:PutItem";
    let mut item = Attributes::from([text(KEY, key), text(HOLDER, next)]);
    item.extend(expires_at.map(expires));
    let put = aws
        .dynamodb
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#key) OR #spec = :spec OR #spec = :nobody")
        .expression_attribute_names("#key", KEY)
        .expression_attribute_names("#spec", HOLDER)
        .expression_attribute_values(":spec", AttributeValue::S(claimant.to_owned()))
        .expression_attribute_values(":nobody", AttributeValue::S(String::new()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    aws.acquire(action).await;
    match put.send().await {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(held)) => {
                let other = held.item().and_then(|item| text_of(item, HOLDER));
                Ok(Some(other.unwrap_or("another spec").to_owned()))
            }
            _ => Err(aws.failure(action, format!("item {key} of table {table}"), error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portkeeper_core::ids::ClusterArn;

    /// The keys are stored: a changed text would lose the stored items.
    #[test]
    fn each_key_has_its_text() {
        let cluster = "arn:aws:ecs:eu-central-1:111122223333:cluster/shop".to_owned();
        let service = || ServiceKey {
            cluster: ClusterArn::try_from(cluster.clone()).unwrap(),
            service: "web".to_owned(),
        };
        let group = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0123456789abcdef";
        let balancer = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/a/0123456789abcdef";
        let texts = [
            (Key::Service(service()), "shop/web"),
            (Key::Switch, "switch"),
            (Key::Sweep, "sweep"),
            (IndexKey::Group(TargetGroupArn::try_from(group.to_owned()).unwrap()).into(), group),
            (IndexKey::of_balancer(balancer).unwrap().into(), balancer),
            (Key::Spec("specs/web.yaml".to_owned()), "spec#specs/web.yaml"),
            (Key::SpecOf(service()), "spec-of#shop/web"),
        ];
        for (key, text) in texts {
            assert_eq!(key.to_string(), text);
        }
    }
}
