//! `portkeeper replay`: passes one event to the real handler, in a simulated account that has the
//! service that the event names.

use crate::render::{BOLD, DIM, GREEN, RED, YELLOW, decision};
use crate::{CommandError, input};
use portkeeper_aws::failure::chain;
use portkeeper_core::api_call::ApiCall;
use portkeeper_core::event::{self, CheckRequest, Trigger};
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::plan::{Decision, OutcomeResult};
use portkeeper_core::time::spoken;
use portkeeper_reconcile::CheckReport;
use portkeeper_stage::{Delivery, QUEUE, Stage, StageError};
use portkeeper_world::World;
use portkeeper_world::account::Account;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::sqs;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// The account needs the first minutes to start; the event arrives after that.
const START_SECS: u64 = 240;

/// Time after the event: enough for three checks for a task that no list contains, and their
/// consequences.
const AFTER_SECS: u64 = 900;

/// The seed does not matter: a replay varies nothing.
const SEED: u64 = 1;

/// Passes the event in `path` to the handler and prints what follows.
pub fn run(path: &Path, json: bool) -> Result<(), CommandError> {
    let text = input::read(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut replays = Vec::new();
    for body in bodies(text) {
        let replayed = runtime.block_on(replay(&body));
        replays.push(replayed.map_err(|source| CommandError::Stage {
            what: "replay the event".to_owned(),
            source,
        })?);
    }
    let mut out = anstream::stdout().lock();
    if json {
        let replays: Vec<Value> = replays.iter().map(Replayed::to_json).collect();
        serde_json::to_writer_pretty(&mut out, &replays).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        return Ok(());
    }
    for (number, replayed) in replays.iter().enumerate() {
        let (blank, which) = match (number, replays.len()) {
            (_, 1) => ("", String::new()),
            (0, several) => ("", format!(", message 1 of {several}")),
            (_, several) => ("\n", format!(", message {} of {several}", number + 1)),
        };
        writeln!(out, "{blank}{BOLD}{}{which}{BOLD:#}", path.display())?;
        replayed.print(&mut out)?;
    }
    Ok(())
}

/// Returns the messages in a file: the bodies of an SQS batch, the events of a list, or the whole
/// text as one message.
fn bodies(text: String) -> Vec<String> {
    let batch: Option<Value> = serde_json::from_str(&text).ok();
    if let Some(Value::Array(events)) = &batch
        && events.len() > 1
    {
        return events.iter().map(Value::to_string).collect();
    }
    let records = batch.as_ref().and_then(|batch| batch.get("Records")).and_then(Value::as_array);
    let bodies = records.map(|records| {
        let body = |record: &Value| record.get("body").and_then(Value::as_str).map(str::to_owned);
        records.iter().filter_map(body).collect::<Vec<_>>()
    });
    bodies.filter(|bodies| !bodies.is_empty()).unwrap_or_else(|| vec![text])
}

/// An event and what followed.
struct Replayed {
    reading: Reading,
    deliveries: Vec<Delivery>,
    /// Simulated time of the event.
    began_ms: u64,
}

/// How the handler reads the message.
enum Reading {
    Check(CheckRequest),
    ApiCall(ApiCall),
    /// `reconcile` ignores the message; `hint` names the function that uses it.
    Ignored {
        name: &'static str,
        why: String,
        hint: Option<&'static str>,
    },
    Unreadable(String),
}

async fn replay(body: &str) -> Result<Replayed, StageError> {
    let reading = match event::parse(body) {
        Ok(Trigger::Check(check)) => Reading::Check(check),
        Ok(Trigger::ApiCall { call, .. }) => Reading::ApiCall(call),
        Ok(Trigger::Ignored(reason)) => Reading::Ignored {
            name: reason.name(),
            why: reason.to_string(),
            hint: other_function_hint(body),
        },
        Err(error) => Reading::Unreadable(chain(&error)),
    };
    let Reading::Check(check) = &reading else {
        return Ok(Replayed { reading, deliveries: Vec::new(), began_ms: 0 });
    };
    let account =
        Account::new(check.cluster.partition(), check.cluster.region(), check.cluster.account());
    let mut stage = Stage::in_account(account, SEED, &[])?;
    create_services(&mut stage.world.lock(), &check.cluster, check)?;
    stage.run(START_SECS).await?;
    let began_ms = stage.world.lock().now_ms();
    sqs::send(&mut stage.world.lock(), QUEUE, body, Some(0)).ok_or("the queue does not exist")?;
    let deliveries = stage.run(AFTER_SECS).await?;
    Ok(Replayed { reading, deliveries, began_ms })
}

/// Returns a hint if a function other than `reconcile` receives the event.
fn other_function_hint(body: &str) -> Option<&'static str> {
    let event: Value = serde_json::from_str(body).ok()?;
    (event.get("source").and_then(Value::as_str) == Some("aws.s3")).then_some(
        "Events of the spec bucket go to the function `create-service`.\nTo validate a spec, run `portkeeper check-spec FILE`.",
    )
}

/// Creates the cluster and the services that the event names, each with two tasks and a target
/// group.
fn create_services(
    world: &mut World,
    cluster: &ClusterArn,
    check: &CheckRequest,
) -> Result<(), StageError> {
    world.make_cluster(cluster.name())?;
    world.make_instances(cluster.name(), 2)?;
    for (number, service) in check.services.iter().enumerate() {
        let group = world.make_alb_group(&format!("group-{}", number + 1), TargetType::Instance)?;
        let spec = ServiceSpec::new(cluster.name(), service).container("app", &[8080]);
        world.make_service(&spec.behind(&group, "app", 8080).desired(2))?;
    }
    Ok(())
}

