//! The task definition: a new revision only if something changed. Registering is not idempotent, so
//! each revision has a tag with the hash of the requested input. The same input in another spelling
//! is no change.

use super::{Planner, Step};
use crate::difference::Comparison;
use crate::identity::{HASH_TAG, SPEC_TAG, ecs_tags, hash};
use crate::members::text;
use crate::shapes::TASK_DEFINITION;
use crate::steps::{NewResource, Ref, Resource, StepAction, Write};
use serde_json::Value;
use std::collections::BTreeMap;

/// The task definition that the service runs.
pub(super) fn plan(planner: &mut Planner<'_>) -> Ref {
    let found = planner.found.task_definition.as_ref();
    let existing = found.and_then(|found| text(&found.shown, "taskDefinitionArn"));
    let Some(asked) = &planner.spec.task_definition else {
        let named = text(&planner.spec.service, "taskDefinition").unwrap_or_default();
        if let Some(arn) = existing {
            planner.step(Step::keep(Resource::TaskDefinition, named).with_arn(arn));
        }
        return Ref::Existing(existing.unwrap_or(named).to_owned());
    };
    let family = text(asked, "family").unwrap_or_default().to_owned();
    let input = input(planner, asked);
    if let (Some(found), Some(arn)) = (found, existing) {
        let is_same = found.tags.get(HASH_TAG) == tag_of(&input).as_ref();
        let mut differences = Comparison::whole(
            planner.shapes,
            TASK_DEFINITION,
            &without_tags(asked),
            &without_tags(&found.shown),
            "",
        );
        differences.extend(tags_differ(&input, &found.tags));
        if is_same || differences.is_empty() {
            planner.step(Step::keep(Resource::TaskDefinition, &family).with_arn(arn));
            return Ref::Existing(arn.to_owned());
        }
        let step = Step::new(Resource::TaskDefinition, &family, StepAction::Change)
            .with_differences(differences);
        let step = Step { writes: vec![Write::RegisterTaskDefinition { input }], ..step };
        planner.step(step.with_arn(arn));
    } else {
        let write = Write::RegisterTaskDefinition { input };
        planner.step(Step::create(Resource::TaskDefinition, &family, write));
    }
    Ref::New(NewResource::TaskDefinition)
}

/// The whole input as requested, with Portkeeper's tags.
fn input(planner: &Planner<'_>, asked: &Value) -> Value {
    let mut input = asked.clone();
    let tags = planner.context.owner.tags(planner.spec);
    if let Some(members) = input.as_object_mut() {
        let with_tags = ecs_tags(members.get("tags"), &tags);
        members.insert("tags".to_owned(), with_tags);
    }
    let hash = hash(&input);
    if let Some(members) = input.as_object_mut() {
        let tags = ecs_tags(members.get("tags"), &BTreeMap::from([(HASH_TAG.to_owned(), hash)]));
        members.insert("tags".to_owned(), tags);
    }
    input
}

fn tags_of(input: &Value) -> BTreeMap<String, String> {
    let tags = input.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| {
        Some((text(tag, "key")?.to_owned(), text(tag, "value").unwrap_or_default().to_owned()))
    })
    .collect()
}

fn tag_of(input: &Value) -> Option<String> {
    tags_of(input).remove(HASH_TAG)
}

/// Tags are compared by themselves.
fn without_tags(input: &Value) -> Value {
    let mut input = input.clone();
    if let Some(members) = input.as_object_mut() {
        members.remove("tags");
    }
    input
}

/// The tags that differ, apart from Portkeeper's own.
fn tags_differ(input: &Value, before: &BTreeMap<String, String>) -> Vec<super::Difference> {
    let after = tags_of(input);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let keys = keys
        .into_iter()
        .filter(|key| !key.starts_with(SPEC_TAG) && before.get(*key) != after.get(*key));
    let differences = keys
        .filter_map(|key| super::differs(&format!("tags.{key}"), before.get(key), after.get(key)));
    differences.collect()
}
