//! Compares what a spec requests with what AWS returns. AWS fills in defaults and returns lists in
//! its own order: neither is a difference.

use super::mask;
use super::members::says_nothing;
use super::shapes::{Shape, Shapes};
use super::steps::Difference;
use serde_json::Value;
use std::collections::BTreeSet;

/// The member that identifies the elements of a list whose order means nothing.
const KEYS: [(&str, &str); 16] = [
    ("capacityProviderStrategy", "capacityProvider"),
    ("containerDefinitions", "name"),
    ("dependsOn", "containerName"),
    ("environment", "name"),
    ("environmentFiles", "value"),
    ("extraHosts", "hostname"),
    ("inferenceAccelerators", "deviceName"),
    ("loadBalancers", "targetGroupArn"),
    ("mountPoints", "containerPath"),
    ("portMappings", "containerPort"),
    ("resourceRequirements", "type"),
    ("secrets", "name"),
    ("systemControls", "namespace"),
    ("ulimits", "name"),
    ("volumeConfigurations", "name"),
    ("volumes", "name"),
];

/// Lists of texts whose order means nothing.
const SETS: [&str; 4] = ["requiresCompatibilities", "securityGroups", "subnets", "credentialSpecs"];

/// The defaults that AWS fills in, apart from empty values and `false`. Zero equals an empty value
/// for few numbers only: a `stopTimeout` of 0 is not the default.
const DEFAULTS: [(&str, &str); 15] = [
    ("assignPublicIp", "DISABLED"),
    ("bakeTimeInMinutes", "0"),
    ("base", "0"),
    ("cpu", "0"),
    ("cpuArchitecture", "X86_64"),
    (ESSENTIAL, "true"),
    ("interval", "30"),
    ("networkMode", "bridge"),
    ("operatingSystemFamily", "LINUX"),
    ("platformVersion", "LATEST"),
    ("protocol", "tcp"),
    ("retries", "3"),
    ("startPeriod", "0"),
    ("timeout", "5"),
    ("weight", "0"),
];

/// The one member whose default is true.
const ESSENTIAL: &str = "essential";

