//! One HTTP request to one HTTP answer.
//!
//! Joins routing, decoding, the faulty edge and encoding; knows no protocol itself.

use super::route::{self, Protocol};
use super::{SharedWorld, codec_json, codec_query};
use crate::faults;
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode};

/// Answers a request as AWS's endpoint would. None: the connection is lost without an answer.
pub fn handle<B: AsRef<[u8]>>(world: &SharedWorld, request: &Request<B>) -> Option<Response<Vec<u8>>> {
    let request_id = world.next_request_id();
    let call = match route::route(request) {
        Ok(call) => call,
        Err(refused) => return Some(encode_error(refused.protocol, &refused.error, &request_id)),
    };
    let outcome = faults::call(&mut world.lock(), call.service, &call.operation, &call.input)?;
    Some(match outcome {
        Err(error) => encode_error(call.protocol, &error, &request_id),
        Ok(answer) => match call.protocol {
            Protocol::Json(json) => codec_json::encode(json, &answer, &request_id),
            Protocol::Query(query) => codec_query::encode(query, &call.operation, &answer, &request_id),
        },
    })
}

fn encode_error(protocol: Protocol, error: &crate::api::ApiError, request_id: &str) -> Response<Vec<u8>> {
    match protocol {
        Protocol::Json(json) => codec_json::encode_error(json, error, request_id),
        Protocol::Query(query) => codec_query::encode_error(query, error, request_id),
    }
}

/// A response with AWS's request id header. A header value that HTTP does not allow is left out.
pub(super) fn response(
    status: u16,
    content_type: &'static str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
