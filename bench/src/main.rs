//! Measures the size, speed and API calls of the functions, next to an empty function and a Python
//! function that makes the same check. `bench/run` builds the programs and starts this one.
//!
//! It prints tables and writes JSON. It fails if a number of calls, or a time by the account's own
//! clock, misses its goal. It never fails because of a time by the real clock.

mod checks;
mod deployment;
mod estate;
mod functions;
mod goals;
mod instructions;
mod memory;
mod process;
mod sweeps;
mod text;

use clap::Parser;
use estate::Size;
use functions::{Effort, Places};
use portkeeper_stage::StageError;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, thread};

/// Measure the functions on simulated accounts, without an AWS account or network access
#[derive(Parser)]
struct Arguments {
    /// The folder where `cargo lambda build` puts each function's `bootstrap`.
    #[arg(long)]
    functions: PathBuf,
    /// A Python interpreter with the packages of bench/requirements.txt.
    #[arg(long)]
    python: PathBuf,
    /// The folder of the Python function.
    #[arg(long)]
    python_function: PathBuf,
    /// The output file for the measurements.
    #[arg(long)]
    json: PathBuf,
    /// Measure few runs on small accounts: two minutes instead of half an hour.
    #[arg(long)]
    short: bool,
}

/// All measurements.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    short: bool,
    functions: Vec<functions::Function>,
    checks: Vec<checks::Check>,
    sweeps: Vec<sweeps::Sweep>,
    check_memory: Option<memory::Event>,
    sweep_memory: Vec<memory::Event>,
    deployment: Option<deployment::Deployment>,
    goals: Vec<goals::Goal>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!(
                "a number of calls, or a time by the account's clock, misses its goal: see the table of goals"
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            let mut chain: Option<&dyn std::error::Error> = Some(error.as_ref());
            while let Some(error) = chain {
                eprintln!("{error}");
                chain = error.source();
            }
            ExitCode::from(2)
        }
    }
}

/// Returns whether every fact meets its goal.
async fn run(arguments: Arguments) -> Result<bool, StageError> {
    let Arguments { functions, python, python_function, json, short } = arguments;
    let places = Places { functions, python, python_function };
    let effort = if short {
        Effort { lives: 5, warm: 10, instructions: false }
    } else {
        Effort { lives: 15, warm: 30, instructions: instructions::can_be_counted() }
    };
    let (small, large) = ([sweep_of(10), sweep_of(100)], [sweep_of(500), sweep_of(2000)]);
    let sizes: Vec<Size> =
        if short { small.to_vec() } else { small.into_iter().chain(large).collect() };
    let cores = thread::available_parallelism()?;
    let mut report = Report {
        machine: format!("{cores} cores {}", env::consts::ARCH),
        short,
        functions: Vec::new(),
        checks: Vec::new(),
        sweeps: Vec::new(),
        check_memory: None,
        sweep_memory: Vec::new(),
        deployment: None,
        goals: Vec::new(),
    };
    say("functions");
    report.functions = functions::measure(&places, effort).await?;
    say("checks");
    for tasks in [10, 250, 1000] {
        report.checks.push(checks::measure(tasks).await?);
    }
    for size in &sizes {
        say(&format!("sweep of {} services", size.services));
        report.sweeps.push(sweeps::measure(*size, 100).await?);
    }
    // The default share of template.yaml, for accounts that fit into one run.
    for size in sizes.iter().filter(|size| size.services <= 500) {
        report.sweeps.push(sweeps::measure(*size, 25).await?);
    }
    say("a deployment");
    report.deployment = Some(deployment::measure(500).await?);
    say("memory");
    report.check_memory = Some(memory::of_check(&places, 1000).await?);
    for size in &sizes {
        report.sweep_memory.push(memory::of_sweep(&places, *size).await?);
    }
    report.goals = goals::of(&report);
    fs::write(&json, serde_json::to_string_pretty(&report)? + "\n")?;
    println!("{}", text::of(&report));
    Ok(report.goals.iter().all(|goal| goal.reached || !goal.is_fact))
}

/// Ten tasks of each service, in clusters of up to 250 services.
fn sweep_of(services: u32) -> Size {
    Size { clusters: services.div_ceil(250), services, tasks: 10 }
}

/// Prints the current measurement as progress.
fn say(what: &str) {
    eprintln!("... {what}");
}
