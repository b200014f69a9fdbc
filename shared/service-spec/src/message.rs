//! The alert about a spec: the result itself for programs, and the same as text for people.

use crate::problem::Problem;
use crate::result::{SpecResult, Status, StepOutcome, StepResult};
use crate::steps::StepAction;
use portkeeper_core::code::Severity;
use portkeeper_core::report::{HttpsFormat, cut, subject_line};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A message lists at most this many problems and counts the rest. The result in the bucket has all
/// of them.
const TOLD_PROBLEMS: usize = 30;

/// A message lists at most this many differences of a step.
const TOLD_DIFFERENCES: usize = 20;

/// The maximum number of characters of one sentence: some contain AWS's messages, and SNS accepts
/// 256 KB for all forms together.
const LONGEST_SENTENCE: usize = 500;

/// The maximum number of characters of a description for chat applications.
const CHAT_LIMIT: usize = 8_000;

/// A message for SNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecMessage {
    /// ASCII, one line, short enough for SNS.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The result as JSON, without its differences.
    pub document: String,
    /// For filter policies: `severity`, `code`, `state`, `spec`, and `cluster` and `service` where
    /// they are known.
    pub attributes: BTreeMap<String, String>,
}

/// The severity of a result.
#[must_use]
pub fn severity(status: Status) -> Severity {
    if status.is_bad() { Severity::Error } else { Severity::Info }
}

/// The message for a result.
#[must_use]
pub fn spec_message(result: &SpecResult) -> SpecMessage {
    let status = result.status.as_str();
    let mut attributes = BTreeMap::from([
        ("severity".to_owned(), severity(result.status).as_str().to_owned()),
        ("code".to_owned(), format!("spec_{status}")),
        ("state".to_owned(), status.to_owned()),
        ("spec".to_owned(), result.spec.key.clone()),
    ]);
    let cluster = result.cluster.as_deref().map(cluster_name);
    attributes.extend(cluster.map(|cluster| ("cluster".to_owned(), cluster.to_owned())));
    attributes.extend(result.service.clone().map(|service| ("service".to_owned(), service)));
    SpecMessage {
        subject: spec_title(result),
        body: spec_text(result),
        document: document(result),
        attributes,
    }
}

impl SpecMessage {
    /// The `Message` of a publication with `MessageStructure=json`.
    #[must_use]
    pub fn by_protocol(&self, https: HttpsFormat) -> String {
        let mut parts = BTreeMap::from([
            ("default", self.document.clone()),
            ("email", self.body.clone()),
            ("sms", self.subject.clone()),
        ]);
        if https == HttpsFormat::Chat {
            parts.insert("https", self.chat().to_string());
        }
        json!(parts).to_string()
    }

    /// As a custom notification of Amazon Q Developer in chat applications. All results of one spec
    /// are in one thread.
    fn chat(&self) -> Value {
        let spec = self.attributes.get("spec");
        json!({
            "version": "1.0",
            "source": "custom",
            "content": { "textType": "client-markdown", "title": self.subject, "description": cut(&self.body, CHAT_LIMIT) },
            "metadata": { "threadId": spec, "summary": self.subject, "eventType": self.attributes.get("code") },
        })
    }
}

/// The result, short enough for a message. The result in the bucket has the differences.
fn document(result: &SpecResult) -> String {
    let mut short = result.clone();
    short.problems.truncate(TOLD_PROBLEMS);
    for problem in &mut short.problems {
        problem.message = cut(&problem.message, LONGEST_SENTENCE);
    }
    for step in &mut short.steps {
        step.step.differences.clear();
        step.note = step.note.as_deref().map(|note| cut(note, LONGEST_SENTENCE));
    }
    // The keys are strings and the numbers integers, so this cannot fail.
    serde_json::to_string(&short).unwrap_or_default()
}

/// One line of ASCII: the spec and its state.
#[must_use]
pub fn spec_title(result: &SpecResult) -> String {
    let of = result
        .service
        .as_deref()
        .map(|service| format!(" (service {service})"))
        .unwrap_or_default();
    subject_line(&format!("spec {}: {}{of}", result.status.as_str(), result.spec.key))
}

/// The result as text.
#[must_use]
pub fn spec_text(result: &SpecResult) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "s3://{}/{}: {}",
        result.spec.bucket,
        result.spec.key,
        result.status.as_str()
    );
    let _ = writeln!(text, "{}", cut(&result.summary, LONGEST_SENTENCE));
    if !result.problems.is_empty() {
        text.push('\n');
    }
    for problem in result.problems.iter().take(TOLD_PROBLEMS) {
        let _ = writeln!(text, "{}", problem_line(problem));
    }
    if let Some(more @ 1..) = result.problems.len().checked_sub(TOLD_PROBLEMS) {
        let _ = writeln!(text, "… and {more} more: see the result in the bucket");
    }
    if !result.steps.is_empty() {
        text.push('\n');
    }
    for step in &result.steps {
        text.push_str(&step_lines(step));
    }
    if let Some(deployment) = &result.deployment {
        let state = deployment.state.as_deref().unwrap_or("unknown");
        let (running, desired) = (deployment.running, deployment.desired);
        let _ = writeln!(
            text,
            "\nDeployment {}: {state}, {running} of {desired} tasks are running",
            deployment.id
        );
        for message in &deployment.messages {
            let _ = writeln!(text, "- {}", cut(message, LONGEST_SENTENCE));
        }
    }
    text
}

fn problem_line(problem: &Problem) -> String {
    let position = problem.position.map(|position| format!("{position}: ")).unwrap_or_default();
    let at = if problem.at.is_empty() { String::new() } else { format!("{}: ", problem.at) };
    format!("{position}{}: {at}{}", problem.level, cut(&problem.message, LONGEST_SENTENCE))
}

/// `+ target group web-tg: done`
fn step_lines(step: &StepResult) -> String {
    let mark = match &step.step.action {
        StepAction::Create => '+',
        StepAction::Change => '~',
        StepAction::Keep => ' ',
        StepAction::Delete => '-',
        StepAction::Refuse(_) => '!',
    };
    let (resource, name, outcome) =
        (step.step.resource.words(), &step.step.name, outcome_words(step.outcome));
    let mut text = format!("{mark} {resource} {name}: {outcome}\n");
    if let StepAction::Refuse(why) = &step.step.action {
        let _ = writeln!(text, "    {}", cut(why, LONGEST_SENTENCE));
    }
    if let Some(note) = &step.note {
        let _ = writeln!(text, "    {}", cut(note, LONGEST_SENTENCE));
    }
    for difference in step.step.differences.iter().take(TOLD_DIFFERENCES) {
        let side =
            |side: &Option<String>| side.as_deref().map_or("(none)".to_owned(), |it| cut(it, 200));
        let (before, after) = (side(&difference.before), side(&difference.after));
        let _ = writeln!(text, "    {}: {before} -> {after}", difference.path);
    }
    text
}

fn outcome_words(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Done => "done",
        StepOutcome::Unchanged => "unchanged",
        StepOutcome::Failed => "failed",
        StepOutcome::NotTried => "not tried",
        StepOutcome::Undone => "rolled back",
        StepOutcome::LeftBehind => "not rolled back",
    }
}

/// Returns the name in a cluster's ARN; a name is returned unchanged.
fn cluster_name(cluster: &str) -> &str {
    cluster.rsplit('/').next().unwrap_or(cluster)
}
