//! Condition expressions: parsed, then evaluated on an item that may not exist.
//!
//! `attribute_exists(a)`, `attribute_not_exists(a)`, comparisons of an attribute with a value,
//! `AND`, `OR`, `NOT` and parentheses. Not supported: `begins_with`, `contains`, `size`, `IN`,
//! `BETWEEN`, document paths. Source:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>.

use super::Item;
use super::expression::Placeholders;
use super::item::parts;
use crate::api::{ApiError, Service};
use serde_json::Value;
use std::cmp::Ordering;

/// A parsed condition.
#[derive(Debug)]
pub(super) enum Condition<'a> {
    Exists(&'a str),
    Compare(&'a str, Comparison, &'a Value),
    Not(Box<Condition<'a>>),
    All(Vec<Condition<'a>>),
    Any(Vec<Condition<'a>>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl<'a> Condition<'a> {
    /// Parses the whole text. `OR` binds weakest, `NOT` strongest.
    pub(super) fn parse(
        text: &'a str,
        placeholders: &mut Placeholders<'a>,
    ) -> Result<Self, ApiError> {
        let mut parser = Parser { tokens: tokens(text), next: 0, placeholders };
        let condition = parser.any()?;
        match parser.peek() {
            None => Ok(condition),
            Some(token) => Err(syntax(token)),
        }
    }

    /// Whether the condition holds for the item. An absent attribute satisfies only
    /// `attribute_not_exists` and `<>`.
    pub(super) fn holds(&self, item: Option<&Item>) -> bool {
        match self {
            Self::Exists(name) => item.is_some_and(|item| item.contains_key(*name)),
            Self::Compare(name, comparison, value) => {
                comparison.holds(item.and_then(|item| item.get(*name)), value)
            }
            Self::Not(condition) => !condition.holds(item),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(item)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(item)),
        }
    }
}

impl Comparison {
    fn holds(self, found: Option<&Value>, wanted: &Value) -> bool {
        let equal = found
            .is_some_and(|found| found == wanted || order(found, wanted) == Some(Ordering::Equal));
        let order = found.and_then(|found| order(found, wanted));
        match self {
            Self::Equal => equal,
            Self::NotEqual => !equal,
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// Only two strings or two numbers can be ordered.
fn order(found: &Value, wanted: &Value) -> Option<Ordering> {
    match (parts(found)?, parts(wanted)?) {
        (("S", found), ("S", wanted)) => Some(found.as_str()?.cmp(wanted.as_str()?)),
        (("N", found), ("N", wanted)) => number_order(found.as_str()?, wanted.as_str()?),
        _ => None,
    }
}

/// Integers are compared exactly: a counter beyond 2^53 must not equal its neighbour.
fn number_order(found: &str, wanted: &str) -> Option<Ordering> {
    match (found.parse::<i128>(), wanted.parse::<i128>()) {
        (Ok(found), Ok(wanted)) => Some(found.cmp(&wanted)),
        _ => found.parse::<f64>().ok()?.partial_cmp(&wanted.parse::<f64>().ok()?),
    }
}

struct Parser<'p, 'a> {
    tokens: Vec<&'a str>,
    next: usize,
    placeholders: &'p mut Placeholders<'a>,
}

impl<'a> Parser<'_, 'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self) -> Result<&'a str, ApiError> {
        let token = self.peek().ok_or_else(|| syntax("<EOF>"))?;
        self.next += 1;
        Ok(token)
    }

    fn take_if(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), ApiError> {
        if self.take_if(word) {
            return Ok(());
        }
        Err(syntax(self.peek().unwrap_or("<EOF>")))
    }

    fn any(&mut self) -> Result<Condition<'a>, ApiError> {
        let mut conditions = vec![self.all()?];
        while self.take_if("OR") {
            conditions.push(self.all()?);
        }
        Ok(Condition::Any(conditions))
    }

    fn all(&mut self) -> Result<Condition<'a>, ApiError> {
        let mut conditions = vec![self.term()?];
        while self.take_if("AND") {
            conditions.push(self.term()?);
        }
        Ok(Condition::All(conditions))
    }

    fn term(&mut self) -> Result<Condition<'a>, ApiError> {
        if self.take_if("NOT") {
            return Ok(Condition::Not(Box::new(self.term()?)));
        }
        if self.take_if("(") {
            let condition = self.any()?;
            self.expect(")")?;
            return Ok(condition);
        }
        let token = self.take()?;
        match token {
            "attribute_exists" => Ok(Condition::Exists(self.argument()?)),
            "attribute_not_exists" => {
                Ok(Condition::Not(Box::new(Condition::Exists(self.argument()?))))
            }
            _ => {
                let name = self.placeholders.name(token)?;
                let comparison = self.comparison()?;
                let value = self.take()?;
                Ok(Condition::Compare(name, comparison, self.placeholders.value(value)?))
            }
        }
    }

    fn argument(&mut self) -> Result<&'a str, ApiError> {
        self.expect("(")?;
        let token = self.take()?;
        let name = self.placeholders.name(token)?;
        self.expect(")")?;
        Ok(name)
    }

    fn comparison(&mut self) -> Result<Comparison, ApiError> {
        match self.take()? {
            "=" => Ok(Comparison::Equal),
            "<>" => Ok(Comparison::NotEqual),
            "<" => Ok(Comparison::Less),
            "<=" => Ok(Comparison::LessOrEqual),
            ">" => Ok(Comparison::Greater),
            ">=" => Ok(Comparison::GreaterOrEqual),
            token => Err(syntax(token)),
        }
    }
}

/// Splits into words, parentheses and comparison operators.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_sign = |c: char| matches!(c, '<' | '>' | '=');
        let is_word = |c: char| !c.is_whitespace() && !is_sign(c) && c != '(' && c != ')';
        let end = match first {
            '(' | ')' => Some(1),
            _ if is_sign(first) => rest.find(|c| !is_sign(c)),
            _ => rest.find(|c| !is_word(c)),
        };
        let (token, tail) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens
}

fn syntax(token: &str) -> ApiError {
    let message = format!("Invalid ConditionExpression: Syntax error; token: \"{token}\"");
    ApiError::invalid(Service::DynamoDb, message)
}
