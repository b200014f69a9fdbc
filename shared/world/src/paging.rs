//! Pagination. Knows no operation and no member names.

use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;

/// One page of names in order: those after `token`, at most `limit`, and the token of the next page
/// if there is one. Returns `None` if the token is invalid.
///
/// The token names the last returned item, not a position, so items created or deleted between two
/// pages do not shift the others.
pub(crate) fn page<T>(
    items: &BTreeMap<String, T>,
    mut keep: impl FnMut(&T) -> bool,
    token: Option<&str>,
    limit: usize,
) -> Option<(Vec<String>, Option<String>)> {
    let start = match token {
        None => Bound::Unbounded,
        Some(token) => Bound::Excluded(token.strip_prefix("after:")?),
    };
    let kept = items.range::<str, _>((start, Bound::Unbounded)).filter(|(_, item)| keep(item));
    let mut names: Vec<String> =
        kept.map(|(name, _)| name.clone()).take(limit.saturating_add(1)).collect();
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).map(|last| format!("after:{last}"));
    Some((names, next))
}

/// Adds the next page's token to a response, if there is another page.
pub(crate) fn with_next(mut answer: Value, member: &str, next: Option<String>) -> Value {
    if let (Some(next), Some(members)) = (next, answer.as_object_mut()) {
        members.insert(member.to_owned(), Value::String(next));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_everything_once() {
        let items: BTreeMap<String, bool> = (0..10).map(|n| (format!("k{n}"), n != 4)).collect();
        let (first, next) = page(&items, |kept| *kept, None, 6).unwrap();
        let (second, end) = page(&items, |kept| *kept, next.as_deref(), 6).unwrap();
        assert_eq!((first.len(), second.len(), end), (6, 3, None));
        assert!(page(&items, |_| true, Some("nonsense"), 6).is_none());
    }
}
