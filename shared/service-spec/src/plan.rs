//! Plans the steps from a spec and the existing resources. A step comes after those that it depends
//! on. Each step is idempotent, so that an interrupted run plans again and resumes.

mod balancing;
mod groups;
mod logs;
mod removal;
mod scaling;
mod service;
mod task;

pub use removal::{Removal, plan_removal};
pub(super) use scaling::metric_of_policy;

use super::difference::difference;
use super::found::Found;
use super::identity::SpecId;
use super::live::verify_live;
use super::problem::{Problem, ProblemCode};
use super::rules::Band;
use super::shapes::Shapes;
use super::spec::Spec;
use super::steps::{Difference, NewResource, Ref, Resource, SpecPlan, Step, StepAction, Write};
use super::validate::locate;
use serde_json::Value;

/// What a plan needs in addition to the spec and the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The object that contains the spec.
    pub owner: SpecId,
    /// The range of automatic priorities.
    pub band: Band,
}

/// Plans the steps of a spec; the problems include those of [`verify_live`]. The plan must not be
/// applied while one of them is an error or a step is refused; see [`SpecPlan::may_run`].
#[must_use]
pub fn plan(spec: &Spec, found: &Found, context: &Context) -> SpecPlan {
    let shapes = Shapes::load();
    let problems = verify_live(spec, found, Some(&context.owner));
    let mut planner =
        Planner { spec, found, context, shapes: &shapes, steps: Vec::new(), problems };
    logs::plan(&mut planner);
    let task_definition = task::plan(&mut planner);
    groups::plan(&mut planner);
    balancing::plan(&mut planner);
    service::plan(&mut planner, &task_definition);
    scaling::plan(&mut planner);
    let Planner { steps, mut problems, .. } = planner;
    locate(&mut problems, &spec.positions);
    SpecPlan { steps, problems }
}

struct Planner<'a> {
    spec: &'a Spec,
    found: &'a Found,
    context: &'a Context,
    shapes: &'a Shapes,
    steps: Vec<Step>,
    problems: Vec<Problem>,
}

impl Planner<'_> {
    fn error(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::error(code, at, message));
    }

    fn warn(&mut self, code: ProblemCode, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::warning(code, at, message));
    }

    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The target group that the spec creates: it exists, or an earlier step creates it.
    fn group(&self, name: &str) -> Ref {
        match self.found.group_named(name) {
            Some(group) => Ref::Existing(group.arn.clone()),
            None => Ref::New(NewResource::TargetGroup(name.to_owned())),
        }
    }
}

impl Step {
    fn new(resource: Resource, name: &str, action: StepAction) -> Self {
        let (differences, writes) = (Vec::new(), Vec::new());
        Self { resource, name: name.to_owned(), action, arn: None, differences, writes }
    }

    fn keep(resource: Resource, name: &str) -> Self {
        Self::new(resource, name, StepAction::Keep)
    }

    fn create(resource: Resource, name: &str, write: Write) -> Self {
        Self { writes: vec![write], ..Self::new(resource, name, StepAction::Create) }
    }

    /// A change with these differences, or an unchanged step if there are none.
    fn change(
        resource: Resource,
        name: &str,
        differences: Vec<Difference>,
        writes: Vec<Write>,
    ) -> Self {
        let action = if differences.is_empty() { StepAction::Keep } else { StepAction::Change };
        let writes = if differences.is_empty() { Vec::new() } else { writes };
        Self { differences, writes, ..Self::new(resource, name, action) }
    }

    fn with_arn(self, arn: &str) -> Self {
        Self { arn: Some(arn.to_owned()), ..self }
    }

    fn with_differences(self, differences: Vec<Difference>) -> Self {
        Self { differences, ..self }
    }

    /// Whether it writes anything.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self.action, StepAction::Create | StepAction::Change | StepAction::Delete)
    }
}

impl SpecPlan {
    /// Whether it may be applied: no problem is an error, and no step is refused.
    #[must_use]
    pub fn may_run(&self) -> bool {
        let refused = self.steps.iter().any(|step| matches!(step.action, StepAction::Refuse(_)));
        !refused && !self.problems.iter().any(Problem::is_error)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.steps.iter().all(|step| step.action == StepAction::Keep)
    }
}

/// A difference between two values that can be written as JSON.
fn differs<T: Into<Value> + PartialEq + Clone>(
    path: &str,
    before: Option<&T>,
    after: Option<&T>,
) -> Option<Difference> {
    let value = |it: Option<&T>| it.cloned().map(Into::into);
    (before != after)
        .then(|| difference(path, value(before).as_ref(), value(after).as_ref(), false))
}
