//! Handles one HTTP request.
//!
//! Calls routing, decoding, fault injection and encoding; knows no protocol.

use super::route::{self, Protocol};
use super::shared::SharedWorld;
use super::{codec_json, codec_query, codec_rest};
use crate::api::ApiError;
use crate::faults;
use ::http::{Request, Response};

/// Handles a request as AWS's endpoint would. Returns `None` if the connection is lost without a
/// response.
pub fn handle<B: AsRef<[u8]>>(
    world: &SharedWorld,
    request: &Request<B>,
) -> Option<Response<Vec<u8>>> {
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
            Protocol::Query(query) => {
                codec_query::encode(query, &call.operation, &answer.into_value(), &request_id)
            }
            Protocol::Rest { .. } => {
                codec_rest::encode(&call.operation, &answer.into_value(), &request_id)
            }
        },
    })
}

fn encode_error(protocol: Protocol, error: &ApiError, request_id: &str) -> Response<Vec<u8>> {
    match protocol {
        Protocol::Json(json) => codec_json::encode_error(json, error, request_id),
        Protocol::Query(query) => codec_query::encode_error(query, error, request_id),
        Protocol::Rest { is_head } => codec_rest::encode_error(is_head, error, request_id),
    }
}
