//! Reads the clusters one after the other and adds each service to the report.
//!
//! If something cannot be read, the report notes it and the scan continues. It decides nothing.

use super::bound::{ClusterSizes, Sizes};
use super::progress::Progress;
use super::report::Report;
use crate::CommandError;
use portkeeper_aws::config::Clusters;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::observe::cluster::{ClusterReading, Limits, observe_cluster};
use portkeeper_aws::observe::{
    answer_questions, find_clusters, learn_all_groups, list_clusters, list_services,
};
use portkeeper_aws::session::Session;
use portkeeper_core::audit::first_check;
use portkeeper_core::cluster_tasks::ClusterTasks;
use portkeeper_core::compare::questions;
use portkeeper_core::ids::{ClusterArn, TargetGroupArn};
use portkeeper_core::observation::{Missed, Observation, Questions, TargetGroup};
use portkeeper_core::plan::PlanInput;
use portkeeper_core::policy::Policy;
use std::collections::BTreeSet;

/// How many names an error lists.
const LISTED: usize = 10;

/// What to read, and how.
pub(super) struct Scan<'a> {
    pub(super) session: &'a Session,
    /// By name or ARN; empty for all.
    pub(super) clusters: BTreeSet<String>,
    /// Keep what was read, for a recording or an explanation. Otherwise it is dropped service by
    /// service, which saves memory.
    pub(super) keeps_inputs: bool,
    pub(super) progress: Progress,
}

/// The result of a scan.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) report: Report,
    pub(super) inputs: Vec<PlanInput>,
    pub(super) sizes: Sizes,
    /// Every service, as `cluster/service`.
    services: BTreeSet<String>,
}

impl Scanned {
    /// Returns the services that an unknown name may mean: those whose name contains it or is
    /// contained in it.
    pub(super) fn nearest(&self, wanted: &str) -> Vec<String> {
        let name = |service: &String| service.rsplit('/').next().unwrap_or(service).to_owned();
        let wanted = wanted.rsplit('/').next().unwrap_or(wanted).to_lowercase();
        let like =
            |service: &&String| name(service).contains(&wanted) || wanted.contains(&name(service));
        let found: Vec<String> = self.services.iter().filter(like).take(LISTED).cloned().collect();
        if found.is_empty() { self.services.iter().take(LISTED).cloned().collect() } else { found }
    }
}

impl Scan<'_> {
    /// Reads and judges every cluster.
    pub(super) async fn run(&self) -> Result<Scanned, CommandError> {
        let mut scanned = Scanned::default();
        let clusters = self.find_clusters(&mut scanned).await?;
        for (number, cluster) in clusters.iter().enumerate() {
            self.progress.begin(number + 1, clusters.len(), cluster.name());
            self.scan_cluster(cluster, &mut scanned).await;
        }
        self.progress.end();
        Ok(scanned)
    }

    async fn find_clusters(
        &self,
        scanned: &mut Scanned,
    ) -> Result<BTreeSet<ClusterArn>, CommandError> {
        let aws = &self.session.aws;
        if self.clusters.is_empty() {
            let clusters = list_clusters(aws).await.map_err(CommandError::Clusters)?;
            // A few pages contain the groups of all clusters. If they cannot be read, each service
            // that needs one has a gap.
            scanned.sizes.listed_groups = learn_all_groups(aws).await.ok();
            scanned.sizes.listed_clusters = Some(clusters.len());
            return Ok(clusters);
        }
        let clusters = find_clusters(aws, &self.clusters).await.map_err(CommandError::Clusters)?;
        scanned.sizes.named_clusters = self.clusters.len();
        if !clusters.missing.is_empty() {
            let known = list_clusters(aws).await.unwrap_or_default();
            scanned.sizes.listed_clusters = Some(known.len());
            let known: Vec<&str> = known.iter().take(LISTED).map(ClusterArn::name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            for name in clusters.missing {
                let why = format!(
                    "cluster `{name}` not found in {}; found: {known}",
                    self.session.region
                );
                scanned.report.note_unread(&name, &why);
            }
        }
        Ok(clusters.found)
    }

    /// Adds the other tasks on the addresses of the service's targets to the observation, if the
    /// judgement needs them. For a few services, the scan did not read every task of the cluster,
    /// which would take more calls; in that case this reads them.
    async fn answer(&self, cluster_tasks: &ClusterTasks, mut input: PlanInput) -> PlanInput {
        let asked = about_other_tasks(&input);
        if asked.is_empty() {
            return input;
        }
        if cluster_tasks.is_whole() {
            cluster_tasks.add_other_tasks_to(&mut input.observation);
            return input;
        }
        // A first check proves nothing, so other clusters need not be read.
        let observation =
            answer_questions(&self.session.aws, &Clusters::All, input.observation, &asked).await;
        PlanInput { observation, ..input }
    }

    async fn scan_cluster(&self, cluster: &ClusterArn, scanned: &mut Scanned) {
        scanned.report.begin_cluster(cluster.name());
        let names = match list_services(&self.session.aws, cluster).await {
            Ok(names) => names,
            Err(failure) => return scanned.report.note_unread(cluster.name(), &text(&failure)),
        };
        scanned.services.extend(names.iter().map(|name| format!("{}/{name}", cluster.name())));
        let listed = names.len();
        let on_progress = |progress| self.progress.show(progress);
        let reading =
            observe_cluster(&self.session.aws, cluster, &names, Limits::NONE, &on_progress).await;
        let ClusterReading { services, cluster_tasks, sizes, .. } = reading;
        let observations = services.values().flatten();
        let missing_groups =
            observations.flat_map(missing_groups).cloned().collect::<BTreeSet<_>>().len();
        scanned.sizes.clusters.push(ClusterSizes { listed, read: sizes, missing_groups });
        let policy = Policy::default();
        for (name, seen) in services {
            match seen {
                Ok(observation) => {
                    let input =
                        self.answer(&cluster_tasks, first_check(observation, &policy)).await;
                    scanned.report.add(&input);
                    if self.keeps_inputs {
                        scanned.inputs.push(input);
                    }
                }
                Err(failure) => {
                    scanned.report.note_unread_service(cluster.name(), &name, &text(&failure));
                }
            }
        }
    }
}

/// Keeps the questions about other tasks on the addresses of the service's targets.
fn about_other_tasks(input: &PlanInput) -> Questions {
    Questions { other_tasks: questions(input).other_tasks, ..Questions::default() }
}

fn text(failure: &Failure) -> String {
    chain(failure)
}

/// Returns the groups of a service that do not exist.
fn missing_groups(seen: &Observation) -> impl Iterator<Item = &TargetGroupArn> {
    let unread = |arn: &&TargetGroupArn| {
        !seen.gaps.iter().any(|gap| gap.what == Missed::TargetGroup((*arn).clone()))
    };
    let missing = seen.target_groups.iter().filter(|(_, group)| **group == TargetGroup::Missing);
    missing.map(|(arn, _)| arn).filter(unread)
}
