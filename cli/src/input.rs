//! Reads the file that a command gets. It knows nothing about the content.

use crate::CommandError;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// Some editors start a file with this mark. It has no meaning in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the file as text; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<String, CommandError> {
    let unreadable = |source| CommandError::Unreadable { path: path.to_owned(), source };
    let not_utf8 = |_| {
        unreadable(io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
    };
    let text = String::from_utf8(read_bytes(path)?).map_err(not_utf8)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// Reads the file as bytes; `-` is standard input.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    let bytes =
        if path.as_os_str() == STANDARD_INPUT { read_standard_input() } else { fs::read(path) };
    bytes.map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })
}

fn read_standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
