//! `portkeeper check-spec`: every problem of spec files at once, each with its place; offline, or
//! held against an account. `portkeeper spec-schema`: the form of specs, for editors.

mod live;

pub(crate) use live::AccountOptions;

use crate::exit::Exit;
use crate::{CommandError, error_text, input};
use anstyle::{AnsiColor, Style};
use portkeeper_service_spec::check;
use portkeeper_service_spec::problem::{Place, Problem};
use portkeeper_service_spec::rules::Band;
use portkeeper_service_spec::spec::Spec;
use portkeeper_service_spec::steps::{Step, StepAction};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Made by `scripts/make-spec-schema.py`.
const SCHEMA: &str = include_str!("../../docs/service-spec.schema.json");

/// The version of the JSON form.
const FORM_VERSION: u32 = 1;

const BOLD: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// What is validated, and how it is shown.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Spec files: YAML, or JSON where the name ends in `.json`; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Look in your account, too: whether what the spec names is there and fits, and what would be
    /// done. Nothing is written.
    #[arg(long)]
    live: bool,
    /// With --live: the band of priorities that the stack's parameter `RulePriorities` says.
    #[arg(long, value_name = "FIRST-LAST", default_value = "1000-1999", requires = "live")]
    rule_priorities: Band,
    #[command(flatten)]
    account: AccountOptions,
}

/// What there is to say of one file.
#[derive(Debug, Serialize)]
struct Validated {
    file: String,
    problems: Vec<Problem>,
    /// With `--live`: what would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step>>,
    /// With `--live`: what could not be read, so that nothing is known of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_read: Vec<String>,
    #[serde(skip)]
    text: String,
}

impl Validated {
    /// Whether something must be changed in the spec.
    fn is_refused(&self) -> bool {
        let is_refused = |step: &Step| matches!(step.action, StepAction::Refuse(_));
        self.count(true) > 0 || self.steps.iter().flatten().any(is_refused)
    }

    fn count(&self, errors: bool) -> usize {
        self.problems.iter().filter(|problem| problem.is_error() == errors).count()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    files: &'a [Validated],
}

/// Checks all files, each by itself.
pub fn run(options: &Options) -> Result<Exit, CommandError> {
    if !options.live && options.account.is_named() {
        return Err(CommandError::NotLive);
    }
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for path in &options.files {
        match input::read_bytes(path) {
            Ok(bytes) => files.push((path, bytes)),
            Err(error) => unreadable.push(error),
        }
    }
    let validated = if options.live {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(validate_live(options, &files))?
    } else {
        files.iter().map(|(path, bytes)| validate_file(path, bytes).0).collect()
    };
    let mut out = anstream::stdout().lock();
    if options.json {
        let document = Document { version: FORM_VERSION, files: &validated };
        serde_json::to_writer_pretty(&mut out, &document).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        validated.iter().try_for_each(|validated| show(&mut out, validated))?;
    }
    for error in &unreadable {
        anstream::eprintln!("{}", error_text(error));
    }
    let has_errors = validated.iter().any(Validated::is_refused);
    let is_whole =
        unreadable.is_empty() && validated.iter().all(|validated| validated.not_read.is_empty());
    Ok(match (is_whole, has_errors) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    })
}

/// Prints the JSON Schema of specs.
pub fn schema() -> Result<(), CommandError> {
    anstream::stdout().lock().write_all(SCHEMA.as_bytes())?;
    Ok(())
}

fn validate_file(path: &Path, bytes: &[u8]) -> (Validated, Option<Spec>) {
    let file = path.display().to_string();
    let (spec, problems) = check(&file, bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    (Validated { file, problems, steps: None, not_read: Vec::new(), text }, spec)
}

/// Files that are good by themselves are held against the account.
async fn validate_live(
    options: &Options,
    files: &[(&PathBuf, Vec<u8>)],
) -> Result<Vec<Validated>, CommandError> {
    let aws = options.account.open().await?;
    let mut all = Vec::new();
    for (path, bytes) in files {
        let (mut validated, spec) = validate_file(path, bytes);
        if let Some(spec) = spec {
            let (plan, gaps) =
                live::plan_live(&aws, &spec, &validated.file, options.rule_priorities).await;
            validated.not_read = gaps.into_iter().map(|gap| gap.why).collect();
            validated.problems.extend(plan.problems);
            // What was not read would be planned for as if it were not there.
            validated.steps = validated.not_read.is_empty().then_some(plan.steps);
        }
        all.push(validated);
    }
    Ok(all)
}

fn show(out: &mut impl Write, validated: &Validated) -> io::Result<()> {
    for problem in &validated.problems {
        let style = if problem.is_error() { ERROR } else { WARNING };
        let place = problem.place.map(|place| format!(":{place}")).unwrap_or_default();
        let (file, weight, code) = (&validated.file, problem.weight, &problem.code);
        write!(out, "{BOLD}{file}{place}{BOLD:#}: {style}{weight}{style:#}: ")?;
        if !problem.at.is_empty() {
            write!(out, "{}: ", problem.at)?;
        }
        writeln!(out, "{} {FAINT}[{code}]{FAINT:#}", problem.message)?;
        if let Some(place) = problem.place {
            excerpt(out, &validated.text, place)?;
        }
    }
    if let Some(steps) = &validated.steps {
        live::show(out, steps, validated.is_refused())?;
    }
    if !validated.not_read.is_empty() {
        writeln!(out, "No plan: not everything that the spec names could be read.")?;
    }
    let counted =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (validated.count(true), validated.count(false));
    let verdict = match (errors, warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (0, _) => counted(warnings, "warning"),
        (_, 0) => counted(errors, "error"),
        _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    };
    writeln!(out, "{}: {verdict}", validated.file)
}

/// The most of a line that is shown: a JSON file may be one line.
const LONGEST_LINE: usize = 160;

/// The line, and a caret under the column.
fn excerpt(out: &mut impl Write, text: &str, place: Place) -> io::Result<()> {
    let Some(line) = text.lines().nth(place.line.saturating_sub(1)) else { return Ok(()) };
    if line.chars().count() > LONGEST_LINE {
        return Ok(());
    }
    // A tab is as wide as the one above it.
    let before = line.chars().take(place.column.saturating_sub(1));
    let indent: String = before.map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    writeln!(out, " {FAINT}{number} |{FAINT:#} {line}")?;
    writeln!(out, " {FAINT}{margin} |{FAINT:#} {indent}{ERROR}^{ERROR:#}")
}
