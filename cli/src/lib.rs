//! The commands behind `portkeeper`. They show what the product does; they decide nothing
//! themselves.

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

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// An account is named, and nothing asks for it.
    #[error("--region and --endpoint-url say in which account to look: give --live, too")]
    NotLive,
    /// A file that is not what the command takes.
    #[error("{} is not {wanted}", path.display())]
    NotUsable {
        /// The file.
        path: PathBuf,
        /// What the command takes, and where that is described.
        wanted: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The simulated account refused something that the demo needs: a fault of the demo.
    #[error("the simulated account refused to {what}")]
    Stage {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A port that cannot be listened on.
    #[error(
        "cannot listen on {address}; choose another port with --port, or 0 for any that is free"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No region, no credentials, or no such endpoint.
    #[error(transparent)]
    Session(#[from] NoSession),
    /// Nobody could say which clusters there are.
    #[error("the clusters cannot be listed")]
    Clusters(#[source] Failure),
    /// There is no service of this name in the clusters that were looked at.
    #[error("there is no service `{service}`{}", known_services(known))]
    NoService {
        /// The name that was given.
        service: String,
        /// Names that may be meant.
        known: Vec<String>,
    },
    /// The demo ended with something it did not expect.
    #[error("the demo did not end as it should: {0}")]
    Unexpected(String),
    /// Something that must be known, and could not be read.
    #[error("{what} cannot be read: {why}")]
    NotRead {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// A service of which there is no spec.
    #[error("there is no spec of {what}")]
    NotExported {
        /// The service.
        what: String,
        /// Why.
        #[source]
        source: NotExported,
    },
    /// Standard output is closed.
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

/// An error with everything that led to it, for a person.
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
