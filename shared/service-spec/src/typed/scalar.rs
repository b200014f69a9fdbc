//! Texts, numbers and Booleans. A number may be written as a text and vice versa, as AWS's tools
//! accept them.

use super::unknown::meant;
use super::{Typed, references};
use crate::problem::{Problem, ProblemCode};
use crate::reading::{Kind, Node, Scalar};
use crate::shapes::{Limits, Shape};
use serde_json::{Number, Value};

impl Typed<'_> {
    pub(super) fn scalar(
        &mut self,
        scalar: &Scalar,
        shape: &Shape,
        node: &Node,
        at: &str,
    ) -> Option<Value> {
        match shape {
            Shape::Text { values, limits } => {
                let text = self.text(scalar, values, *limits, node, at);
                Some(Value::String(text.to_owned()))
            }
            Shape::Integer(limits) => self.integer(scalar, *limits, node, at),
            Shape::Double(limits) => self.double(scalar, *limits, node, at),
            Shape::Boolean => self.boolean(scalar, node, at),
            other => {
                self.wrong(node, at, references(other));
                None
            }
        }
    }

    /// The text, or the value that it probably means.
    fn text<'t>(
        &mut self,
        scalar: &'t Scalar,
        values: &[&'t str],
        limits: Limits,
        node: &Node,
        at: &str,
    ) -> &'t str {
        let length = i64::try_from(scalar.text.chars().count()).unwrap_or(i64::MAX);
        if !limits.hold(length) {
            let message =
                format!("the text has {length} characters; AWS accepts {}", limits.words());
            self.problems.push(
                Problem::error(ProblemCode::TextLength, at, message).at_position(node.position),
            );
        }
        if values.is_empty() || values.contains(&scalar.text.as_str()) {
            return &scalar.text;
        }
        let meant = meant(values.iter().copied(), &scalar.text);
        let hint = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("allowed: {}", values.join(", ")),
        };
        let message = format!("unknown value `{}`; {hint}", scalar.text);
        let problem = if self.lenient {
            Problem::warning(ProblemCode::UnknownValue, at, message)
        } else {
            Problem::error(ProblemCode::UnknownValue, at, message)
        };
        self.problems.push(problem.at_position(node.position));
        meant.filter(|_| !self.lenient).unwrap_or(&scalar.text)
    }

    fn integer(&mut self, scalar: &Scalar, limits: Limits, node: &Node, at: &str) -> Option<Value> {
        let Some(number) = scalar.text.parse::<i32>().ok().filter(|_| scalar.kind != Kind::Bool)
        else {
            let message = format!("expected an integer, found `{}`", scalar.text);
            self.problems.push(
                Problem::error(ProblemCode::WrongType, at, message).at_position(node.position),
            );
            return None;
        };
        self.check_limits(number.into(), limits, node, at);
        Some(Value::from(number))
    }

    fn double(&mut self, scalar: &Scalar, limits: Limits, node: &Node, at: &str) -> Option<Value> {
        // A whole number stays one, so that it reaches AWS as it was written.
        let number = match scalar.text.parse::<i64>() {
            Ok(number) => Some(Number::from(number)),
            Err(_) => scalar.text.parse::<f64>().ok().and_then(Number::from_f64),
        };
        let Some(number) = number.filter(|_| scalar.kind != Kind::Bool) else {
            let message = format!("expected a number, found `{}`", scalar.text);
            self.problems.push(
                Problem::error(ProblemCode::WrongType, at, message).at_position(node.position),
            );
            return None;
        };
        if let Some(whole) = number.as_i64() {
            self.check_limits(whole, limits, node, at);
        }
        Some(Value::Number(number))
    }

    fn boolean(&mut self, scalar: &Scalar, node: &Node, at: &str) -> Option<Value> {
        let value = match scalar.text.to_ascii_lowercase().as_str() {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "yes" | "on" | "y" => "; write true",
            "no" | "off" | "n" => "; write false",
            _ => "",
        };
        let message = format!("expected true or false, found `{}`{value}", scalar.text);
        self.problems
            .push(Problem::error(ProblemCode::WrongType, at, message).at_position(node.position));
        None
    }

    fn check_limits(&mut self, number: i64, limits: Limits, node: &Node, at: &str) {
        if !limits.hold(number) {
            let message = format!("{number} is out of range; AWS accepts {}", limits.words());
            self.problems.push(
                Problem::error(ProblemCode::OutOfRange, at, message).at_position(node.position),
            );
        }
    }
}
