//! What one run of the sweep read and requested. The log and the metrics are written from it.

use portkeeper_aws::metrics::{self, SweepMetrics};
use portkeeper_aws::observe::cluster::Sizes;
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::plan::Plan;
use portkeeper_core::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One run of the sweep.
#[derive(Debug, Clone, Serialize)]
pub struct SweepReport {
    pub began: Timestamp,
    pub ended: Timestamp,
    /// Every service of every cluster was screened.
    pub is_round_over: bool,
    /// By cluster name.
    pub clusters: BTreeMap<String, ClusterReport>,
    /// Clusters that could not be read at all, with the reason.
    pub unread: BTreeMap<String, String>,
}

/// What one run read of one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClusterReport {
    /// Screened services.
    pub services: usize,
    /// Their target groups.
    pub target_groups: usize,
    /// The targets in those groups.
    pub targets: usize,
    /// Tasks with the desired status RUNNING.
    pub tasks: usize,
    /// Services for which the sweep requested a check, with the reason.
    pub suspects: BTreeMap<String, String>,
    /// Findings by code. None is confirmed yet.
    pub findings: BTreeMap<String, usize>,
    /// Services that could not be read, with the reason.
    pub unread: BTreeMap<String, String>,
    /// Why this run did not read the whole cluster.
    pub failures: Vec<String>,
}

impl SweepReport {
    pub(crate) fn begin(began: Timestamp) -> Self {
        let (clusters, unread) = (BTreeMap::new(), BTreeMap::new());
        Self { began, ended: began, is_round_over: false, clusters, unread }
    }

    /// Returns the number of clusters and services that could not be read. An alarm watches it.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len() + self.clusters.values().map(|seen| seen.unread.len()).sum::<usize>()
    }

    pub(crate) fn of(&mut self, cluster: &ClusterArn) -> &mut ClusterReport {
        self.clusters.entry(cluster.name().to_owned()).or_default()
    }
}

impl ClusterReport {
    pub(crate) fn add_sizes(&mut self, sizes: &Sizes) {
        self.target_groups += sizes.target_groups;
        self.targets += sizes.targets;
        self.tasks += sizes.running_tasks;
    }

    pub(crate) fn note(&mut self, name: &str, plan: &Plan) {
        self.services += 1;
        // A throttled service may have been read again.
        self.unread.remove(name);
        for code in plan.verdicts.iter().filter_map(|verdict| verdict.code.as_ref()) {
            *self.findings.entry(code.to_string()).or_insert(0) += 1;
        }
    }

    pub(crate) fn note_unread(&mut self, name: &str, why: &str) {
        self.unread.insert(name.to_owned(), why.to_owned());
    }
}

/// Writes a run to the log: a line for each service that is not clearly in order, one for each
/// cluster with its metrics, and one for the run.
pub fn write_log(report: &SweepReport) {
    for (cluster, why) in &report.unread {
        tracing::error!(cluster, why, "cannot read the cluster");
    }
    for (cluster, seen) in &report.clusters {
        for (service, why) in &seen.suspects {
            tracing::info!(cluster, service, why, "check requested");
        }
        for (service, why) in &seen.unread {
            tracing::error!(cluster, service, why, "cannot read the service");
        }
        for why in &seen.failures {
            tracing::warn!(cluster, why, "the cluster is not read in full");
        }
        let metrics = SweepMetrics {
            services: seen.services,
            tasks: seen.tasks,
            targets: seen.targets,
            suspects: seen.suspects.len(),
            findings: seen.findings.values().sum(),
            unread: seen.unread.len(),
        };
        tracing::info!(
            cluster,
            services = metrics.services,
            target_groups = seen.target_groups,
            tasks = metrics.tasks,
            targets = metrics.targets,
            suspects = metrics.suspects,
            findings = metrics.findings,
            unread = metrics.unread,
            "cluster swept"
        );
        metrics::emit(&metrics::sweep_line(cluster, report.ended, &metrics));
    }
    let took = report.ended.as_millis().saturating_sub(report.began.as_millis());
    let unread = report.unread();
    tracing::info!(
        clusters = report.clusters.len(),
        is_round_over = report.is_round_over,
        unread,
        duration_ms = took,
        "sweep run ended"
    );
    metrics::emit(&metrics::heartbeat_line(
        report.ended,
        report.is_round_over,
        unread,
        u64::try_from(took).unwrap_or(0),
    ));
}
