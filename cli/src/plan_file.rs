//! `portkeeper plan`: runs the planner on a file, offline: one observation, the recording of an
//! audit, or a text world.

use crate::audit::recording::{RECORDING_VERSION, Recording};
use crate::audit::show;
use crate::exit::Exit;
use crate::{CommandError, input, render};
use portkeeper_core::compare::questions;
use portkeeper_core::plan::{INPUT_VERSION, PlanInput, plan};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{self, Write};
use std::path::Path;

/// What the command accepts as JSON, for its errors.
const WANTED: &str =
    "an observation or a recording that this version can read (see docs/observation.md)";

/// What it accepts otherwise.
const WANTED_AS_TEXT: &str = "an observation or a recording in JSON (see docs/observation.md), or a \
    text world (see docs/text-worlds.md)";

/// The member that distinguishes a recording from an observation.
const OF_RECORDING: &str = "inputs";

/// Prints the plan for the observation in `path`, the report for the recording in it, or the checks
/// of the text world in it. The report has the exit code of the recorded audit.
pub fn run(path: &Path, json: bool) -> Result<Exit, CommandError> {
    let text = input::read(path)?;
    let not_usable =
        |source| CommandError::NotUsable { path: path.to_owned(), wanted: WANTED, source };
    if is_text_world(&text) {
        return run_text_world(path, &text, json);
    }
    let value: Value = serde_json::from_str(&text).map_err(|error| not_usable(error.into()))?;
    let is_recording = value.get(OF_RECORDING).is_some();
    let version = if is_recording { RECORDING_VERSION } else { INPUT_VERSION };
    check_version(&value, version).map_err(|why| not_usable(why.into()))?;
    // A recording may be large.
    drop(value);
    let mut out = anstream::stdout().lock();
    if is_recording {
        let recording: Recording = parse(&text).map_err(|error| not_usable(error.into()))?;
        return print_recording(&mut out, &recording, json);
    }
    let input: PlanInput = parse(&text).map_err(|error| not_usable(error.into()))?;
    if let Some(note) = input.record.unread_note() {
        anstream::eprintln!("warning: {note}");
    }
    let planned = plan(&input);
    if json {
        serde_json::to_writer_pretty(&mut out, &planned).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        render::plan(&mut out, &input, &planned, &questions(&input))?;
    }
    Ok(Exit::Clean)
}

/// A JSON document of this command is an object. An empty file is no world: it was probably not
/// written.
fn is_text_world(text: &str) -> bool {
    text.trim_start().starts_with(|first| first != '{')
}

fn run_text_world(path: &Path, text: &str, json: bool) -> Result<Exit, CommandError> {
    if json {
        return Err(CommandError::OnlyText { path: path.to_owned() });
    }
    let checks = portkeeper_text_world::run(text).map_err(|error| CommandError::NotUsable {
        path: path.to_owned(),
        wanted: WANTED_AS_TEXT,
        source: error.into(),
    })?;
    anstream::stdout().lock().write_all(checks.as_bytes())?;
    Ok(Exit::Clean)
}

fn print_recording(
    out: &mut impl Write,
    recording: &Recording,
    json: bool,
) -> Result<Exit, CommandError> {
    let report = recording.report();
    if json {
        serde_json::to_writer_pretty(&mut *out, &report.to_json()).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        show::report(out, &report)?;
    }
    Ok(report.exit_code(None))
}

fn check_version(value: &Value, known: u32) -> Result<(), String> {
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(known) => Ok(()),
        Some(version) => {
            Err(format!("its `version` is {version}; this version of Portkeeper reads {known}"))
        }
        None => {
            Err(format!("its `version` is not a number; this version of Portkeeper reads {known}"))
        }
    }
}

/// Parses the text, not a `Value`, so that an error names the line.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
