//! Objects, their versions, conditions and events, through the API.

use crate::World;
use crate::api::{ApiError, Caller, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const START: u64 = 1_700_000_000_000;

fn world() -> World {
    let mut world = World::new(1, START);
    world.make_bucket("specs").unwrap();
    world
}

fn call(world: &mut World, operation: &str, key: &str, more: Value) -> Result<Value, ApiError> {
    let mut input = json!({"Bucket": "specs", "Key": key});
    let Value::Object(more) = more else { panic!("members") };
    input.as_object_mut().unwrap().extend(more);
    world.call(Caller::Client, Service::S3, operation, &input)
}

/// The text of an object, or the code of the error.
fn text(world: &mut World, key: &str, more: Value) -> Result<String, String> {
    let answer = call(world, "GetObject", key, more)
        .map_err(|error| format!("{} {}", error.status, error.code))?;
    Ok(String::from_utf8(STANDARD.decode(answer["Body"].as_str().unwrap()).unwrap()).unwrap())
}

#[test]
fn each_version_stays_readable_and_a_delete_marker_hides_the_object() {
    let mut world = world();
    let first = world.drop_object("specs", "specs/a.yaml", "one").unwrap();
    let second = world.drop_object("specs", "specs/a.yaml", "two").unwrap();
    assert_eq!((first.len(), first == second), (32, false));
    assert_eq!(text(&mut world, "specs/a.yaml", json!({})).as_deref(), Ok("two"));
    assert_eq!(text(&mut world, "specs/a.yaml", json!({"VersionId": first})).as_deref(), Ok("one"));
    assert_eq!(world.s3.object("specs", "specs/a.yaml"), Some(b"two".as_slice()));

    world.delete_object("specs", "specs/a.yaml").unwrap();
    assert_eq!(text(&mut world, "specs/a.yaml", json!({})).unwrap_err(), "404 NoSuchKey");
    assert_eq!(
        text(&mut world, "specs/a.yaml", json!({"VersionId": second})).as_deref(),
        Ok("two")
    );
    assert_eq!(world.s3.keys("specs"), [""; 0]);
    let error = call(&mut world, "HeadObject", "specs/a.yaml", json!({})).unwrap_err();
    let marker = error.details.unwrap();
    assert_eq!(marker["DeleteMarker"], true);
    let of_marker = json!({"VersionId": marker["VersionId"]});
    assert_eq!(
        text(&mut world, "specs/a.yaml", of_marker.clone()).unwrap_err(),
        "405 MethodNotAllowed"
    );
    // Deleting the marker restores the object.
    let gone = call(&mut world, "DeleteObject", "specs/a.yaml", of_marker).unwrap();
    assert_eq!(gone["DeleteMarker"], true);
    assert_eq!(text(&mut world, "specs/a.yaml", json!({})).as_deref(), Ok("two"));
}

#[test]
fn each_missing_resource_has_its_error_code() {
    let mut world = world();
    world.drop_object("specs", "a", "x").unwrap();
    let code = |world: &mut World, key: &str, more: Value| text(world, key, more).unwrap_err();
    assert_eq!(code(&mut world, "b", json!({})), "404 NoSuchKey");
    assert_eq!(code(&mut world, "a", json!({"VersionId": "0".repeat(32)})), "404 NoSuchVersion");
    assert_eq!(code(&mut world, "a", json!({"VersionId": "short"})), "400 InvalidArgument");
    assert_eq!(
        code(&mut world, "a", json!({"ExpectedBucketOwner": "000000000000"})),
        "403 AccessDenied"
    );
    assert_eq!(code(&mut world, "a", json!({"Bucket": "other"})), "404 NoSuchBucket");
    assert_eq!(code(&mut world, "a", json!({"VersionID": "null"})), "400 InvalidArgument");
    let put =
        |world: &mut World, key: &str, more| call(world, "PutObject", key, more).unwrap_err().code;
    assert_eq!(put(&mut world, &"k".repeat(1025), json!({})), "KeyTooLongError");
    assert_eq!(
        put(&mut world, "a", json!({"ChecksumCRC32": "AAAAAA==", "Body": "eA=="})),
        "BadDigest"
    );
    for (name, code) in [("Specs", "InvalidBucketName"), ("specs", "BucketAlreadyOwnedByYou")] {
        assert_eq!(
            world.person_s3("CreateBucket", &json!({"Bucket": name})).unwrap_err().code,
            code
        );
    }
}

#[test]
fn a_failed_condition_rejects_the_call() {
    let mut world = world();
    world.drop_object("specs", "a", "x").unwrap();
    let etag = call(&mut world, "HeadObject", "a", json!({})).unwrap()["ETag"].clone();
    assert_eq!(etag, json!("\"9dd4e461268c8034f5c8564e155c67a6\""));
    assert_eq!(text(&mut world, "a", json!({"IfMatch": etag})).as_deref(), Ok("x"));
    assert_eq!(
        text(&mut world, "a", json!({"IfMatch": "\"0\""})).unwrap_err(),
        "412 PreconditionFailed"
    );
    assert_eq!(text(&mut world, "a", json!({"IfNoneMatch": etag})).unwrap_err(), "304 NotModified");
    let mut put = |more| call(&mut world, "PutObject", "a", more).map_err(|error| error.code);
    assert_eq!(put(json!({"IfNoneMatch": "*"})).unwrap_err(), "PreconditionFailed");
    assert_eq!(put(json!({"IfMatch": "\"0\""})).unwrap_err(), "PreconditionFailed");
    assert!(put(json!({"IfMatch": etag})).is_ok());
}

#[test]
fn a_part_of_an_object_can_be_read() {
    let mut world = world();
    world.drop_object("specs", "a", "0123456789").unwrap();
    for (range, part) in
        [("bytes=0-3", "0123"), ("bytes=7-", "789"), ("bytes=-2", "89"), ("bytes=8-99", "89")]
    {
        assert_eq!(text(&mut world, "a", json!({"Range": range})).as_deref(), Ok(part));
    }
    for range in ["bytes=10-", "bytes=5-2", "lines=1-2"] {
        assert_eq!(text(&mut world, "a", json!({"Range": range})).unwrap_err(), "416 InvalidRange");
    }
    let answer = call(&mut world, "GetObject", "a", json!({"Range": "bytes=0-3"})).unwrap();
    assert_eq!(
        (&answer["ContentRange"], &answer["ContentLength"]),
        (&json!("bytes 0-3/10"), &json!(4))
    );
    // A checksum covers the whole object, so a part is returned without it.
    let put = json!({"Body": STANDARD.encode("0123456789"), "ChecksumCRC32": "poTHxg=="});
    call(&mut world, "PutObject", "checked", put).unwrap();
    let mut has_checksum = |mut more: Value| {
        more["ChecksumMode"] = json!("ENABLED");
        call(&mut world, "GetObject", "checked", more).unwrap().get("ChecksumCRC32").is_some()
    };
    assert!(has_checksum(json!({})) && !has_checksum(json!({"Range": "bytes=0-3"})));
}

#[test]
fn lists_are_paginated_and_grouped_by_the_delimiter() {
    let mut world = world();
    for key in ["results/a", "specs/a b", "specs/b+c", "specs/prod/x", "specs/prod/y", "specs/ü"] {
        world.drop_object("specs", key, "").unwrap();
    }
    world.delete_object("specs", "specs/ü").unwrap();
    let list = |world: &mut World, more: Value| {
        let mut input = json!({"Bucket": "specs"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.call(Caller::Client, Service::S3, "ListObjectsV2", &input).unwrap()
    };
    let names = |answer: &Value, list: &str, member: &str| -> Vec<String> {
        answer[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[member].as_str().unwrap().to_owned())
            .collect()
    };
    let folded = list(&mut world, json!({"Prefix": "specs/", "Delimiter": "/"}));
    assert_eq!(names(&folded, "Contents", "Key"), ["specs/a b", "specs/b+c"]);
    assert_eq!(names(&folded, "CommonPrefixes", "Prefix"), ["specs/prod/"]);
    assert_eq!(folded["KeyCount"], 3);
    let first = list(&mut world, json!({"MaxKeys": 3}));
    let rest = list(
        &mut world,
        json!({"MaxKeys": 3, "ContinuationToken": first["NextContinuationToken"]}),
    );
    let all = [names(&first, "Contents", "Key"), names(&rest, "Contents", "Key")].concat();
    assert_eq!(all, ["results/a", "specs/a b", "specs/b+c", "specs/prod/x", "specs/prod/y"]);
    assert_eq!((&first["IsTruncated"], &rest["IsTruncated"]), (&json!(true), &json!(false)));
    let encoded = list(&mut world, json!({"Prefix": "specs/b", "EncodingType": "url"}));
    assert_eq!(names(&encoded, "Contents", "Key"), ["specs/b%2Bc"]);
}

#[test]
fn event_bridge_events_have_the_shape_of_the_samples() {
    let mut world = world();
    let key = "specs/red flower+50%ü.yaml";
    let version = world.drop_object("specs", key, "hello").unwrap();
    world.delete_object("specs", key).unwrap();
    let keys = |value: &Value| {
        value.as_object().unwrap().keys().cloned().collect::<Vec<String>>().join(" ")
    };
    let [created, deleted] = world.eventbridge.events() else { panic!("two events") };
    for event in [created, deleted] {
        assert_eq!(
            keys(event),
            "account detail detail-type id region resources source time version"
        );
        assert_eq!(event["resources"], json!(["arn:aws:s3:::specs"]));
    }
    let detail = "bucket object reason request-id requester source-ip-address version";
    assert_eq!(keys(&created["detail"]), detail);
    assert_eq!(keys(&deleted["detail"]), detail.replace("object", "deletion-type object"));
    assert_eq!(keys(&created["detail"]["object"]), "etag key sequencer size version-id");
    assert_eq!(keys(&deleted["detail"]["object"]), "etag key sequencer version-id");
    let object = &created["detail"]["object"];
    assert_eq!(
        (&object["key"], &object["size"], &object["version-id"]),
        (&json!(key), &json!(5), &json!(version))
    );
    assert_eq!(object["etag"], "5d41402abc4b2a76b9719d911017c592", "without quotes");
    assert_eq!(deleted["detail"]["deletion-type"], "Delete Marker Created");
}

#[test]
fn sequencers_increase_as_numbers_but_not_as_text() {
    let mut world = world();
    for _ in 0..4 {
        world.drop_object("specs", "a", "x").unwrap();
        world.advance_secs(1);
    }
    let sequencer =
        |event: &Value| event["detail"]["object"]["sequencer"].as_str().unwrap().to_owned();
    let texts: Vec<String> = world.eventbridge.events().iter().map(sequencer).collect();
    let numbers: Vec<u128> =
        texts.iter().map(|text| u128::from_str_radix(text, 16).unwrap()).collect();
    assert!(numbers.is_sorted() && !texts.is_sorted(), "{texts:?}");
}

#[test]
fn a_bucket_without_versions_has_no_ids_and_may_notify_a_queue_itself() {
    let mut world = World::new(1, START);
    world.call(Caller::Person, Service::Sqs, "CreateQueue", &json!({"QueueName": "q"})).unwrap();
    world.person_s3("CreateBucket", &json!({"Bucket": "specs"})).unwrap();
    let queue =
        json!({"QueueArn": world.account.arn("sqs", "q"), "Events": ["s3:ObjectCreated:*"]});
    let notifications =
        json!({"Bucket": "specs", "NotificationConfiguration": {"QueueConfigurations": [queue]}});
    world.person_s3("PutBucketNotificationConfiguration", &notifications).unwrap();
    assert_eq!(world.drop_object("specs", "specs/red flower+.yaml", "x").unwrap(), "null");
    assert_eq!(world.drop_object("specs", "specs/red flower+.yaml", "y").unwrap(), "null");
    world.delete_object("specs", "specs/red flower+.yaml").unwrap();
    assert_eq!(text(&mut world, "specs/red flower+.yaml", json!({})).unwrap_err(), "404 NoSuchKey");
    let bodies: Vec<Value> = world
        .sqs
        .messages("q")
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 3, "a test event and two changes: deletions are not configured");
    assert_eq!(bodies[0]["Event"], "s3:TestEvent");
    let record = &bodies[2]["Records"][0];
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["s3"]["object"]["key"], "specs/red+flower%2B.yaml");
    assert_eq!(record["s3"]["object"].get("versionId"), None);
    assert!(world.eventbridge.events().is_empty(), "EventBridge was not switched on");
    let wrong =
        json!({"QueueArn": world.account.arn("sqs", "no"), "Events": ["s3:ObjectCreated:*"]});
    let wrong =
        json!({"Bucket": "specs", "NotificationConfiguration": {"QueueConfigurations": [wrong]}});
    assert!(world.person_s3("PutBucketNotificationConfiguration", &wrong).is_err());
}
