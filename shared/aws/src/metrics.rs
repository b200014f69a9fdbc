//! Metrics: one line in CloudWatch's [embedded metric
//! format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! for each check, for each cluster that was swept, and for each run of the sweep.
//!
//! Names and dimensions are closed lists: every combination costs money each month. The service is
//! a plain property of the line, so that you can search the log for it.

use crate::account::Spent;
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write as _};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Portkeeper";

/// Counts of one check of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckMetrics {
    /// Tasks that have not stopped.
    pub tasks_watched: usize,
    /// Findings by code.
    pub findings: BTreeMap<String, usize>,
    /// Targets registered.
    pub registrations: usize,
    /// Targets deregistered.
    pub deregistrations: usize,
    /// Repairs that a guard withheld.
    pub withheld: usize,
    /// Alerts that SNS accepted.
    pub alerts_sent: usize,
    /// The seconds from the first check to the end of each incident whose end was published.
    pub healed_seconds: Vec<u32>,
    /// Things that could not be read.
    pub gaps: usize,
    /// Errors that cause a retry of the messages.
    pub errors: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// Counts of one run of the sweep in one cluster. Zeros are written, too: a missing metric means
/// failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepMetrics {
    /// Services that the sweep read.
    pub services: usize,
    /// Their tasks with desired status RUNNING.
    pub tasks: usize,
    /// Targets in their groups.
    pub targets: usize,
    /// Services for which the sweep requested a check.
    pub suspects: usize,
    /// Findings, before any second check.
    pub findings: usize,
    /// Services that could not be read.
    pub unread: usize,
}

/// A metric: its name, its unit and its value.
pub type Metric = (String, &'static str, Value);

/// A metric that counts.
#[must_use]
pub fn count(name: &str, count: usize) -> Metric {
    (name.to_owned(), "Count", json!(count))
}

fn milliseconds(name: &str, ms: u64) -> Metric {
    (name.to_owned(), "Milliseconds", json!(ms))
}

/// The line for one check.
#[must_use]
pub fn metric_line(key: &ServiceKey, at: Timestamp, check: &CheckMetrics) -> String {
    let total = check.findings.values().sum();
    let counts = [
        ("Checks", 1),
        ("TasksWatched", check.tasks_watched),
        ("Findings", total),
        ("Registrations", check.registrations),
        ("Deregistrations", check.deregistrations),
        ("Withheld", check.withheld),
        ("AlertsSent", check.alerts_sent),
        ("Gaps", check.gaps),
        ("Errors", check.errors),
    ];
    let named = counts.iter().map(|(name, number)| count(name, *number));
    let by_code =
        check.findings.iter().map(|(code, number)| count(&format!("Finding.{code}"), *number));
    // Without an ended incident the line omits this metric: a zero would count as an incident that
    // was resolved in 0 seconds.
    let healed = (!check.healed_seconds.is_empty())
        .then(|| ("TimeToHealSeconds".to_owned(), "Seconds", json!(check.healed_seconds)));
    let took = milliseconds("DurationMs", check.duration_ms);
    let metrics = named.chain(by_code).chain([took]).chain(healed).collect();
    line(at, &[("cluster", key.cluster.name())], &[("service", &key.service)], metrics)
}

/// The line for one cluster that was swept.
#[must_use]
pub fn sweep_line(cluster: &str, at: Timestamp, seen: &SweepMetrics) -> String {
    let counts = [
        ("SweptServices", seen.services),
        ("SweptTasks", seen.tasks),
        ("SweptTargets", seen.targets),
        ("SweepSuspects", seen.suspects),
        ("SweepFindings", seen.findings),
        ("SweepUnread", seen.unread),
    ];
    line(
        at,
        &[("cluster", cluster)],
        &[],
        counts.iter().map(|(name, number)| count(name, *number)).collect(),
    )
}

/// The line for one run of the sweep. `unread` counts clusters and services that could not be read.
#[must_use]
pub fn heartbeat_line(
    at: Timestamp,
    is_round_over: bool,
    unread: usize,
    duration_ms: u64,
) -> String {
    let metrics = vec![
        count("SweepRuns", 1),
        count("SweepRounds", usize::from(is_round_over)),
        count("SweepBlind", unread),
        milliseconds("SweepDurationMs", duration_ms),
    ];
    line(at, &[], &[], metrics)
}

/// The line for the calls of one invocation: how many, and how many AWS throttled until the SDK
/// gave up.
#[must_use]
pub fn calls_line(at: Timestamp, spent: Spent) -> String {
    let number = |name: &str, number: u64| (name.to_owned(), "Count", json!(number));
    line(
        at,
        &[],
        &[],
        vec![number("ApiCalls", spent.calls), number("ApiThrottles", spent.throttles)],
    )
}

/// The line for the checks of one batch for which there was no time. It is written only if there are
/// any.
#[must_use]
pub fn postponed_line(at: Timestamp, services: usize) -> String {
    line(at, &[], &[], vec![count("ChecksPostponed", services)])
}

/// The line for one batch of messages to Slack.
#[must_use]
pub fn slack_line(at: Timestamp, delivered: usize, refused: usize, later: usize) -> String {
    let counts =
        [("SlackDelivered", delivered), ("SlackRefused", refused), ("SlackDelayed", later)];
    line(at, &[], &[], counts.iter().map(|(name, number)| count(name, *number)).collect())
}

/// A line of metrics, counted as a whole and by each dimension.
#[must_use]
pub fn line(
    at: Timestamp,
    dimensions: &[(&str, &str)],
    properties: &[(&str, &str)],
    metrics: Vec<Metric>,
) -> String {
    let described: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let by_dimension = dimensions.iter().map(|(name, _)| json!([name]));
    let sets: Vec<Value> = [json!([])].into_iter().chain(by_dimension).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": sets, "Metrics": described });
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({ "Timestamp": at.as_millis(), "CloudWatchMetrics": [directive] }),
    );
    line.extend(
        dimensions.iter().chain(properties).map(|(name, value)| ((*name).to_owned(), json!(value))),
    );
    line.extend(metrics.into_iter().map(|(name, _, value)| (name, value)));
    Value::Object(line).to_string()
}

