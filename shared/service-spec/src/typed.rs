//! Converts a parsed file to AWS's JSON: compares each value with its shape, and records every
//! problem and position. If a mistake leaves no doubt about what was meant, the reader reports it
//! and continues with the intended value: one mistake causes one problem.

mod scalar;
mod unknown;

use super::problem::{Position, Problem, ProblemCode};
use super::reading::{Kind, Member, Node, NodeValue, Scalar};
use super::shapes::{Limits, MemberShape, SPEC, Shape, Shapes};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads values by their shapes.
pub(super) struct Typed<'a> {
    shapes: &'a Shapes,
    /// Unknown members and values are passed on, with only a warning.
    lenient: bool,
    /// The problems so far.
    pub(super) problems: Vec<Problem>,
    /// Where each value is.
    pub(super) positions: BTreeMap<String, Position>,
}

impl<'a> Typed<'a> {
    pub(super) fn new(shapes: &'a Shapes, lenient: bool) -> Self {
        Self { shapes, lenient, problems: Vec::new(), positions: BTreeMap::new() }
    }

    /// The value in AWS's JSON; none if it cannot be converted, or if it has no value.
    pub(super) fn value(&mut self, node: &Node, shape: &str, at: &str) -> Option<Value> {
        self.positions.insert(at.to_owned(), node.position);
        let shape_of = self.shapes.get(shape);
        if let NodeValue::Scalar(Scalar { kind: Kind::Null, .. }) = node.value {
            self.warn(
                ProblemCode::NoValue,
                at,
                node.position,
                "it has no value, so Portkeeper ignores it".to_owned(),
            );
            return None;
        }
        match (shape_of, &node.value) {
            (Shape::Structure { members, .. }, NodeValue::Object(given)) => {
                Some(Value::Object(self.structure(shape, members, given, node.position, at)))
            }
            (Shape::List { of, limits, .. }, NodeValue::List(elements)) => {
                Some(Value::Array(self.list(of, *limits, elements, node.position, at)))
            }
            (Shape::Map { of }, NodeValue::Object(given)) => {
                Some(Value::Object(self.map(of, given, at)))
            }
            (Shape::Either { first, second }, value) => {
                let shape = if matches!(value, NodeValue::Scalar(_)) { first } else { second };
                self.value(node, shape, at)
            }
            (Shape::Document | Shape::Names(_), _) => Some(as_it_is(node)),
            (shape, NodeValue::Scalar(scalar)) => self.scalar(scalar, shape, node, at),
            (shape, _) => {
                self.wrong(node, at, references(shape));
                None
            }
        }
    }

    fn structure(
        &mut self,
        shape: &str,
        members: &[MemberShape],
        given: &[Member],
        position: Position,
        at: &str,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        for member in given {
            let path = below(at, &member.name);
            let known = match members.iter().find(|known| known.name == member.name) {
                Some(known) => known,
                None if shape == SPEC && member.name.starts_with("x-") => continue,
                None if self.lenient => {
                    self.pass_on(member, &path);
                    object.insert(member.name.clone(), as_it_is(&member.node));
                    continue;
                }
                None => match self.unknown(members, member, given, &path) {
                    Some(meant) => meant,
                    None => continue,
                },
            };
            if let Some(value) = self.value(&member.node, known.shape, &below(at, known.name)) {
                object.insert(known.name.to_owned(), value);
            }
        }
        let is_given = |name: &str| {
            given.iter().any(|member| member.name == name) || object.contains_key(name)
        };
        for missing in members.iter().filter(|member| member.required && !is_given(member.name)) {
            let message = format!("`{}` is missing here", missing.name);
            self.problems.push(
                Problem::error(ProblemCode::MissingMember, below(at, missing.name), message)
                    .at_position(position),
            );
        }
        object
    }

    fn list(
        &mut self,
        of: &str,
        limits: Limits,
        elements: &[Node],
        position: Position,
        at: &str,
    ) -> Vec<Value> {
        let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        if !limits.hold(count) {
            let message = format!("the list has {count} elements; AWS accepts {}", limits.words());
            self.problems
                .push(Problem::error(ProblemCode::ListLength, at, message).at_position(position));
        }
        let values = elements.iter().enumerate();
        values.filter_map(|(index, node)| self.value(node, of, &format!("{at}[{index}]"))).collect()
    }

    fn map(&mut self, of: &str, given: &[Member], at: &str) -> Map<String, Value> {
        let values = given.iter().filter_map(|member| {
            let value = self.value(&member.node, of, &below(at, &member.name))?;
            Some((member.name.clone(), value))
        });
        values.collect()
    }

    fn wrong(&mut self, node: &Node, at: &str, expected: &str) {
        let hint = match (&node.value, expected) {
            (NodeValue::Scalar(scalar), "a list") => format!("; write [{}]", scalar.text),
            (NodeValue::Object(_), "a list") => "; begin each element with `- `".to_owned(),
            _ => String::new(),
        };
        let message = format!("expected {expected}, found {}{hint}", node.kind());
        self.problems
            .push(Problem::error(ProblemCode::WrongType, at, message).at_position(node.position));
    }

    fn warn(&mut self, code: ProblemCode, at: &str, position: Position, message: String) {
        self.problems.push(Problem::warning(code, at, message).at_position(position));
    }
}

/// `a.b`
fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn references(shape: &Shape) -> &'static str {
    match shape {
        Shape::Structure { .. } | Shape::Map { .. } => "a mapping",
        Shape::List { .. } => "a list",
        Shape::Text { .. } => "a text",
        Shape::Integer(_) => "a whole number",
        Shape::Double(_) => "a number",
        Shape::Boolean => "true or false",
        Shape::Either { .. } | Shape::Document | Shape::Names(_) => "another value",
    }
}

/// The value as it would be without any shape.
fn as_it_is(node: &Node) -> Value {
    match &node.value {
        NodeValue::List(elements) => Value::Array(elements.iter().map(as_it_is).collect()),
        NodeValue::Object(members) => Value::Object(
            members.iter().map(|member| (member.name.clone(), as_it_is(&member.node))).collect(),
        ),
        NodeValue::Scalar(Scalar { text, kind }) => match kind {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(text.eq_ignore_ascii_case("true")),
            Kind::Number => {
                text.parse().map_or_else(|_| Value::String(text.clone()), Value::Number)
            }
            Kind::Text => Value::String(text.clone()),
        },
    }
}
