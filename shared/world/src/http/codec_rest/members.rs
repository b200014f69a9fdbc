//! The member for each header and query parameter.

use super::not_implemented;
use crate::api::ApiError;
use ::http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

/// The prefix of metadata headers.
const METADATA: &str = "x-amz-meta-";

/// Headers that are stored and returned with an object.
pub(super) const OF_OBJECTS: [(&str, &str); 10] = [
    ("cache-control", "CacheControl"),
    ("content-disposition", "ContentDisposition"),
    ("content-encoding", "ContentEncoding"),
    ("content-language", "ContentLanguage"),
    ("content-type", "ContentType"),
    ("x-amz-checksum-crc32", "ChecksumCRC32"),
    ("x-amz-checksum-crc32c", "ChecksumCRC32C"),
    ("x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"),
    ("x-amz-checksum-sha1", "ChecksumSHA1"),
    ("x-amz-checksum-sha256", "ChecksumSHA256"),
];

const OF_PUTS: [(&str, &str); 4] = [
    ("content-md5", "ContentMD5"),
    ("if-match", "IfMatch"),
    ("if-none-match", "IfNoneMatch"),
    ("x-amz-sdk-checksum-algorithm", "ChecksumAlgorithm"),
];

const OF_READS: [(&str, &str); 4] = [
    ("if-match", "IfMatch"),
    ("if-none-match", "IfNoneMatch"),
    ("range", "Range"),
    ("x-amz-checksum-mode", "ChecksumMode"),
];

/// Headers for signing and transfer, which are not members.
const NOT_MEMBERS: [&str; 7] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// The member of a query parameter. Returns `None` if the operation does not have it or it is not
/// simulated.
pub(super) fn of_query(operation: &str, name: &str) -> Option<&'static str> {
    Some(match (operation, name) {
        ("GetObject" | "HeadObject" | "DeleteObject", "versionId") => "VersionId",
        ("ListObjectsV2", "prefix") => "Prefix",
        ("ListObjectsV2", "delimiter") => "Delimiter",
        ("ListObjectsV2", "max-keys") => "MaxKeys",
        ("ListObjectsV2", "continuation-token") => "ContinuationToken",
        ("ListObjectsV2", "start-after") => "StartAfter",
        ("ListObjectsV2", "encoding-type") => "EncodingType",
        _ => return None,
    })
}

/// Adds the headers that are members. Rejects a header that would change the operation and is not
/// simulated.
pub(super) fn read_headers(
    operation: &str,
    headers: &HeaderMap,
    input: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let mut metadata = Map::new();
    for (name, value) in headers {
        let (name, value) = (name.as_str(), text(value));
        if let Some(name) = name.strip_prefix(METADATA).filter(|_| operation == "PutObject") {
            metadata.insert(name.to_owned(), json!(value));
        } else if let Some(member) = of_header(operation, name) {
            // Describes the transfer, not the object.
            let value = if name == "content-encoding" { without_chunks(&value) } else { value };
            if !value.is_empty() {
                input.insert(member.to_owned(), json!(value));
            }
        } else if (name.starts_with("x-amz-") || name.starts_with("if-"))
            && !NOT_MEMBERS.contains(&name)
        {
            return Err(not_implemented());
        }
    }
    if !metadata.is_empty() {
        input.insert("Metadata".to_owned(), Value::Object(metadata));
    }
    Ok(())
}

fn of_header(operation: &str, name: &str) -> Option<&'static str> {
    let known: &[&[(&'static str, &'static str)]] = match operation {
        "PutObject" => &[&OF_OBJECTS, &OF_PUTS],
        "GetObject" | "HeadObject" => &[&OF_READS],
        _ => &[],
    };
    if name == "x-amz-expected-bucket-owner" {
        return Some("ExpectedBucketOwner");
    }
    known.iter().copied().flatten().find(|(header, _)| *header == name).map(|(_, member)| *member)
}

fn without_chunks(encoding: &str) -> String {
    let others: Vec<&str> =
        encoding.split(',').map(str::trim).filter(|part| *part != "aws-chunked").collect();
    others.join(",")
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The header of a metadata entry.
pub(super) fn metadata_header(name: &str) -> String {
    format!("{METADATA}{name}")
}
