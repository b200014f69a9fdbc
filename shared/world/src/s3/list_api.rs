//! `ListObjectsV2`.

use super::bucket::{Bucket, Version};
use super::read;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use crate::time;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The characters that `EncodingType` `url` does not encode.
const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'*');

/// An entry of a listing: an object, or a common prefix of several keys.
enum Line<'a> {
    Object(&'a str, &'a Version),
    Common(&'a str),
}

impl Line<'_> {
    fn name(&self) -> &str {
        match self {
            Line::Object(name, _) | Line::Common(name) => name,
        }
    }
}

pub(super) fn list_objects(world: &World, input: &Value) -> Result<Value, ApiError> {
    let optional = "Prefix Delimiter MaxKeys ContinuationToken StartAfter EncodingType";
    let (input, name) = read(world, "ListObjectsV2", input, "", optional)?;
    let prefix = input.optional_text("Prefix")?.unwrap_or_default();
    let delimiter = input.optional_text("Delimiter")?.filter(|delimiter| !delimiter.is_empty());
    let most = usize::try_from(input.number("MaxKeys")?.unwrap_or(1000).min(1000)).unwrap_or(1000);
    let after = match input.optional_text("ContinuationToken")? {
        Some(token) => Some(token.strip_prefix("after:").ok_or_else(|| {
            super::error("InvalidArgument", "The continuation token provided is incorrect", 400)
        })?),
        None => input.optional_text("StartAfter")?,
    };
    let mut lines = lines(world, &name, prefix, delimiter, after);
    let more = lines.len() > most;
    lines.truncate(most);
    answer(&input, &name, &lines, most, more)
}

fn lines<'a>(
    world: &'a World,
    bucket: &str,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
) -> Vec<Line<'a>> {
    let objects = world.s3.buckets.get(bucket).into_iter().flat_map(Bucket::present);
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for (key, version) in objects.filter(|(key, _)| key.starts_with(prefix)) {
        let rest = key.get(prefix.len()..).unwrap_or_default();
        let common = delimiter.and_then(|delimiter| {
            let at = rest.find(delimiter)?;
            key.get(..prefix.len() + at + delimiter.len())
        });
        let line = match common {
            Some(common) if !seen.insert(common) => continue,
            Some(common) => Line::Common(common),
            None => Line::Object(key, version),
        };
        if after.is_none_or(|after| line.name() > after) {
            lines.push(line);
        }
    }
    lines
}

fn answer(
    input: &Input<'_>,
    bucket: &str,
    lines: &[Line<'_>],
    most: usize,
    more: bool,
) -> Result<Value, ApiError> {
    let encodes = input.optional_text("EncodingType")? == Some("url");
    let written = |name: &str| {
        if encodes { utf8_percent_encode(name, KEY).to_string() } else { name.to_owned() }
    };
    let mut answer = Map::new();
    for name in ["Prefix", "Delimiter", "StartAfter"] {
        if let Some(value) = input.optional_text(name)? {
            answer.insert(name.to_owned(), json!(written(value)));
        }
    }
    for name in ["ContinuationToken", "EncodingType"] {
        if let Some(value) = input.get(name) {
            answer.insert(name.to_owned(), value.clone());
        }
    }
    let (mut contents, mut common) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Object(key, version) => contents.push(json!({
                "Key": written(key),
                "LastModified": time::iso(version.modified_ms),
                "ETag": format!("\"{}\"", version.etag),
                "Size": version.body.as_ref().map_or(0, Vec::len),
                "StorageClass": "STANDARD",
            })),
            Line::Common(prefix) => common.push(json!({"Prefix": written(prefix)})),
        }
    }
    answer.extend([
        ("Name".to_owned(), json!(bucket)),
        ("KeyCount".to_owned(), json!(lines.len())),
        ("MaxKeys".to_owned(), json!(most)),
        ("IsTruncated".to_owned(), json!(more)),
        ("Contents".to_owned(), json!(contents)),
        ("CommonPrefixes".to_owned(), json!(common)),
    ]);
    if let Some(last) = lines.last().filter(|_| more) {
        answer.insert("NextContinuationToken".to_owned(), json!(format!("after:{}", last.name())));
    }
    Ok(Value::Object(answer))
}
