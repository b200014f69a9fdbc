//! Items, conditions, limits and expiry.

use super::*;
use crate::api::{ApiError, Caller, Service};
use serde_json::json;

fn ask(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    world.call(Caller::Person, Service::DynamoDb, operation, input)
}

fn world() -> World {
    let mut world = World::new(1, 1_000_000);
    let table = json!({
        "TableName": "ledger",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    ask(&mut world, "CreateTable", &table).unwrap();
    world
}

fn record(key: &str, version: u64) -> Item {
    let item = json!({"pk": {"S": key}, "version": {"N": version.to_string()}});
    item.as_object().unwrap().clone()
}

fn put_if(
    world: &mut World,
    item: &Item,
    condition: &str,
    values: &Value,
) -> Result<Value, ApiError> {
    let mut input = json!({
        "TableName": "ledger",
        "Item": item,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    if !values.is_null() {
        input["ExpressionAttributeValues"] = values.clone();
    }
    if condition.contains("#v") {
        input["ExpressionAttributeNames"] = json!({"#v": "version"});
    }
    ask(world, "PutItem", &input)
}

#[test]
fn a_failed_condition_returns_the_existing_item() {
    let mut world = world();
    let first = "attribute_not_exists(pk)";
    put_if(&mut world, &record("shop/web", 1), first, &json!(null)).unwrap();
    let lost = put_if(&mut world, &record("shop/web", 1), first, &json!(null)).unwrap_err();
    assert_eq!(lost.code, "ConditionalCheckFailedException");
    assert_eq!(lost.details, Some(json!({"Item": record("shop/web", 1)})));
    let at = |version: &str| json!({":old": {"N": version}});
    put_if(&mut world, &record("shop/web", 2), "#v = :old", &at("1")).unwrap();
    assert!(put_if(&mut world, &record("shop/web", 3), "#v = :old", &at("1")).is_err());
    assert_eq!(item(&world, "ledger", "shop/web"), Some(&record("shop/web", 2)));
}

#[test]
fn conditions() {
    let mut world = world();
    for (condition, expected) in [
        ("attribute_exists(pk)", true),
        ("NOT attribute_exists(pk)", false),
        ("attribute_not_exists(other) OR #v = :n", true),
        ("attribute_not_exists(pk) AND #v = :n OR #v = :n", true),
        ("attribute_not_exists(pk) AND (#v = :n OR #v = :n)", false),
        ("#v<>:n", false),
        ("#v <= :n", true),
        ("#v > :n", false),
        ("other <> :n", true),
        ("other = :n", false),
    ] {
        put_raw(&mut world, "ledger", record("a", 7));
        let values =
            if condition.contains(":n") { json!({":n": {"N": "7.0"}}) } else { json!(null) };
        let outcome = put_if(&mut world, &record("a", 8), condition, &values);
        assert_eq!(outcome.is_ok(), expected, "{condition}: {outcome:?}");
    }
    for condition in
        ["version = :n AND", "size(a) > :n", "#v = 7", "a.b = :n", "ttl = :n", "= :n", "(a = :n"]
    {
        let error =
            put_if(&mut world, &record("a", 8), condition, &json!({":n": {"N": "7"}})).unwrap_err();
        assert_eq!(error.code, "ValidationException", "{condition}");
    }
    let unused =
        put_if(&mut world, &record("a", 8), "attribute_exists(pk)", &json!({":n": {"N": "7"}}));
    assert_eq!(
        unused.unwrap_err().message,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:n}"
    );
}

#[test]
fn batches_read_at_most_100_and_may_leave_some() {
    let mut world = world();
    for key in ["a", "b"] {
        assert!(put_raw(&mut world, "ledger", record(key, 1)));
    }
    let keys = json!([{"pk": {"S": "a"}}, {"pk": {"S": "b"}}, {"pk": {"S": "c"}}]);
    let input = json!({"RequestItems": {"ledger": {"Keys": keys, "ConsistentRead": true}}});
    let whole = ask(&mut world, "BatchGetItem", &input).unwrap();
    assert_eq!(whole["Responses"]["ledger"].as_array().unwrap().len(), 2);
    assert_eq!(whole["UnprocessedKeys"], json!({}));
    world.dynamodb.leave_unprocessed(1);
    let partial = ask(&mut world, "BatchGetItem", &input).unwrap();
    assert_eq!(partial["Responses"]["ledger"], json!([record("b", 1)]));
    let left = json!({"ledger": {"Keys": [{"pk": {"S": "a"}}], "ConsistentRead": true}});
    assert_eq!(partial["UnprocessedKeys"], left);
    let many: Vec<Value> = (0..101).map(|n| json!({"pk": {"S": n.to_string()}})).collect();
    assert!(
        ask(&mut world, "BatchGetItem", &json!({"RequestItems": {"ledger": {"Keys": many}}}))
            .is_err()
    );
}

#[test]
fn items_expire_and_are_projected_and_deleted() {
    let mut world = world();
    let specification = json!({"AttributeName": "ttl", "Enabled": true});
    let input = json!({"TableName": "ledger", "TimeToLiveSpecification": specification});
    ask(&mut world, "UpdateTimeToLive", &input).unwrap();
    let mut expiring = record("a", 1);
    expiring.insert("ttl".to_owned(), json!({"N": "1010"}));
    ask(&mut world, "PutItem", &json!({"TableName": "ledger", "Item": expiring})).unwrap();
    let get = json!({
        "TableName": "ledger",
        "Key": {"pk": {"S": "a"}},
        "ProjectionExpression": "pk, #t",
        "ExpressionAttributeNames": {"#t": "ttl"},
    });
    let got = ask(&mut world, "GetItem", &get).unwrap();
    assert_eq!(got, json!({"Item": {"pk": {"S": "a"}, "ttl": {"N": "1010"}}}));
    world.advance(10_000);
    assert_eq!(ask(&mut world, "GetItem", &get).unwrap(), json!({}));
    assert_eq!(len(&world, "ledger"), 0);
    put_raw(&mut world, "ledger", record("b", 1));
    let delete =
        json!({"TableName": "ledger", "Key": {"pk": {"S": "b"}}, "ReturnValues": "ALL_OLD"});
    assert_eq!(
        ask(&mut world, "DeleteItem", &delete).unwrap(),
        json!({"Attributes": record("b", 1)})
    );
    assert_eq!(delete_raw(&mut world, "ledger", "b"), None);
}

#[test]
fn refusals() {
    let mut world = world();
    let put = |item: Value| json!({"TableName": "ledger", "Item": item});
    for (operation, input, code) in [
        ("TransactWriteItems", json!({}), "UnknownOperationException"),
        (
            "GetItem",
            json!({"TableName": "unknown", "Key": {"pk": {"S": "a"}}}),
            "ResourceNotFoundException",
        ),
        (
            "GetItem",
            json!({"TableName": "ledger", "Key": {"id": {"S": "a"}}}),
            "ValidationException",
        ),
        ("GetItem", json!({"TableName": "ledger", "Kay": {}}), "ValidationException"),
        ("BatchGetItem", json!({"RequestItems": {}}), "ValidationException"),
        ("PutItem", put(json!({"version": {"N": "1"}})), "ValidationException"),
        ("PutItem", put(json!({"pk": {"S": ""}})), "ValidationException"),
        ("PutItem", put(json!({"pk": {"S": "a"}, "n": {"N": "one"}})), "ValidationException"),
        (
            "PutItem",
            put(json!({"pk": {"S": "a"}, "n": {"S": "1", "N": "1"}})),
            "ValidationException",
        ),
        ("PutItem", put(json!({"pk": {"S": "a"}, "n": {"SS": ["x", "x"]}})), "ValidationException"),
        (
            "PutItem",
            put(json!({"pk": {"S": "a"}, "n": {"S": "x".repeat(409_600)}})),
            "ValidationException",
        ),
    ] {
        let error = ask(&mut world, operation, &input).unwrap_err();
        assert_eq!(error.code, code, "{operation}");
    }
}
