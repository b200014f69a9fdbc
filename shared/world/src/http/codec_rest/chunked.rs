//! `aws-chunked`: a body in chunks, each with its length, followed by trailers. SDKs use it for
//! bodies whose checksum is known only at the end. Chunk signatures are not checked.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.

use crate::api::ApiError;
use ::http::header::CONTENT_ENCODING;
use ::http::{HeaderMap, HeaderName, HeaderValue};

/// Whether a body is in chunks.
pub(super) fn is_used(headers: &HeaderMap) -> bool {
    let says = |name: &str, what: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(what))
    };
    says(CONTENT_ENCODING.as_str(), "aws-chunked") || says("x-amz-content-sha256", "STREAMING-")
}

/// Decodes the body. The trailers become headers.
pub(super) fn decode(body: &[u8], headers: &mut HeaderMap) -> Result<Vec<u8>, ApiError> {
    let malformed =
        || ApiError::refused("IncompleteBody", "The request body terminated unexpectedly");
    let (mut plain, mut rest) = (Vec::new(), body);
    loop {
        let (line, after) = line(rest).ok_or_else(malformed)?;
        // The length may be followed by `;chunk-signature=...`.
        let length = line.split(';').next().unwrap_or_default();
        let length = usize::from_str_radix(length, 16).map_err(|_| malformed())?;
        if length == 0 {
            rest = after;
            break;
        }
        let (chunk, after) = after.split_at_checked(length).ok_or_else(malformed)?;
        plain.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").ok_or_else(malformed)?;
    }
    while let Some((trailer, after)) = line(rest).filter(|(trailer, _)| !trailer.is_empty()) {
        let (name, value) = trailer.split_once(':').ok_or_else(malformed)?;
        if name != "x-amz-trailer-signature" {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
            headers.insert(name, HeaderValue::from_str(value.trim()).map_err(|_| malformed())?);
        }
        rest = after;
    }
    Ok(plain)
}

/// The text up to the next line break, and the rest.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(line).ok()?, rest.get(2..)?))
}
