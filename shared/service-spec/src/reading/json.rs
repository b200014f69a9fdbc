//! Parses strict JSON with positions: no comments, no trailing commas, nothing that only some
//! readers accept.

use super::syntax;
use super::tree::{Kind, Member, Node, NodeValue, Scalar, add, position_at};
use crate::problem::{Position, Problem};
use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde::de::IgnoredAny;

/// Everything that this parser accepts beyond JSON is turned off.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn read(text: &str) -> Result<Node, Problem> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = parse_to_ast(text, &collect, &STRICT).map_err(|error| not_json(text, &error))?;
    // A second check, with the parser that most programs in Rust use.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        let position = Position { line: error.line().max(1), column: error.column().max(1) };
        syntax(position, format!("this is not JSON: {error}"))
    })?;
    match parsed.value {
        Some(value) => node(text, value),
        None => Err(super::empty()),
    }
}

fn not_json(text: &str, error: &ParseError) -> Problem {
    let position = position_at(text, error.range().start);
    let message = match error.kind() {
        ParseErrorKind::CommentsNotAllowed => {
            "JSON has no comments: remove it, or name the file .yaml and write comments with #"
                .to_owned()
        }
        ParseErrorKind::TrailingCommasNotAllowed => {
            "nothing follows this comma: remove it".to_owned()
        }
        kind => format!("this is not JSON: {}", kind.to_string().to_lowercase()),
    };
    syntax(position, message)
}

fn node(text: &str, value: Value<'_>) -> Result<Node, Problem> {
    let position = position_at(text, value.range().start);
    let scalar = |text: String, kind| NodeValue::Scalar(Scalar { text, kind });
    let value = match value {
        Value::NullKeyword(_) => scalar("null".to_owned(), Kind::Null),
        Value::BooleanLit(it) => scalar(it.value.to_string(), Kind::Bool),
        Value::NumberLit(it) => scalar(it.value.to_owned(), Kind::Number),
        Value::StringLit(it) => scalar(it.value.into_owned(), Kind::Text),
        Value::Array(it) => NodeValue::List(
            it.elements.into_iter().map(|element| node(text, element)).collect::<Result<_, _>>()?,
        ),
        Value::Object(it) => {
            let mut members = Vec::new();
            for property in it.properties {
                add(&mut members, member(text, property)?)?;
            }
            NodeValue::Object(members)
        }
    };
    Ok(Node { position, value })
}

fn member(text: &str, property: ObjectProp<'_>) -> Result<Member, Problem> {
    let position = position_at(text, property.range.start);
    Ok(Member { name: property.name.into_string(), position, node: node(text, property.value)? })
}
