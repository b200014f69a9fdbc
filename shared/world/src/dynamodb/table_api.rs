//! Operations on tables and their time to live.

use super::{Table, read, table, table_mut, table_name};
use crate::World;
use crate::api::{ApiError, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn create_table(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input =
        read("CreateTable", input, "TableName KeySchema AttributeDefinitions", "BillingMode")?;
    let name = input.text("TableName")?;
    let [schema] = input.list("KeySchema")? else {
        return Err(ApiError::invalid(Service::DynamoDb, "KeySchema: sort keys are not simulated"));
    };
    let schema = read("KeySchema", schema, "AttributeName KeyType", "")?;
    let key = schema.text("AttributeName")?;
    let [definition] = input.list("AttributeDefinitions")? else {
        let message = "Number of attributes in KeySchema does not exactly match number of \
                       attributes defined in AttributeDefinitions";
        return Err(ApiError::invalid(Service::DynamoDb, message));
    };
    let definition = read("AttributeDefinitions", definition, "AttributeName AttributeType", "")?;
    let key_type = definition.text("AttributeType")?;
    if definition.text("AttributeName")? != key
        || schema.text("KeyType")? != "HASH"
        || !matches!(key_type, "S" | "N")
    {
        let message = "The one key must be of KeyType HASH, defined, and of type S or N";
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    if world.dynamodb.tables.contains_key(name) {
        let message = format!("Table already exists: {name}");
        return Err(ApiError::refused("ResourceInUseException", message));
    }
    let table = Table {
        key: key.to_owned(),
        key_type: key_type.to_owned(),
        created_ms: world.now_ms(),
        ttl_attribute: None,
        items: BTreeMap::new(),
    };
    world.dynamodb.tables.insert(name.to_owned(), table);
    Ok(json!({"TableDescription": description(world, name)?}))
}

pub(super) fn describe_table(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTable", input, "TableName", "")?;
    Ok(json!({"Table": description(world, input.text("TableName")?)?}))
}

fn description(world: &World, name: &str) -> Result<Value, ApiError> {
    let table = table(world, name)?;
    let name = table_name(name);
    Ok(json!({
        "TableName": name,
        "TableArn": world.account.arn("dynamodb", &format!("table/{name}")),
        "TableStatus": "ACTIVE",
        "CreationDateTime": table.created_ms / 1000,
        "KeySchema": [{"AttributeName": table.key, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": table.key, "AttributeType": table.key_type}],
        "ItemCount": table.items.len(),
    }))
}

pub(super) fn update_time_to_live(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("UpdateTimeToLive", input, "TableName TimeToLiveSpecification", "")?;
    let specification = input.map("TimeToLiveSpecification")?;
    let echoed = Value::Object(specification.clone());
    let place = "TimeToLiveSpecification";
    let specification = read(place, &echoed, "AttributeName Enabled", "")?;
    let attribute = specification.text("AttributeName")?.to_owned();
    let enabled = specification.flag("Enabled")?;
    let table = table_mut(world, input.text("TableName")?)?;
    if enabled == table.ttl_attribute.is_some() {
        let state = if enabled { "enabled" } else { "disabled" };
        let message = format!("TimeToLive is already {state}");
        return Err(ApiError::invalid(Service::DynamoDb, message));
    }
    table.ttl_attribute = enabled.then_some(attribute);
    Ok(json!({"TimeToLiveSpecification": echoed}))
}
