//! The tags and hashes by which Portkeeper recognizes what it created from a spec, and whether the
//! request has changed.

use super::spec::Spec;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The tag on everything that is created from a spec; it names the spec.
pub const SPEC_TAG: &str = "portkeeper:spec";

/// The tag on a task definition and a service: the hash of the requested input.
pub const HASH_TAG: &str = "portkeeper:spec-hash";

/// A tag's value has at most 256 characters (ECS and ELBv2 APIs, `Tag`).
const LONGEST_TAG: usize = 256;

/// ECS accepts client tokens of up to 36 characters.
const TOKEN_LENGTH: usize = 36;

/// The object that contains a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpecId {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

impl SpecId {
    /// The value of [`SPEC_TAG`]: `<bucket>/<key>`, or a hash of it if tags do not accept it.
    #[must_use]
    pub fn tag(&self) -> String {
        let name = format!("{}/{}", self.bucket, self.key);
        let is_good = |letter: char| {
            letter.is_ascii_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter)
        };
        if name.len() <= LONGEST_TAG && name.chars().all(is_good) {
            name
        } else {
            format!("sha256:{}", hash_text(&name))
        }
    }

    /// Returns whether these tags name this spec.
    pub(super) fn owns(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(SPEC_TAG).is_some_and(|tag| *tag == self.tag())
    }

    /// Returns the spec that these tags name, if it is another one.
    pub(super) fn other<'a>(&self, tags: &'a BTreeMap<String, String>) -> Option<&'a str> {
        tags.get(SPEC_TAG).map(String::as_str).filter(|tag| *tag != self.tag())
    }

    /// Returns the tags of a created resource: the spec's own tags and the one that names the spec.
    pub(super) fn tags(&self, spec: &Spec) -> BTreeMap<String, String> {
        let mut tags = spec.tags.clone();
        tags.insert(SPEC_TAG.to_owned(), self.tag());
        tags
    }
}

/// Returns the SHA-256 of a value, independent of the order of its members.
#[must_use]
pub fn hash(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hash_text(&text)
}

fn hash_text(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            text.push('{');
            for (name, value) in members.iter().collect::<BTreeMap<_, _>>() {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// The token that makes `CreateService` idempotent: it follows from the spec and from a deleted
/// service of the same name, if any, so that the token of that service is not used again.
pub(super) fn client_token(spec: &Spec, before: Option<&Value>) -> String {
    let created = before.and_then(|service| service.get("createdAt"));
    let asked = json!([
        spec.cluster,
        spec.task_definition,
        spec.service,
        spec.load_balancing,
        spec.scaling,
        spec.tags,
        created
    ]);
    hash(&asked).chars().take(TOKEN_LENGTH).collect()
}

/// Returns tags in the form of ECS, after those that the input already has.
pub(super) fn ecs_tags(given: Option<&Value>, tags: &BTreeMap<String, String>) -> Value {
    let mut all: Vec<Value> = given.and_then(Value::as_array).cloned().unwrap_or_default();
    for (key, value) in tags {
        all.retain(|tag| {
            tag.get("key").and_then(Value::as_str) != Some(key) || !key.starts_with(SPEC_TAG)
        });
        if !all.iter().any(|tag| tag.get("key").and_then(Value::as_str) == Some(key)) {
            all.push(json!({ "key": key, "value": value }));
        }
    }
    Value::Array(all)
}
