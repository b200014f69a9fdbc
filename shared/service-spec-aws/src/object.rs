//! The objects in the bucket: reads a spec at exactly the announced version, and writes its result.
//!
//! AWS facts: F-7.

use crate::SpecAws;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use portkeeper_aws::failure::Failure;

/// The maximum number of bytes that are read of a spec. A task definition may have 64 KB
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>), and
/// comments need space, too.
pub const LARGEST_SPEC: u64 = 256 * 1024;

/// The object at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadObject {
    /// Its bytes.
    Content(Vec<u8>),
    /// More than [`LARGEST_SPEC`]; nothing of it was read.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// There is no such object, or not this version of it.
    Absent,
    /// It is no longer the announced object: it has another `ETag`.
    Replaced,
}

/// Which object, and which state of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key, as S3 has it.
    pub key: &'a str,
    /// The version; if none, the current object is read.
    pub version_id: Option<&'a str>,
    /// For a bucket without versions: the object is read only if it still has this `ETag`.
    pub etag: Option<&'a str>,
}

/// Reads one object.
pub async fn read(aws: &SpecAws, of: &ObjectVersion<'_>) -> Result<ReadObject, Failure> {
    let action = if of.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let what = || format!("s3://{}/{}", of.bucket, of.key);
    let request = aws
        .s3
        .get_object()
        .bucket(of.bucket)
        .key(of.key)
        .set_version_id(of.version_id.map(str::to_owned));
    let if_match = of.etag.filter(|_| of.version_id.is_none()).map(str::to_owned);
    let answer = match request.set_if_match(if_match).send().await {
        Ok(answer) => answer,
        Err(error) => {
            return match error.as_service_error().and_then(|answer| answer.code()) {
                Some("NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed") => Ok(ReadObject::Absent),
                Some("PreconditionFailed") => Ok(ReadObject::Replaced),
                _ => Err(Failure::of_sdk_error(action, what(), error)),
            };
        }
    };
    let announced =
        answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
    if announced > LARGEST_SPEC {
        return Ok(ReadObject::TooLarge { bytes: announced });
    }
    let (mut body, mut content) = (answer.body, Vec::new());
    while let Some(chunk) = body.next().await {
        content.extend(chunk.map_err(|error| Failure::broken_off(action, what(), error))?);
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if bytes > LARGEST_SPEC {
            return Ok(ReadObject::TooLarge { bytes });
        }
    }
    Ok(ReadObject::Content(content))
}

/// Writes a result.
pub async fn write(aws: &SpecAws, bucket: &str, key: &str, content: String) -> Result<(), Failure> {
    let request = aws.s3.put_object().bucket(bucket).key(key).content_type("application/json");
    let sent = request.body(ByteStream::from(content.into_bytes())).send().await;
    sent.map(|_| ()).map_err(|error| {
        Failure::of_sdk_error("s3:PutObject", format!("s3://{bucket}/{key}"), error)
    })
}
