//! The timeline of the demo: the journal of the simulated account and the reports of the handler, as
//! lines of text.

use super::account::{Parts, SERVICES};
use crate::render::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, decision, table, text};
use crate::slack_text::plain;
use portkeeper_core::plan::{Alert, AlertState, OutcomeResult, Verdict};
use portkeeper_core::report::{SnsMessage, slack_message};
use portkeeper_reconcile::CheckReport;
use portkeeper_service_spec::message::{spec_text, spec_title};
use portkeeper_service_spec::result::{SpecResult, Status};
use portkeeper_stage::specs::SpecStage;
use portkeeper_stage::{Delivery, Stage, StageError};
use portkeeper_world::journal::{Entry, Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write as _};

/// After this time all services of the demo run and were checked.
const START_SECS: u64 = 240;

/// The source of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Account,
    Portkeeper,
    Sweep,
    Alert,
    Specs,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Portkeeper => "portkeeper",
            Self::Sweep => "sweep",
            Self::Alert => "alert",
            Self::Specs => "specs",
        }
    }
}

/// One line of the timeline.
struct Moment {
    at_ms: u64,
    who: Who,
    text: String,
    /// Further lines: the reason, or the text of an alert.
    more: String,
}

/// The timeline so far.
pub(super) struct Timeline {
    began_ms: u64,
    journal_read: usize,
    prints: bool,
    moments: Vec<Moment>,
    /// Findings that were printed, so that the next check does not print them again.
    said: BTreeSet<String>,
    /// Alerts that SNS accepted, with their time in milliseconds.
    pub(super) alerts: Vec<(u64, Alert)>,
    /// The same as messages.
    pub(super) messages: Vec<SnsMessage>,
    pub(super) checks: usize,
    pub(super) sweeps: usize,
    /// The statuses of the specs, in order.
    pub(super) statuses: Vec<Status>,
}

impl Timeline {
    pub(super) fn new(stage: &Stage, prints: bool) -> Self {
        let began_ms = stage.world.lock().now_ms();
        let (moments, said, alerts, messages) =
            (Vec::new(), BTreeSet::new(), Vec::new(), Vec::new());
        let statuses = Vec::new();
        Self {
            began_ms,
            journal_read: 0,
            prints,
            moments,
            said,
            alerts,
            messages,
            checks: 0,
            sweeps: 0,
            statuses,
        }
    }

    /// Prints the services of the account.
    pub(super) fn introduce(&self, _parts: &Parts) -> io::Result<()> {
        if !self.prints {
            return Ok(());
        }
        let mut services = table(&["service", "network mode", "target group", "tasks"]);
        for (name, mode, group, tasks) in SERVICES {
            services.add_row([name, mode, group, tasks]);
        }
        let mut out = anstream::stdout().lock();
        writeln!(out, "{BOLD}A simulated AWS account with Portkeeper deployed{BOLD:#}")?;
        writeln!(
            out,
            "Cluster shop, three container instances. No call leaves this process.\n\n{}\n",
            text(&services)
        )
    }

    /// Lets the account start. Returns the number of checks.
    pub(super) async fn settle(&mut self, stage: &mut Stage) -> Result<usize, StageError> {
        let deliveries = stage.run(START_SECS).await?;
        self.journal_read = stage.world.lock().journal.all().len();
        let reports = deliveries.iter().flat_map(|delivery| &delivery.reports);
        self.checks += reports.clone().count();
        let unexpected = reports.flat_map(|report| &report.outcomes).next();
        match unexpected {
            Some(outcome) => Err(format!(
                "unexpected write to {}: no service has a fault yet",
                outcome.group.name()
            )
            .into()),
            None => Ok(self.checks),
        }
    }

