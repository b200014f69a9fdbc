//! The `portkeeper` command: parses the command line, runs one command, and turns an error into text
//! and an exit code.

use clap::{Parser, Subcommand};
use portkeeper::CommandError;
use portkeeper::exit::Exit;
use portkeeper_stage::large::LargeAccount;
use std::path::PathBuf;
use std::process::ExitCode;

/// Keeps every Amazon ECS task registered in the right target group.
#[derive(Parser)]
#[command(name = "portkeeper", version, about, arg_required_else_help = true, max_term_width = 80)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Portkeeper in a simulated AWS account.
    ///
    /// Plants faults in a small simulated account and shows how Portkeeper finds and repairs them.
    /// Needs no AWS account, no credentials and no network.
    Demo {
        /// Seed for the random identifiers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print one JSON document instead of the timeline.
        #[arg(long)]
        json: bool,
        /// Do not pause between the scenes.
        #[arg(long)]
        fast: bool,
        /// Write each alert to this folder as text, JSON and Block Kit.
        #[arg(long, value_name = "DIR")]
        alerts: Option<PathBuf>,
    },
    /// Run the handler on an event, in a simulated account.
    ///
    /// Creates a simulated account with the service that the event names, passes the event to the
    /// real handler, and prints the checks, writes and alerts that follow.
    Replay {
        /// File with an event or message; `-` for standard input.
        ///
        /// One EventBridge event, one of Portkeeper's own messages, or an SQS batch, of which each
        /// message is run on its own.
        event: PathBuf,
        /// Print one JSON document instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Serve a simulated AWS account on a local port.
    ///
    /// For the AWS CLI, `portkeeper audit` and other programs. Without options this is the account
    /// of the demo. With --services and --tasks it is a large account with planted faults, which
    /// the command lists.
    World {
        /// Serve a large account with this many services.
        #[arg(long, requires = "tasks", value_parser = clap::value_parser!(u32).range(1..=2000))]
        services: Option<u32>,
        /// Tasks of each of these services.
        #[arg(long, requires = "services", value_parser = clap::value_parser!(u32).range(1..=1000))]
        tasks: Option<u32>,
        /// Seed for the random identifiers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Port; 0 selects a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Find faults in your account, read-only.
    ///
    /// Reads the clusters and prints each finding with the action that Portkeeper would take.
    ///
    /// Exits with 0 if there are no findings, 1 if there are, and 2 if something could not be read
    /// or the command failed.
    Audit(portkeeper::audit::Options),
    /// Run the planner on a recording or text world, offline.
    ///
    /// Plans on one observation, or on the recording of an audit, both in JSON; or runs the checks
    /// of a text world. For the recording of an audit, the exit code is that of the audit.
    Plan {
        /// File with JSON or a text world; `-` for standard input.
        ///
        /// A file that begins with `{` is JSON, which docs/observation.md describes.
        /// docs/text-worlds.md describes text worlds.
        #[arg(value_name = "FILE")]
        input: PathBuf,
        /// Print one JSON document instead of text; only for JSON.
        #[arg(long)]
        json: bool,
    },
    /// Validate spec files, offline or against your account.
    ///
    /// Prints every problem with its position.
    ///
    /// Exits with 0 if no file has errors, 1 if one has, and 2 if something could not be read or the
    /// command failed.
    CheckSpec(portkeeper::check_spec::Options),
    /// Print the JSON Schema of specs, for editors.
    SpecSchema,
    /// Print a spec of an existing service.
    ///
    /// The spec contains the values of the service's environment variables.
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
        Command::Plan { input, json } => {
            return ended(portkeeper::plan_file::run(&input, json));
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
        // The reader of a pipe may stop reading: that is no failure.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Exit::Clean.into()
        }
        Err(error) => {
            anstream::eprintln!("{}", portkeeper::error_text(&error));
            Exit::Incomplete.into()
        }
    }
}
