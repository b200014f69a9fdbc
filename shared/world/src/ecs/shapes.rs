//! Validates the inputs of task definitions and services against AWS's API model: every member and
//! its type.
//!
//! Knows types, not meanings. Most members are only stored and returned. The model is in
//! `shapes.txt`, generated from botocore's.

use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SHAPES: LazyLock<BTreeMap<&'static str, Shape>> =
    LazyLock::new(|| parse(include_str!("shapes.txt")));

#[derive(Debug)]
enum Shape {
    /// Its members: shape, and whether it is required.
    Structure(BTreeMap<&'static str, (&'static str, bool)>),
    List {
        of: &'static str,
        length: Limits,
    },
    Map {
        of: &'static str,
    },
    /// One of these values, or any string if there are none.
    Text(Vec<&'static str>),
    Integer(Limits),
    Number,
    Boolean,
    /// Any JSON.
    Document,
}

/// Minimum and maximum, if the model has them.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    least: Option<i64>,
    most: Option<i64>,
}

/// Validates the input of an operation of the model, such as `CreateService`.
pub(super) fn read<'a>(operation: &'a str, input: &'a Value) -> Result<Input<'a>, ApiError> {
    check(&format!("{operation}Request"), operation, input)?;
    Input::checked(Service::Ecs, operation, input)
}

fn parse(text: &'static str) -> BTreeMap<&'static str, Shape> {
    let mut shapes = BTreeMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        if line.starts_with(' ') {
            if let Some(Shape::Structure(members)) = shapes.get_mut(current) {
                members.insert(first, (second, words.next() == Some("required")));
            }
            continue;
        }
        current = second;
        let mut rest = words.filter(|word| *word != "sensitive");
        shapes.insert(
            second,
            match first {
                "structure" => Shape::Structure(BTreeMap::new()),
                "list" => {
                    let of = rest.next().unwrap_or_default();
                    Shape::List { of, length: limits(rest.next()) }
                }
                "map" => Shape::Map { of: rest.next().unwrap_or_default() },
                // Values are separated by bars; limits of a string's length have none.
                "string" => Shape::Text(
                    rest.next()
                        .filter(|word| !word.contains(".."))
                        .map(|word| word.split('|').collect())
                        .unwrap_or_default(),
                ),
                "integer" => Shape::Integer(limits(rest.next())),
                "double" => Shape::Number,
                "boolean" => Shape::Boolean,
                _ => Shape::Document,
            },
        );
    }
    shapes
}

fn limits(word: Option<&str>) -> Limits {
    let Some((least, most)) = word.and_then(|word| word.split_once("..")) else {
        return Limits::default();
    };
    Limits { least: least.parse().ok(), most: most.parse().ok() }
}

/// Validates a value recursively. JSON null counts as absent.
fn check(shape: &str, place: &str, value: &Value) -> Result<(), ApiError> {
    let wrong = |kind: &str| {
        Err(ApiError::refused("SerializationException", format!("{place} must be {kind}")))
    };
    let refuse = |text: String| Err(ApiError::invalid(Service::Ecs, text));
    match SHAPES.get(shape) {
        None => refuse(format!("{shape} ({place}) is not in the API model")),
        Some(Shape::Structure(members)) => match value.as_object() {
            None => wrong("a structure"),
            Some(given) => structure(members, place, given),
        },
        Some(Shape::List { of, length }) => match value.as_array() {
            None => wrong("a list"),
            Some(items) if outside(*length, i64::try_from(items.len()).unwrap_or(i64::MAX)) => {
                refuse(format!("{place} has {} items, which is outside its limits.", items.len()))
            }
            Some(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(at, item)| check(of, &format!("{place}[{at}]"), item)),
        },
        Some(Shape::Map { of }) => match value.as_object() {
            None => wrong("a map"),
            Some(entries) => entries
                .iter()
                .try_for_each(|(key, entry)| check(of, &format!("{place}.{key}"), entry)),
        },
        Some(Shape::Text(words)) => match value.as_str() {
            None => wrong("a string"),
            Some(text) if !words.is_empty() && !words.contains(&text) => refuse(format!(
                "1 validation error detected: Value '{text}' at '{place}' failed to satisfy constraint: Member must \
                 satisfy enum value set: [{}]",
                words.join(", ")
            )),
            Some(_) => Ok(()),
        },
        Some(Shape::Integer(limits)) => match value.as_i64() {
            None => wrong("an integer"),
            Some(number) if outside(*limits, number) => {
                refuse(format!("{place} '{number}' is outside its limits."))
            }
            Some(_) => Ok(()),
        },
        Some(Shape::Number) if !value.is_number() => wrong("a number"),
        Some(Shape::Boolean) if !value.is_boolean() => wrong("a boolean"),
        Some(Shape::Number | Shape::Boolean | Shape::Document) => Ok(()),
    }
}

