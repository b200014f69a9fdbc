//! Parses YAML 1.2 with positions: anchors and merge keys, no tags but the core schema's, one
//! document.

use super::syntax;
use super::tree::{Kind, Member, Node, NodeValue, Scalar, add};
use crate::problem::{Position, Problem};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The maximum depth of nested values. AWS's inputs have ten levels.
const DEEPEST: usize = 64;

/// How many values a file may have after its anchors are resolved: a few lines can expand to a
/// billion values (a "billion laughs" attack).
const MOST_NODES: usize = 50_000;

/// The key that merges the members of another mapping.
const MERGE: &str = "<<";

pub(super) fn read(text: &str) -> Result<Node, Problem> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), nodes: 0 };
    let mut document = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamEnd
            | Event::Nothing => {}
            event if document.is_none() => document = Some(reader.node(event, span, 0)?),
            _ => {
                return Err(syntax(
                    position(span.start),
                    "a second document begins here: a spec has one".to_owned(),
                ));
            }
        }
    }
    match document {
        Some(Node { value: NodeValue::Scalar(Scalar { kind: Kind::Null, .. }), .. }) | None => {
            Err(super::empty())
        }
        Some(node) => Ok(node),
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// The values of anchors, with their sizes.
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Problem> {
        self.parser.next_event().transpose().map_err(|error| {
            let message = format!("this is not YAML: {}{}", error.info(), hint(error.info()));
            syntax(position(*error.marker()), message)
        })
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let position = position(span.start);
        if depth > DEEPEST {
            return Err(syntax(
                position,
                format!("values are nested more than {DEEPEST} levels deep here"),
            ));
        }
        let before = self.nodes;
        self.count(1, position)?;
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, position),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, NodeValue::Scalar(scalar(text, style, tag.as_deref(), position)?))
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), &["seq"], position)?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), &["map"], position)?;
                (anchor, self.object(depth)?)
            }
            _ => {
                return Err(syntax(
                    position,
                    "this is not YAML: a value is missing here".to_owned(),
                ));
            }
        };
        let node = Node { position, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes.saturating_sub(before)));
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            let message =
                format!("with its anchors resolved, the file has more than {MOST_NODES} values");
            return Err(syntax(position, message));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, position: Position) -> Result<Node, Problem> {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(syntax(position, "this anchor contains itself".to_owned()));
        };
        self.count(size, position)?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<NodeValue, Problem> {
        let mut elements = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            elements.push(self.node(event, span, depth + 1)?);
        }
        Ok(NodeValue::List(elements))
    }

    fn object(&mut self, depth: usize) -> Result<NodeValue, Problem> {
        let (mut members, mut merged) = (Vec::new(), Vec::new());
        while let Some((event, span)) = self.next()? {
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style),
                _ => {
                    return Err(syntax(
                        position(span.start),
                        "a member's name is a text".to_owned(),
                    ));
                }
            };
            let Some((event, value_span)) = self.next()? else { break };
            let node = self.node(event, value_span, depth + 1)?;
            let (name, style) = key;
            if name == MERGE && style == ScalarStyle::Plain {
                merged.push(node);
            } else {
                add(&mut members, Member { name, position: position(span.start), node })?;
            }
        }
        for node in merged {
            merge(&mut members, node)?;
        }
        Ok(NodeValue::Object(members))
    }
}

/// A mapping's own members take precedence over merged ones, and earlier merged mappings over later
/// ones.
fn merge(members: &mut Vec<Member>, node: Node) -> Result<(), Problem> {
    match node.value {
        NodeValue::Object(others) => {
            for other in others {
                if !members.iter().any(|member| member.name == other.name) {
                    members.push(other);
                }
            }
            Ok(())
        }
        NodeValue::List(nodes) => nodes.into_iter().try_for_each(|node| merge(members, node)),
        NodeValue::Scalar(_) => Err(syntax(
            node.position,
            "`<<` must refer to a mapping, such as `<<: *name` with an anchor `&name`".to_owned(),
        )),
    }
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

/// Some of the parser's messages describe its internals.
fn hint(info: &str) -> &'static str {
    if info.contains("simple key") || info.contains("mapping values") {
        " (is a `:` or the indentation wrong here or in the line before?)"
    } else if info.contains("tab") {
        " (indent with spaces)"
    } else {
        ""
    }
}

fn refuse_tag(tag: Option<&Tag>, allowed: &[&str], position: Position) -> Result<(), Problem> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && allowed.contains(&tag.suffix.as_str())) => {
            let message = format!(
                "the tag `{}{}` is not understood; specs are plain YAML, without CloudFormation's functions: write the value itself",
                tag.handle, tag.suffix
            );
            Err(syntax(position, message))
        }
        _ => Ok(()),
    }
}

fn scalar(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    position: Position,
) -> Result<Scalar, Problem> {
    refuse_tag(tag, &["str", "int", "float", "bool", "null"], position)?;
    let kind = match tag.map(|tag| tag.suffix.as_str()) {
        Some("str") => Kind::Text,
        Some("int" | "float") => Kind::Number,
        Some("bool") => Kind::Bool,
        Some("null") => Kind::Null,
        _ if style == ScalarStyle::Plain => plain(&text),
        _ => Kind::Text,
    };
    Ok(Scalar { text: text.into_owned(), kind })
}

/// The core schema of YAML 1.2 (section 10.3.2): `yes`, `no` and `on` are texts.
fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
        _ if is_number(text) => Kind::Number,
        _ => Kind::Text,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let begins_well = unsigned
        .strip_prefix('.')
        .unwrap_or(unsigned)
        .starts_with(|first: char| first.is_ascii_digit());
    begins_well && unsigned.parse::<f64>().is_ok()
}
