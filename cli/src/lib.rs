//! The commands of `portkeeper`. They run and show the product; they decide nothing themselves.

pub mod audit;
pub mod check_spec;
pub mod demo;
pub mod exit;
pub mod export_spec;
mod input;
pub mod plan_file;
mod render;
pub mod replay;
mod slack_text;
pub mod world;

use portkeeper_aws::failure::Failure;
use portkeeper_aws::session::NoSession;
use portkeeper_service_spec::NotExported;
use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("--region and --endpoint-url select an account: they require --live")]
    NotLive,
    #[error("cannot use {}: it is not {wanted}", path.display())]
    NotUsable {
        path: PathBuf,
        /// What the command accepts, and where that is described.
        wanted: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "cannot print {} as JSON: the result of a text world is text; omit --json",
        path.display()
    )]
    OnlyText { path: PathBuf },
    /// The simulated account refused a call: a defect of the demo.
    #[error("cannot {what} in the simulated account")]
    Stage {
        /// What the command tried to do.
        what: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("cannot listen on {address}: choose another port with --port, or 0 for a free one")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot write {}", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// No region, no credentials, or no such endpoint.
    #[error(transparent)]
    Session(#[from] NoSession),
    #[error("cannot list the clusters")]
    Clusters(#[source] Failure),
    #[error("service `{service}` not found{}", known_services(known))]
    NoService {
        service: String,
        /// Similar names.
        known: Vec<String>,
    },
    #[error("the demo failed: {0}")]
    Unexpected(String),
    #[error("cannot read {what}: {why}")]
    NotRead { what: String, why: String },
    #[error("cannot export {what}")]
    NotExported {
        what: String,
        #[source]
        source: NotExported,
    },
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
}

fn known_services(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; did you mean one of {}?", known.join(", "))
    }
}

/// Returns an error with its chain of causes, for the terminal.
#[must_use]
pub fn error_text(error: &CommandError) -> String {
    let mut text = format!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  because: {cause}");
        source = cause.source();
    }
    text
}
