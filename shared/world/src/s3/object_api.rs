//! Operations on objects.

use super::bucket::{Deleted, NULL_VERSION, Version, Versioning};
use super::{checksum, conditions, error, notifications, read};
use crate::api::ApiError;
use crate::input::Input;
use crate::{World, digest, time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The longest key, in bytes of UTF-8.
const LONGEST_KEY: usize = 1024;

/// Members that are stored with an object and returned unchanged.
const SHOWN_AS_GIVEN: &str =
    "CacheControl ContentDisposition ContentEncoding ContentLanguage Metadata";

pub(super) fn put_object(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let optional = format!(
        "Body ContentType ContentMD5 IfMatch IfNoneMatch ChecksumAlgorithm {SHOWN_AS_GIVEN} {}",
        checksum::NAMES
    );
    let (input, bucket) = read(world, "PutObject", input, "Key", &optional)?;
    let key = input.text("Key")?;
    if key.len() > LONGEST_KEY {
        return Err(error("KeyTooLongError", "Your key is too long", 400));
    }
    let body = STANDARD
        .decode(input.optional_text("Body")?.unwrap_or_default())
        .map_err(|_| input.refuse("Body of PutObject must be Base64"))?;
    checksum::check(&input, &body)?;
    let held = world.s3.buckets.get(&bucket);
    let newest = held.and_then(|bucket| bucket.newest(key)).filter(|newest| newest.body.is_some());
    conditions::for_write(&input, newest)?;
    let numbered = held.is_some_and(super::bucket::Bucket::numbers_versions);
    let version = Version {
        id: if numbered { world.ids.object_version() } else { NULL_VERSION.to_owned() },
        etag: digest::md5_hex(&body),
        shown: shown(&input)?,
        body: Some(body),
        modified_ms: world.now_ms(),
    };
    if let Some(bucket) = world.s3.buckets.get_mut(&bucket) {
        bucket.put(key, version.clone());
    }
    notifications::created(world, &bucket, key, &version);
    let mut answer = checksums(&version);
    answer.insert("ETag".to_owned(), json!(quoted(&version.etag)));
    answer.extend(version_member(&version.id));
    Ok(Value::Object(answer))
}

/// The members to store with the object.
fn shown(input: &Input<'_>) -> Result<Map<String, Value>, ApiError> {
    let mut shown = Map::new();
    for name in SHOWN_AS_GIVEN.split_whitespace().chain(checksum::NAMES.split_whitespace()) {
        if let Some(value) = input.get(name) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    let kind = input.optional_text("ContentType")?.unwrap_or("binary/octet-stream");
    shown.insert("ContentType".to_owned(), json!(kind));
    Ok(shown)
}

pub(super) fn get_object(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "VersionId IfMatch IfNoneMatch ChecksumMode Range";
    let (input, bucket) = read(world, "GetObject", input, "Key", optional)?;
    let version = find(world, &input, &bucket)?;
    let body = version.body.as_deref().unwrap_or_default();
    let mut answer = describe(&input, version)?;
    let part = match input.optional_text("Range")? {
        Some(range) => {
            let (first, last) = byte_range(range, body.len())?;
            let text = format!("bytes {first}-{last}/{}", body.len());
            answer.insert("ContentRange".to_owned(), json!(text));
            // They cover the whole object; clients would compare them with the part and reject it.
            answer.retain(|name, _| !name.starts_with("Checksum"));
            body.get(first..=last).unwrap_or_default()
        }
        None => body,
    };
    answer.insert("ContentLength".to_owned(), json!(part.len()));
    answer.insert("Body".to_owned(), json!(STANDARD.encode(part)));
    Ok(Value::Object(answer))
}

pub(super) fn head_object(world: &World, input: &Value) -> Result<Value, ApiError> {
    let (input, bucket) =
        read(world, "HeadObject", input, "Key", "VersionId IfMatch IfNoneMatch ChecksumMode")?;
    let version = find(world, &input, &bucket)?;
    let mut answer = describe(&input, version)?;
    answer.insert("ContentLength".to_owned(), json!(version.body.as_ref().map_or(0, Vec::len)));
    Ok(Value::Object(answer))
}

/// The requested version. Returns an error if it is missing or a delete marker, or a condition
/// fails.
fn find<'a>(world: &'a World, input: &Input<'_>, bucket: &str) -> Result<&'a Version, ApiError> {
    let key = input.text("Key")?;
    let no_such_key =
        || error("NoSuchKey", "The specified key does not exist.", 404).with(json!({"Key": key}));
    let bucket = world.s3.buckets.get(bucket).ok_or_else(no_such_key)?;
    let marker = json!({"DeleteMarker": true, "Key": key});
    let version = match input.optional_text("VersionId")? {
        None => match bucket.newest(key) {
            Some(newest) if newest.body.is_none() => {
                return Err(error("NoSuchKey", "The specified key does not exist.", 404)
                    .with(json!({"DeleteMarker": true, "Key": key, "VersionId": newest.id})));
            }
            newest => newest.ok_or_else(no_such_key)?,
        },
        Some(id) => {
            let missing = || {
                let details = json!({"Key": key, "VersionId": id});
                error("NoSuchVersion", "The specified version does not exist.", 404).with(details)
            };
            let version = bucket.version(key, valid_id(id)?).ok_or_else(missing)?;
            if version.body.is_none() {
                let message = "The specified method is not allowed against this resource.";
                return Err(error("MethodNotAllowed", message, 405).with(marker));
            }
            version
        }
    };
    conditions::for_read(input, version)?;
    Ok(version)
}

/// Version ids are 32 characters, or `null`.
fn valid_id(id: &str) -> Result<&str, ApiError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    if id == NULL_VERSION || (id.len() == 32 && id.chars().all(fits)) {
        Ok(id)
    } else {
        Err(error("InvalidArgument", "Invalid version id specified", 400))
    }
}

/// The output members of a version, without body and length. Checksums only if requested.
fn describe(input: &Input<'_>, version: &Version) -> Result<Map<String, Value>, ApiError> {
    let mut answer = version.shown.clone();
    if input.optional_text("ChecksumMode")? != Some("ENABLED") {
        answer.retain(|name, _| !name.starts_with("Checksum"));
    }
    answer.insert("ETag".to_owned(), json!(quoted(&version.etag)));
    answer.insert("AcceptRanges".to_owned(), json!("bytes"));
    answer.insert("LastModified".to_owned(), json!(time::iso_seconds(version.modified_ms)));
    answer.extend(version_member(&version.id));
    Ok(answer)
}

/// First and last byte of `bytes=0-99`, `bytes=5-` or `bytes=-5`.
fn byte_range(range: &str, length: usize) -> Result<(usize, usize), ApiError> {
    let unsatisfiable = || error("InvalidRange", "The requested range is not satisfiable", 416);
    let (first, last) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .ok_or_else(unsatisfiable)?;
    let end = length.checked_sub(1).ok_or_else(unsatisfiable)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| unsatisfiable());
    let (first, last) = match (first, last) {
        ("", tail) => (length.saturating_sub(number(tail)?), end),
        (first, "") => (number(first)?, end),
        (first, last) => (number(first)?, number(last)?.min(end)),
    };
    if first <= last { Ok((first, last)) } else { Err(unsatisfiable()) }
}

