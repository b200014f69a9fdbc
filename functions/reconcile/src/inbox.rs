//! Turns messages into check requests: which messages are ignored, which cannot be read, and which
//! services an API call concerns.

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_aws::ledger::index::services_behind;
use portkeeper_core::api_call::{ApiCall, IndexKey};
use portkeeper_core::event::{CheckRequest, Home, Trigger, UnreadableMessage, parse_all};
use portkeeper_core::ids::{ClusterArn, ServiceArn};
use std::collections::{BTreeMap, BTreeSet};

/// The reason for ignoring a check of a cluster that is not configured.
const OTHER_CLUSTER: &str = "other_cluster";

/// The reason for ignoring a call by Portkeeper itself: it knows of the call already, and a check
/// that causes a check would never end.
const OWN_CALL: &str = "own_call";

/// The reason for ignoring a call whose target group or load balancer is not in the index. If a
/// service uses it all the same, the sweep finds it.
const UNKNOWN_PLACE: &str = "unknown_place";

/// A parsed batch.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Message ids and the check that each requests.
    pub(crate) checks: Vec<(String, CheckRequest)>,
    /// Message ids and API calls, until [`find_services`] finds the services that they concern.
    calls: Vec<(String, ApiCall)>,
    /// Ids of messages that cannot be parsed: they go to the dead-letter queue.
    pub(crate) unreadable: BTreeSet<String>,
    /// How many messages request no check, by reason.
    pub(crate) ignored: BTreeMap<&'static str, usize>,
}

impl Inbox {
    fn ignore(&mut self, id: &str, reason: &'static str, why: &str) {
        tracing::debug!(message_id = id, reason, why, "ignored");
        *self.ignored.entry(reason).or_insert(0) += 1;
    }

    fn sort(&mut self, config: &Config, id: &str, trigger: Result<Trigger, UnreadableMessage>) {
        match trigger {
            Ok(Trigger::Check(check)) => self.ask(config, id.to_owned(), check),
            Ok(Trigger::ApiCall { role: Some(role), .. }) if config.own_roles.contains(&role) => {
                self.ignore(id, OWN_CALL, &role);
            }
            Ok(Trigger::ApiCall { call, .. }) => self.calls.push((id.to_owned(), call)),
            Ok(Trigger::Ignored(reason)) => self.ignore(id, reason.name(), &reason.to_string()),
            Err(unreadable) => {
                tracing::error!(
                    message_id = id,
                    error = chain(&unreadable),
                    "cannot parse the message"
                );
                // I-FAILURE: "An unreadable message fails alone"
                self.unreadable.insert(id.to_owned());
            }
        }
    }

    /// Adds a check, if its cluster is configured.
    fn ask(&mut self, config: &Config, id: String, check: CheckRequest) {
        if config.clusters.include(&check.cluster) {
            self.checks.push((id, check));
        } else {
            self.ignore(&id, OTHER_CLUSTER, check.cluster.name());
        }
    }
}

/// Parses each message of a batch on its own.
pub(crate) fn read(event: SqsEvent, config: &Config) -> Inbox {
    let mut inbox = Inbox::default();
    // Everything of Portkeeper's stack is in one account and Region, and so is what it checks.
    let home = Home::of(&config.alerts_topic_arn);
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        for trigger in parse_all(home.as_ref(), record.body.as_deref().unwrap_or_default()) {
            inbox.sort(config, &id, trigger);
        }
    }
    inbox
}

/// Finds the services that the API calls concern. If the index cannot be read, returns the ids of
/// those messages, which are then retried.
pub(crate) async fn find_services(
    aws: &Aws,
    config: &Config,
    inbox: &mut Inbox,
) -> BTreeSet<String> {
    let calls = std::mem::take(&mut inbox.calls);
    if calls.is_empty() {
        return BTreeSet::new();
    }
    let places: BTreeSet<IndexKey> = calls.iter().map(|(_, call)| call.place.clone()).collect();
    let behind: Result<BTreeMap<IndexKey, Vec<ServiceArn>>, Failure> =
        services_behind(aws, &config.ledger_table, &places).await;
    let behind = match behind {
        Ok(behind) => behind,
        Err(failure) => {
            tracing::error!(
                error = chain(&failure),
                calls = calls.len(),
                "cannot read the index: the services affected by these calls are unknown"
            );
            return calls.into_iter().map(|(id, _)| id).collect();
        }
    };
    for (id, call) in calls {
        let services = behind.get(&call.place).map(Vec::as_slice).unwrap_or_default();
        let (by, operation, place) = (&call.by, &call.operation, &call.place);
        tracing::info!(message_id = id, %by, %operation, %place, at = %call.at, services = services.len(), "API call by another principal");
        if services.is_empty() {
            inbox.ignore(&id, UNKNOWN_PLACE, call.place.as_str());
        }
        for (cluster, services) in by_cluster(services) {
            let check =
                CheckRequest { calls: vec![call.clone()], ..CheckRequest::of(cluster, services) };
            inbox.ask(config, id.clone(), check);
        }
    }
    BTreeSet::new()
}

fn by_cluster(services: &[ServiceArn]) -> BTreeMap<ClusterArn, BTreeSet<String>> {
    let mut clusters: BTreeMap<ClusterArn, BTreeSet<String>> = BTreeMap::new();
    for service in services {
        if let Some(cluster) = service.cluster() {
            clusters.entry(cluster).or_default().insert(service.name().to_owned());
        }
    }
    clusters
}

/// Logs what a batch requests.
pub(crate) fn write_log(inbox: &Inbox, messages: usize) {
    let (asking, unreadable) = (inbox.checks.len(), inbox.unreadable.len());
    let ignored: usize = inbox.ignored.values().sum();
    let reasons: Vec<String> =
        inbox.ignored.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
    tracing::info!(
        messages,
        asking,
        ignored,
        unreadable,
        reasons = reasons.join(" "),
        "batch parsed"
    );
}
