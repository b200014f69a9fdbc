//! Plans the service: creates it, or updates exactly what differs. A change that is impossible in
//! place is refused with the reason.

mod entries;

use super::{Planner, Step, differs};
use crate::difference::{Comparison, difference};
use crate::found::FoundService;
use crate::identity::{HASH_TAG, client_token, ecs_tags, hash};
use crate::members::{list, number, says_nothing, text};
use crate::shapes::{Shape, Shapes};
use crate::steps::{Difference, Placeholder, Ref, Resource, StepAction, Write};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The shape of the service's input.
const SHAPE: &str = "CreateServiceRequest";

/// Members that the comparison ignores: they are compared separately, or they name the service.
const APART: [&str; 7] = [
    "cluster",
    "serviceName",
    "taskDefinition",
    "clientToken",
    "tags",
    "desiredCount",
    "loadBalancers",
];

/// The values to which Portkeeper resets members that the spec omits: AWS's own defaults (API
/// `CreateService`).
const DEFAULTS: [(&str, &str); 6] = [
    ("enableExecuteCommand", "false"),
    ("enableECSManagedTags", "false"),
    ("propagateTags", "\"NONE\""),
    ("serviceRegistries", "[]"),
    ("placementConstraints", "[]"),
    ("placementStrategy", "[]"),
];

/// Members that an update replaces as a whole: parts of them that the spec omits keep their current
/// values.
const MERGED: [&str; 2] = ["deploymentConfiguration", "networkConfiguration"];

pub(super) fn plan(planner: &mut Planner<'_>, task_definition: &Ref) {
    let name = planner.spec.service_name().to_owned();
    let (entries, mut placeholders) = entries::of_spec(planner);
    let found = planner.found.service.as_ref();
    let status = found.and_then(|found| text(&found.shown, "status"));
    let step = match (found, status) {
        (Some(_), Some("DRAINING")) => {
            let reason = "the service is being deleted and still drains: wait until it is deleted, and upload the spec again";
            Step::new(Resource::Service, &name, StepAction::Refuse(reason.to_owned()))
        }
        (Some(found), status) if status != Some("INACTIVE") => {
            update(planner, found, task_definition, entries, placeholders)
        }
        _ => {
            let before = found.map(|found| &found.shown);
            let mut input = input(planner, entries, &client_token(planner.spec, before));
            set_task_definition(&mut input, task_definition, &mut placeholders);
            Step::create(Resource::Service, &name, Write::CreateService { input, placeholders })
        }
    };
    planner.step(step);
}

fn set_task_definition(
    input: &mut Value,
    task_definition: &Ref,
    placeholders: &mut Vec<Placeholder>,
) {
    match task_definition {
        Ref::Existing(arn) => set(input, "taskDefinition", json!(arn)),
        Ref::New(thing) => {
            placeholders
                .push(Placeholder { pointer: "/taskDefinition".to_owned(), with: thing.clone() });
        }
    }
}

fn set(input: &mut Value, member: &str, value: Value) {
    if let Some(members) = input.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}

/// The input of `CreateService`.
fn input(planner: &Planner<'_>, load_balancers: Vec<Value>, token: &str) -> Value {
    let spec = planner.spec;
    let mut input = spec.service.clone();
    set(&mut input, "cluster", json!(spec.cluster));
    set(&mut input, "clientToken", json!(token));
    if !load_balancers.is_empty() {
        set(&mut input, "loadBalancers", Value::Array(load_balancers));
    }
    if input.get("desiredCount").is_none()
        && let Some(scaling) = &spec.scaling
    {
        set(&mut input, "desiredCount", json!(scaling.min));
    }
    let tags = ecs_tags(input.get("tags"), &tags(planner));
    set(&mut input, "tags", tags);
    input
}

fn tags(planner: &Planner<'_>) -> BTreeMap<String, String> {
    let mut tags = planner.context.owner.tags(planner.spec);
    tags.insert(HASH_TAG.to_owned(), asked_hash(planner));
    tags
}

/// The hash of the service as the spec requests it: AWS does not return some members, which are
/// compared by this hash.
fn asked_hash(planner: &Planner<'_>) -> String {
    hash(&planner.spec.service)
}