pub(super) fn delete_object(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let (input, name) = read(world, "DeleteObject", input, "Key", "VersionId")?;
    let key = input.text("Key")?;
    let now = world.now_ms();
    let Some(bucket) = world.s3.buckets.get_mut(&name) else { return Ok(json!({})) };
    let deleted = match (input.optional_text("VersionId")?, bucket.versioning) {
        (Some(id), _) => bucket.remove(key, valid_id(id)?),
        (None, Versioning::Never) => bucket.remove(key, NULL_VERSION),
        (None, versioning) => {
            let numbered = versioning == Versioning::Enabled;
            let id = if numbered { world.ids.object_version() } else { NULL_VERSION.to_owned() };
            let etag = digest::md5_hex(b"");
            bucket.put(
                key,
                Version { id: id.clone(), body: None, etag, shown: Map::new(), modified_ms: now },
            );
            Deleted::Marked(id)
        }
    };
    notifications::deleted(world, &name, key, &deleted);
    let mut answer = Map::new();
    match deleted {
        Deleted::Nothing => {}
        Deleted::Marked(id) => {
            answer.insert("DeleteMarker".to_owned(), json!(true));
            answer.insert("VersionId".to_owned(), json!(id));
        }
        Deleted::Gone { id, was_marker } => {
            if was_marker {
                answer.insert("DeleteMarker".to_owned(), json!(true));
            }
            answer.extend(version_member(&id));
        }
    }
    Ok(Value::Object(answer))
}

fn checksums(version: &Version) -> Map<String, Value> {
    let checksums = version.shown.iter().filter(|(name, _)| name.starts_with("Checksum"));
    checksums.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn version_member(id: &str) -> Option<(String, Value)> {
    (id != NULL_VERSION).then(|| ("VersionId".to_owned(), json!(id)))
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
