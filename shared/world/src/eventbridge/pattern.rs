//! `EventBridge` event patterns: validation and matching.
//!
//! A pure function of two JSON values. Source of every rule: "Comparison operators for use in event
//! patterns",
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>. Not
//! supported: `cidr`, and patterns on more than one item of an array of objects at a time.

use serde_json::{Map, Value};

/// Why a pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The pattern is not a JSON object.
    #[error("an event pattern must be a JSON object")]
    NotAnObject,
    /// A field is neither an object nor a list of allowed values.
    #[error("`{field}` must be an object or a non-empty array")]
    NotAList { field: String },
    /// An operator that does not exist or is not supported.
    #[error("`{field}` uses the unknown operator `{operator}`")]
    UnknownOperator { field: String, operator: String },
    /// An operator with an invalid operand.
    #[error("`{field}`: `{operator}` needs {needs}")]
    BadOperand {
        field: String,
        operator: String,
        /// The valid operands.
        needs: &'static str,
    },
}

/// Whether the event matches the pattern. Every field of the pattern must match; in a list, any
/// item may match.
pub fn matches(pattern: &Value, event: &Value) -> Result<bool, PatternError> {
    validate(pattern)?;
    object_matches(pattern.as_object().ok_or(PatternError::NotAnObject)?, Some(event))
}

/// Validates a pattern: every operator is known and has valid operands.
pub(super) fn validate(pattern: &Value) -> Result<(), PatternError> {
    let fields = pattern.as_object().ok_or(PatternError::NotAnObject)?;
    for (field, wanted) in fields {
        let not_a_list = || PatternError::NotAList { field: field.clone() };
        match wanted {
            Value::Object(_) => validate(wanted)?,
            Value::Array(list) if list.is_empty() => return Err(not_a_list()),
            Value::Array(list) if field == "$or" => {
                for alternative in list {
                    validate(alternative)?;
                }
            }
            Value::Array(list) => {
                for matcher in list {
                    matcher_matches(field, matcher, Some(&Value::Null))?;
                }
            }
            _ => return Err(not_a_list()),
        }
    }
    Ok(())
}

fn object_matches(
    pattern: &Map<String, Value>,
    event: Option<&Value>,
) -> Result<bool, PatternError> {
    // An array of objects in the event matches if one of its items matches.
    if let Some(Value::Array(items)) = event {
        return any(items, |item| object_matches(pattern, Some(item)));
    }
    for (field, wanted) in pattern {
        let found = event.and_then(|event| event.get(field));
        let matched = match wanted {
            Value::Array(alternatives) if field == "$or" => any(alternatives, |alternative| {
                object_matches(alternative.as_object().ok_or(PatternError::NotAnObject)?, event)
            })?,
            Value::Object(nested) => object_matches(nested, found)?,
            Value::Array(matchers) => {
                any(matchers, |matcher| field_matches(field, matcher, found))?
            }
            _ => return Err(PatternError::NotAList { field: field.clone() }),
        };
        if !matched {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A list in the event matches if one of its values matches.
fn field_matches(
    field: &str,
    matcher: &Value,
    found: Option<&Value>,
) -> Result<bool, PatternError> {
    match found {
        Some(Value::Array(values)) if matcher.get("exists").is_none() => {
            any(values, |value| matcher_matches(field, matcher, Some(value)))
        }
        _ => matcher_matches(field, matcher, found),
    }
}

fn matcher_matches(
    field: &str,
    matcher: &Value,
    found: Option<&Value>,
) -> Result<bool, PatternError> {
    let Value::Object(operation) = matcher else {
        return Ok(found.is_some_and(|found| equal(matcher, found)));
    };
    let mut operators = operation.iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        return Err(bad(field, "{}", "exactly one operator"));
    };
    let text = found.and_then(Value::as_str);
    match operator.as_str() {
        "exists" => {
            let wanted = operand.as_bool().ok_or_else(|| bad(field, operator, "true or false"))?;
            // `exists` applies to leaf nodes only; an object is not a leaf.
            Ok(wanted == found.is_some_and(|found| !found.is_object()))
        }
        "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => {
            text_matches(field, operator, operand, text)
        }
        "anything-but" => {
            let hit = excluded(field, operand, found)?;
            Ok(found.is_some_and(|found| !found.is_object()) && !hit)
        }
        "numeric" => numeric_matches(field, operand, found),
        _ => Err(PatternError::UnknownOperator {
            field: field.to_owned(),
            operator: operator.clone(),
        }),
    }
}

/// Whether `anything-but` excludes the value.
fn excluded(field: &str, operand: &Value, found: Option<&Value>) -> Result<bool, PatternError> {
    match operand {
        Value::Array(list) if list.is_empty() || list.iter().any(|item| !is_scalar(item)) => {
            Err(bad(field, "anything-but", "strings or numbers"))
        }
        Value::Array(list) => {
            Ok(found.is_some_and(|found| list.iter().any(|item| equal(item, found))))
        }
        Value::Object(nested) => {
            let mut operators = nested.iter();
            let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
                return Err(bad(field, "anything-but", "exactly one operator"));
            };
            let text = found.and_then(Value::as_str);
            match operand {
                Value::Array(list) => any(list, |item| text_matches(field, operator, item, text)),
                _ => text_matches(field, operator, operand, text),
            }
        }
        _ if is_scalar(operand) => Ok(found.is_some_and(|found| equal(operand, found))),
        _ => Err(bad(field, "anything-but", "strings or numbers")),
    }
}

