//! `portkeeper plan`: the pure part alone, on a file.

use crate::{CommandError, render};
use portkeeper_core::compare::questions;
use portkeeper_core::plan::{INPUT_VERSION, PlanInput, plan};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What the command takes, for its error texts.
const WANTED: &str = "an observation that this version can plan on (see docs/observation.md)";

/// Plans on the observation in `path` and prints the plan.
pub fn run(path: &Path, json: bool) -> Result<(), CommandError> {
    let input = read(path)?;
    let planned = plan(&input);
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &planned).map_err(std::io::Error::from)?;
        std::io::Write::write_all(&mut out, b"\n")?;
        return Ok(());
    }
    render::plan(&mut out, &input, &planned, &questions(&input))?;
    Ok(())
}

fn read(path: &Path) -> Result<PlanInput, CommandError> {
    let unreadable = |source| CommandError::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let not_usable = |source| CommandError::NotUsable { path: path.to_owned(), wanted: WANTED, source };
    let value: Value = serde_json::from_str(&text).map_err(|error| not_usable(error.into()))?;
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(INPUT_VERSION) => {}
        Some(version) => {
            return Err(not_usable(format!("it has version {version}; this program reads {INPUT_VERSION}").into()));
        }
        None => {
            return Err(not_usable(
                format!("it has no number as `version`; this program reads {INPUT_VERSION}").into(),
            ));
        }
    }
    // From the text, not from the value: only so the error names a line.
    serde_json::from_str(&text).map_err(|error| not_usable(error.into()))
}
