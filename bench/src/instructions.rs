//! Counts the instructions of a function with callgrind: the one measurement that other load does
//! not change.
//!
//! It counts instructions of the program, not of the kernel, and reports none if valgrind is not
//! installed.

use crate::process::{Problem, Program, Running, invoke};
use portkeeper_tests::runtime_api::RuntimeApi;
use serde::Serialize;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The number of events that the mean is taken over.
const WARM: u64 = 10;

/// Under callgrind a program takes fifty times as long; Python then needs half a minute to start.
const PATIENCE: Duration = Duration::from_mins(10);

/// Instructions in user mode.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Instructions {
    /// From `exec` to the first poll.
    pub(crate) start: u64,
    /// For the whole first event.
    pub(crate) first: u64,
    /// For each further event.
    pub(crate) warm: u64,
}

/// Returns whether valgrind is installed.
pub(crate) fn can_be_counted() -> bool {
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// Counts over three runs that differ in the number of events.
pub(crate) async fn count(program: &Program) -> Result<Instructions, Problem> {
    let (start, one, more) =
        (life(program, 0).await?, life(program, 1).await?, life(program, 1 + WARM).await?);
    Ok(Instructions {
        start,
        first: one.saturating_sub(start),
        warm: more.saturating_sub(one) / WARM,
    })
}

async fn life(program: &Program, events: u64) -> Result<u64, Problem> {
    let options =
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"].map(OsString::from);
    let command = options.into_iter().chain(program.command.clone()).collect();
    let path = ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default());
    let variables = program.variables.iter().cloned().chain([path]).collect();
    let looked_at = Program { command, variables, ..program.clone() };
    let api = RuntimeApi::start().await.with_patience(PATIENCE);
    let running = Running::start_and_listen(&looked_at, &api)?;
    api.first_poll().await.ok_or(Problem::NoPoll(program.name))?;
    for _ in 0..events {
        invoke(&looked_at, &api).await?;
    }
    let said = running.end().map_err(|error| Problem::Start("valgrind", error))?;
    // `==123== Collected : 4567890`
    let collected =
        said.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    collected.ok_or(Problem::Undetermined(
        PathBuf::from("valgrind"),
        "the number of collected instructions",
    ))
}