fn text_matches(
    field: &str,
    operator: &str,
    operand: &Value,
    found: Option<&str>,
) -> Result<bool, PatternError> {
    let folded = operand.get("equals-ignore-case").and_then(Value::as_str);
    if let (Some(wanted), "prefix" | "suffix") = (folded, operator) {
        let (wanted, found) = (wanted.to_lowercase(), found.map(str::to_lowercase));
        return Ok(found.is_some_and(|found| match operator {
            "prefix" => found.starts_with(&wanted),
            _ => found.ends_with(&wanted),
        }));
    }
    let wanted = operand.as_str().ok_or_else(|| bad(field, operator, "a string"))?;
    let holds: fn(&str, &str) -> bool = match operator {
        "prefix" => |found, wanted| found.starts_with(wanted),
        "suffix" => |found, wanted| found.ends_with(wanted),
        "equals-ignore-case" => |found, wanted| found.to_lowercase() == wanted.to_lowercase(),
        "wildcard" => wildcard_matches,
        _ => {
            return Err(PatternError::UnknownOperator {
                field: field.to_owned(),
                operator: operator.to_owned(),
            });
        }
    };
    Ok(found.is_some_and(|found| holds(found, wanted)))
}

/// `*` matches any characters, including none.
fn wildcard_matches(found: &str, wanted: &str) -> bool {
    let Some((head, rest)) = wanted.split_once('*') else {
        return found == wanted;
    };
    let Some(found) = found.strip_prefix(head) else {
        return false;
    };
    found
        .char_indices()
        .map(|(start, _)| start)
        .chain([found.len()])
        .any(|start| found.get(start..).is_some_and(|tail| wildcard_matches(tail, rest)))
}

/// `["=", 5]`, `[">", 0, "<=", 5]`.
fn numeric_matches(
    field: &str,
    operand: &Value,
    found: Option<&Value>,
) -> Result<bool, PatternError> {
    let needs = "pairs of a comparison and a number";
    let error = || bad(field, "numeric", needs);
    let terms = operand.as_array().filter(|terms| !terms.is_empty()).ok_or_else(error)?;
    let found = found.and_then(Value::as_f64);
    let mut all = found.is_some();
    for pair in terms.chunks(2) {
        let [comparison, limit] = pair else {
            return Err(error());
        };
        let limit = limit.as_f64().ok_or_else(error)?;
        let order = found.and_then(|found| found.partial_cmp(&limit));
        all &= match comparison.as_str() {
            Some("=") => order.is_some_and(std::cmp::Ordering::is_eq),
            Some("<") => order.is_some_and(std::cmp::Ordering::is_lt),
            Some("<=") => order.is_some_and(std::cmp::Ordering::is_le),
            Some(">") => order.is_some_and(std::cmp::Ordering::is_gt),
            Some(">=") => order.is_some_and(std::cmp::Ordering::is_ge),
            _ => return Err(error()),
        };
    }
    Ok(all)
}

/// Numbers are compared by value (300, 300.0 and 3.0e2 are equal), all else as written.
fn equal(wanted: &Value, found: &Value) -> bool {
    match (wanted.as_f64(), found.as_f64()) {
        (Some(wanted), Some(found)) => wanted.total_cmp(&found).is_eq(),
        _ => wanted == found,
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn bad(field: &str, operator: &str, needs: &'static str) -> PatternError {
    PatternError::BadOperand { field: field.to_owned(), operator: operator.to_owned(), needs }
}

fn any<T>(
    items: &[T],
    mut holds: impl FnMut(&T) -> Result<bool, PatternError>,
) -> Result<bool, PatternError> {
    for item in items {
        if holds(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}