impl Replayed {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let check = match &self.reading {
            Reading::Ignored { name, why, hint } => {
                writeln!(out, "{YELLOW}Ignored{YELLOW:#} ({name}): {why}.")?;
                writeln!(out, "No service is checked and nothing is written.")?;
                return hint.map_or(Ok(()), |hint| writeln!(out, "{hint}"));
            }
            Reading::Unreadable(why) => {
                writeln!(out, "{RED}Unreadable{RED:#}: {why}.")?;
                return writeln!(
                    out,
                    "Only this message fails. After five attempts it goes to the dead-letter queue,\nwhich has an alarm."
                );
            }
            Reading::ApiCall(call) => return print_call(call, out),
            Reading::Check(check) => check,
        };
        let services: Vec<&str> = check.services.iter().map(String::as_str).collect();
        let cluster = check.cluster.name();
        writeln!(
            out,
            "Requests a check of {} in cluster {cluster} ({}).",
            services.join(", "),
            check.cluster.region()
        )?;
        for (task, version) in &check.at_least {
            writeln!(out, "The check needs task {} in version {version} or later.", task.short())?;
        }
        for task in &check.stopped {
            writeln!(
                out,
                "The event shows that task {} has stopped: the check need not wait for ECS's list.",
                task.arn.short()
            )?;
        }
        writeln!(
            out,
            "The simulated account has this service with two tasks in bridge mode and a target\ngroup, without faults. It does not have the task of the event.\n"
        )?;
        for delivery in &self.deliveries {
            for report in &delivery.reports {
                self.print_report(delivery, report, out)?;
            }
        }
        self.print_outcome(out)
    }

    fn print_report(
        &self,
        delivery: &Delivery,
        report: &CheckReport,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let at = spoken(
            u32::try_from(delivery.at_ms.saturating_sub(self.began_ms) / 1000).unwrap_or(u32::MAX),
        );
        writeln!(
            out,
            "{DIM}after {at}{DIM:#}: check of {}, {} tasks",
            report.key, report.tasks_watched
        )?;
        let Some(plan) = &report.plan else { return Ok(()) };
        for verdict in &plan.verdicts {
            let code = verdict.code.as_ref().map_or(String::new(), |code| format!("{code} "));
            let style = if verdict.decision == Decision::InOrder { GREEN } else { YELLOW };
            let decided = decision(&verdict.decision, report.began);
            writeln!(
                out,
                "  {style}{decided}{style:#}: {code}{}: {}",
                verdict.subject, verdict.why
            )?;
        }
        for outcome in &report.outcomes {
            let done = match outcome.result {
                OutcomeResult::Done => "done",
                OutcomeResult::Refused(_) => "refused",
                OutcomeResult::Failed(_) => "failed",
                OutcomeResult::Skipped(_) => "skipped",
            };
            writeln!(
                out,
                "  {} {} in {}: {done}",
                outcome.kind.verb(),
                outcome.target,
                outcome.group.name()
            )?;
        }
        for message in &report.alerts {
            writeln!(out, "  alert: {}", message.subject)?;
        }
        for error in &report.errors {
            writeln!(out, "  {RED}error{RED:#}: {error}; the message is retried")?;
        }
        match plan.recheck_at {
            Some(at) => writeln!(out, "  recheck in {}", spoken(at.secs_since(report.began))),
            None => Ok(()),
        }
    }

    fn print_outcome(&self, out: &mut impl Write) -> io::Result<()> {
        let [checks, writes, alerts] = self.counts();
        let (checks, writes) = (counted(checks, "check"), counted(writes, "write"));
        writeln!(
            out,
            "\nResult: {checks}, {writes} to target groups, {}.",
            counted(alerts, "alert")
        )
    }

    /// Checks, writes and alerts.
    fn counts(&self) -> [usize; 3] {
        let reports = self.deliveries.iter().flat_map(|delivery| &delivery.reports);
        let writes: usize = reports.clone().map(|report| report.outcomes.len()).sum();
        let alerts: usize = reports.clone().map(|report| report.alerts.len()).sum();
        [reports.count(), writes, alerts]
    }

    fn to_json(&self) -> Value {
        let reading = match &self.reading {
            Reading::Check(check) => json!({
                "check": { "cluster": check.cluster, "services": check.services, "at_least": check.at_least }
            }),
            Reading::ApiCall(call) => json!({ "call": call }),
            Reading::Ignored { name, why, .. } => {
                json!({ "ignored": { "name": name, "why": why } })
            }
            Reading::Unreadable(why) => json!({ "unreadable": why }),
        };
        let reports = self.deliveries.iter().flat_map(|delivery| &delivery.reports);
        let plans: Vec<Value> = reports
            .map(|report| json!({ "at": report.began, "plan": report.plan, "outcomes": report.outcomes, "errors": report.errors }))
            .collect();
        json!({ "reading": reading, "checks": plans })
    }
}

fn print_call(call: &ApiCall, out: &mut impl Write) -> io::Result<()> {
    let ApiCall { by, operation, at, place, .. } = call;
    writeln!(out, "{by} called {operation} at {}, in {place}.", at.readable())?;
    writeln!(
        out,
        "Portkeeper checks the services that the ledger's index lists for it. An alert about\na finding that this call caused names the call and the caller."
    )
}

/// Returns a number and its noun, singular or plural.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
