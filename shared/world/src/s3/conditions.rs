//! `If-Match` and `If-None-Match`, for reads and for writes.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>.

use super::bucket::Version;
use super::error;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::json;

/// Checks the conditions of a read.
pub(super) fn for_read(input: &Input<'_>, version: &Version) -> Result<(), ApiError> {
    if let Some(wanted) = input.optional_text("IfMatch")?
        && !names(wanted, version)
    {
        return Err(failed("If-Match"));
    }
    if let Some(known) = input.optional_text("IfNoneMatch")?
        && names(known, version)
    {
        return Err(error("NotModified", "Not Modified", 304));
    }
    Ok(())
}

/// Checks the conditions of a write.
pub(super) fn for_write(input: &Input<'_>, now: Option<&Version>) -> Result<(), ApiError> {
    match input.optional_text("IfNoneMatch")? {
        Some("*") if now.is_some() => return Err(failed("If-None-Match")),
        Some(other) if other != "*" => {
            let message = "A header you provided implies functionality that is not implemented";
            return Err(error("NotImplemented", message, 501));
        }
        _ => {}
    }
    match (input.optional_text("IfMatch")?, now) {
        (Some(wanted), Some(now)) if !names(wanted, now) => Err(failed("If-Match")),
        (Some(_), None) => Err(error("NoSuchKey", "The specified key does not exist.", 404)),
        _ => Ok(()),
    }
}

/// `*`, or an entity tag with or without quotes.
fn names(tag: &str, version: &Version) -> bool {
    tag == "*" || tag.trim_matches('"') == version.etag
}

fn failed(condition: &str) -> ApiError {
    let message = "At least one of the pre-conditions you specified did not hold";
    error("PreconditionFailed", message, 412).with(json!({"Condition": condition}))
}
