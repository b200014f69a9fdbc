//! Carries a plan out, step by step, and takes back what was made when a step fails for good.
//!
//! What fails for now is no end: the message comes back, what was made is found again, and the plan
//! goes on from there.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_service_spec::result::{Outcome, StepResult};
use portkeeper_service_spec::rules::free_priority;
use portkeeper_service_spec::steps::{Made, Priority, Step, StepAction, Write};
use portkeeper_service_spec::{NotMade, fill, undo};
use portkeeper_service_spec_aws::carry_out::{self, DeployedService, Done};

/// How often another priority is tried for one rule. Several specs may come at once, but not
/// dozens.
const MOST_PRIORITIES: usize = 20;

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// Each step, and what became of it.
    pub(crate) steps: Vec<StepResult>,
    /// The service, if it was made or changed.
    pub(crate) service: Option<DeployedService>,
    /// What AWS said to the step that it refused.
    pub(crate) failure: Option<String>,
}

/// The steps of a plan of which nothing is carried out.
pub(crate) fn not_tried(steps: &[Step]) -> Vec<StepResult> {
    steps.iter().map(|step| outcome_of(step, idle(step), None)).collect()
}

fn idle(step: &Step) -> Outcome {
    if step.action == StepAction::Keep { Outcome::Unchanged } else { Outcome::NotTried }
}

fn outcome_of(step: &Step, outcome: Outcome, note: Option<String>) -> StepResult {
    StepResult { step: step.clone(), outcome, note }
}

/// Carries out all steps. `earlier` takes back what an earlier run of the same state of the spec
/// has made.
pub(crate) async fn carry_out(
    deps: &Dependencies,
    steps: &[Step],
    earlier: &[Write],
) -> Result<Carried, Retry> {
    let mut carried = Carried::default();
    let mut made = Made::new();
    let mut done: Vec<Vec<Write>> = Vec::new();
    for step in steps {
        let mut writes = Vec::new();
        let result = match carried.failure {
            Some(_) => outcome_of(step, idle(step), None),
            None => match one(deps, step, &mut made, &mut writes, &mut carried.service).await {
                Ok(_) if step.action == StepAction::Keep => {
                    outcome_of(step, Outcome::Unchanged, None)
                }
                Ok(arn) => {
                    let mut result = outcome_of(step, Outcome::Done, None);
                    result.step.arn = arn.or(result.step.arn);
                    result
                }
                Err(NotWritten::Call(failure)) if !failure.is_final() => return Err(failure.into()),
                Err(failure) => {
                    carried.failure = Some(chain(&failure));
                    outcome_of(step, Outcome::Failed, Some(chain(&failure)))
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

/// Why a step was not carried out.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Call(#[from] Failure),
    #[error(transparent)]
    NotMade(#[from] NotMade),
}

/// Makes the writes of one step; notes those that were made. Gives the ARN of what they made or
/// changed.
async fn one(
    deps: &Dependencies,
    step: &Step,
    made: &mut Made,
    writes: &mut Vec<Write>,
    service: &mut Option<DeployedService>,
) -> Result<Option<String>, NotWritten> {
    let mut arn = None;
    for write in &step.writes {
        let filled = fill(write, made)?;
        let Done { made: thing, service: deployed } = write_one(deps, &filled).await?;
        tracing::info!(resource = ?step.resource, name = step.name, "written");
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

/// Makes one write. A rule whose priority somebody else has taken meanwhile gets the next free one.
async fn write_one(deps: &Dependencies, write: &Write) -> Result<Done, Failure> {
    let mut write = write.clone();
    for _ in 0..MOST_PRIORITIES {
        let failure = match carry_out::carry_out(&deps.aws, &write).await {
            Err(failure) if failure.code() == Some("PriorityInUse") => failure,
            other => return other,
        };
        let Write::CreateRule { listener, priority: priority @ Priority::Automatic(_), .. } =
            &mut write
        else {
            return Err(failure);
        };
        let rules = carry_out::rules_now(&deps.aws, listener).await?;
        let Some(free) = free_priority(&rules, deps.config.priorities, Some(priority.number()))
        else {
            return Err(failure);
        };
        tracing::info!(listener, free, "the priority was taken by somebody else meanwhile");
        *priority = Priority::Automatic(free);
    }
    carry_out::carry_out(&deps.aws, &write).await
}

/// Takes back what these steps have made, the last first.
async fn roll_back(
    deps: &Dependencies,
    steps: &mut [StepResult],
    done: &[Vec<Write>],
    made: &Made,
) -> Result<(), Retry> {
    // Some is taken back or not for what was done after it, so all is asked for at once.
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
            step.outcome = Outcome::LeftBehind;
            step.note = Some(why);
        } else if !back.is_empty() && step.outcome == Outcome::Done {
            step.outcome = Outcome::Undone;
        }
    }
    Ok(())
}

/// Takes back one write. Gives why AWS does not let it.
pub(crate) async fn roll_back_one(
    deps: &Dependencies,
    write: &Write,
) -> Result<Option<String>, Retry> {
    match carry_out::carry_out(&deps.aws, write).await {
        Ok(_) => Ok(None),
        Err(failure) if failure.is_final() => {
            let why = chain(&failure);
            tracing::error!(error = why, "what was made could not be taken back");
            Ok(Some(why))
        }
        Err(failure) => Err(failure.into()),
    }
}
