//! What expressions have in common: the placeholders `#name` and `:value`, each of which must be
//! used.
//!
//! Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html>.

use super::item;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Reserved words that an item could plausibly use as an attribute name, out of 573. Expressions
/// must use `#name` for them.
const RESERVED: [&str; 44] = [
    "ACTION",
    "ADD",
    "ALL",
    "ANY",
    "CLUSTER",
    "COMMENT",
    "CONDITION",
    "CONTAINS",
    "COUNT",
    "COUNTER",
    "DATA",
    "DATE",
    "EXISTS",
    "GROUP",
    "HASH",
    "INDEX",
    "ITEMS",
    "KEY",
    "KEYS",
    "LIST",
    "LOCK",
    "MAP",
    "MODE",
    "NAME",
    "NAMES",
    "OWNER",
    "PATH",
    "PLAN",
    "POLICY",
    "REGION",
    "SET",
    "SIZE",
    "STATE",
    "STATUS",
    "TASK",
    "TIME",
    "TIMESTAMP",
    "TOKEN",
    "TTL",
    "TYPE",
    "USER",
    "VALUE",
    "VALUES",
    "ZONE",
];

/// The placeholders of one request. Resolving one marks it as used.
pub(super) struct Placeholders<'a> {
    names: Option<&'a Map<String, Value>>,
    values: Option<&'a Map<String, Value>>,
    used: BTreeSet<String>,
}

impl<'a> Placeholders<'a> {
    /// Reads `ExpressionAttributeNames` and `ExpressionAttributeValues`, if present.
    pub(super) fn of(input: &Input<'a>) -> Result<Self, ApiError> {
        let names = input.optional_map("ExpressionAttributeNames")?;
        let values = input.optional_map("ExpressionAttributeValues")?;
        values.into_iter().flat_map(Map::values).try_for_each(item::check_value)?;
        Ok(Self { names, values, used: BTreeSet::new() })
    }

    /// The attribute of a name or `#placeholder`.
    pub(super) fn name(&mut self, text: &'a str) -> Result<&'a str, ApiError> {
        if text.starts_with('#') {
            self.used.insert(text.to_owned());
            return self.names.and_then(|names| names.get(text)?.as_str()).ok_or_else(|| {
                refused(&format!(
                    "An expression attribute name used in the document path is not defined; attribute name: {text}"
                ))
            });
        }
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain || !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let message =
                format!("Syntax error; token: \"{text}\" (document paths are not simulated)");
            return Err(refused(&message));
        }
        if RESERVED.contains(&text.to_ascii_uppercase().as_str()) {
            let message = format!("Attribute name is a reserved keyword; reserved keyword: {text}");
            return Err(refused(&message));
        }
        Ok(text)
    }

    /// The value of a `:placeholder`.
    pub(super) fn value(&mut self, text: &str) -> Result<&'a Value, ApiError> {
        self.used.insert(text.to_owned());
        self.values.and_then(|values| values.get(text)).ok_or_else(|| {
            refused(&format!(
                "An expression attribute value used in expression is not defined; attribute value: {text}"
            ))
        })
    }

    /// Returns an error if a placeholder is unused.
    pub(super) fn check_all_used(&self) -> Result<(), ApiError> {
        for (member, map) in
            [("ExpressionAttributeNames", self.names), ("ExpressionAttributeValues", self.values)]
        {
            let unused = map.into_iter().flat_map(Map::keys).find(|key| !self.used.contains(*key));
            if let Some(key) = unused {
                let message =
                    format!("Value provided in {member} unused in expressions: keys: {{{key}}}");
                return Err(ApiError::invalid(Service::DynamoDb, message));
            }
        }
        Ok(())
    }
}

/// A projection: names of top-level attributes, separated by commas.
pub(super) fn projection<'a>(
    input: &Input<'a>,
    placeholders: &mut Placeholders<'a>,
) -> Result<Option<Vec<&'a str>>, ApiError> {
    input
        .optional_text("ProjectionExpression")?
        .map(|text| text.split(',').map(|name| placeholders.name(name.trim())).collect())
        .transpose()
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid(Service::DynamoDb, format!("Invalid expression: {message}"))
}
