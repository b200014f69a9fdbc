//! The subject of a message for SNS: one line of ASCII, short enough. It knows nothing of what is
//! told.

/// SNS takes subjects of "less than 100 characters"; ours are ASCII, as it once asked for (SNS API
/// `Publish`).
pub(super) const SUBJECT_LIMIT: usize = 99;

/// The text as a subject: what is no ASCII becomes a question mark, and a long one is cut, with a
/// mark.
#[must_use]
pub fn subject_line(text: &str) -> String {
    shorten(&ascii(text), SUBJECT_LIMIT)
}

pub(super) fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// Cuts an ASCII text.
pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.get(..most.saturating_sub(3)) {
        Some(kept) if text.len() > most => format!("{kept}..."),
        _ => text.to_owned(),
    }
}
