//! Log groups through the API.

use crate::World;
use crate::api::{Caller, Service};
use serde_json::{Value, json};

fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, String> {
    world
        .call(Caller::Client, Service::CloudWatchLogs, operation, input)
        .map_err(|error| error.code)
}

#[test]
fn a_group_is_created_tagged_and_deleted_once() {
    let mut world = World::new(1, 5_000);
    let name = json!({"logGroupName": "/ecs/web"});
    let made = json!({"logGroupName": "/ecs/web", "tags": {"team": "shop"}});
    call(&mut world, "CreateLogGroup", &made).unwrap();
    assert_eq!(
        call(&mut world, "CreateLogGroup", &name).unwrap_err(),
        "ResourceAlreadyExistsException"
    );
    let retention = |days: u64| json!({"logGroupName": "/ecs/web", "retentionInDays": days});
    call(&mut world, "PutRetentionPolicy", &retention(30)).unwrap();
    assert_eq!(
        call(&mut world, "PutRetentionPolicy", &retention(31)).unwrap_err(),
        "InvalidParameterException"
    );
    let prefix = json!({"logGroupNamePrefix": "/ecs/"});
    let shown = call(&mut world, "DescribeLogGroups", &prefix).unwrap()["logGroups"][0].clone();
    assert_eq!((&shown["retentionInDays"], &shown["creationTime"]), (&json!(30), &json!(5_000)));
    assert_eq!(shown["arn"], json!(format!("{}:*", shown["logGroupArn"].as_str().unwrap())));
    let arn = json!({"resourceArn": shown["logGroupArn"], "tags": {"a": "b"}});
    call(&mut world, "TagResource", &arn).unwrap();
    let tags =
        call(&mut world, "ListTagsForResource", &json!({"resourceArn": shown["logGroupArn"]}))
            .unwrap();
    assert_eq!(tags, json!({"tags": {"a": "b", "team": "shop"}}));
    let with_star = json!({"resourceArn": shown["arn"]});
    assert_eq!(
        call(&mut world, "ListTagsForResource", &with_star).unwrap_err(),
        "InvalidParameterException"
    );
    call(&mut world, "DeleteRetentionPolicy", &name).unwrap();
    let shown = call(&mut world, "DescribeLogGroups", &prefix).unwrap();
    assert_eq!(shown["logGroups"][0].get("retentionInDays"), None);
    call(&mut world, "DeleteLogGroup", &name).unwrap();
    for operation in ["DeleteLogGroup", "DeleteRetentionPolicy"] {
        assert_eq!(call(&mut world, operation, &name).unwrap_err(), "ResourceNotFoundException");
    }
}

#[test]
fn groups_are_paginated() {
    let mut world = World::new(1, 0);
    for number in 0..5 {
        call(&mut world, "CreateLogGroup", &json!({"logGroupName": format!("g{number}")})).unwrap();
    }
    let first = call(&mut world, "DescribeLogGroups", &json!({"limit": 3})).unwrap();
    let rest = call(
        &mut world,
        "DescribeLogGroups",
        &json!({"limit": 3, "nextToken": first["nextToken"]}),
    )
    .unwrap();
    let count = |answer: &Value| answer["logGroups"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&rest), rest.get("nextToken")), (3, 2, None));
    let pattern = json!({"logGroupNamePattern": "G4"});
    assert_eq!(count(&call(&mut world, "DescribeLogGroups", &pattern).unwrap()), 1);
    assert_eq!(
        call(&mut world, "CreateLogGroup", &json!({"logGroupName": "a b"})).unwrap_err(),
        "InvalidParameterException"
    );
}
