//! Masks values for people: a value that may be secret is never shown.

use serde_json::Value;

/// The mask for a value that may be secret.
pub(super) const MASKED: &str = "(not shown)";

/// Parts of names that hint at a secret.
const HINTS: [&str; 10] = [
    "apikey",
    "api_key",
    "api-key",
    "auth",
    "credential",
    "key=",
    "passwd",
    "password",
    "secret",
    "token",
];

/// The longest value that is shown.
const LONGEST: usize = 200;

/// Returns a value as text. `sensitive`: AWS's model says that it may be secret.
pub(super) fn shown(path: &str, value: &Value, sensitive: bool) -> String {
    if sensitive {
        return sensitive_value(path, value);
    }
    let hides = |text: &str| HINTS.iter().any(|hint| text.to_ascii_lowercase().contains(hint));
    let last = path.rsplit('.').next().unwrap_or(path);
    // `secrets` contain the location of a secret, not its value.
    let is_place =
        last.starts_with("secrets") || path.contains(".secrets[") || last.ends_with("Arn");
    let text = masked(value, &hides).to_string();
    if !is_place && (hides(last) && !value.is_object() && !value.is_array()) {
        return MASKED.to_owned();
    }
    cut(&text)
}

/// Returns the names of a sensitive list, which may be shown.
fn sensitive_value(path: &str, value: &Value) -> String {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::Array(elements) => {
            let names: Vec<String> = elements.iter().filter_map(name).collect();
            if names.is_empty() {
                MASKED.to_owned()
            } else {
                cut(&format!("{} {MASKED}", names.join(", ")))
            }
        }
        Value::Object(_) => {
            name(value).map_or_else(|| MASKED.to_owned(), |name| format!("{name} {MASKED}"))
        }
        _ if path.ends_with("].name") => cut(&value.to_string()),
        _ => MASKED.to_owned(),
    }
}

/// The same value with everything that hints at a secret masked, and without values of variables.
fn masked(value: &Value, hides: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let is_place = name == "secrets" || name.ends_with("Arn") || name == "valueFrom";
                let value = match value {
                    Value::Array(variables) if name == "environment" => {
                        Value::from(format!("{} variables", variables.len()))
                    }
                    _ if is_place => value.clone(),
                    _ if hides(name) => Value::from(MASKED),
                    _ => masked(value, hides),
                };
                (name.clone(), value)
            });
            Value::Object(members.collect())
        }
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| masked(element, hides)).collect())
        }
        Value::String(text) if hides(text) && !text.starts_with("arn:") => Value::from(MASKED),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
