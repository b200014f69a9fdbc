//! Runs many seeds of the simulation on all processors and prints a summary.
//!
//! ```text
//! cargo run --profile simulation -p portkeeper-tests --bin simulate -- --seeds 1000 [--from 1] [--mutation NoProof]
//! cargo run --profile simulation -p portkeeper-tests --bin simulate -- --seed 7 --trace --about i-0288fc35ccc88d6c4
//! ```
//!
//! Exits with 0 if every rule held, 1 if a rule was broken (the output shows where, and how to
//! reproduce it), and 2 if the arguments are invalid.

use portkeeper_tests::simulation::{Mutation, Outcome, Stats, run};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Small allocations take three quarters of a run: requests, answers, and the SDK's copies of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: simulate [--seeds N] [--from K] [--seed S] [--trace] [--about TEXT] [--mutation NAME] \
    [--keep-going]";

/// The number of seeds between two lines of progress.
const PROGRESS: u64 = 50;

struct Arguments {
    from: u64,
    seeds: u64,
    trace: bool,
    /// Prints only the account's events that contain this text.
    about: Option<String>,
    mutation: Option<Mutation>,
    keep_going: bool,
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut read = Arguments {
        from: 1,
        seeds: 100,
        trace: false,
        about: None,
        mutation: None,
        keep_going: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        match word.as_str() {
            "--seeds" => read.seeds = number(value()?)?,
            "--from" => read.from = number(value()?)?,
            "--seed" => (read.from, read.seeds) = (number(value()?)?, 1),
            "--mutation" => {
                let name = value()?;
                let found = Mutation::named(&name);
                let none = || {
                    format!("no mutation {name}; there are, each with a seed, {:?}", Mutation::ALL)
                };
                read.mutation = Some(found.ok_or_else(none)?);
            }
            "--trace" => read.trace = true,
            "--about" => read.about = Some(value()?),
            "--keep-going" => read.keep_going = true,
            _ => return Err(format!("{word} is not understood")),
        }
    }
    Ok(read)
}

fn main() -> io::Result<ExitCode> {
    let arguments = match read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    let sum = play(&arguments)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", sum.stats)?;
    let took = sum.took.max(1);
    writeln!(
        out,
        "{} seeds in {took} s, {} violations {:?}",
        sum.played, sum.violations, sum.rules
    )?;
    Ok(if sum.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Sum {
    played: u64,
    violations: u64,
    took: u64,
    stats: Stats,
    /// How often each rule was broken.
    rules: BTreeMap<String, u64>,
}

/// Runs the seeds on one thread for each processor and reports them in the order in which they end.
fn play(arguments: &Arguments) -> io::Result<Sum> {
    let began = Instant::now();
    let (next, end) =
        (AtomicU64::new(arguments.from), arguments.from.saturating_add(arguments.seeds));
    let stopped = AtomicBool::new(false);
    let (results, outcomes) = mpsc::channel();
    let mut sum = Sum::default();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (results, next, stopped) = (results.clone(), &next, &stopped);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || results.send(run(seed, arguments.mutation)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        let mut out = io::stdout().lock();
        for outcome in outcomes {
            let outcome = outcome.map_err(io::Error::other)?;
            note(&mut sum, &outcome, arguments, &mut out)?;
            if outcome.violation.is_some() && !arguments.keep_going {
                stopped.store(true, Ordering::Relaxed);
            }
            if sum.played.is_multiple_of(PROGRESS) {
                writeln!(
                    out,
                    "{} of {} seeds, {} s",
                    sum.played,
                    arguments.seeds,
                    began.elapsed().as_secs()
                )?;
            }
        }
        Ok::<_, io::Error>(())
    })?;
    sum.took = began.elapsed().as_secs();
    Ok(sum)
}

fn note(
    sum: &mut Sum,
    outcome: &Outcome,
    arguments: &Arguments,
    out: &mut impl Write,
) -> io::Result<()> {
    sum.played += 1;
    sum.stats.add(&outcome.stats);
    if arguments.trace {
        for step in &outcome.steps {
            writeln!(out, "{step}")?;
        }
    }
    if let Some(about) = &arguments.about {
        for line in outcome.journal.iter().filter(|line| line.contains(about.as_str())) {
            writeln!(out, "{line}")?;
        }
    }
    if let (Some(violation), Some(rule)) = (&outcome.violation, outcome.rule) {
        sum.violations += 1;
        *sum.rules.entry(rule.to_owned()).or_insert(0) += 1;
        if arguments.keep_going {
            writeln!(out, "{}", violation.lines().next().unwrap_or_default())?;
        } else {
            writeln!(out, "{violation}")?;
        }
    }
    Ok(())
}
