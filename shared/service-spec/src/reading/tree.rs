//! The parsed file before any interpretation: scalars with their original text, lists, and members
//! in their order.

use crate::problem::{Position, Problem, ProblemCode};

/// A value and its position.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) position: Position,
    /// The value.
    pub(crate) value: NodeValue,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum NodeValue {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// Members, each name once.
    Object(Vec<Member>),
}

/// A scalar as it is written: `1.10` stays `1.10` where a text is expected.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// Its text.
    pub(crate) text: String,
    /// Its type, if no shape determines one.
    pub(crate) kind: Kind,
}

/// The type of a scalar, if no shape determines one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
}

/// A member of an object.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// The position of its name.
    pub(crate) position: Position,
    /// Its value.
    pub(crate) node: Node,
}

impl Node {
    /// What it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::List(_) => "a list",
            NodeValue::Object(_) => "a mapping",
            NodeValue::Scalar(scalar) => match scalar.kind {
                Kind::Null => "nothing",
                Kind::Bool => "true or false",
                Kind::Number => "a number",
                Kind::Text => "a text",
            },
        }
    }
}

/// The position of a byte in a text.
pub(super) fn position_at(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// Adds a member; a duplicate name is an error.
pub(super) fn add(members: &mut Vec<Member>, member: Member) -> Result<(), Problem> {
    let Some(first) = members.iter().find(|known| known.name == member.name) else {
        members.push(member);
        return Ok(());
    };
    let message = format!(
        "duplicate member `{}`, first in line {}; keep one of them",
        member.name, first.position.line
    );
    Err(Problem::error(ProblemCode::DuplicateKey, member.name, message)
        .at_position(member.position))
}