/// Compares by the shape of the requested value.
pub(super) struct Comparison<'a> {
    shapes: &'a Shapes,
    /// Whether a member that AWS returns and the spec does not request is a difference, unless it
    /// is a default.
    whole: bool,
    differences: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    /// Returns the differences of a whole input, such as a task definition: a removed member
    /// counts.
    pub(super) fn whole(
        shapes: &'a Shapes,
        shape: &str,
        asked: &Value,
        shown: &Value,
        path: &str,
    ) -> Vec<Difference> {
        Self::run(shapes, true, shape, asked, shown, path)
    }

    /// Returns the differences in the requested members only.
    pub(super) fn asked(
        shapes: &'a Shapes,
        shape: &str,
        asked: &Value,
        shown: &Value,
        path: &str,
    ) -> Vec<Difference> {
        Self::run(shapes, false, shape, asked, shown, path)
    }

    fn run(
        shapes: &'a Shapes,
        whole: bool,
        shape: &str,
        asked: &Value,
        shown: &Value,
        path: &str,
    ) -> Vec<Difference> {
        let mut comparison = Self { shapes, whole, differences: Vec::new() };
        comparison.compare(shape, path, Some(asked), Some(shown), false);
        comparison.differences
    }

    fn compare(
        &mut self,
        shape: &str,
        path: &str,
        asked: Option<&Value>,
        shown: Option<&Value>,
        secret: bool,
    ) {
        if says_nothing(asked) && says_nothing(shown) {
            return;
        }
        match (self.shapes.get(shape), asked, shown) {
            (Shape::Structure { members, sensitive }, Some(asked), Some(shown)) => {
                for member in members {
                    let path = if path.is_empty() {
                        member.name.to_owned()
                    } else {
                        format!("{path}.{}", member.name)
                    };
                    let (asked_member, shown_member) =
                        (asked.get(member.name), shown.get(member.name));
                    if says_nothing(asked_member)
                        && (!self.whole || is_default(member.name, shown_member, shown))
                    {
                        continue;
                    }
                    if says_nothing(shown_member) && is_default(member.name, asked_member, asked) {
                        continue;
                    }
                    self.compare(
                        member.shape,
                        &path,
                        asked_member,
                        shown_member,
                        secret || *sensitive,
                    );
                }
            }
            (
                Shape::List { of, sensitive, .. },
                Some(Value::Array(asked)),
                Some(Value::Array(shown)),
            ) => {
                self.list(of, path, asked, shown, secret || *sensitive);
            }
            (Shape::Map { of }, Some(Value::Object(asked)), Some(Value::Object(shown))) => {
                let names: BTreeSet<&String> = asked.keys().chain(shown.keys()).collect();
                for name in names {
                    self.compare(
                        of,
                        &format!("{path}.{name}"),
                        asked.get(name),
                        shown.get(name),
                        secret,
                    );
                }
            }
            (_, Some(asked), Some(shown)) if same_scalar(asked, shown) => {}
            (Shape::List { sensitive, .. } | Shape::Structure { sensitive, .. }, asked, shown) => {
                self.add(path, asked, shown, secret || *sensitive);
            }
            _ => self.add(path, asked, shown, secret),
        }
    }

    fn list(&mut self, of: &str, path: &str, asked: &[Value], shown: &[Value], secret: bool) {
        let name = path.rsplit('.').next().unwrap_or(path);
        if SETS.contains(&name) {
            let sorted =
                |values: &[Value]| values.iter().map(Value::to_string).collect::<BTreeSet<_>>();
            if sorted(asked) != sorted(shown) {
                self.add(path, Some(&Value::from(asked)), Some(&Value::from(shown)), secret);
            }
            return;
        }
        let key = KEYS.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
        let Some(key) = key.filter(|key| is_unique(asked, key) && is_unique(shown, key)) else {
            // The order matters, or it is unknown whether it does.
            let both = asked.len().max(shown.len());
            if asked.len() != shown.len() && !asked.iter().chain(shown).any(Value::is_object) {
                self.add(path, Some(&Value::from(asked)), Some(&Value::from(shown)), secret);
                return;
            }
            for index in 0..both {
                self.compare(
                    of,
                    &format!("{path}[{index}]"),
                    asked.get(index),
                    shown.get(index),
                    secret,
                );
            }
            return;
        };
        let names: BTreeSet<String> =
            asked.iter().chain(shown).map(|element| key_of(element, key)).collect();
        for name in names {
            let with = |values: &'_ [Value]| {
                values.iter().find(|element| key_of(element, key) == name).cloned()
            };
            let (asked, shown) = (with(asked), with(shown));
            self.compare(of, &format!("{path}[{name}]"), asked.as_ref(), shown.as_ref(), secret);
        }
    }

    fn add(&mut self, path: &str, asked: Option<&Value>, shown: Option<&Value>, secret: bool) {
        self.differences.push(difference(path, shown, asked, secret));
    }
}

/// A difference in which values that may be secret are masked.
pub(super) fn difference(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    secret: bool,
) -> Difference {
    let text = |value: &Value| mask::shown(path, value, secret);
    Difference {
        path: path.to_owned(),
        before: before.filter(|value| !says_nothing(Some(value))).map(text),
        after: after.filter(|value| !says_nothing(Some(value))).map(text),
    }
}

fn is_unique(values: &[Value], key: &str) -> bool {
    let keys: BTreeSet<String> = values.iter().map(|element| key_of(element, key)).collect();
    keys.len() == values.len()
}

fn key_of(element: &Value, key: &str) -> String {
    match element.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Returns whether a member has AWS's default value.
pub(super) fn is_default(name: &str, value: Option<&Value>, within: &Value) -> bool {
    let Some(value) = value else { return true };
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        // AWS shows the host port of host and awsvpc mode, where it equals the container's.
        _ if name == "hostPort" => {
            value.as_i64() == Some(0)
                || within.get("containerPort").is_some_and(|port| same_scalar(port, value))
        }
        Value::Bool(false) => name != ESSENTIAL,
        Value::Object(members) if members.values().all(is_off) => true,
        _ => {
            says_nothing(Some(value))
                || DEFAULTS.iter().any(|(known, default)| *known == name && *default == text)
        }
    }
}

/// Returns whether a value is empty or `false`: an absent circuit breaker equals a disabled one.
fn is_off(value: &Value) -> bool {
    says_nothing(Some(value)) || *value == Value::Bool(false)
}

/// `1` and `1.0` are the same number.
fn same_scalar(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}
