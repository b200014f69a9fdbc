//! `UpdateItem` with `SET name = :value`, `ADD name :set` and `DELETE name :set`. Other clauses and functions are not
//! simulated.
//!
//! Source:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html>.

use super::expression::Placeholders;
use super::{item, key, read, table, table_mut};
use crate::World;
use crate::api::{ApiError, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

enum Change<'a> {
    Set(&'a str, &'a Value),
    Add(&'a str, &'a Value),
    Delete(&'a str, &'a Value),
}

/// Updates an item, or creates it: "creates an item if it does not already exist" [BC
/// `UpdateItem`].
pub(super) fn update_item(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = "ExpressionAttributeNames ExpressionAttributeValues";
    let input = read("UpdateItem", input, "TableName Key UpdateExpression", optional)?;
    let name = input.text("TableName")?;
    let wanted = input.map("Key")?;
    let key = key(table(world, name)?, wanted)?;
    let mut placeholders = Placeholders::of(&input)?;
    let changes = changes(input.text("UpdateExpression")?, &mut placeholders)?;
    placeholders.check_all_used()?;
    let now_ms = world.now_ms();
    let table = table_mut(world, name)?;
    let mut updated = table.live(&key, now_ms).cloned().unwrap_or_else(|| wanted.clone());
    for change in changes {
        match change {
            Change::Set(name, value) => updated.insert(name.to_owned(), value.clone()),
            Change::Add(name, value) => {
                let mut all = members(updated.get(name))?;
                all.extend(members(Some(value))?);
                updated.insert(name.to_owned(), json!({"SS": all}))
            }
            Change::Delete(name, value) => {
                let gone = members(Some(value))?;
                let mut left = members(updated.get(name))?;
                left.retain(|member| !gone.contains(member));
                // There are no empty sets.
                if left.is_empty() {
                    updated.remove(name)
                } else {
                    updated.insert(name.to_owned(), json!({"SS": left}))
                }
            }
        };
    }
    item::check(&updated)?;
    table.items.insert(key, updated);
    Ok(json!({}))
}

/// `SET #a = :a, b = :b ADD #c :c`, or `DELETE` in place of `ADD`.
fn changes<'a>(
    text: &'a str,
    placeholders: &mut Placeholders<'a>,
) -> Result<Vec<Change<'a>>, ApiError> {
    let (set, sets, change): (_, _, fn(&'a str, &'a Value) -> Change<'a>) =
        match (text.split_once("ADD "), text.split_once("DELETE ")) {
            (Some((before, add)), _) => (before, Some(add), Change::Add),
            (None, Some((before, delete))) => (before, Some(delete), Change::Delete),
            (None, None) => (text, None, Change::Add),
        };
    let mut changes = Vec::new();
    if let Some(set) = set.trim().strip_prefix("SET ") {
        for part in set.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| syntax(part))?;
            changes.push(Change::Set(
                placeholders.name(name.trim())?,
                placeholders.value(value.trim())?,
            ));
        }
    } else if !set.trim().is_empty() {
        return Err(syntax(set));
    }
    for part in sets.into_iter().flat_map(|sets| sets.split(',')) {
        let (name, value) = part.trim().split_once(' ').ok_or_else(|| syntax(part))?;
        changes.push(change(placeholders.name(name)?, placeholders.value(value.trim())?));
    }
    if changes.is_empty() { Err(syntax(text)) } else { Ok(changes) }
}

/// The members of a set; none of one that does not exist.
fn members(set: Option<&Value>) -> Result<BTreeSet<String>, ApiError> {
    match set.map(item::parts) {
        None => Ok(BTreeSet::new()),
        Some(Some(("SS", Value::Array(list)))) => {
            Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(_) => Err(ApiError::invalid(
            Service::DynamoDb,
            "An operand in the update expression has an incorrect data type (only sets of strings are simulated)",
        )),
    }
}

fn syntax(part: &str) -> ApiError {
    ApiError::invalid(
        Service::DynamoDb,
        format!("Invalid UpdateExpression: Syntax error; near: \"{}\"", part.trim()),
    )
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::api::{ApiError, Caller, Service};
    use serde_json::{Value, json};

    fn update(
        world: &mut World,
        expression: &str,
        names: &Value,
        values: &Value,
    ) -> Result<Value, ApiError> {
        let input = json!({
            "TableName": "t", "Key": {"pk": {"S": "k"}}, "UpdateExpression": expression,
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
        });
        world.call(Caller::Client, Service::DynamoDb, "UpdateItem", &input)
    }

    #[test]
    fn sets_grow_and_values_are_replaced() {
        let mut world = World::new(1, 0);
        let table = json!({
            "TableName": "t", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST",
        });
        world.call(Caller::Person, Service::DynamoDb, "CreateTable", &table).unwrap();
        let expression = "SET #e = :e ADD #s :s";
        let names = json!({"#e": "expires", "#s": "services"});
        for (expires, member) in [("1", "a"), ("2", "b"), ("3", "a")] {
            let values = json!({":e": {"N": expires}, ":s": {"SS": [member]}});
            update(&mut world, expression, &names, &values).unwrap();
        }
        let item = crate::dynamodb::item(&world, "t", "k").unwrap();
        assert_eq!(
            (&item["expires"], &item["services"]),
            (&json!({"N": "3"}), &json!({"SS": ["a", "b"]}))
        );
        for (member, left) in
            [("a", json!({"SS": ["b"]})), ("x", json!({"SS": ["b"]})), ("b", Value::Null)]
        {
            let values = json!({":e": {"N": "4"}, ":s": {"SS": [member]}});
            update(&mut world, "SET #e = :e DELETE #s :s", &names, &values).unwrap();
            let item = crate::dynamodb::item(&world, "t", "k").unwrap();
            assert_eq!(item.get("services").unwrap_or(&Value::Null), &left);
        }
        let values = json!({":e": {"N": "1"}, ":s": {"SS": ["a"]}});
        assert!(
            update(&mut world, "SET #e = :e", &names, &values)
                .unwrap_err()
                .message
                .contains("unused")
        );
        for wrong in ["REMOVE #e", "SET #e :e ADD #s :s", "ADD #s"] {
            update(&mut world, wrong, &names, &values).expect_err(wrong);
        }
        let numbers = json!({":e": {"N": "1"}, ":s": {"N": "1"}});
        assert!(
            update(&mut world, expression, &names, &numbers)
                .unwrap_err()
                .message
                .contains("data type")
        );
    }
}
