//! The function that screens every service of every cluster on a schedule, so that a lost event only
//! delays a check.
//!
//! It reads whole clusters, which takes the fewest calls, and requests a check of each service that
//! is not clearly in order. It changes nothing and decides nothing: the check reads everything
//! again. It stays within its share of the account's API rates, so a round over a large account
//! takes several runs, and each run continues where the last one stopped.

mod report;
mod round;

pub use report::{ClusterReport, SweepReport, write_log};

use portkeeper_aws::account::Aws;
use portkeeper_aws::config::{Clusters, Config};
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::ledger::sweep_mark::{self, Mark};
use portkeeper_aws::observe::{find_clusters, list_clusters, list_services};
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::time::Timestamp;
use round::Round;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Why a sweep failed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The ledger's item that says where the next run resumes.
    #[error("cannot read or store the position of the sweep in the ledger")]
    Ledger(#[source] Failure),
    #[error("cannot list the clusters")]
    Clusters(#[source] Failure),
}

/// Sweeps until the round is over or `deadline` is near.
pub async fn handle(
    aws: &Aws,
    config: &Config,
    deadline: Timestamp,
) -> Result<SweepReport, SweepError> {
    let mark = sweep_mark::read(aws, &config.ledger_table).await.map_err(SweepError::Ledger)?;
    let mut report = SweepReport::begin(aws.now());
    let clusters = clusters(aws, config, &mut report).await?;
    let stopped_at = sweep(aws, config, deadline, &clusters, mark.as_ref(), &mut report).await;
    if stopped_at != mark {
        sweep_mark::store(aws, &config.ledger_table, stopped_at.as_ref(), aws.now())
            .await
            .map_err(SweepError::Ledger)?;
    }
    report.is_round_over = stopped_at.is_none();
    report.ended = aws.now();
    Ok(report)
}

/// Returns the clusters to sweep. The report names a configured cluster that does not exist; the
/// others are swept.
async fn clusters(
    aws: &Aws,
    config: &Config,
    report: &mut SweepReport,
) -> Result<BTreeSet<ClusterArn>, SweepError> {
    match &config.clusters {
        Clusters::All => list_clusters(aws).await.map_err(SweepError::Clusters),
        Clusters::Named(names) => {
            let clusters = find_clusters(aws, names).await.map_err(SweepError::Clusters)?;
            for name in clusters.missing {
                let why =
                    format!("cluster `{name}` not found: correct the stack parameter Clusters");
                report.unread.insert(name, why);
            }
            Ok(clusters.found)
        }
    }
}

/// Sweeps the clusters from the mark onwards. Returns where the next run resumes, or none if the
/// round is over.
async fn sweep(
    aws: &Aws,
    config: &Config,
    deadline: Timestamp,
    clusters: &BTreeSet<ClusterArn>,
    mark: Option<&Mark>,
    report: &mut SweepReport,
) -> Option<Mark> {
    let mut round = Round::new(aws, config, deadline);
    for cluster in
        clusters.iter().filter(|cluster| mark.is_none_or(|mark| **cluster >= mark.cluster))
    {
        let services = match list_services(aws, cluster).await {
            Ok(services) => services,
            Err(failure) => {
                report.unread.insert(cluster.name().to_owned(), chain(&failure));
                continue;
            }
        };
        let from = mark.filter(|mark| mark.cluster == *cluster).cloned();
        let from = from.unwrap_or_else(|| Mark::before(cluster.clone()));
        let services = services.into_iter().filter(|name| from.leaves(name)).collect();
        let swept = round.sweep_cluster(from, services, report.of(cluster)).await;
        if let ControlFlow::Break(mark) = swept {
            return Some(mark);
        }
    }
    None
}
