//! The `DynamoDB` API: inputs checked, answers in `DynamoDB`'s shapes.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/>.

mod tables;

use super::condition::Condition;
use super::expression::{Placeholders, projection};
use super::{Item, Table, item};
use crate::World;
use crate::api::{ApiError, Service};
use crate::members::{Members, invalid, unknown_operation};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One `DynamoDB` operation.
pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateTable" => tables::create_table(world, input),
        "DescribeTable" => tables::describe_table(world, input),
        "UpdateTimeToLive" => tables::update_time_to_live(world, input),
        "GetItem" => get_item(world, input),
        "BatchGetItem" => batch_get_item(world, input),
        "PutItem" => put_item(world, input),
        "DeleteItem" => delete_item(world, input),
        _ => Err(unknown_operation(Service::DynamoDb, operation)),
    }
}

fn get_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let members = check(
        "GetItem",
        input,
        &["TableName", "Key"],
        &["ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"],
    )?;
    members.optional_bool("ConsistentRead")?;
    let table = table(world, members.text("TableName")?)?;
    let key = key(table, members.map("Key")?)?;
    let mut placeholders = Placeholders::of(&members)?;
    let projection = projection(&members, &mut placeholders)?;
    placeholders.check_all_used()?;
    Ok(match table.live(&key, world.now_ms()) {
        Some(item) => json!({"Item": project(item, projection.as_deref())}),
        None => json!({}),
    })
}

fn batch_get_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let members = check("BatchGetItem", input, &["RequestItems"], &[])?;
    let requests = members.map("RequestItems")?;
    let keys = requests.values().filter_map(|request| request.get("Keys")?.as_array());
    let count: usize = keys.map(Vec::len).sum();
    if count > 100 {
        let message = "Too many items requested for the BatchGetItem call";
        return Err(invalid(Service::DynamoDb, message));
    }
    let mut left = world.dynamodb.leave_unprocessed.min(count);
    world.dynamodb.leave_unprocessed -= left;
    let (mut responses, mut unprocessed) = (Map::new(), Map::new());
    for (name, request) in requests {
        let optional = ["ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"];
        let request_members = check("RequestItems", request, &["Keys"], &optional)?;
        let (found, not_read) = read_keys(world, name, &request_members, &mut left)?;
        responses.insert(name.clone(), Value::Array(found));
        if !not_read.is_empty() {
            let mut again = request.as_object().cloned().unwrap_or_default();
            again.insert("Keys".to_owned(), Value::Array(not_read));
            unprocessed.insert(name.clone(), Value::Object(again));
        }
    }
    Ok(json!({"Responses": responses, "UnprocessedKeys": unprocessed}))
}

/// One table's part of a batch: items found, and keys that the first `left` reads leave.
fn read_keys(
    world: &World,
    name: &str,
    members: &Members<'_>,
    left: &mut usize,
) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    members.optional_bool("ConsistentRead")?;
    let table = table(world, name)?;
    let mut placeholders = Placeholders::of(members)?;
    let projection = projection(members, &mut placeholders)?;
    placeholders.check_all_used()?;
    let keys = members.list("Keys")?;
    if keys.is_empty() {
        let message = format!(
            "1 validation error detected: Value at 'requestItems.{name}.member.keys' failed to \
             satisfy constraint: Member must have length greater than or equal to 1"
        );
        return Err(invalid(Service::DynamoDb, message));
    }
    let (mut found, mut not_read) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for wanted in keys {
        let text = key(table, wanted.as_object().ok_or_else(wrong_key)?)?;
        if !seen.insert(text.clone()) {
            let message = "Provided list of item keys contains duplicates";
            return Err(invalid(Service::DynamoDb, message));
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

const CONDITIONAL: [&str; 5] = [
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
];

fn put_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let members = check("PutItem", input, &["TableName", "Item"], &CONDITIONAL)?;
    let item = members.map("Item")?;
    item::check(item)?;
    let key = key_of_item(table(world, members.text("TableName")?)?, item)?;
    write(world, &members, key, Some(item.clone()))
}

fn delete_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let members = check("DeleteItem", input, &["TableName", "Key"], &CONDITIONAL)?;
    let key = key(table(world, members.text("TableName")?)?, members.map("Key")?)?;
    write(world, &members, key, None)
}

/// Puts or, without an item, deletes, if the condition holds for what is there now.
fn write(world: &mut World, members: &Members<'_>, key: String, item: Option<Item>) -> Result<Value, ApiError> {
    let give_old = returns_old(members, "ReturnValues")?;
    let give_conflict = returns_old(members, "ReturnValuesOnConditionCheckFailure")?;
    let now_ms = world.now_ms();
    let table = table_mut(world, members.text("TableName")?)?;
    let old = table.live(&key, now_ms);
    let mut placeholders = Placeholders::of(members)?;
    let condition = members
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

fn returns_old(members: &Members<'_>, name: &str) -> Result<bool, ApiError> {
    match members.optional_text(name)? {
        None | Some("NONE") => Ok(false),
        Some("ALL_OLD") => Ok(true),
        Some(other) => {
            let message = format!("{name}: {other} is not one of NONE, ALL_OLD");
            Err(invalid(Service::DynamoDb, message))
        }
    }
}

fn project(item: &Item, names: Option<&[&str]>) -> Item {
    item.iter()
        .filter(|(name, _)| names.is_none_or(|names| names.contains(&name.as_str())))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn check<'a>(place: &'a str, value: &'a Value, required: &[&str], optional: &[&str]) -> Result<Members<'a>, ApiError> {
    Members::check(Service::DynamoDb, place, value, required, optional)
}

fn table<'w>(world: &'w World, name: &str) -> Result<&'w Table, ApiError> {
    world.dynamodb.tables.get(table_name(name)).ok_or_else(|| not_found(name))
}

fn table_mut<'w>(world: &'w mut World, name: &str) -> Result<&'w mut Table, ApiError> {
    world.dynamodb.tables.get_mut(table_name(name)).ok_or_else(|| not_found(name))
}

/// A table may be named by its ARN as well.
fn table_name(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

fn not_found(name: &str) -> ApiError {
    let message = format!("Requested resource not found: Table: {name} not found");
    ApiError::refused("ResourceNotFoundException", message)
}

/// The partition key's text, from a structure that holds the key and nothing else.
fn key(table: &Table, key: &Item) -> Result<String, ApiError> {
    let text = table.key_of(key).filter(|_| key.len() == 1).ok_or_else(wrong_key)?;
    checked_key(table, text)
}

fn key_of_item(table: &Table, item: &Item) -> Result<String, ApiError> {
    let text = table.key_of(item).ok_or_else(|| {
        let message = format!(
            "One or more parameter values were invalid: Missing the key {} in the item, or its \
             type is not {}",
            table.key, table.key_type
        );
        invalid(Service::DynamoDb, message)
    })?;
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
    Err(invalid(Service::DynamoDb, message))
}

fn wrong_key() -> ApiError {
    invalid(Service::DynamoDb, "The provided key element does not match the schema")
}
