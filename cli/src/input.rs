//! The text of the file that a command is given. It does not know what is in it.

use crate::CommandError;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// Means standard input, as for other commands.
const STANDARD_INPUT: &str = "-";

/// The mark with which some editors begin a file. It means nothing in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the file, or standard input where the path is `-`.
pub(crate) fn read(path: &Path) -> Result<String, CommandError> {
    let unreadable = |source| CommandError::Unreadable { path: path.to_owned(), source };
    let not_utf8 = |_| {
        unreadable(io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
    };
    let text = String::from_utf8(read_bytes(path)?).map_err(not_utf8)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// The same, whatever is in it.
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