/// Writes a line to standard output in one piece: CloudWatch reads a metric only from a separate
/// line.
pub fn emit(line: &str) {
    if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
        tracing::warn!(%error, "a metric line was not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use portkeeper_core::ids::ClusterArn;

    #[test]
    fn a_check_is_one_line() {
        let cluster =
            ClusterArn::try_from("arn:aws:ecs:eu-west-1:111122223333:cluster/shop").unwrap();
        let key = ServiceKey { cluster, service: "web".to_owned() };
        let check = CheckMetrics {
            tasks_watched: 3,
            findings: BTreeMap::from([("missing".to_owned(), 2)]),
            registrations: 1,
            healed_seconds: vec![122, 65],
            duration_ms: 240,
            ..CheckMetrics::default()
        };
        let line = metric_line(&key, Timestamp::from_secs(1_700_000_000), &check);
        assert_eq!(line.lines().count(), 1);
        expect![[r#"
            {
              "AlertsSent": 0,
              "Checks": 1,
              "Deregistrations": 0,
              "DurationMs": 240,
              "Errors": 0,
              "Finding.missing": 2,
              "Findings": 2,
              "Gaps": 0,
              "Registrations": 1,
              "TasksWatched": 3,
              "TimeToHealSeconds": [
                122,
                65
              ],
              "Withheld": 0,
              "_aws": {
                "CloudWatchMetrics": [
                  {
                    "Dimensions": [
                      [],
                      [
                        "cluster"
                      ]
                    ],
                    "Metrics": [
                      {
                        "Name": "Checks",
                        "Unit": "Count"
                      },
                      {
                        "Name": "TasksWatched",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Findings",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Registrations",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Deregistrations",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Withheld",
                        "Unit": "Count"
                      },
                      {
                        "Name": "AlertsSent",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Gaps",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Errors",
                        "Unit": "Count"
                      },
                      {
                        "Name": "Finding.missing",
                        "Unit": "Count"
                      },
                      {
                        "Name": "DurationMs",
                        "Unit": "Milliseconds"
                      },
                      {
                        "Name": "TimeToHealSeconds",
                        "Unit": "Seconds"
                      }
                    ],
                    "Namespace": "Portkeeper"
                  }
                ],
                "Timestamp": 1700000000000
              },
              "cluster": "shop",
              "service": "web"
            }"#]]
        .assert_eq(
            &serde_json::to_string_pretty(&serde_json::from_str::<Value>(&line).unwrap()).unwrap(),
        );
    }
}
