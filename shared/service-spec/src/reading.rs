//! Parses the bytes of a file to values with positions. This module knows the syntax; `shapes` and
//! `draft` know the meaning of the members.

mod json;
mod tree;
mod yaml;

pub(super) use tree::{Kind, Member, Node, NodeValue, Scalar};

use super::problem::{Position, Problem, ProblemCode};

/// The maximum size of a spec in bytes. A task definition has at most 64 KB (ECS quotas), and the
/// rest is small.
pub const MOST_BYTES: usize = 256 * 1024;

/// The mark with which some editors begin a file. It means nothing in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a file: as strict JSON if its name ends in `.json`, otherwise as YAML, which includes
/// JSON.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Node, Problem> {
    let text = text(bytes)?;
    let is_json =
        name.rsplit('.').next().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json { json::read(text) } else { yaml::read(text) }
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MOST_BYTES {
        let (bytes, most) = (bytes.len(), MOST_BYTES / 1024);
        let message = format!(
            "the file has {bytes} bytes; a spec has at most {most} KB. Is it the right file?"
        );
        return Err(Problem::error(ProblemCode::TooLarge, "", message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.trim().is_empty() {
        return Err(empty());
    }
    Ok(text)
}

fn empty() -> Problem {
    let message = "the file is empty; specs/ in Portkeeper's repository has examples";
    Problem::error(ProblemCode::Empty, "", message)
}

fn not_utf8(bytes: &[u8], valid: usize) -> Problem {
    let good =
        bytes.get(..valid).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let position = tree::position_at(good, good.len());
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let what = if is_utf16 { "UTF-16" } else { "not UTF-8" };
    Problem::error(ProblemCode::NotUtf8, "", format!("the file is {what}; save it as UTF-8"))
        .at_position(position)
}

/// A file that is not YAML or not JSON.
fn syntax(position: Position, message: String) -> Problem {
    Problem::error(ProblemCode::Syntax, "", message).at_position(position)
}
