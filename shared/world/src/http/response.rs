//! What every answer has, in whichever protocol.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderName, HeaderValue, Response, StatusCode};

/// A response with AWS's request id header. A header value that HTTP does not allow is left out.
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
