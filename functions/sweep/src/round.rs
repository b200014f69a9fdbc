//! Sweeps one cluster, in parts that fit into the time left.

use crate::report::ClusterReport;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::observe::cluster::{ClusterReading, Limits, observe_cluster};
use portkeeper_aws::{ledger, recheck};
use portkeeper_core::ids::{ClusterArn, ServiceKey};
use portkeeper_core::observation::Observation;
use portkeeper_core::plan::{INPUT_VERSION, PlanInput, Writes};
use portkeeper_core::policy::Policy;
use portkeeper_core::screen::{Screened, screen};
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Services that are read together. Each such part lists the tasks of the cluster once.
const SERVICES_TOGETHER: usize = 500;

/// Seconds that a part takes in addition to reading its target groups: services, tasks, the ledger,
/// messages.
const OVERHEAD_SECS: u32 = 45;

/// Services in one message: as many as `reconcile` describes with one call.
const SERVICES_IN_MESSAGE: usize = 10;

/// A run of the function.
pub(crate) struct Round<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) config: &'a Config,
    pub(crate) deadline: Timestamp,
}

impl Round<'_> {
    /// Sweeps these services of a cluster. `Break`: the next run resumes after this service, or where
    /// this run began.
    pub(crate) async fn sweep_cluster(
        &self,
        cluster: &ClusterArn,
        services: BTreeSet<String>,
        report: &mut ClusterReport,
    ) -> ControlFlow<Option<String>> {
        let (mut rest, mut after) = (services, None);
        while !rest.is_empty() {
            let left = self.deadline.secs_since(self.aws.now());
            if left <= OVERHEAD_SECS {
                return ControlFlow::Break(after);
            }
            let limits = Limits { target_groups: self.aws.groups_read_in(left - OVERHEAD_SECS) };
            let part: BTreeSet<String> = rest.iter().take(SERVICES_TOGETHER).cloned().collect();
            let throttled = self.aws.throttled();
            let reading = observe_cluster(self.aws, cluster, &part, limits, &|_| {}).await;
            let throttled_now = self.aws.throttled() > throttled;
            let last = reading.services.keys().next_back().cloned();
            report.add_sizes(&reading.sizes);
            let requested = self.screen(cluster, reading, throttled_now, report).await;
            if let Err(failure) = requested {
                report.failures.push(chain(&failure));
                return ControlFlow::Break(after);
            }
            if throttled_now {
                report
                    .failures
                    .push("AWS throttles calls: the next run reads this part again".to_owned());
                return ControlFlow::Break(after);
            }
            let Some(last) = last else { return ControlFlow::Break(after) };
            rest.retain(|name| *name > last);
            after = Some(last);
        }
        ControlFlow::Continue(())
    }

    /// Requests a check of each service that is not clearly in order. While AWS throttles calls,
    /// the next run reads what this one could not: checks would only be throttled, too.
    async fn screen(
        &self,
        cluster: &ClusterArn,
        reading: ClusterReading,
        throttled_now: bool,
        report: &mut ClusterReport,
    ) -> Result<(), Failure> {
        let ClusterReading { began, services, cluster_tasks, .. } = reading;
        let of_name =
            |name: &String| ServiceKey { cluster: cluster.clone(), service: name.clone() };
        let keys: Vec<ServiceKey> = services.keys().map(of_name).collect();
        let mut recalled = ledger::recall(self.aws, &self.config.ledger_table, &keys).await?;
        let writes = Writes::from(recalled.writes_stopped.take());
        let mut suspects = BTreeSet::new();
        for (name, seen) in services {
            let observation = match seen {
                Ok(observation) => observation,
                Err(failure) => {
                    report.note_unread(&name, &chain(&failure));
                    continue;
                }
            };
            if throttled_now && !observation.gaps.is_empty() {
                report.note_unread(&name, "AWS throttles calls");
                continue;
            }
            let stored = recalled.records.remove(&observation.key).unwrap_or_default();
            let is_aging = stored.is_aging(began);
            let mut input =
                input_of(began, &self.config.policy, &writes, stored.record, observation);
            let (screened, plan) = screen(&mut input, &cluster_tasks);
            report.note(&plan);
            match screened {
                Screened::InOrder if is_aging => {
                    suspects.insert(name.clone());
                    report.suspects.insert(name, "its ledger record expires soon".to_owned());
                }
                Screened::InOrder => {}
                Screened::Suspect(why) => {
                    suspects.insert(name.clone());
                    report.suspects.insert(name, why);
                }
            }
        }
        let suspects: Vec<String> = suspects.into_iter().collect();
        for together in suspects.chunks(SERVICES_IN_MESSAGE) {
            let together = together.iter().cloned().collect();
            recheck::ask(self.aws, &self.config.checks_queue_url, cluster, &together).await?;
        }
        Ok(())
    }
}

fn input_of(
    began: Timestamp,
    policy: &Policy,
    writes: &Writes,
    record: portkeeper_core::ledger::LedgerRecord,
    observation: Observation,
) -> PlanInput {
    PlanInput {
        version: INPUT_VERSION,
        now: began,
        hop: 0,
        policy: policy.clone(),
        writes: writes.clone(),
        record,
        calls: Vec::new(),
        observation,
    }
}
