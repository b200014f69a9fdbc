//! Applies a plan step by step, and rolls back what it created if a step fails permanently.
//!
//! After a temporary failure nothing is rolled back: the message returns to the queue, and the next
//! run finds what exists and continues from there.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_service_spec::result::{StepOutcome, StepResult};
use portkeeper_service_spec::rules::free_priority;
use portkeeper_service_spec::steps::{CreatedArns, Priority, Step, StepAction, Write};
use portkeeper_service_spec::{NotMade, fill, undo};
use portkeeper_service_spec_aws::apply::{self, DeployedService, Done};

/// How many priorities are tried for one rule. Several specs may arrive at once, but not dozens.
const MOST_PRIORITIES: usize = 20;

/// The result of a plan.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Each step with its result.
    pub(crate) steps: Vec<StepResult>,
    /// The service, if it was created or changed.
    pub(crate) service: Option<DeployedService>,
    /// Why AWS refused a step, if it did.
    pub(crate) failure: Option<String>,
}

/// Returns the steps of a plan that is not applied.
pub(crate) fn not_tried(steps: &[Step]) -> Vec<StepResult> {
    steps.iter().map(|step| outcome_of(step, idle(step), None)).collect()
}

fn idle(step: &Step) -> StepOutcome {
    if step.action == StepAction::Keep { StepOutcome::Unchanged } else { StepOutcome::NotTried }
}

fn outcome_of(step: &Step, outcome: StepOutcome, note: Option<String>) -> StepResult {
    StepResult { step: step.clone(), outcome, note }
}

/// Applies all steps. `earlier` undoes what an earlier run for the same version of the spec
/// created.
pub(crate) async fn apply(
    deps: &Dependencies,
    steps: &[Step],
    earlier: &[Write],
) -> Result<Applied, Retry> {
    let mut carried = Applied::default();
    let mut made = CreatedArns::new();
    let mut done: Vec<Vec<Write>> = Vec::new();
    for step in steps {
        let mut writes = Vec::new();
        let result = match carried.failure {
            Some(_) => outcome_of(step, idle(step), None),
            None => match one(deps, step, &mut made, &mut writes, &mut carried.service).await {
                Ok(_) if step.action == StepAction::Keep => {
                    outcome_of(step, StepOutcome::Unchanged, None)
                }
                Ok(arn) => {
                    let mut result = outcome_of(step, StepOutcome::Done, None);
                    result.step.arn = arn.or(result.step.arn);
                    result
                }
                Err(NotWritten::Call(failure)) if !failure.is_final() => return Err(failure.into()),
                Err(failure) => {
                    carried.failure = Some(chain(&failure));
                    outcome_of(step, StepOutcome::Failed, Some(chain(&failure)))
                }
            },
        };
        carried.steps.push(result);
        done.push(writes);
    }
    if carried.failure.is_some() {
        roll_back(deps, &mut carried.steps, &done, &made).await?;
        for write in earlier {
            roll_back_one(deps, write).await?;
        }
    }
    Ok(carried)
}

/// Why a step was not applied.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Call(#[from] Failure),
    #[error(transparent)]
    NotMade(#[from] NotMade),
}

/// Makes the writes of one step and adds those that succeeded to `writes`. Returns the ARN of what
/// they created or changed.
async fn one(
    deps: &Dependencies,
    step: &Step,
    made: &mut CreatedArns,
    writes: &mut Vec<Write>,
    service: &mut Option<DeployedService>,
) -> Result<Option<String>, NotWritten> {
    let mut arn = None;
    for write in &step.writes {
        let filled = fill(write, made)?;
        let Done { made: thing, service: deployed } = write_one(deps, &filled).await?;
        tracing::info!(resource = ?step.resource, name = step.name, "write succeeded");
        arn = thing
            .as_ref()
            .map(|(_, arn)| arn.clone())
            .or(deployed.as_ref().map(|service| service.arn.clone()))
            .or(arn);
        made.extend(thing);
        if deployed.is_some() {
            *service = deployed;
        }
        writes.push(filled);
    }
    Ok(arn)
}

/// Makes one write. If another writer has taken a rule's priority since the plan was made, the rule
/// gets the next free one.
async fn write_one(deps: &Dependencies, write: &Write) -> Result<Done, Failure> {
    let mut write = write.clone();
    for _ in 0..MOST_PRIORITIES {
        let failure = match apply::apply(&deps.aws, &write).await {
            Err(failure) if failure.code() == Some("PriorityInUse") => failure,
            other => return other,
        };
        let Write::CreateRule { listener, priority: priority @ Priority::Automatic(_), .. } =
            &mut write
        else {
            return Err(failure);
        };
        let rules = apply::rules_now(&deps.aws, listener).await?;
        let Some(free) = free_priority(&rules, deps.config.priorities, Some(priority.number()))
        else {
            return Err(failure);
        };
        tracing::info!(
            listener,
            free,
            "another writer took the priority: trying the next free one"
        );
        *priority = Priority::Automatic(free);
    }
    apply::apply(&deps.aws, &write).await
}

/// Rolls back what these steps created, last first.
async fn roll_back(
    deps: &Dependencies,
    steps: &mut [StepResult],
    done: &[Vec<Write>],
    made: &CreatedArns,
) -> Result<(), Retry> {
    // Whether a write is undone may depend on a later write, so `undo` gets all of them.
    let all = undo(&done.concat());
    for (step, writes) in steps.iter_mut().zip(done).rev() {
        let back: Vec<Write> =
            undo(writes).into_iter().filter(|write| all.contains(write)).collect();
        let mut left = None;
        for write in back.iter().filter_map(|write| fill(write, made).ok()) {
            if let Some(why) = roll_back_one(deps, &write).await? {
                left = Some(why);
            }
        }
        if let Some(why) = left {
            step.outcome = StepOutcome::LeftBehind;
            step.note = Some(why);
        } else if !back.is_empty() && step.outcome == StepOutcome::Done {
            step.outcome = StepOutcome::Undone;
        }
    }
    Ok(())
}

/// Makes one undo write. Returns the reason if AWS refuses it.
pub(crate) async fn roll_back_one(
    deps: &Dependencies,
    write: &Write,
) -> Result<Option<String>, Retry> {
    match apply::apply(&deps.aws, write).await {
        Ok(_) => Ok(None),
        Err(failure) if failure.is_final() => {
            let why = chain(&failure);
            tracing::error!(error = why, "cannot roll back a write: the resource stays");
            Ok(Some(why))
        }
        Err(failure) => Err(failure.into()),
    }
}