fn update(
    planner: &Planner<'_>,
    found: &FoundService,
    task_definition: &Ref,
    entries: Vec<Value>,
    mut placeholders: Vec<Placeholder>,
) -> Step {
    let name = planner.spec.service_name();
    let arn = text(&found.shown, "serviceArn").unwrap_or_default();
    let mut change = Map::new();
    let mut differences = Vec::new();
    let is_same_hash = found.tags.get(HASH_TAG) == Some(&asked_hash(planner));
    for (member, value) in asked(planner) {
        match member_differs(planner, found, &member, &value, is_same_hash) {
            Change::None => {}
            Change::Fixed(reason) => {
                return Step::new(Resource::Service, name, StepAction::Refuse(reason))
                    .with_arn(arn);
            }
            Change::To(value, differ) => {
                differences.extend(differ);
                change.insert(member, value);
            }
        }
    }
    if change.contains_key("capacityProviderStrategy") {
        // Otherwise the running tasks would stay where they are (API `UpdateService`).
        change.insert("forceNewDeployment".to_owned(), json!(true));
    }
    entries::differ(planner, found, entries, &placeholders, &mut change, &mut differences);
    count_differs(planner, found, &mut change, &mut differences);
    task_definition_differs(
        planner,
        found,
        task_definition,
        &mut change,
        &mut placeholders,
        &mut differences,
    );
    let mut writes = Vec::new();
    if !change.is_empty() || !placeholders.is_empty() {
        change.insert("cluster".to_owned(), json!(planner.spec.cluster));
        change.insert("service".to_owned(), json!(name));
        writes.push(Write::UpdateService { input: Value::Object(change), placeholders });
    }
    let tags: BTreeMap<String, String> = tags(planner)
        .into_iter()
        .filter(|(key, value)| found.tags.get(key) != Some(value))
        .collect();
    if !tags.is_empty() {
        let shown = tags.iter().filter(|(key, _)| *key != HASH_TAG || writes.is_empty());
        differences.extend(shown.filter_map(|(key, tag)| {
            differs(&format!("tags.{key}"), found.tags.get(key), Some(tag))
        }));
        writes.push(Write::TagService { service: arn.to_owned(), tags });
    }
    Step::change(Resource::Service, name, differences, writes).with_arn(arn)
}

