//! Finds a request's service, operation and protocol.
//!
//! JSON services have them in `X-Amz-Target`, Query services in `Action` and `Version` of the body.
//! Without a `Version`, the signature's credential scope or the host names the service. S3 requests
//! are recognized by signature or host.

use super::codec_json::{self, JsonService};
use super::codec_query::{self, QueryService};
use super::codec_rest;
use crate::api::{ApiError, Service};
use ::http::header::{AUTHORIZATION, HOST};
use ::http::{HeaderMap, Method, Request};
use serde_json::Value;

/// A decoded request.
#[derive(Debug)]
pub(super) struct WireCall {
    pub(super) protocol: Protocol,
    pub(super) service: Service,
    pub(super) operation: String,
    pub(super) input: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Json(JsonService),
    Query(QueryService),
    /// REST, for S3. The response to a HEAD has no body.
    Rest {
        is_head: bool,
    },
}

/// The error for a request that reaches no operation, and the protocol of the response.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) protocol: Protocol,
    pub(super) error: ApiError,
}

const ANY_JSON: Protocol = Protocol::Json(JsonService::Ecs);
const ANY_QUERY: Protocol = Protocol::Query(QueryService::Elbv2);

pub(super) fn route<B: AsRef<[u8]>>(request: &Request<B>) -> Result<WireCall, Refused> {
    let headers = request.headers();
    let body = request.body().as_ref();
    if text(headers, "x-amz-target").is_none()
        && codec_rest::is_meant(signing_name(headers), request.uri(), headers)
    {
        return route_rest(request);
    }
    if *request.method() != Method::POST {
        let message = format!(
            "{} {}: every operation but S3's is a POST to /",
            request.method(),
            request.uri()
        );
        return Err(unknown(ANY_JSON, message));
    }
    match text(headers, "x-amz-target") {
        Some(target) => route_json(target, body),
        None => route_query(request.uri().host(), headers, body),
    }
}

fn route_json(target: &str, body: &[u8]) -> Result<WireCall, Refused> {
    let (json, operation) = target
        .split_once('.')
        .and_then(|(prefix, operation)| Some((JsonService::of_target(prefix)?, operation)))
        .ok_or_else(|| {
            unknown(ANY_JSON, format!("X-Amz-Target {target} names no simulated service"))
        })?;
    let protocol = Protocol::Json(json);
    let input = codec_json::decode(body).map_err(|error| Refused { protocol, error })?;
    Ok(WireCall { protocol, service: json.service(), operation: operation.to_owned(), input })
}

fn route_query(host: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<WireCall, Refused> {
    let mut request = codec_query::decode(body);
    let host = host.or_else(|| text(headers, HOST.as_str()));
    let query = QueryService::of(request.version.as_deref(), signing_name(headers), host)
        .ok_or_else(|| {
            let message =
                "neither X-Amz-Target, Version, signature nor host names a simulated service";
            unknown(ANY_QUERY, message.to_owned())
        })?;
    let protocol = Protocol::Query(query);
    let refused = |error| Refused { protocol, error };
    let operation = request.action.take().ok_or_else(|| {
        refused(ApiError::refused("MissingAction", "The request must contain the parameter Action"))
    })?;
    let input = request.input(query).map_err(refused)?;
    Ok(WireCall { protocol, service: query.service(), operation, input })
}

fn route_rest<B: AsRef<[u8]>>(request: &Request<B>) -> Result<WireCall, Refused> {
    let protocol = Protocol::Rest { is_head: *request.method() == Method::HEAD };
    let call = codec_rest::decode(request).map_err(|error| Refused { protocol, error })?;
    Ok(WireCall {
        protocol,
        service: Service::S3,
        operation: call.operation.to_owned(),
        input: call.input,
    })
}

/// The service in `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn signing_name(headers: &HeaderMap) -> Option<&str> {
    let (_, scope) = text(headers, AUTHORIZATION.as_str())?.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(3)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A request that names no service gets a response in the protocol that it seems to use.
fn unknown(protocol: Protocol, message: String) -> Refused {
    Refused { protocol, error: ApiError::refused("UnknownOperationException", message) }
}
