//! Converts YAML to JSON with a different parser from Portkeeper's own.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "A test fails by panicking."
)]

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// Returns the first document of a text.
#[must_use]
pub fn to_json(text: &str) -> Value {
    node_to_json(&Yaml::load_from_str(text).expect("YAML")[0])
}

fn node_to_json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(node_to_json).collect(),
        Yaml::Mapping(members) => {
            let name = |name: &Yaml<'_>| name.as_str().expect("a name").to_owned();
            let members = members.iter().map(|(key, value)| (name(key), node_to_json(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => panic!("not a value: {other:?}"),
    }
}
