//! Finds by tag what an interrupted run may have created, so that it can be rolled back.

use crate::lock::SpecLock;
use crate::retry::Retry;
use crate::steps::roll_back_one;
use crate::{Dependencies, spec_id};
use portkeeper_service_spec::fill;
use portkeeper_service_spec::found::{Found, FoundListener, FoundRule, FoundService};
use portkeeper_service_spec::identity::SPEC_TAG;
use portkeeper_service_spec::notice::SpecObject;
use portkeeper_service_spec::steps::{CreatedArns, NewResource, Resource, Step, StepAction, Write};
use portkeeper_service_spec_aws::find::find;
use portkeeper_service_spec_aws::record::SpecRecord;
use std::collections::BTreeMap;

/// Returns the writes that undo what an earlier run for the same version of the spec created.
pub(crate) fn undo_of_earlier_run(
    lock: &SpecLock<'_>,
    found: &Found,
    steps: &[Step],
    object: &SpecObject,
) -> Vec<Write> {
    if !lock.resumed {
        return Vec::new();
    }
    let mut made = made_for(found, object);
    // The earlier run planned a new revision, and this plan needs none: it is the one kept here.
    let is_kept =
        |step: &Step| step.resource == Resource::TaskDefinition && step.action == StepAction::Keep;
    let arn = steps.iter().find(|step| is_kept(step)).and_then(|step| step.arn.clone());
    made.extend(arn.map(|arn| (NewResource::TaskDefinition, arn)));
    filled(&lock.record().undo, &made)
}

/// Keeps the undo writes whose resources exist: the others were never created.
fn filled(undo: &[Write], made: &CreatedArns) -> Vec<Write> {
    undo.iter().filter_map(|write| fill(write, made).ok()).collect()
}

/// Returns the existing resources that were created for this object, by their names in a plan.
fn made_for(found: &Found, object: &SpecObject) -> CreatedArns {
    let tag = spec_id(object).tag();
    let is_ours = |tags: &BTreeMap<String, String>| tags.get(SPEC_TAG) == Some(&tag);
    let groups: BTreeMap<&str, &str> =
        found.groups.iter().map(|it| (it.arn.as_str(), it.name.as_str())).collect();
    let named = |rule: &FoundRule| {
        rule.forwards_to.keys().find_map(|arn| groups.get(arn.as_str())).copied()
    };
    let mut made = CreatedArns::new();
    for group in found.groups.iter().filter(|group| is_ours(&group.tags)) {
        made.insert(NewResource::TargetGroup(group.name.clone()), group.arn.clone());
    }
    for FoundListener { arn, tags, rules, .. } in &found.listeners {
        for rule in rules {
            let Some(name) = named(rule) else { continue };
            if is_ours(&rule.tags) {
                made.insert(NewResource::ListenerRule(name.to_owned()), rule.arn.clone());
            } else if rule.priority.is_none() && is_ours(tags) {
                made.insert(NewResource::Listener(name.to_owned()), arn.clone());
            }
        }
    }
    made
}

/// The service exists and ECS is not deleting it.
pub(crate) fn is_active(service: &FoundService) -> bool {
    service.shown.get("status").is_some_and(|status| status == "ACTIVE")
}

/// Rolls back what an interrupted run created for an earlier version of the spec. If that run
/// already created the service, everything stays, because the new version changes the service.
pub(crate) async fn roll_back_unfinished(
    deps: &Dependencies,
    lock: &mut SpecLock<'_>,
) -> Result<(), Retry> {
    let record = lock.record();
    let (Some(references), Some(object)) = (&record.references, &record.object) else {
        return Ok(());
    };
    if lock.resumed || record.undo.is_empty() {
        return Ok(());
    }
    let found = find(&deps.aws, &references.for_removal()).await;
    if let Some(gap) = found.gaps.iter().find(|gap| gap.must_wait()) {
        return Err(Retry::Unreadable(gap.why.clone()));
    }
    let tag = spec_id(object).tag();
    let is_there = found
        .service
        .as_ref()
        .is_some_and(|service| is_active(service) && service.tags.get(SPEC_TAG) == Some(&tag));
    let back = if is_there { Vec::new() } else { filled(&record.undo, &made_for(&found, object)) };
    for write in &back {
        roll_back_one(deps, write).await?;
    }
    let next = SpecRecord { undo: Vec::new(), ..lock.record().clone() };
    lock.store(next).await
}
