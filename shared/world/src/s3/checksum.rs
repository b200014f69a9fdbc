//! Checksums of an object.
//!
//! CRC-32, which SDKs send by default, and `Content-MD5` are checked; the others are stored and
//! returned. Source:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>.

use super::error;
use crate::api::ApiError;
use crate::input::Input;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// The members with checksums.
pub(super) const NAMES: &str =
    "ChecksumCRC32 ChecksumCRC32C ChecksumCRC64NVME ChecksumSHA1 ChecksumSHA256";

/// Returns an error if the body does not match its checksums.
pub(super) fn check(input: &Input<'_>, body: &[u8]) -> Result<(), ApiError> {
    let crc32 = STANDARD.encode(crc32fast::hash(body).to_be_bytes());
    if input.optional_text("ChecksumCRC32")?.is_some_and(|given| given != crc32) {
        return Err(error(
            "BadDigest",
            "The CRC32 you specified did not match the calculated checksum.",
            400,
        ));
    }
    let md5 = STANDARD.encode(Md5::digest(body));
    if input.optional_text("ContentMD5")?.is_some_and(|given| given != md5) {
        return Err(error(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            400,
        ));
    }
    Ok(())
}
