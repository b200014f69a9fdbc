//! What all responses have in common.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderName, HeaderValue, Response, StatusCode};

/// A response with AWS's request id header. Omits header values that HTTP does not allow.
pub(super) fn response(
    status: u16,
    content_type: &'static str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
