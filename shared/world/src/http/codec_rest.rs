//! Amazon S3's REST protocol: method, host and path determine the operation; members are headers,
//! query parameters and the body.
//!
//! A bucket can be named in the host (`specs.s3.eu-west-1.amazonaws.com`, `specs.localhost`) or as
//! the first part of the path. Source:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.

mod chunked;
mod encode;
mod members;
#[cfg(test)]
mod tests;

pub(super) use encode::{encode, encode_error};

use crate::api::ApiError;
use ::http::header::HOST;
use ::http::{HeaderMap, Method, Request, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// An operation and its input.
#[derive(Debug)]
pub(super) struct RestCall {
    pub(super) operation: &'static str,
    pub(super) input: Value,
}

/// Whether a request without `X-Amz-Target` is for S3, by its signature or else its host.
pub(super) fn is_meant(signing_name: Option<&str>, uri: &Uri, headers: &HeaderMap) -> bool {
    match signing_name {
        Some(name) => name == "s3",
        None => host(uri, headers).split('.').any(|label| label == "s3"),
    }
}

pub(super) fn decode<B: AsRef<[u8]>>(request: &Request<B>) -> Result<RestCall, ApiError> {
    let (bucket, key) = resource(request.uri(), request.headers())?;
    let query: Vec<(String, String)> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            // Repeats the operation, for logs.
            .filter(|(name, _)| name != "x-id")
            .collect();
    let operation = operation(request.method(), &bucket, key.as_deref(), &query)?;
    let mut input = Map::new();
    input.insert("Bucket".to_owned(), json!(bucket));
    if let Some(key) = key {
        input.insert("Key".to_owned(), json!(key));
    }
    for (name, value) in query.into_iter().filter(|(name, _)| name != "list-type") {
        let member = members::of_query(operation, &name).ok_or_else(not_implemented)?;
        input.insert(member.to_owned(), json!(value));
    }
    let mut headers = request.headers().clone();
    let body = request.body().as_ref();
    let plain =
        chunked::is_used(&headers).then(|| chunked::decode(body, &mut headers)).transpose()?;
    members::read_headers(operation, &headers, &mut input)?;
    if operation == "PutObject" {
        input.insert("Body".to_owned(), json!(STANDARD.encode(plain.as_deref().unwrap_or(body))));
    }
    Ok(RestCall { operation, input: Value::Object(input) })
}

fn operation(
    method: &Method,
    bucket: &str,
    key: Option<&str>,
    query: &[(String, String)],
) -> Result<&'static str, ApiError> {
    let lists = query.iter().any(|(name, value)| name == "list-type" && value == "2");
    match (method.as_str(), key) {
        _ if bucket.is_empty() => Err(not_implemented()),
        ("PUT", Some(_)) => Ok("PutObject"),
        ("GET", Some(_)) => Ok("GetObject"),
        ("HEAD", Some(_)) => Ok("HeadObject"),
        ("DELETE", Some(_)) => Ok("DeleteObject"),
        ("GET", None) if lists => Ok("ListObjectsV2"),
        _ => Err(not_implemented()),
    }
}

/// Bucket and key. A path that is not UTF-8 after decoding names no object.
fn resource(uri: &Uri, headers: &HeaderMap) -> Result<(String, Option<String>), ApiError> {
    let host = host(uri, headers);
    let path = uri.path().strip_prefix('/').unwrap_or_default();
    let virtual_bucket = host
        .rsplit_once(".s3.")
        .map(|(bucket, _)| bucket)
        .or_else(|| host.strip_suffix(".localhost"));
    let (bucket, key) = match virtual_bucket {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
        decoded.map_err(|_| ApiError::refused("InvalidURI", "Couldn't parse the specified URI."))
    };
    Ok((decoded(bucket)?, Some(decoded(key)?).filter(|key| !key.is_empty())))
}

/// The host without the port.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let of_header = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = uri.host().or_else(of_header).unwrap_or_default();
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn not_implemented() -> ApiError {
    let message = "A header you provided implies functionality that is not implemented";
    ApiError::failed("NotImplemented", message, 501)
}
