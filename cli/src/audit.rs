//! `portkeeper audit`: a read-only look at a live account from a laptop, with the user's own
//! credentials.
//!
//! It reads, has the core judge, and shows. It keeps no ledger, so every look is a first look. It
//! writes nothing to AWS.

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
use portkeeper_aws::session::{Session, Wanted};
use portkeeper_core::time::Timestamp;
use progress::Progress;
use recording::Recording;
use scan::{Scan, Scanned};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

/// The share of AWS's published rates that an audit takes: as the deployed sweep does, so that the
/// account's other callers notice nothing.
const SHARE_PERCENT: u32 = 25;

/// A simulated account on this machine is nobody else's.
const SIMULATED_SHARE_PERCENT: u32 = 10_000;

/// What people say on the command line.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// A cluster to look at, by name or ARN; may be given several times. Without it: every cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// The region. Without it: as for the AWS command line.
    #[arg(long)]
    region: Option<String>,
    /// Another endpoint than AWS's, such as that of `portkeeper world`.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Print one JSON document instead of the table.
    #[arg(long)]
    json: bool,
    /// Explain one service instead: each task, what it should have, what is registered, and every
    /// verdict. By its name, or as CLUSTER/NAME.
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    /// Save what was read, with account numbers masked, for `portkeeper plan`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How much of the rates that AWS publishes may be used, in percent. Default: 25; no limit for
    /// a simulated account.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    api_share: Option<u32>,
    /// No progress bar, even on a terminal.
    #[arg(long)]
    no_progress: bool,
}

impl Options {
    /// The clusters to look at: those that were asked for, or the one that the service to explain
    /// names.
    fn clusters(&self) -> BTreeSet<String> {
        let of_service = self.explain.as_deref().and_then(|service| service.split_once('/'));
        let named =
            of_service.map(|(cluster, _)| cluster.to_owned()).filter(|_| self.cluster.is_empty());
        self.cluster.iter().cloned().chain(named).collect()
    }
}

/// Looks, and says what is wrong: 0 nothing, 1 something, 2 not everything could be read.
pub fn run(options: &Options) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let unwritable = |source| CommandError::Unwritable {
        path: options.record.clone().unwrap_or_default(),
        source,
    };
    // Before the reading, which may take minutes.
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
    let wanted =
        Wanted { region: options.region.clone(), endpoint_url: options.endpoint_url.clone() };
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
