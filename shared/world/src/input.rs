//! Reading the members of an operation's input, and paging its answer.
//!
//! A simulated operation refuses members that it does not know, so that a misspelt name cannot pass a test.
//! Scalars may be strings, because the AWS Query protocol has nothing else. Knows no operation.

use crate::api::ApiError;
use serde_json::Value;
use std::ops::Bound;

/// The members of an input or of a structure in it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The operation or the structure, for messages.
    what: &'a str,
    members: &'a Value,
    /// The error code that this service answers bad input with.
    code: &'a str,
}

impl<'a> Input<'a> {
    /// Checks that the input is a structure that has no member beside the `known` ones (names separated by spaces).
    pub fn new(what: &'a str, members: &'a Value, code: &'a str, known: &str) -> Result<Self, ApiError> {
        let input = Self { what, members, code };
        let Some(object) = members.as_object() else {
            return Err(input.refuse(format!("{what}: the input is not a structure")));
        };
        match object.keys().find(|key| !known.split(' ').any(|name| name == key.as_str())) {
            Some(key) => Err(input.refuse(format!("Unknown parameter in {what}: \"{key}\", must be one of: {known}"))),
            None => Ok(input),
        }
    }

    /// A structure inside this one, checked in the same way.
    pub fn nested(&self, what: &'a str, members: &'a Value, known: &str) -> Result<Self, ApiError> {
        Self::new(what, members, self.code, known)
    }

    /// An error with this service's code for bad input.
    #[must_use]
    pub fn refuse(&self, message: impl Into<String>) -> ApiError {
        ApiError::refused(self.code, message)
    }

    /// A member, if it is there and not null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn wrong_type(&self, name: &str, expected: &str) -> ApiError {
        self.refuse(format!("Invalid type for parameter {name} of {}: {expected} is expected", self.what))
    }

    /// A required string.
    pub fn text(&self, name: &str) -> Result<&'a str, ApiError> {
        self.optional_text(name)?
            .ok_or_else(|| self.refuse(format!("Missing required parameter in {}: \"{name}\"", self.what)))
    }

    /// An optional string.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong_type(name, "a string"))
    }

    /// An optional whole number, which may be written as a string.
    pub fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.map(Some).ok_or_else(|| self.wrong_type(name, "a whole number that is not negative"))
    }

    /// An optional port number from 1 to 65535.
    pub fn port(&self, name: &str) -> Result<Option<u16>, ApiError> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(self.refuse(format!("{name} {number} is not a port from 1 to 65535"))),
        }
    }

    /// An optional boolean, which may be written as a string. Absent means false.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            Some(_) => Err(self.wrong_type(name, "true or false")),
        }
    }

    /// An optional list. Absent means empty.
    pub fn list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong_type(name, "a list")),
        }
    }

    /// A list that must be there and hold something.
    pub fn required_list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        match self.list(name)? {
            [] => Err(self.refuse(format!("Missing required parameter in {}: \"{name}\"", self.what))),
            items => Ok(items),
        }
    }

    /// An optional list of strings. Absent means empty.
    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>, ApiError> {
        let of_strings = || self.wrong_type(name, "a list of strings");
        self.list(name)?.iter().map(|item| item.as_str().ok_or_else(of_strings)).collect()
    }
}

/// One page of names in order: those after `token`, at most `limit`, and the token of the next page if there is one.
///
/// The token names the last item given rather than a position, so that items which come and go between two
/// pages do not move the others.
pub fn page<T>(
    items: &std::collections::BTreeMap<String, T>,
    mut keep: impl FnMut(&T) -> bool,
    token: Option<&str>,
    limit: usize,
) -> Option<(Vec<String>, Option<String>)> {
    let start = match token {
        None => Bound::Unbounded,
        Some(token) => Bound::Excluded(token.strip_prefix("after:")?),
    };
    let kept = items.range::<str, _>((start, Bound::Unbounded)).filter(|(_, item)| keep(item));
    let mut names: Vec<String> = kept.map(|(name, _)| name.clone()).take(limit.saturating_add(1)).collect();
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).map(|last| format!("after:{last}"));
    Some((names, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn unknown_members_are_named() {
        let error =
            Input::new("StopTask", &json!({"tsak": "1"}), "InvalidParameterException", "cluster task").unwrap_err();
        assert!(error.message.contains("\"tsak\""), "{error}");
    }

    #[test]
    fn query_scalars_are_strings() {
        let value = json!({"Port": "80", "Force": "true"});
        let input = Input::new("X", &value, "ValidationError", "Port Force").unwrap();
        assert_eq!(input.port("Port").unwrap(), Some(80));
        assert!(input.flag("Force").unwrap());
    }

    #[test]
    fn pages_cover_everything_once() {
        let items: BTreeMap<String, bool> = (0..10).map(|n| (format!("k{n}"), n != 4)).collect();
        let (first, next) = page(&items, |kept| *kept, None, 6).unwrap();
        let (second, end) = page(&items, |kept| *kept, next.as_deref(), 6).unwrap();
        assert_eq!((first.len(), second.len(), end), (6, 3, None));
        assert!(page(&items, |_| true, Some("nonsense"), 6).is_none());
    }
}
