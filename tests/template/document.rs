//! `template.yaml` as JSON in `CloudFormation`'s long form: `!Ref X` is `{"Ref": "X"}`.
//!
//! Knows YAML and `CloudFormation`'s tags; knows nothing of what the template says.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file in a folder and in those within it.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The template's text.
pub fn text() -> String {
    fs::read_to_string(root().join("template.yaml")).expect("the template can be read")
}

/// The template's content.
pub fn template() -> Value {
    let text = text();
    let documents = Yaml::load_from_str(&text).expect("the template is YAML");
    let [document] = documents.as_slice() else {
        panic!("the template is {} documents", documents.len())
    };
    to_json(document)
}

fn to_json(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(to_json).collect(),
        Yaml::Mapping(fields) => {
            let fields =
                fields.iter().map(|(name, value)| (text_of(&to_json(name)), to_json(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                plain @ ("Ref" | "Condition") => plain.to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: to_json(value) })
        }
        other => panic!("not a value: {other:?}"),
    }
}

/// Reads a scalar as `CloudFormation` does: every parameter and environment value is text.
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every resource of a type, by logical name.
pub fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().expect("there are resources");
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, it)| (name.as_str(), it))
        .collect()
}

/// Every object within the value for which the predicate holds, itself included.
pub fn find<'a>(value: &'a Value, holds: &impl Fn(&Value) -> bool) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = holds(value).then_some(value).into_iter().collect();
    match value {
        Value::Array(items) => found.extend(items.iter().flat_map(|item| find(item, holds))),
        Value::Object(fields) => found.extend(fields.values().flat_map(|field| find(field, holds))),
        _ => {}
    }
    found
}

/// One value or a list of them, as in a policy's `Action`, as text.
pub fn one_or_more(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(text_of).collect(),
        one => vec![text_of(one)],
    }
}
