//! MD5 digests, as SQS returns them, and identifiers derived from them.
//!
//! Knows bytes only. If an identifier must be unique, the caller passes a unique input.

use md5::{Digest, Md5};

/// The MD5 digest in lowercase hex, as in `MD5OfMessageBody`.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    let digits = Md5::digest(bytes);
    let digits = digits.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// An identifier in UUID form. The same `kind` and `number` always return the same one.
pub(crate) fn uuid(kind: &str, number: u64) -> String {
    let hex = md5_hex(format!("{kind}/{number}").as_bytes());
    let mut id = String::with_capacity(36);
    for (position, digit) in hex.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_md5() {
        assert_eq!(md5_hex(b"Hello, World!"), "65a8e27d8879283831b664bd8b7f0ad4");
        assert_eq!(uuid("a", 1).len(), 36);
        assert_ne!(uuid("a", 1), uuid("a", 2));
    }
}
