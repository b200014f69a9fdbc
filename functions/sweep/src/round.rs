//! Sweeps one cluster, in parts that fit into the time left.

use crate::report::ClusterReport;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::ledger::sweep_mark::Mark;
use portkeeper_aws::observe::cluster::{ClusterReading, Limits, observe_cluster};
use portkeeper_aws::{ledger, recheck};
use portkeeper_core::ids::{ClusterArn, ServiceKey};
use portkeeper_core::observation::{Gap, Missed, Observation};
use portkeeper_core::plan::{INPUT_VERSION, PlanInput, Writes};
use portkeeper_core::policy::Policy;
use portkeeper_core::screen::{Outage, Outages, Screened, screen};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Services that are read together. Each such part lists the tasks of the cluster once.
const SERVICES_TOGETHER: usize = 500;

/// Seconds that a part takes in addition to reading its target groups: services, tasks, the ledger,
/// messages.
const OVERHEAD_SECS: u32 = 45;

/// Seconds of these for the tasks of a part. If listing all tasks of a cluster takes longer, it is
/// read in smaller parts, by service.
const TASKS_SECS: u32 = 40;

/// Services in one message: as many as `reconcile` describes with one call.
const SERVICES_IN_MESSAGE: usize = 10;

/// If more than one in this many services of a part could not be read because AWS throttled calls,
/// the run ends.
const THROTTLED_SHARE: usize = 5;

/// A run of the function.
pub(crate) struct Round<'a> {
    aws: &'a Aws,
    config: &'a Config,
    deadline: Timestamp,
    /// What this run could not read so far.
    outages: Outages,
}

impl<'a> Round<'a> {
    pub(crate) fn new(aws: &'a Aws, config: &'a Config, deadline: Timestamp) -> Self {
        Self { aws, config, deadline, outages: Outages::default() }
    }

