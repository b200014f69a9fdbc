//! Services from specs: text in, text out. The content of a file, its problems, and the steps of
//! its plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod examples;
mod exports;
mod live;
mod mistakes;
mod notices;
mod plans;
mod reading;
mod removal;
mod rules;
mod secrets;

use portkeeper_service_spec::identity::SpecId;
use portkeeper_service_spec::problem::Problem;
use portkeeper_service_spec::spec::Spec;
use portkeeper_service_spec::steps::{SpecPlan, StepAction};
use portkeeper_service_spec::validate;
use portkeeper_service_spec::{Context, rules::Band};
use std::fmt::Write as _;

/// Problems, one a line: place, weight, code, member, message.
fn lines(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |mut text, problem| {
        let position = problem.position.map(|position| format!("{position} ")).unwrap_or_default();
        let Problem { level, code, at, message, .. } = problem;
        writeln!(text, "{position}{level} {code} {at}: {message}").unwrap();
        text
    })
}

/// The problems of a file with this name.
fn described(name: &str, text: &str) -> String {
    let (spec, problems) = validate(name, text.as_bytes());
    assert_eq!(
        spec.is_some(),
        !problems.iter().any(Problem::is_error),
        "a spec is there if there is no error"
    );
    if problems.is_empty() { "nothing\n".to_owned() } else { lines(&problems) }
}

/// A spec that must be good.
fn good(text: &str) -> Spec {
    let (spec, problems) = validate("spec.yaml", text.as_bytes());
    spec.unwrap_or_else(|| panic!("{}", lines(&problems)))
}

fn context() -> Context {
    Context {
        owner: SpecId { bucket: "specs".to_owned(), key: "specs/hello.yaml".to_owned() },
        band: Band::default(),
    }
}

/// A plan as text for readers.
fn shown(plan: &SpecPlan) -> String {
    let mut text = lines(&plan.problems);
    for step in &plan.steps {
        let action = match &step.action {
            StepAction::Create => "create".to_owned(),
            StepAction::Change => "change".to_owned(),
            StepAction::Keep => "keep".to_owned(),
            StepAction::Delete => "delete".to_owned(),
            StepAction::Refuse(reason) => format!("refuse ({reason})"),
        };
        writeln!(text, "{action} {:?} {}", step.resource, step.name).unwrap();
        for difference in &step.differences {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
            let (before, after) = (side(&difference.before), side(&difference.after));
            writeln!(text, "  {}: {before} -> {after}", difference.path).unwrap();
        }
    }
    text
}