fn structure(
    members: &BTreeMap<&'static str, (&'static str, bool)>,
    place: &str,
    given: &serde_json::Map<String, Value>,
) -> Result<(), ApiError> {
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        match members.get(name.as_str()) {
            Some((shape, _)) => check(shape, &format!("{place}.{name}"), value)?,
            None => {
                return Err(ApiError::invalid(
                    Service::Ecs,
                    format!("{place} has no member `{name}`"),
                ));
            }
        }
    }
    let missing = |(name, (_, required)): &(&&str, &(&str, bool))| {
        *required && given.get(**name).is_none_or(Value::is_null)
    };
    match members.iter().find(missing) {
        Some((name, _)) => {
            Err(ApiError::invalid(Service::Ecs, format!("{name} can not be blank ({place}).")))
        }
        None => Ok(()),
    }
}

fn outside(limits: Limits, number: i64) -> bool {
    limits.least.is_some_and(|least| number < least)
        || limits.most.is_some_and(|most| number > most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(input: &Value) -> String {
        check("CreateServiceRequest", "CreateService", input).unwrap_err().to_string()
    }

    #[test]
    fn every_referenced_shape_exists() {
        let named = SHAPES.values().flat_map(|shape| match shape {
            Shape::Structure(members) => members.values().map(|(shape, _)| *shape).collect(),
            Shape::List { of, .. } | Shape::Map { of } => vec![*of],
            _ => Vec::new(),
        });
        assert_eq!(named.filter(|name| !SHAPES.contains_key(name)).collect::<Vec<_>>(), [""; 0]);
        for operation in ["RegisterTaskDefinition", "CreateService", "UpdateService"] {
            assert!(SHAPES.contains_key(format!("{operation}Request").as_str()), "{operation}");
        }
    }

    #[test]
    fn members_types_and_values_are_checked_recursively() {
        let ok = json!({"serviceName": "web", "volumeConfigurations": [{
            "name": "data", "managedEBSVolume": {"roleArn": "r", "sizeInGiB": 10, "encrypted": true},
        }], "desiredCount": null});
        check("CreateServiceRequest", "CreateService", &ok).unwrap();
        let with = |member: &str, value: Value| {
            let mut input = json!({"serviceName": "web"});
            input[member] = value;
            refusal(&input)
        };
        assert_eq!(
            refusal(&json!({})),
            "InvalidParameterException: serviceName can not be blank (CreateService)."
        );
        let unknown = "InvalidParameterException: CreateService has no member `desiredCuont`";
        assert_eq!(with("desiredCuont", json!(1)), unknown);
        let text = "SerializationException: CreateService.desiredCount must be an integer";
        assert_eq!(with("desiredCount", json!("1")), text);
        let nested = json!({"awsvpcConfiguration": {"subnets": [7]}});
        let text = "SerializationException: CreateService.networkConfiguration.awsvpcConfiguration.subnets[0] must be a string";
        assert_eq!(with("networkConfiguration", nested), text);
        assert!(
            with("launchType", json!("FARGTE")).contains("enum value set: [EC2, FARGATE, EXTERNAL")
        );
        let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1001}]);
        assert!(with("capacityProviderStrategy", strategy).contains("outside its limits"));
    }
}