    /// Sweeps these services of a cluster. `Break`: the next run resumes there.
    ///
    /// A service that could not be read because AWS throttled a call is read again: by this run, or,
    /// if more than a fifth of a part could not be read, by the next one, to leave AWS some time.
    /// If that happens again to the same service, the next round reads it, so every round ends.
    pub(crate) async fn sweep_cluster(
        &mut self,
        mut mark: Mark,
        services: BTreeSet<String>,
        report: &mut ClusterReport,
    ) -> ControlFlow<Mark> {
        let carried = std::mem::take(&mut mark.unread);
        let mut rest = services;
        mark.unread = not_after(&rest, mark.after.as_deref());
        while !rest.is_empty() {
            let left = self.deadline.secs_since(self.aws.now());
            if left <= OVERHEAD_SECS {
                return ControlFlow::Break(mark);
            }
            let limits = Limits {
                target_groups: self.aws.groups_read_in(left - OVERHEAD_SECS),
                task_calls: self.aws.task_reads_in(TASKS_SECS),
            };
            let part: BTreeSet<String> = rest.iter().take(SERVICES_TOGETHER).cloned().collect();
            let throttled = self.aws.throttled();
            let reading = observe_cluster(self.aws, &mark.cluster, &part, limits, &|_| {}).await;
            let throttled_now = self.aws.throttled() > throttled;
            let names: BTreeSet<String> = reading.services.keys().cloned().collect();
            report.add_sizes(&reading.sizes);
            let screened = self.screen(&mark.cluster, reading, throttled_now, report).await;
            let unread = match screened {
                Ok(unread) => unread,
                Err(failure) => {
                    report.failures.push(chain(&failure));
                    return ControlFlow::Break(mark);
                }
            };
            let is_heavy = unread.len() * THROTTLED_SHARE > names.len();
            rest.retain(|name| !names.contains(name));
            let again = unread.iter().filter(|name| !(is_heavy && carried.contains(*name)));
            rest.extend(again.cloned());
            mark.after = mark.after.max(names.last().cloned());
            mark.unread = not_after(&rest, mark.after.as_deref());
            if throttled_now {
                let (unread, of) = (unread.len(), names.len());
                let why =
                    format!("AWS throttles calls: {unread} of {of} services are not read yet");
                report.failures.push(why);
                if is_heavy {
                    return ControlFlow::Break(mark);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Requests a check of each service that is not clearly in order. Returns the services that must
    /// be read again because AWS throttles calls: checks would only be throttled, too.
    async fn screen(
        &mut self,
        cluster: &ClusterArn,
        reading: ClusterReading,
        throttled_now: bool,
        report: &mut ClusterReport,
    ) -> Result<BTreeSet<String>, Failure> {
        let ClusterReading { began, services, cluster_tasks, .. } = reading;
        let of_name =
            |name: &String| ServiceKey { cluster: cluster.clone(), service: name.clone() };
        let keys: Vec<ServiceKey> = services.keys().map(of_name).collect();
        let mut recalled = ledger::recall(self.aws, &self.config.ledger_table, &keys).await?;
        let writes = Writes::from(recalled.writes_stopped.take());
        let (readable, unread) = self.set_unread_aside(services, throttled_now, report);
        let mut suspects = BTreeSet::new();
        for (name, observation) in readable {
            let stored = recalled.records.remove(&observation.key).unwrap_or_default();
            let is_aging = stored.is_aging(began);
            let mut input =
                input_of(began, &self.config.policy, &writes, stored.record, observation);
            let (screened, plan) = screen(&mut input, &cluster_tasks);
            report.note(&name, &plan);
            let why = match screened {
                Screened::Suspect(why) => why,
                Screened::InOrder if is_aging => "its ledger record expires soon".to_owned(),
                Screened::InOrder => continue,
            };
            suspects.insert(name.clone());
            report.suspects.insert(name, why);
        }
        let suspects: Vec<String> = suspects.into_iter().collect();
        for together in suspects.chunks(SERVICES_IN_MESSAGE) {
            let together = together.iter().cloned().collect();
            recheck::ask(self.aws, &self.config.checks_queue_url, cluster, &together).await?;
        }
        Ok(unread)
    }

    /// Separates the services that can be judged from those that cannot, and notes the latter. Also
    /// returns the names of those that must be read again because AWS throttles calls.
    fn set_unread_aside(
        &mut self,
        services: BTreeMap<String, Result<Observation, Failure>>,
        throttled_now: bool,
        report: &mut ClusterReport,
    ) -> (BTreeMap<String, Observation>, BTreeSet<String>) {
        let services: BTreeMap<String, Result<Observation, Gap>> = services
            .into_iter()
            .map(|(name, seen)| (name, seen.map_err(|failure| not_described(&failure))))
            .collect();
        let mut outages = Vec::new();
        if !throttled_now {
            let gaps: Vec<Vec<&Gap>> = services.values().filter_map(gaps_of).collect();
            outages = self.outages.in_part(&gaps);
            report.failures.extend(outages.iter().map(|Outage { services, why, .. }| {
                format!("{services} of {} services cannot be read, and no check is requested of them: {why}", gaps.len())
            }));
        }
        let (mut readable, mut unread) = (BTreeMap::new(), BTreeSet::new());
        for (name, seen) in services {
            let gaps = gaps_of(&seen).unwrap_or_default();
            let in_outage = gaps.iter().find(|gap| outages.iter().any(|it| it.explains(gap)));
            if throttled_now && gaps.iter().any(|gap| gap.retry) {
                report.note_unread(&name, "AWS throttles calls");
                unread.insert(name);
            } else if let Some(gap) = in_outage {
                report.note_unread(&name, &gap.why);
            } else {
                match seen {
                    Ok(observation) => drop(readable.insert(name, observation)),
                    Err(gap) => report.note_unread(&name, &gap.why),
                }
            }
        }
        (readable, unread)
    }
}

/// The names up to this one.
fn not_after(names: &BTreeSet<String>, last: Option<&str>) -> BTreeSet<String> {
    names.iter().filter(|name| Some(name.as_str()) <= last).cloned().collect()
}

/// The gap that a service leaves that could not be described.
fn not_described(failure: &Failure) -> Gap {
    Gap { what: Missed::Service, why: chain(failure), retry: true }
}

/// What could not be read of a service; none if nothing but its description had to be read.
fn gaps_of(seen: &Result<Observation, Gap>) -> Option<Vec<&Gap>> {
    match seen {
        Err(gap) => Some(vec![gap]),
        Ok(seen) => (!seen.gaps.is_empty() || !seen.target_groups.is_empty())
            .then(|| seen.gaps.iter().collect()),
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
