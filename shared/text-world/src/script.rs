//! Runs the lines of a text, and the checks between them.

use super::error::{TextError, WordError};
use super::words::{Words, number};
use super::world::{Look, World};
use super::{facts, print, read};
use portkeeper_core::audit::first_check;
use portkeeper_core::ledger::{LedgerRecord, mark_sent, record_outcomes};
use portkeeper_core::observation::{HealthState, RegisteredTarget};
use portkeeper_core::plan::{Action, ActionKind, OutcomeResult, Plan, WriteOutcome};
use portkeeper_core::readiness::readiness;
use portkeeper_core::task_parts::in_short;

/// Seconds between two checks when the text does not say.
const LOOKS_APART_SECS: u32 = 60;

const AFTER_LOOK: &str = "`after SPAN`, `unsent`, `dies`, `refused REASON`, `fails REASON`, \
    `late REASON`, `hop=NUMBER` or the end of the line";
const NOTHING_MORE: &str = "the end of the line";

/// What follows `look` on its line.
struct LookOptions {
    after_secs: u32,
    hop: Option<u32>,
    /// SNS accepts no alert.
    unsent: bool,
    /// The function ends after it has stored its intent.
    dies: bool,
    /// How AWS answers each write.
    answer: OutcomeResult,
}

/// Runs the text on an empty world, and returns the result as text.
pub fn run(text: &str) -> Result<String, TextError> {
    run_in(&mut World::new()?, text, |_| {})
}

/// Runs the text on this world. `each` gets every check, before its writes are made.
pub fn run_in(
    world: &mut World,
    text: &str,
    mut each: impl FnMut(&Look<'_>),
) -> Result<String, TextError> {
    let mut out = String::new();
    let mut looked = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() {
            continue;
        }
        let ran = run_line(world, line, &mut each).map_err(|source| TextError::Line {
            number: index + 1,
            line: in_short(line),
            source,
        })?;
        if let Some(shown) = ran {
            looked = true;
            out.push_str(&shown);
        }
    }
    if !looked {
        for after_secs in [0, LOOKS_APART_SECS] {
            out.push_str(&look(world, &LookOptions::after(after_secs), &mut each));
        }
    }
    out.push_str(&print::incidents(&world.record));
    Ok(out)
}

/// Returns what a line shows; none for one that only states a fact.
fn run_line(
    world: &mut World,
    line: &str,
    each: &mut impl FnMut(&Look<'_>),
) -> Result<Option<String>, WordError> {
    let mut words = Words::of(line)?;
    if words.take_if("look") {
        let options = LookOptions::of(words)?;
        return Ok(Some(look(world, &options, each)));
    }
    if words.take_if("audit") {
        words.end(NOTHING_MORE)?;
        let (input, _) = read::read(world);
        return Ok(Some(print::audit(&first_check(input.observation, &world.policy))));
    }
    if words.take_if("ready") {
        words.end(NOTHING_MORE)?;
        return Ok(Some(print::readiness(&readiness(&read::read(world).0.observation))));
    }
    facts::state(world, &mut words)?;
    Ok(None)
}

impl LookOptions {
    fn after(after_secs: u32) -> Self {
        Self { after_secs, hop: None, unsent: false, dies: false, answer: OutcomeResult::Done }
    }

    fn of(mut words: Words) -> Result<Self, WordError> {
        let mut options = Self::after(0);
        while let Some(word) = words.next() {
            let mut reason = || words.require("a reason");
            match word.as_str() {
                "after" => options.after_secs = words.span()?,
                "unsent" => options.unsent = true,
                "dies" => options.dies = true,
                "refused" => options.answer = OutcomeResult::Refused(reason()?),
                "late" => options.answer = OutcomeResult::Skipped(reason()?),
                "fails" => options.answer = OutcomeResult::Failed(reason()?),
                other => match other.strip_prefix("hop=") {
                    Some(hop) => options.hop = Some(number(hop)?),
                    None => return Err(WordError::unexpected(other, AFTER_LOOK)),
                },
            }
        }
        Ok(options)
    }
}

fn look(world: &mut World, options: &LookOptions, each: &mut impl FnMut(&Look<'_>)) -> String {
    world.now = world.now.plus_secs(options.after_secs);
    world.hop = options.hop.unwrap_or(world.hop);
    world.index_places();
    let (input, questions) = read::read(world);
    world.calls.clear();
    let plan = portkeeper_core::plan::plan(&input);
    let look = Look { world, input: &input, questions: &questions, plan: &plan };
    each(&look);
    let text = print::look(&look);
    let settled = after(world, &plan, options);
    // A function that dies has stored its intent, and nothing after it.
    world.record = if options.dies { plan.next_record } else { settled };
    world.hop = world.hop.saturating_add(1);
    text
}

/// What the functions do after planning: write, record the outcomes, publish, record what was sent.
fn after(world: &mut World, plan: &Plan, options: &LookOptions) -> LedgerRecord {
    let mut outcomes = Vec::new();
    for action in &plan.actions {
        if options.answer == OutcomeResult::Done {
            carry_out(world, action);
        }
        outcomes.extend(action.targets.iter().map(|target| WriteOutcome {
            kind: action.kind,
            group: action.group.clone(),
            target: target.clone(),
            result: options.answer.clone(),
        }));
    }
    let settled = record_outcomes(&plan.next_record, &outcomes);
    match (plan.alerts.is_empty(), options.unsent) {
        (true, _) => settled,
        (false, true) => mark_sent(&settled, &[]),
        (false, false) => mark_sent(&settled, &plan.alerts),
    }
}

fn carry_out(world: &mut World, action: &Action) {
    let state = match action.kind {
        ActionKind::Register => HealthState::Initial,
        ActionKind::Deregister => HealthState::Draining,
    };
    // The core writes only to groups that were read.
    let Some(group) = world.groups.get_mut(action.group.name()) else { return };
    for target in &action.targets {
        group.found.targets.retain(|other| other.target != *target);
        let (target, state) = (target.clone(), state.clone());
        let availability_zone = action.zone.map(|zone| zone.as_str().to_owned());
        group.found.targets.push(RegisteredTarget {
            target,
            state,
            reason: None,
            availability_zone,
        });
    }
}
