//! The subject of an SNS message: one short line of ASCII. It knows nothing about the content.

/// SNS takes subjects of "less than 100 characters"; Portkeeper's are ASCII, as SNS once required
/// (SNS API `Publish`).
pub(super) const SUBJECT_LIMIT: usize = 99;

/// Returns the text as a subject: characters outside ASCII become question marks, and a long text
/// is cut with a mark.
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
