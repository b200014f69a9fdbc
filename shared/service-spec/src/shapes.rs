//! The shapes of a spec: AWS's own, made from its API model, and Portkeeper's (`shapes/*.txt`).

use std::collections::BTreeMap;

/// Made by `scripts/make-spec-schema.py`, as docs/service-spec.schema.json is.
const AWS: &str = include_str!("shapes/aws.txt");

/// The shapes that Portkeeper adds.
const OWN: &str = include_str!("shapes/own.txt");

/// The shape of a whole spec.
pub(super) const SPEC: &str = "Spec";

/// The shape of the task definition.
pub(super) const TASK_DEFINITION: &str = "RegisterTaskDefinitionRequest";

/// The members that `UpdateService` takes.
pub(super) const UPDATE: &str = "UpdateServiceRequest";

/// All shapes, by name.
pub(super) struct Shapes(BTreeMap<&'static str, Shape>);

/// A shape.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Members, in AWS's order.
    Structure { members: Vec<MemberShape>, sensitive: bool },
    /// A list of one shape.
    List { of: &'static str, limits: Limits, sensitive: bool },
    /// Any keys, with values of one shape.
    Map { of: &'static str },
    /// The first of these that fits: one is a scalar, the other is not.
    Either { first: &'static str, second: &'static str },
    /// A text; if there are values, one of them.
    Text { values: Vec<&'static str>, limits: Limits },
    /// A whole number.
    Integer(Limits),
    /// Any number.
    Double(Limits),
    /// True or false.
    Boolean,
    /// Anything.
    Document,
    /// Only names.
    Names(Vec<&'static str>),
}

/// A member of a structure.
#[derive(Debug, Clone)]
pub(super) struct MemberShape {
    pub(super) name: &'static str,
    pub(super) shape: &'static str,
    pub(super) required: bool,
}

/// The least and the most: of a number, of a text's characters, of a list's elements.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
}

impl Limits {
    fn of(words: &[&str]) -> Self {
        let bounds = words.iter().find_map(|word| word.split_once(".."));
        let (least, most) = bounds.unwrap_or_default();
        Self { least: least.parse().ok(), most: most.parse().ok() }
    }

    /// Whether it lies between.
    pub(super) fn hold(self, number: i64) -> bool {
        self.least.is_none_or(|least| least <= number)
            && self.most.is_none_or(|most| number <= most)
    }

    /// `from 1 to 5`
    pub(super) fn words(self) -> String {
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("{least} or more"),
            (None, Some(most)) => format!("{most} or less"),
            (None, None) => "any".to_owned(),
        }
    }
}

impl Shapes {
    /// Reads both files. It takes a fraction of a millisecond.
    pub(super) fn load() -> Self {
        let mut shapes = Self(BTreeMap::new());
        let mut current = "";
        for line in AWS.lines().chain(OWN.lines()) {
            let code = line.split(" -- ").next().unwrap_or_default();
            let words: Vec<&'static str> = code.split_whitespace().collect();
            match words.as_slice() {
                [] | ["#", ..] => {}
                [name, shape, rest @ ..] if code.starts_with("  ") => {
                    shapes.add_member(
                        current,
                        MemberShape { name, shape, required: rest.contains(&"required") },
                    );
                }
                ["extend", name, ..] => current = name,
                [kind, name, rest @ ..] => {
                    current = name;
                    shapes.0.insert(name, shape(kind, rest));
                }
                _ => {}
            }
        }
        shapes
    }

    fn add_member(&mut self, structure: &str, member: MemberShape) {
        if let Some(Shape::Structure { members, .. }) = self.0.get_mut(structure) {
            members.push(member);
        }
    }

    /// The shape of this name. A test holds that every name that is used is there.
    pub(super) fn get(&self, name: &str) -> &Shape {
        self.0.get(name).unwrap_or(&Shape::Document)
    }

    /// The members of a structure.
    pub(super) fn members(&self, name: &str) -> &[MemberShape] {
        match self.get(name) {
            Shape::Structure { members, .. } => members,
            _ => &[],
        }
    }

    /// Whether the service can be changed in this member.
    pub(super) fn is_updatable(&self, member: &str) -> bool {
        matches!(self.get(UPDATE), Shape::Names(names) if names.contains(&member))
    }
}

fn shape(kind: &str, rest: &[&'static str]) -> Shape {
    let sensitive = rest.contains(&"sensitive");
    match (kind, rest) {
        ("structure", _) => Shape::Structure { members: Vec::new(), sensitive },
        ("list", [of, ..]) => Shape::List { of, limits: Limits::of(rest), sensitive },
        ("map", [of, ..]) => Shape::Map { of },
        ("either", [first, second, ..]) => Shape::Either { first, second },
        ("string", [values, ..]) if !values.contains("..") => {
            Shape::Text { values: values.split('|').collect(), limits: Limits::default() }
        }
        ("string", _) => Shape::Text { values: Vec::new(), limits: Limits::of(rest) },
        ("integer", _) => Shape::Integer(Limits::of(rest)),
        ("double", _) => Shape::Double(Limits::of(rest)),
        ("boolean", _) => Shape::Boolean,
        ("names", _) => Shape::Names(rest.to_vec()),
        _ => Shape::Document,
    }
}

#[cfg(test)]
mod tests {
    use super::{SPEC, Shape, Shapes, TASK_DEFINITION, UPDATE};

    #[test]
    fn every_shape_that_is_named_is_there() {
        let shapes = Shapes::load();
        for (name, shape) in &shapes.0 {
            let named: Vec<&str> = match shape {
                Shape::Structure { members, .. } => {
                    members.iter().map(|member| member.shape).collect()
                }
                Shape::List { of, .. } | Shape::Map { of } => vec![of],
                Shape::Either { first, second } => vec![first, second],
                _ => Vec::new(),
            };
            for references in named {
                assert!(shapes.0.contains_key(references), "{name} names {references}");
            }
        }
        for references in [SPEC, TASK_DEFINITION, UPDATE] {
            assert!(shapes.0.contains_key(references), "{references}");
        }
    }
}
