//! The live part of `check-spec`: reads from the account what the spec refers to, and plans. It
//! writes nothing to AWS.

use super::FAINT;
use crate::CommandError;
use crate::render::{CYAN, GREEN, RED, YELLOW};
use anstyle::Style;
use portkeeper_aws::session::{self, SessionOptions};
use portkeeper_service_spec::found::{Found, Gap};
use portkeeper_service_spec::identity::{SPEC_TAG, SpecId};
use portkeeper_service_spec::rules::Band;
use portkeeper_service_spec::spec::Spec;
use portkeeper_service_spec::steps::{SpecPlan, Step, StepAction};
use portkeeper_service_spec::{Context, plan};
use portkeeper_service_spec_aws::SpecAws;
use portkeeper_service_spec_aws::find::find;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

/// The share of AWS's published rates that this command uses, so that other callers in the account
/// are not throttled.
const SHARE_PERCENT: u32 = 25;

/// A simulated account on this machine has no other callers.
const SIMULATED_SHARE_PERCENT: u32 = 10_000;

/// The options that select the account.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AccountOptions {
    /// AWS Region [default: as for the AWS CLI].
    #[arg(long)]
    region: Option<String>,
    /// Endpoint to use instead of AWS's.
    ///
    /// For example that of `portkeeper world`.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl AccountOptions {
    /// Whether one of the options is given.
    pub(super) fn is_named(&self) -> bool {
        self.region.is_some() || self.endpoint_url.is_some()
    }

    pub(crate) async fn open(&self) -> Result<SpecAws, CommandError> {
        let options =
            SessionOptions { region: self.region.clone(), endpoint_url: self.endpoint_url.clone() };
        let session = session::open(&options).await?;
        let share = if session.is_simulated { SIMULATED_SHARE_PERCENT } else { SHARE_PERCENT };
        Ok(SpecAws::from_sdk_config(session.sdk_config(), share))
    }
}

/// Placeholder for the bucket of a file that is not in a bucket yet.
const UNKNOWN_BUCKET: &str = "BUCKET";

/// Reads the account and plans. `name` is the file: it names the object, unless tags in the account
/// do.
pub(super) async fn plan_live(
    aws: &SpecAws,
    spec: &Spec,
    name: &str,
    band: Band,
) -> (SpecPlan, Vec<Gap>) {
    let found = find(aws, &spec.references()).await;
    let context = Context { owner: owner(&found, name), band };
    let gaps = found.gaps.iter().filter(|gap| gap.must_wait()).cloned().collect();
    (plan(spec, &found, &context), gaps)
}

/// Returns the object that manages the service, if there is one: the file then counts as its next
/// version.
fn owner(found: &Found, name: &str) -> SpecId {
    let tags = found
        .service
        .iter()
        .map(|service| &service.tags)
        .chain(found.groups.iter().map(|group| &group.tags));
    let tag = tags.filter_map(|tags| tags.get(SPEC_TAG)).find_map(|tag| tag.split_once('/'));
    if let Some((bucket, key)) = tag {
        return SpecId { bucket: bucket.to_owned(), key: key.to_owned() };
    }
    let file = Path::new(name).file_name().map_or(name.into(), OsStr::to_string_lossy);
    SpecId { bucket: UNKNOWN_BUCKET.to_owned(), key: format!("specs/{file}") }
}

/// Prints the plan.
pub(super) fn show(out: &mut impl Write, steps: &[Step], is_refused: bool) -> io::Result<()> {
    for step in steps {
        let (mark, style, words) = words(step);
        let resource = step.resource.words();
        writeln!(out, "{style}{mark} {resource} {}{style:#} {words}", step.name)?;
        if let StepAction::Refuse(reason) = &step.action {
            writeln!(out, "    {reason}")?;
        }
        for difference in &step.differences {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
            let (before, after) = (side(&difference.before), side(&difference.after));
            writeln!(out, "    {}: {before} {FAINT}->{FAINT:#} {after}", difference.path)?;
        }
    }
    let count = |is: fn(&StepAction) -> bool| steps.iter().filter(|step| is(&step.action)).count();
    writeln!(
        out,
        "Plan: {} to create, {} to change, {} to delete, {} to keep, {} refused. {}",
        count(|action| *action == StepAction::Create),
        count(|action| *action == StepAction::Change),
        count(|action| *action == StepAction::Delete),
        count(|action| *action == StepAction::Keep),
        count(|action| matches!(action, StepAction::Refuse(_))),
        if is_refused {
            "Portkeeper would do none of this until the errors are fixed."
        } else {
            "Nothing was written."
        },
    )
}

fn words(step: &Step) -> (char, Style, &'static str) {
    match step.action {
        StepAction::Create => ('+', GREEN, "would be created"),
        StepAction::Change => ('~', YELLOW, "would be changed"),
        StepAction::Delete => ('-', RED, "would be deleted"),
        StepAction::Keep => ('=', CYAN, "unchanged"),
        StepAction::Refuse(_) => ('!', RED, "cannot be changed in place"),
    }
}
