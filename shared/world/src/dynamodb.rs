//! `DynamoDB`: tables with a partition key, conditional writes, time to live.
//!
//! Knows attribute values and conditions, not what an item means. Sort keys, indexes, transactions,
//! queries and capacity are not simulated. Reads are always strongly consistent. An expired item
//! disappears at once; AWS takes up to a few days.

mod condition;
mod expression;
mod item;
mod item_api;
mod table_api;
mod update;

use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An item: attribute name to attribute value, such as `{"S": "web"}`.
pub type Item = Map<String, Value>;

/// All tables of the account, by name.
#[derive(Debug, Default)]
pub struct DynamoDb {
    tables: BTreeMap<String, Table>,
    leave_unprocessed: usize,
}

#[derive(Debug)]
struct Table {
    key: String,
    key_type: String,
    created_ms: u64,
    ttl_attribute: Option<String>,
    /// By the partition key as text.
    items: BTreeMap<String, Item>,
}

impl DynamoDb {
    /// The next `BatchGetItem` calls return `keys` keys as `UnprocessedKeys`.
    pub fn leave_unprocessed(&mut self, keys: usize) {
        self.leave_unprocessed = keys;
    }
}

impl Table {
    /// The item with this key, unless it has expired.
    fn live(&self, key: &str, now_ms: u64) -> Option<&Item> {
        self.items.get(key).filter(|item| !self.is_expired(item, now_ms))
    }

    /// Time to live is in seconds; an item whose attribute is not a number never expires
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>).
    fn is_expired(&self, item: &Item, now_ms: u64) -> bool {
        self.ttl_attribute
            .as_ref()
            .and_then(|attribute| item.get(attribute)?.get("N")?.as_str()?.parse::<u64>().ok())
            .is_some_and(|expires_s| expires_s.saturating_mul(1000) <= now_ms)
    }

    fn key_of(&self, item: &Item) -> Option<String> {
        Some(item.get(&self.key)?.get(&self.key_type)?.as_str()?.to_owned())
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateTable" => table_api::create_table(world, input),
        "DescribeTable" => table_api::describe_table(world, input),
        "UpdateTimeToLive" => table_api::update_time_to_live(world, input),
        "GetItem" => item_api::get_item(world, input),
        "BatchGetItem" => item_api::batch_get_item(world, input),
        "PutItem" => item_api::put_item(world, input),
        "UpdateItem" => update::update_item(world, input),
        "DeleteItem" => item_api::delete_item(world, input),
        _ => Err(ApiError::unknown_operation(Service::DynamoDb, operation)),
    }
}

/// The item with this partition key, given as text. Returns `None` if the table or the item does
/// not exist, or the item has expired.
#[must_use]
pub fn item<'w>(world: &'w World, table: &str, key: &str) -> Option<&'w Item> {
    world.dynamodb.tables.get(table)?.live(key, world.now_ms())
}

/// The number of items in a table that have not expired.
#[must_use]
pub fn len(world: &World, table: &str) -> usize {
    let now_ms = world.now_ms();
    world.dynamodb.tables.get(table).map_or(0, |table| {
        table.items.values().filter(|item| !table.is_expired(item, now_ms)).count()
    })
}

/// Stores an item without any check, as if another program had written it. Returns false if the
/// table does not exist or the item has no key.
pub fn put_raw(world: &mut World, table: &str, item: Item) -> bool {
    let Some(table) = world.dynamodb.tables.get_mut(table) else {
        return false;
    };
    let Some(key) = table.key_of(&item) else {
        return false;
    };
    table.items.insert(key, item);
    true
}

/// Removes an item and returns it.
pub fn delete_raw(world: &mut World, table: &str, key: &str) -> Option<Item> {
    world.dynamodb.tables.get_mut(table)?.items.remove(key)
}

fn read<'a>(
    place: &'a str,
    value: &'a Value,
    required: &str,
    optional: &str,
) -> Result<Input<'a>, ApiError> {
    Input::read(Service::DynamoDb, place, value, required, optional)
}

fn table<'w>(world: &'w World, name: &str) -> Result<&'w Table, ApiError> {
    world.dynamodb.tables.get(table_name(name)).ok_or_else(|| not_found(name))
}

fn table_mut<'w>(world: &'w mut World, name: &str) -> Result<&'w mut Table, ApiError> {
    world.dynamodb.tables.get_mut(table_name(name)).ok_or_else(|| not_found(name))
}

/// A table may be named by its ARN, too.
fn table_name(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

fn not_found(name: &str) -> ApiError {
    let message = format!("Requested resource not found: Table: {name} not found");
    ApiError::refused("ResourceNotFoundException", message)
}

/// The partition key as text, from a structure that has only the key.
fn key(table: &Table, key: &Item) -> Result<String, ApiError> {
    let text = table.key_of(key).filter(|_| key.len() == 1).ok_or_else(wrong_key)?;
    checked_key(table, text)
}

/// A partition key has 1 to 2048 bytes.
fn checked_key(table: &Table, text: String) -> Result<String, ApiError> {
    if (1..=2048).contains(&text.len()) {
        return Ok(text);
    }
    let message = format!(
        "One or more parameter values are not valid. The partition key {} must have 1 to 2048 bytes",
        table.key
    );
    Err(ApiError::invalid(Service::DynamoDb, message))
}

fn wrong_key() -> ApiError {
    ApiError::invalid(Service::DynamoDb, "The provided key element does not match the schema")
}

#[cfg(test)]
mod tests;