/// The service as the spec requests it, with AWS's defaults for members that it omits.
fn asked(planner: &Planner<'_>) -> BTreeMap<String, Value> {
    let members = planner.spec.service.as_object().into_iter().flatten();
    let mut asked: BTreeMap<String, Value> = members
        .filter(|(name, _)| !APART.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (member, default) in DEFAULTS {
        let default = serde_json::from_str(default).unwrap_or_default();
        asked.entry(member.to_owned()).or_insert(default);
    }
    asked
}

enum Change {
    None,
    /// It cannot be changed in place, for this reason.
    Fixed(String),
    /// The input of an update, and the differences.
    To(Value, Vec<Difference>),
}

fn member_differs(
    planner: &Planner<'_>,
    found: &FoundService,
    member: &str,
    asked: &Value,
    same_hash: bool,
) -> Change {
    let Some(shown) = shown(&found.shown, member) else {
        // AWS does not return it: the hash shows whether it is as requested.
        if says_nothing(Some(asked)) || is_off(asked) || same_hash {
            return Change::None;
        }
        return to_change(
            planner,
            member,
            asked.clone(),
            vec![difference(member, None, Some(asked), false)],
        );
    };
    if is_alike(member, asked, &shown) {
        return Change::None;
    }
    let shape = planner
        .shapes
        .members(SHAPE)
        .iter()
        .find(|known| known.name == member)
        .map_or("", |known| known.shape);
    let mut differences = Comparison::asked(planner.shapes, shape, asked, &shown, member);
    if differences.is_empty() && says_nothing(Some(asked)) && !says_nothing(Some(&shown)) {
        differences.push(difference(member, Some(&shown), None, false));
    }
    if differences.is_empty() {
        return Change::None;
    }
    let value = if MERGED.contains(&member) {
        merged(planner.shapes, shape, &shown, asked)
    } else {
        asked.clone()
    };
    to_change(planner, member, value, differences)
}

fn to_change(
    planner: &Planner<'_>,
    member: &str,
    value: Value,
    differences: Vec<Difference>,
) -> Change {
    if planner.shapes.is_updatable(member) {
        return Change::To(value, differences);
    }
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let first =
        differences.first().map(|it| (shown(&it.before), shown(&it.after))).unwrap_or_default();
    Change::Fixed(format!(
        "`{member}` of a service cannot be changed (it is {}, and the spec requests {}): choose another serviceName, or delete the service first",
        first.0, first.1
    ))
}

fn is_off(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_str() == Some("NONE") || value.as_i64() == Some(0)
}

/// A member as AWS returns it. Some members are part of the primary deployment.
fn shown(service: &Value, member: &str) -> Option<Value> {
    if member == "role" {
        return service.get("roleArn").cloned();
    }
    let primary =
        list(service, "deployments").iter().find(|it| text(it, "status") == Some("PRIMARY"));
    service.get(member).or_else(|| primary?.get(member)).cloned()
}

/// Whether two different texts mean the same.
fn is_alike(member: &str, asked: &Value, shown: &Value) -> bool {
    let (asked, shown) = (asked.as_str().unwrap_or_default(), shown.as_str().unwrap_or_default());
    match member {
        // ECS shows the version that LATEST stands for.
        "platformVersion" => asked == "LATEST",
        "role" => !asked.is_empty() && (shown == asked || shown.ends_with(&format!("/{asked}"))),
        _ => false,
    }
}

/// The returned values, overridden by the requested ones; only members that the input has.
fn merged(shapes: &Shapes, shape: &str, shown: &Value, asked: &Value) -> Value {
    let (Shape::Structure { members, .. }, Some(over)) = (shapes.get(shape), asked.as_object())
    else {
        return asked.clone();
    };
    let merged = members.iter().filter_map(|member| {
        let value = match (over.get(member.name), shown.get(member.name)) {
            (Some(asked), Some(shown)) => merged(shapes, member.shape, shown, asked),
            (Some(asked), None) => asked.clone(),
            (None, Some(shown)) if !says_nothing(Some(shown)) => shown.clone(),
            _ => return None,
        };
        Some((member.name.to_owned(), value))
    });
    Value::Object(merged.collect())
}

/// With scaling, scaling decides the number of tasks.
fn count_differs(
    planner: &Planner<'_>,
    found: &FoundService,
    change: &mut Map<String, Value>,
    differences: &mut Vec<Difference>,
) {
    if planner.spec.scaling.is_some() || planner.found.scaling.is_some() {
        return;
    }
    let Some(asked) = number(&planner.spec.service, "desiredCount") else { return };
    let shown = number(&found.shown, "desiredCount");
    if shown != Some(asked) {
        differences.extend(differs("desiredCount", shown.as_ref(), Some(&asked)));
        change.insert("desiredCount".to_owned(), json!(asked));
    }
}

fn task_definition_differs(
    planner: &Planner<'_>,
    found: &FoundService,
    asked: &Ref,
    change: &mut Map<String, Value>,
    placeholders: &mut Vec<Placeholder>,
    differences: &mut Vec<Difference>,
) {
    let shown = text(&found.shown, "taskDefinition").unwrap_or_default();
    let before = shown.rsplit('/').next().unwrap_or(shown).to_owned();
    match asked {
        Ref::Existing(arn) if arn == shown => {}
        Ref::Existing(arn) => {
            let after = arn.rsplit('/').next().unwrap_or(arn).to_owned();
            differences.extend(differs("taskDefinition", Some(&before), Some(&after)));
            change.insert("taskDefinition".to_owned(), json!(arn));
        }
        Ref::New(thing) => {
            let family = planner.spec.family().unwrap_or_default();
            differences.extend(differs(
                "taskDefinition",
                Some(&before),
                Some(&format!("{family} (new revision)")),
            ));
            placeholders
                .push(Placeholder { pointer: "/taskDefinition".to_owned(), with: thing.clone() });
        }
    }
}
