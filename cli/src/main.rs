//! The command people type. Parses the command line, runs one command, turns an error into text and
//! an exit code.

use clap::{Parser, Subcommand};
use portkeeper::CommandError;
use portkeeper::exit::Exit;
use portkeeper_stage::large::LargeAccount;
use std::path::PathBuf;
use std::process::ExitCode;

/// Keeps Amazon ECS services registered right behind their load balancers.
#[derive(Parser)]
#[command(name = "portkeeper", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show Portkeeper at work on a simulated AWS account: no account, no credentials, nothing to
    /// install.
    Demo {
        /// Another seed gives other identifiers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print one JSON document instead of the timeline.
        #[arg(long)]
        json: bool,
        /// Do not pause between the scenes.
        #[arg(long)]
        fast: bool,
        /// Write each alert into this folder: as text, as JSON, as Slack's Block Kit.
        #[arg(long, value_name = "DIR")]
        alerts: Option<PathBuf>,
    },
    /// Hand an event to the real handler, in a fresh simulated account with the service it names,
    /// and tell what it led to.
    Replay {
        /// A file with one EventBridge event, one of Portkeeper's own messages, or an SQS batch
        /// (each message alone); `-` for standard input.
        event: PathBuf,
        /// Print one JSON document instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Serve a simulated account on a loopback port, for the AWS command line and other programs:
    /// the demo's, or a large one with faults planted in it.
    World {
        /// A large account with so many services, and a list of what is wrong in it.
        #[arg(long, requires = "tasks", value_parser = clap::value_parser!(u32).range(1..=2000))]
        services: Option<u32>,
        /// So many tasks for each of these services.
        #[arg(long, requires = "services", value_parser = clap::value_parser!(u32).range(1..=1000))]
        tasks: Option<u32>,
        /// Another seed gives other identifiers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The port; 0 takes any that is free.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Look at your account, read-only: what is wrong now, and what Portkeeper would do about it.
    /// Ends with 0 if nothing is wrong, 1 if something is, 2 if not everything could be read.
    Audit(portkeeper::audit::Options),
    /// Plan on a recorded observation, or on the recording of an audit: the pure part alone,
    /// offline.
    Plan {
        /// A file with an observation or a recording, as docs/observation.md describes them; `-`
        /// for standard input.
        observation: PathBuf,
        /// Print the plan as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check spec files, offline or against your account (--live): every problem at once, each with
    /// its place. Ends with 0 if no file has errors, 1 if one has, 2 if one could not be read.
    CheckSpec(portkeeper::check_spec::Options),
    /// Print the JSON Schema of specs, for editors.
    SpecSchema,
    /// Print a spec of a service that exists. Values of its environment variables are in it.
    ExportSpec(portkeeper::export_spec::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Demo { seed, json, fast, alerts } => {
            portkeeper::demo::run(seed, json, fast, alerts.as_deref())
        }
        Command::Replay { event, json } => portkeeper::replay::run(&event, json),
        Command::World { services, tasks, seed, port } => {
            let large =
                services.zip(tasks).map(|(services, tasks)| LargeAccount::new(services, tasks));
            portkeeper::world::run(seed, port, large)
        }
        Command::Audit(options) => return ended(portkeeper::audit::run(&options)),
        Command::Plan { observation, json } => {
            return ended(portkeeper::plan_file::run(&observation, json));
        }
        Command::CheckSpec(options) => return ended(portkeeper::check_spec::run(&options)),
        Command::ExportSpec(options) => return ended(portkeeper::export_spec::run(&options)),
        Command::SpecSchema => portkeeper::check_spec::schema(),
    };
    ended(outcome.map(|()| Exit::Clean))
}

fn ended(outcome: Result<Exit, CommandError>) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        // Whoever reads our output may stop reading: that is no failure.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Exit::Clean.into()
        }
        Err(error) => {
            anstream::eprintln!("{}", portkeeper::error_text(&error));
            Exit::Incomplete.into()
        }
    }
}
