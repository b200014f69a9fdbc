//! The attributes of the table's items, and an item as it was read.

use aws_sdk_dynamodb::types::AttributeValue;
use portkeeper_core::time::Timestamp;
use std::collections::HashMap;

/// The attribute of the primary key.
pub(super) const KEY: &str = "pk";

/// Counts the writes of a record.
pub(super) const COUNTER: &str = "counter";

/// A record, as JSON.
pub(super) const RECORD: &str = "record";

/// A random number that identifies one write: two functions may store the same text at the same
/// time.
pub(super) const WRITE: &str = "write";

/// When DynamoDB may delete the item, in seconds since 1970.
pub(super) const EXPIRES: &str = "expires";

/// The holder of an item that can have only one holder: the spec that manages a service. Empty if
/// there is none.
pub(super) const HOLDER: &str = "spec";

/// A set of services, by their ARNs.
pub(super) const SERVICES: &str = "services";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// An item as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item(pub(super) Attributes);

impl Item {
    /// The text in this attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        text_of(&self.0, name)
    }

    /// A record, as JSON; empty when there is none.
    #[must_use]
    pub fn record(&self) -> &str {
        self.text(RECORD).unwrap_or_default()
    }

    /// How often the record was written.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.number(COUNTER).unwrap_or(0)
    }

    /// When DynamoDB may delete the item.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let secs = self.number(EXPIRES)?;
        i64::try_from(secs).ok().map(Timestamp::from_secs)
    }

    /// The holder of the item: see [`claim`](super::claim).
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.text(HOLDER).filter(|holder| !holder.is_empty())
    }

    /// Members of a set of services, by their ARNs.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let services = self.0.get(SERVICES).and_then(|services| services.as_ss().ok());
        services.into_iter().flatten().map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }
}

pub(super) fn text_of<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name)?.as_s().ok().map(String::as_str)
}

/// A text, as an attribute.
pub(super) fn text(name: &str, text: &(impl ToString + ?Sized)) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(text.to_string()))
}

/// The time after which DynamoDB may delete the item, as an attribute.
pub(super) fn expires(at: Timestamp) -> (String, AttributeValue) {
    (EXPIRES.to_owned(), AttributeValue::N(at.as_secs().to_string()))
}

#[cfg(test)]
impl Item {
    /// An item with this record, as another run stored it.
    pub(in crate::ledger) fn of_record(record: &str, counter: u64, expires_at: i64) -> Self {
        Self(Attributes::from([
            (COUNTER.to_owned(), AttributeValue::N(counter.to_string())),
            text(RECORD, record),
            expires(Timestamp::from_secs(expires_at)),
        ]))
    }
}
