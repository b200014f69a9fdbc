//! Encodes S3's results and errors as HTTP responses.

use super::members::{self, OF_OBJECTS};
use crate::api::ApiError;
use crate::http::xml;
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Output members that are headers, in addition to those stored with the object.
const HEADERS: [(&str, &str); 7] = [
    ("accept-ranges", "AcceptRanges"),
    ("content-length", "ContentLength"),
    ("content-range", "ContentRange"),
    ("etag", "ETag"),
    ("last-modified", "LastModified"),
    ("x-amz-delete-marker", "DeleteMarker"),
    ("x-amz-version-id", "VersionId"),
];

/// A response. Lists are XML; all else is headers and the object's bytes.
pub(in crate::http) fn encode(
    operation: &str,
    answer: &Value,
    request_id: &str,
) -> Response<Vec<u8>> {
    if operation == "ListObjectsV2" {
        let mut body = xml::Writer::default();
        body.open_with("ListBucketResult", NAMESPACE);
        body.flat_members(answer);
        body.close("ListBucketResult");
        return respond(200, request_id, Some("application/xml"), body.into_bytes());
    }
    let body =
        answer.get("Body").and_then(Value::as_str).and_then(|body| STANDARD.decode(body).ok());
    let status = match operation {
        "DeleteObject" => 204,
        _ if answer.get("ContentRange").is_some() => 206,
        _ => 200,
    };
    let mut response = respond(status, request_id, None, body.unwrap_or_default());
    for (header, member) in HEADERS.into_iter().chain(OF_OBJECTS) {
        if let Some(value) = answer.get(member) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            set(
                &mut response,
                header,
                &if member == "LastModified" { http_date(&text) } else { text },
            );
        }
    }
    for (name, value) in answer.get("Metadata").and_then(Value::as_object).into_iter().flatten() {
        set(&mut response, &members::metadata_header(name), value.as_str().unwrap_or_default());
    }
    response
}

/// An error. The response to a HEAD has no body, only the status.
pub(in crate::http) fn encode_error(
    is_head: bool,
    error: &ApiError,
    request_id: &str,
) -> Response<Vec<u8>> {
    if is_head || error.status == 304 {
        let mut response = respond(error.status, request_id, None, Vec::new());
        tell_marker(&mut response, error);
        return response;
    }
    let mut body = xml::Writer::default();
    body.open("Error");
    body.text_element("Code", &error.code);
    body.text_element("Message", &error.message);
    for (name, value) in error.details.as_ref().and_then(Value::as_object).into_iter().flatten() {
        body.element(name, value);
    }
    body.text_element("RequestId", request_id);
    body.text_element("HostId", request_id);
    body.close("Error");
    let mut response =
        respond(error.status, request_id, Some("application/xml"), body.into_bytes());
    tell_marker(&mut response, error);
    response
}

/// If the object is missing because of a delete marker, the headers say so.
fn tell_marker(response: &mut Response<Vec<u8>>, error: &ApiError) {
    let Some(details) =
        error.details.as_ref().filter(|details| details.get("DeleteMarker").is_some())
    else {
        return;
    };
    set(response, "x-amz-delete-marker", "true");
    if let Some(version) = details.get("VersionId").and_then(Value::as_str) {
        set(response, "x-amz-version-id", version);
    }
}

fn respond(
    status: u16,
    request_id: &str,
    content_type: Option<&'static str>,
    body: Vec<u8>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    set(&mut response, "x-amz-request-id", request_id);
    set(&mut response, "x-amz-id-2", request_id);
    response
}

/// Omits a header that HTTP does not allow.
fn set(response: &mut Response<Vec<u8>>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) =
        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
    {
        response.headers_mut().insert(name, value);
    }
}

/// `Tue, 24 Nov 2026 20:22:38 GMT`, from ISO 8601.
fn http_date(iso: &str) -> String {
    let time: Option<jiff::Timestamp> = iso.parse().ok();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    time.and_then(|time| printer.timestamp_to_rfc9110_string(&time).ok())
        .unwrap_or_else(|| iso.to_owned())
}
