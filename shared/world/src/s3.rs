//! Amazon S3: buckets, objects with or without versions, and event notifications.
//!
//! Knows keys and bytes, not what an object means. Multipart uploads, copies, access control lists,
//! lifecycle rules, encryption and storage classes are not simulated. Bodies are Base64 in inputs
//! and outputs, as in the AWS CLI. Source:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>.

mod bucket;
mod bucket_api;
mod checksum;
mod conditions;
mod list_api;
mod notifications;
mod object_api;
#[cfg(test)]
mod tests;

use crate::World;
use crate::api::{ApiError, Caller, Service};
use crate::input::Input;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bucket::Bucket;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All buckets of the account, by name.
#[derive(Debug, Default)]
pub struct S3 {
    buckets: BTreeMap<String, Bucket>,
    /// Counts changes, so that later ones have a greater sequencer.
    changes: u64,
}

impl S3 {
    /// The current bytes of an object. Returns `None` if the bucket or the key does not exist.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        self.buckets.get(bucket)?.newest(key)?.body.as_deref()
    }

    /// The keys of a bucket's current objects, in order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<&str> {
        self.buckets
            .get(bucket)
            .map(|bucket| bucket.present().map(|(key, _)| key).collect())
            .unwrap_or_default()
    }
}

impl World {
    /// A person creates a bucket with versioning and EventBridge notifications.
    pub fn make_bucket(&mut self, name: &str) -> Result<(), ApiError> {
        self.person_s3("CreateBucket", &json!({"Bucket": name}))?;
        let versioning = json!({"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}});
        self.person_s3("PutBucketVersioning", &versioning)?;
        let notifications =
            json!({"Bucket": name, "NotificationConfiguration": {"EventBridgeConfiguration": {}}});
        self.person_s3("PutBucketNotificationConfiguration", &notifications).map(|_| ())
    }

    /// A person uploads an object. Returns its version id, which is `null` in a bucket without
    /// versioning.
    pub fn drop_object(
        &mut self,
        bucket: &str,
        key: &str,
        body: impl AsRef<[u8]>,
    ) -> Result<String, ApiError> {
        let input = json!({"Bucket": bucket, "Key": key, "Body": STANDARD.encode(body)});
        let answer = self.person_s3("PutObject", &input)?;
        Ok(answer
            .get("VersionId")
            .and_then(Value::as_str)
            .unwrap_or(bucket::NULL_VERSION)
            .to_owned())
    }

    /// A person deletes an object. In a bucket with versioning, this adds a delete marker.
    pub fn delete_object(&mut self, bucket: &str, key: &str) -> Result<(), ApiError> {
        self.person_s3("DeleteObject", &json!({"Bucket": bucket, "Key": key})).map(|_| ())
    }

    /// A call to S3 by a person.
    pub fn person_s3(&mut self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.call(Caller::Person, Service::S3, operation, input)
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateBucket" => bucket_api::create_bucket(world, input),
        "PutBucketVersioning" => bucket_api::put_versioning(world, input),
        "PutBucketNotificationConfiguration" => bucket_api::put_notifications(world, input),
        "PutObject" => object_api::put_object(world, input),
        "GetObject" => object_api::get_object(world, input),
        "HeadObject" => object_api::head_object(world, input),
        "DeleteObject" => object_api::delete_object(world, input),
        "ListObjectsV2" => list_api::list_objects(world, input),
        _ => Err(ApiError::unknown_operation(Service::S3, operation)),
    }
}

/// The input of an operation on a bucket, and the bucket's name. Checks that the bucket exists and
/// that `ExpectedBucketOwner`, if given, is this account.
fn read<'a>(
    world: &World,
    operation: &'a str,
    input: &'a Value,
    required: &str,
    optional: &str,
) -> Result<(Input<'a>, String), ApiError> {
    let required = format!("Bucket {required}");
    let optional = format!("ExpectedBucketOwner {optional}");
    let input = Input::read(Service::S3, operation, input, &required, &optional)?;
    let name = input.text("Bucket")?;
    if !world.s3.buckets.contains_key(name) {
        let details = json!({"BucketName": name});
        return Err(error("NoSuchBucket", "The specified bucket does not exist", 404).with(details));
    }
    if input
        .optional_text("ExpectedBucketOwner")?
        .is_some_and(|owner| owner != world.account.number)
    {
        return Err(error("AccessDenied", "Access Denied", 403));
    }
    Ok((input, name.to_owned()))
}

/// An S3 error; each code has its own HTTP status.
fn error(code: &str, message: &str, status: u16) -> ApiError {
    ApiError::failed(code, message, status)
}
