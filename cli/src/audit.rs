//! `portkeeper audit`: one read-only pass over an account from a terminal, with your own
//! credentials.
//!
//! It reads the account, calls the core to judge it, and prints the report. It has no ledger, so
//! every check is a first check. It writes nothing to AWS.

mod bound;
mod explain;
mod mask;
mod progress;
pub(crate) mod recording;
pub(crate) mod report;
mod scan;
pub(crate) mod show;

use crate::CommandError;
use crate::exit::Exit;
use bound::Bound;
use clap::Args;
use portkeeper_aws::session::{Session, SessionOptions};
use portkeeper_core::time::Timestamp;
use progress::Progress;
use recording::Recording;
use scan::{Scan, Scanned};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

/// The share of AWS's published rates that an audit uses. It is the share of the deployed sweep, so
/// that other callers in the account are not throttled.
const SHARE_PERCENT: u32 = 25;

/// A simulated account on this machine has no other callers.
const SIMULATED_SHARE_PERCENT: u32 = 10_000;

/// The options of the command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Cluster to read, by name or ARN; repeatable [default: all].
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// AWS Region [default: as for the AWS CLI].
    #[arg(long)]
    region: Option<String>,
    /// Endpoint to use instead of AWS's.
    ///
    /// For example that of `portkeeper world`.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Explain one service, by name or CLUSTER/NAME.
    ///
    /// Prints each task with its expected targets, what is registered, and every verdict.
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    /// Save a recording for `portkeeper plan`.
    ///
    /// Account ids in it are masked.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Percentage of AWS's published API rates to use.
    ///
    /// Default: 25; for a simulated account there is no limit.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    api_share: Option<u32>,
    /// Show no progress bar, even on a terminal.
    #[arg(long)]
    no_progress: bool,
}

impl Options {
    /// Returns the clusters to read: those of --cluster, or the one in the argument of --explain.
    fn clusters(&self) -> BTreeSet<String> {
        let of_service = self.explain.as_deref().and_then(|service| service.split_once('/'));
        let named =
            of_service.map(|(cluster, _)| cluster.to_owned()).filter(|_| self.cluster.is_empty());
        self.cluster.iter().cloned().chain(named).collect()
    }
}

/// Runs the audit and prints its report.
pub fn run(options: &Options) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let unwritable = |source| CommandError::Unwritable {
        path: options.record.clone().unwrap_or_default(),
        source,
    };
    // Opened before the account is read, which may take minutes.
    let file =
        options.record.as_ref().map(|path| OpenOptions::new().append(true).create(true).open(path));
    let file = file.transpose().map_err(unwritable)?;
    let (session, began, scanned) = runtime.block_on(read(options))?;
    let seconds = f64::from(session.aws.now().secs_since(began));
    if let Some(file) = file {
        Recording::of(&scanned).write(file).map_err(unwritable)?;
    }
    let mut out = anstream::stdout().lock();
    let calls = session.aws.calls();
    let bound = Bound::of(&scanned.sizes);
    if let Some(service) = &options.explain {
        let explained: Vec<_> =
            scanned.inputs.iter().filter(|input| explain::is_meant(input, service)).collect();
        if explained.is_empty() && scanned.report.unread.is_empty() {
            return Err(CommandError::NoService {
                service: service.clone(),
                known: scanned.nearest(service),
            });
        }
        let explained = explained.into_iter();
        if options.json {
            let explained: Vec<_> = explained.map(explain::to_json).collect();
            print_json(&mut out, &json!({ "version": report::VERSION, "services": explained }))?;
        } else {
            explained.into_iter().try_for_each(|input| explain::print(&mut out, input))?;
            show::unread(&mut out, &scanned.report)?;
        }
        return Ok(scanned.report.exit_code(Some(service)));
    }
    if options.json {
        let mut document = scanned.report.to_json();
        if let Some(members) = document.as_object_mut() {
            members.insert("region".to_owned(), json!(session.region));
            members.insert("seconds".to_owned(), json!(seconds));
            members.insert("api".to_owned(), bound.to_json(&calls));
        }
        print_json(&mut out, &document)?;
    } else {
        show::report(&mut out, &scanned.report)?;
        show::effort(&mut out, session.aws.now().secs_since(began), &calls, &bound)?;
    }
    Ok(scanned.report.exit_code(None))
}

fn print_json(out: &mut impl Write, document: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

async fn read(options: &Options) -> Result<(Session, Timestamp, Scanned), CommandError> {
    let wanted = SessionOptions {
        region: options.region.clone(),
        endpoint_url: options.endpoint_url.clone(),
    };
    let session = portkeeper_aws::session::open(&wanted).await?;
    let usual = if session.is_simulated { SIMULATED_SHARE_PERCENT } else { SHARE_PERCENT };
    let session = session.at_share(options.api_share.unwrap_or(usual));
    let began = session.aws.now();
    let scan = Scan {
        session: &session,
        clusters: options.clusters(),
        keeps_inputs: options.record.is_some() || options.explain.is_some(),
        progress: Progress::new(!options.no_progress),
    };
    let scanned = scan.run().await?;
    Ok((session, began, scanned))
}