    /// Prints a line of the narrator.
    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        if self.prints { writeln!(anstream::stdout().lock(), "{text}") } else { Ok(()) }
    }

    /// Prints the title of a scene and starts it.
    pub(super) fn title(&mut self, title: &str, story: &str) -> io::Result<()> {
        self.said.clear();
        if self.prints {
            writeln!(anstream::stdout().lock(), "\n{BOLD}── {title}{BOLD:#}\n   {story}")?;
        }
        Ok(())
    }

    /// Lets time pass and prints what happened.
    pub(super) async fn run(&mut self, stage: &mut Stage, seconds: u64) -> Result<(), StageError> {
        let deliveries = stage.run(seconds).await?;
        self.record(stage, &deliveries, Vec::new())
    }

    /// Lets time pass until the spec has a final status, and prints what happened.
    pub(super) async fn run_specs(
        &mut self,
        specs: &mut SpecStage,
        key: &str,
        most_secs: u64,
    ) -> Result<(), StageError> {
        let status = |result: &Option<Value>| {
            result.as_ref().and_then(|result| result.get("status").cloned())
        };
        let (mut deliveries, mut results) = (Vec::new(), Vec::new());
        let mut before = status(&specs.result(key));
        for _ in 0..most_secs {
            deliveries.extend(specs.run(1).await?);
            let result = specs.result(key);
            let now = status(&result);
            if std::mem::replace(&mut before, now.clone()) == now {
                continue;
            }
            let result: SpecResult = serde_json::from_value(result.unwrap_or_default())?;
            let at_ms = specs.world().lock().now_ms();
            results.push(Moment {
                at_ms,
                who: Who::Specs,
                text: spec_title(&result),
                more: spec_text(&result),
            });
            self.statuses.push(result.status);
            if result.status.is_final() {
                break;
            }
        }
        self.record(&specs.stage, &deliveries, results)
    }

    fn record(
        &mut self,
        stage: &Stage,
        deliveries: &[Delivery],
        mut moments: Vec<Moment>,
    ) -> Result<(), StageError> {
        moments.extend(self.read_journal(stage));
        for delivery in deliveries {
            self.read_delivery(delivery, &mut moments);
        }
        moments.sort_by_key(|moment| moment.at_ms);
        for moment in moments {
            self.print(&moment)?;
            self.moments.push(moment);
        }
        Ok(())
    }

    /// Runs the sweep and prints its report of each cluster.
    pub(super) async fn sweep(&mut self, stage: &mut Stage) -> Result<(), StageError> {
        let report = stage.sweep().await?;
        self.sweeps += 1;
        let at_ms = stage.world.lock().now_ms();
        for (cluster, seen) in &report.clusters {
            let text = format!(
                "screened {} services, {} tasks and {} targets in {cluster}",
                seen.services, seen.tasks, seen.targets
            );
            let more = seen
                .suspects
                .iter()
                .map(|(service, why)| format!("requests a check of {service}: {why}\n"));
            let moment = Moment { at_ms, who: Who::Sweep, text, more: more.collect() };
            self.print(&moment)?;
            self.moments.push(moment);
        }
        Ok(())
    }

    fn read_journal(&mut self, stage: &Stage) -> Vec<Moment> {
        let world = stage.world.lock();
        let entries = world.journal.since(self.journal_read);
        self.journal_read += entries.len();
        let shown = entries.iter().filter(|entry| is_shown(entry));
        shown
            .map(|entry| Moment {
                at_ms: entry.at_ms,
                who: Who::Account,
                text: entry.text.clone(),
                more: String::new(),
            })
            .collect()
    }

    fn read_delivery(&mut self, delivery: &Delivery, moments: &mut Vec<Moment>) {
        for report in &delivery.reports {
            self.checks += 1;
            let found = self.found(report);
            let at_ms = delivery.at_ms;
            let mut add =
                |who, text: String, more: String| moments.push(Moment { at_ms, who, text, more });
            for (text, why) in found {
                add(Who::Portkeeper, text, why);
            }
            for outcome in &report.outcomes {
                let (verb, target, group) =
                    (outcome.kind.verb(), &outcome.target, outcome.group.name());
                let result = match &outcome.result {
                    OutcomeResult::Done => "done".to_owned(),
                    OutcomeResult::Refused(why) => format!("refused: {why}"),
                    OutcomeResult::Failed(why) => format!("failed: {why}"),
                    OutcomeResult::Skipped(why) => format!("skipped: {why}"),
                };
                add(
                    Who::Portkeeper,
                    format!("{verb} {target} in {group}: {result}"),
                    String::new(),
                );
            }
            for error in &report.errors {
                add(
                    Who::Portkeeper,
                    format!("{}: {error}; the message is retried", report.key),
                    String::new(),
                );
            }
            for message in &report.alerts {
                add(Who::Alert, message.subject.clone(), plain(&slack_message(&message.document)));
            }
            self.messages.extend(report.alerts.iter().cloned());
            let accepted =
                report.plan.iter().flat_map(|plan| &plan.alerts).take(report.alerts.len());
            self.alerts.extend(accepted.map(|alert| (at_ms, alert.clone())));
        }
    }

    /// Returns the findings of a check that were not printed before.
    fn found(&mut self, report: &CheckReport) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        for verdict in report.plan.iter().flat_map(|plan| &plan.verdicts) {
            let Verdict { subject, code: Some(code), why, .. } = verdict else { continue };
            let decided = decision(&verdict.decision, report.began);
            let line = format!("{}: {code}, {subject} -> {decided}", report.key);
            // Only the last part of the reason counts: the part before it contains a duration.
            let reason = why.rsplit(": ").next().unwrap_or_default();
            let key = format!("{} {code} {subject} {reason}", report.key);
            if self.said.insert(key) {
                lines.push((line, why.clone()));
            }
        }
        lines
    }

    fn print(&self, moment: &Moment) -> io::Result<()> {
        if !self.prints {
            return Ok(());
        }
        let secs = moment.at_ms.saturating_sub(self.began_ms) / 1000;
        let (at, who) = (format!("{:>3}:{:02}", secs / 60, secs % 60), moment.who.name());
        let mut out = anstream::stdout().lock();
        match moment.who {
            Who::Account => writeln!(out, "{DIM}{at}{DIM:#}  {who:<10}  {}", moment.text)?,
            Who::Portkeeper | Who::Sweep | Who::Specs => {
                writeln!(out, "{DIM}{at}{DIM:#}  {CYAN}{who:<10}{CYAN:#}  {}", moment.text)?;
            }
            Who::Alert
                if moment.text.starts_with("resolved") || moment.text.starts_with("superseded") =>
            {
                writeln!(out, "{DIM}{at}{DIM:#}  {GREEN}{who:<10}{GREEN:#}  {}", moment.text)?;
            }
            Who::Alert => {
                writeln!(out, "{DIM}{at}{DIM:#}  {YELLOW}{who:<10}{YELLOW:#}  {}", moment.text)?;
            }
        }
        for line in moment.more.lines() {
            writeln!(
                out,
                "{:20}{DIM}|{}{line}{DIM:#}",
                "",
                if line.is_empty() { "" } else { " " }
            )?;
        }
        Ok(())
    }

    pub(super) fn to_json(&self) -> Value {
        let moments = self.moments.iter().map(|moment| {
            let at = moment.at_ms.saturating_sub(self.began_ms) / 1000;
            json!({ "at_seconds": at, "who": moment.who.name(), "text": moment.text, "body": moment.more })
        });
        moments.collect()
    }

    /// Returns the seconds since the beginning.
    pub(super) fn seconds_at(&self, at_ms: u64) -> u64 {
        at_ms.saturating_sub(self.began_ms) / 1000
    }
}

/// Shows what operators did, the planted faults, and ECS's registrations. It leaves out the steps of
/// each task, and Portkeeper's own writes, which the reports contain.
fn is_shown(entry: &Entry) -> bool {
    let ours = entry.kind == Kind::Registration && entry.text.starts_with("a client ");
    !ours && matches!(entry.kind, Kind::Person | Kind::Fault | Kind::Agent | Kind::Registration)
}

/// Returns the colour of an alert's state.
pub(super) fn state_style(state: AlertState) -> anstyle::Style {
    if state.is_end() { GREEN } else { RED }
}
