//! The parsed file before any interpretation: scalars with their original text, lists, and members
//! in their order.

use crate::problem::{Position, Problem, ProblemCode};

/// A value, and where it begins.
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
    /// Anything that is not made of others.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// Members, each name once.
    Object(Vec<Member>),
}

/// A scalar as it is written: `1.10` stays `1.10` where a text is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// Its text.
    pub(crate) text: String,
    /// What it would be by itself.
    pub(crate) kind: Kind,
}

/// What a scalar is by itself.
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
    /// Where its name is.
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

/// The place of a byte in a text.
pub(super) fn position_at(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// Adds a member; a name that is there already is an error.
pub(super) fn add(members: &mut Vec<Member>, member: Member) -> Result<(), Problem> {
    let Some(first) = members.iter().find(|known| known.name == member.name) else {
        members.push(member);
        return Ok(());
    };
    let message = format!(
        "`{}` is here twice, first in line {}; keep one of them",
        member.name, first.position.line
    );
    Err(Problem::error(ProblemCode::DuplicateKey, member.name, message)
        .at_position(member.position))
}
