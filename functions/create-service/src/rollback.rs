//! What a run that did not come to its end may have made: found again by its tags, so that it can
//! be taken back.

use crate::lock::SpecLock;
use crate::retry::Retry;
use crate::steps::roll_back_one;
use crate::{Dependencies, spec_id};
use portkeeper_service_spec::fill;
use portkeeper_service_spec::found::{Found, FoundListener, FoundRule, FoundService};
use portkeeper_service_spec::identity::SPEC_TAG;
use portkeeper_service_spec::notice::Object;
use portkeeper_service_spec::steps::{Made, Resource, Step, StepAction, Thing, Write};
use portkeeper_service_spec_aws::find::find;
use portkeeper_service_spec_aws::record::SpecRecord;
use std::collections::BTreeMap;

/// What takes back what an earlier run of the same state of the spec has made.
pub(crate) fn undo_of_earlier_run(
    lock: &SpecLock<'_>,
    found: &Found,
    steps: &[Step],
    object: &Object,
) -> Vec<Write> {
    if !lock.resumed {
        return Vec::new();
    }
    let mut made = made_for(found, object);
    // The run would have made a revision, and now none is to be made: that is the one.
    let is_kept =
        |step: &Step| step.resource == Resource::TaskDefinition && step.action == StepAction::Keep;
    let arn = steps.iter().find(|step| is_kept(step)).and_then(|step| step.arn.clone());
    made.extend(arn.map(|arn| (Thing::TaskDefinition, arn)));
    filled(&lock.record().undo, &made)
}

/// What can be taken back, of what was to be made: the rest was not made.
fn filled(undo: &[Write], made: &Made) -> Vec<Write> {
    undo.iter().filter_map(|write| fill(write, made).ok()).collect()
}

/// What there is that was made for this object, by the names that a plan has for it.
fn made_for(found: &Found, object: &Object) -> Made {
    let tag = spec_id(object).tag();
    let is_ours = |tags: &BTreeMap<String, String>| tags.get(SPEC_TAG) == Some(&tag);
    let groups: BTreeMap<&str, &str> =
        found.groups.iter().map(|it| (it.arn.as_str(), it.name.as_str())).collect();
    let named = |rule: &FoundRule| {
        rule.forwards_to.keys().find_map(|arn| groups.get(arn.as_str())).copied()
    };
    let mut made = Made::new();
    for group in found.groups.iter().filter(|group| is_ours(&group.tags)) {
        made.insert(Thing::TargetGroup(group.name.clone()), group.arn.clone());
    }
    for FoundListener { arn, tags, rules, .. } in &found.listeners {
        for rule in rules {
            let Some(name) = named(rule) else { continue };
            if is_ours(&rule.tags) {
                made.insert(Thing::ListenerRule(name.to_owned()), rule.arn.clone());
            } else if rule.priority.is_none() && is_ours(tags) {
                made.insert(Thing::Listener(name.to_owned()), arn.clone());
            }
        }
    }
    made
}

/// ECS has the service, and does not delete it.
pub(crate) fn is_active(service: &FoundService) -> bool {
    service.shown.get("status").is_some_and(|status| status == "ACTIVE")
}

/// A run that began with an earlier state of the spec was killed, and that state is overtaken: what
/// it has made is taken back, unless it came as far as the service, which the new state changes.
pub(crate) async fn roll_back_unfinished(
    deps: &Dependencies,
    lock: &mut SpecLock<'_>,
) -> Result<(), Retry> {
    let record = lock.record();
    let (Some(wanted), Some(object)) = (&record.wanted, &record.object) else { return Ok(()) };
    if lock.resumed || record.undo.is_empty() {
        return Ok(());
    }
    let found = find(&deps.aws, &wanted.for_removal()).await;
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
