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
    let text = if path.as_os_str() == STANDARD_INPUT { read_standard_input() } else { fs::read_to_string(path) };
    let text = text.map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

fn read_standard_input() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}
