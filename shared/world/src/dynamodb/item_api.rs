//! Operations on items, except `UpdateItem`.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/>.

use super::condition::Condition;
use super::expression::{Placeholders, projection};
use super::{Item, Table, checked_key, item, key, read, table, table_mut, wrong_key};
use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Optional members of a read.
const READING: &str = "ConsistentRead ProjectionExpression ExpressionAttributeNames";

/// Optional members of a write.
const CONDITIONAL: &str = "ConditionExpression ExpressionAttributeNames ExpressionAttributeValues ReturnValues \
    ReturnValuesOnConditionCheckFailure";

pub(super) fn get_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("GetItem", input, "TableName Key", READING)?;
    input.flag("ConsistentRead")?;
    let table = table(world, input.text("TableName")?)?;
    let key = key(table, input.map("Key")?)?;
    let mut placeholders = Placeholders::of(&input)?;
    let projection = projection(&input, &mut placeholders)?;
    placeholders.check_all_used()?;
    Ok(match table.live(&key, world.now_ms()) {
        Some(item) => json!({"Item": project(item, projection.as_deref())}),
        None => json!({}),
    })
}

pub(super) fn batch_get_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("BatchGetItem", input, "RequestItems", "")?;
    let requests = input.map("RequestItems")?;
    if requests.is_empty() {
        let message = "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must \
                       have length greater than or equal to 1";
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    let keys = requests.values().filter_map(|request| request.get("Keys")?.as_array());
    let count: usize = keys.map(Vec::len).sum();
    if count > 100 {
        let message = "Too many items requested for the BatchGetItem call";
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    let mut left = world.dynamodb.leave_unprocessed.min(count);
    world.dynamodb.leave_unprocessed -= left;
    let (mut responses, mut unprocessed) = (Map::new(), Map::new());
    for (name, request) in requests {
        let part = read("RequestItems", request, "Keys", READING)?;
        let (found, not_read) = read_keys(world, name, &part, &mut left)?;
        responses.insert(name.clone(), Value::Array(found));
        if !not_read.is_empty() {
            let mut again = request.as_object().cloned().unwrap_or_default();
            again.insert("Keys".to_owned(), Value::Array(not_read));
            unprocessed.insert(name.clone(), Value::Object(again));
        }
    }
    Ok(json!({"Responses": responses, "UnprocessedKeys": unprocessed}))
}

/// One table's part of a batch: the items found, and the keys that stay unprocessed because of
/// `left`.
fn read_keys(
    world: &World,
    name: &str,
    input: &Input<'_>,
    left: &mut usize,
) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    input.flag("ConsistentRead")?;
    let table = table(world, name)?;
    let mut placeholders = Placeholders::of(input)?;
    let projection = projection(input, &mut placeholders)?;
    placeholders.check_all_used()?;
    let keys = input.list("Keys")?;
    if keys.is_empty() {
        let message = format!(
            "1 validation error detected: Value at 'requestItems.{name}.member.keys' failed to \
             satisfy constraint: Member must have length greater than or equal to 1"
        );
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    let (mut found, mut not_read) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for wanted in keys {
        let text = key(table, wanted.as_object().ok_or_else(wrong_key)?)?;
        if !seen.insert(text.clone()) {
            let message = "Provided list of item keys contains duplicates";
            return Err(ApiError::invalid(Service::DynamoDb, message));
        }
        if *left > 0 {
            *left -= 1;
            not_read.push(wanted.clone());
        } else if let Some(item) = table.live(&text, world.now_ms()) {
            found.push(Value::Object(project(item, projection.as_deref())));
        }
    }
    Ok((found, not_read))
}

pub(super) fn put_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("PutItem", input, "TableName Item", CONDITIONAL)?;
    let item = input.map("Item")?;
    item::check(item)?;
    let key = key_of_item(table(world, input.text("TableName")?)?, item)?;
    write(world, &input, key, Some(item.clone()))
}

pub(super) fn delete_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteItem", input, "TableName Key", CONDITIONAL)?;
    let key = key(table(world, input.text("TableName")?)?, input.map("Key")?)?;
    write(world, &input, key, None)
}

/// Puts the item or, without one, deletes it, if the condition holds for the existing item.
fn write(
    world: &mut World,
    input: &Input<'_>,
    key: String,
    item: Option<Item>,
) -> Result<Value, ApiError> {
    let give_old = returns_old(input, "ReturnValues")?;
    let give_conflict = returns_old(input, "ReturnValuesOnConditionCheckFailure")?;
    let now_ms = world.now_ms();
    let table = table_mut(world, input.text("TableName")?)?;
    let old = table.live(&key, now_ms);
    let mut placeholders = Placeholders::of(input)?;
    let condition = input
        .optional_text("ConditionExpression")?
        .map(|text| Condition::parse(text, &mut placeholders))
        .transpose()?;
    placeholders.check_all_used()?;
    if condition.is_some_and(|condition| !condition.holds(old)) {
        let details = old.filter(|_| give_conflict).map(|old| json!({"Item": old}));
        let code = "ConditionalCheckFailedException";
        let error = ApiError::refused(code, "The conditional request failed");
        return Err(ApiError { details, ..error });
    }
    let answer = match old.filter(|_| give_old) {
        Some(old) => json!({"Attributes": old}),
        None => json!({}),
    };
    match item {
        Some(item) => table.items.insert(key, item),
        None => table.items.remove(&key),
    };
    Ok(answer)
}

fn returns_old(input: &Input<'_>, name: &str) -> Result<bool, ApiError> {
    match input.optional_text(name)? {
        None | Some("NONE") => Ok(false),
        Some("ALL_OLD") => Ok(true),
        Some(other) => {
            let message = format!("{name}: {other} is not one of NONE, ALL_OLD");
            Err(ApiError::invalid(Service::DynamoDb, message))
        }
    }
}

fn project(item: &Item, names: Option<&[&str]>) -> Item {
    item.iter()
        .filter(|(name, _)| names.is_none_or(|names| names.contains(&name.as_str())))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn key_of_item(table: &Table, item: &Item) -> Result<String, ApiError> {
    let text = table.key_of(item).ok_or_else(|| {
        let message = format!(
            "One or more parameter values were invalid: Missing the key {} in the item, or its \
             type is not {}",
            table.key, table.key_type
        );
        ApiError::invalid(Service::DynamoDb, message)
    })?;
    checked_key(table, text)
}
