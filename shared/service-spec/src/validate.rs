//! Validates a spec file offline.

use super::draft::draft;
use super::problem::{Position, Problem, ProblemCode};
use super::reading::{self, Node, NodeValue};
use super::shapes::{SPEC, Shapes};
use super::spec::Spec;
use super::typed::Typed;
use super::verify::verify;
use std::collections::BTreeMap;

/// Reads and verifies a spec file. Returns all problems, sorted by position, and a spec only if
/// none of them is an error. `name` decides whether the file is read as JSON (`.json`) or as YAML.
#[must_use]
pub fn validate(name: &str, bytes: &[u8]) -> (Option<Spec>, Vec<Problem>) {
    let node = match reading::read(name, bytes) {
        Ok(node) => node,
        Err(problem) => return (None, vec![problem]),
    };
    if !matches!(node.value, NodeValue::Object(_)) {
        let message = format!(
            "expected a mapping with `cluster`, `service` and other members, found {}",
            node.kind()
        );
        return (
            None,
            vec![Problem::error(ProblemCode::WrongType, "", message).at_position(node.position)],
        );
    }
    let shapes = Shapes::load();
    let mut typed = Typed::new(&shapes, is_lenient(&node));
    let root = typed.value(&node, SPEC, "").unwrap_or_default();
    let Typed { mut problems, positions, .. } = typed;
    let spec = draft(&root, positions, &mut problems);
    let mut problems = verify(&spec, problems);
    locate(&mut problems, &spec.positions);
    let is_good = !problems.iter().any(Problem::is_error);
    (is_good.then_some(spec), problems)
}

/// Needed before anything is read by its shape.
fn is_lenient(node: &Node) -> bool {
    let NodeValue::Object(members) = &node.value else { return false };
    let lenient = members.iter().find(|member| member.name == "allowUnknownMembers");
    lenient.is_some_and(
        |member| matches!(&member.node.value, NodeValue::Scalar(scalar) if scalar.text == "true"),
    )
}

/// Adds the position to each problem, and sorts the problems by position.
pub(super) fn locate(problems: &mut [Problem], positions: &BTreeMap<String, Position>) {
    for problem in problems.iter_mut().filter(|problem| problem.position.is_none()) {
        problem.position = position(&problem.at, positions);
    }
    problems.sort_by(|one, other| {
        (one.position, &one.at, one.level).cmp(&(other.position, &other.at, other.level))
    });
}

/// Returns the position of a member, or of the nearest member that contains it.
fn position(at: &str, positions: &BTreeMap<String, Position>) -> Option<Position> {
    let mut at = at;
    loop {
        if let Some(position) = positions.get(at) {
            return Some(*position);
        }
        if at.is_empty() {
            return None;
        }
        at = at.get(..at.rfind(['.', '[']).unwrap_or(0)).unwrap_or_default();
    }
}
