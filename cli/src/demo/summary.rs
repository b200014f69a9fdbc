//! The end of the demo: incidents, API calls, and whether the demo ended as expected.

use super::specs;
use super::timeline::{Timeline, state_style};
use crate::render::{BOLD, table, text};
use portkeeper_core::code::Code;
use portkeeper_core::plan::AlertState;
use portkeeper_core::time::spoken;
use portkeeper_service_spec::result::Status;
use portkeeper_stage::Stage;
use portkeeper_world::api::Caller;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The faults that the scenes plant, with their number.
const PLANTED: [(Code, usize); 4] =
    [(Code::Missing, 3), (Code::Stale, 1), (Code::Hijacked, 1), (Code::Foreign, 1)];

/// An incident, from its first alert to its last.
struct Incident {
    service: String,
    code: Code,
    subject: String,
    first_seen_secs: u64,
    alerted_secs: u64,
    resolved_secs: Option<u64>,
    /// Two for each incident: opened and resolved.
    alerts: usize,
}

/// The summary of a demo.
pub(super) struct Summary {
    incidents: Vec<Incident>,
    calls: BTreeMap<String, usize>,
    checks: usize,
    sweeps: usize,
    /// Deregistrations of a target that belonged to a running task.
    wrong_deregistrations: usize,
    /// The statuses of the specs, in order.
    specs: Vec<Status>,
}

impl Summary {
    pub(super) fn of(stage: &Stage, timeline: &Timeline) -> Self {
        let world = stage.world.lock();
        let counts = world.calls.counts().into_iter();
        let calls = counts.map(|((service, operation), count)| {
            (format!("{} {operation}", service.name()), count)
        });
        let ours = |write: &&portkeeper_world::elbv2::Write| write.caller == Caller::Client;
        let wrong = world
            .elbv2
            .writes()
            .iter()
            .filter(ours)
            .filter(|write| write.is_wrong_deregistration())
            .count();
        Self {
            incidents: incidents(timeline),
            calls: calls.collect(),
            checks: timeline.checks,
            sweeps: timeline.sweeps,
            wrong_deregistrations: wrong,
            specs: timeline.statuses.clone(),
        }
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{BOLD}── Summary{BOLD:#}\n")?;
        let mut rows =
            table(&["service", "finding", "resource", "alerted after", "resolved after", "alerts"]);
        for incident in &self.incidents {
            let after = |secs: u64| {
                spoken(u32::try_from(secs.saturating_sub(incident.first_seen_secs)).unwrap_or(0))
            };
            rows.add_row([
                incident.service.clone(),
                incident.code.to_string(),
                incident.subject.clone(),
                after(incident.alerted_secs),
                incident.resolved_secs.map_or("still open".to_owned(), after),
                incident.alerts.to_string(),
            ]);
        }
        writeln!(out, "{}\n", text(&rows))?;
        let mut rows = table(&["API call", "times"]);
        for (call, count) in &self.calls {
            rows.add_row([call.clone(), count.to_string()]);
        }
        writeln!(out, "{}\n", text(&rows))?;
        let style = state_style(if self.verify().is_ok() {
            AlertState::Resolved
        } else {
            AlertState::Opened
        });
        let wrong = self.wrong_deregistrations;
        writeln!(
            out,
            "{} checks, {} sweeps. {style}Targets of running tasks that Portkeeper deregistered: {wrong}.{style:#}",
            self.checks, self.sweeps
        )
    }

    pub(super) fn to_json(&self, seed: u64, timeline: &Timeline) -> Value {
        let incidents: Vec<Value> = self
            .incidents
            .iter()
            .map(|incident| {
                json!({
                    "service": incident.service,
                    "code": incident.code,
                    "subject": incident.subject,
                    "first_seen_seconds": incident.first_seen_secs,
                    "told_seconds": incident.alerted_secs,
                    "resolved_seconds": incident.resolved_secs,
                    "alerts": incident.alerts,
                })
            })
            .collect();
        json!({
            "seed": seed,
            "moments": timeline.to_json(),
            "incidents": incidents,
            "api_calls": self.calls,
            "checks": self.checks,
            "sweeps": self.sweeps,
            "wrong_deregistrations": self.wrong_deregistrations,
            "specs": self.specs,
        })
    }

    /// Verifies that every planted fault led to exactly one resolved incident, that there was no
    /// other incident, and that no running task lost its target.
    pub(super) fn verify(&self) -> Result<(), String> {
        for (code, planted) in PLANTED {
            let found = self.incidents.iter().filter(|incident| incident.code == code).count();
            if found != planted {
                return Err(format!(
                    "the scenes planted {planted} faults with code {code}, and the checks found {found}"
                ));
            }
        }
        let planted: usize = PLANTED.iter().map(|(_, planted)| planted).sum();
        if self.incidents.len() != planted {
            return Err(format!(
                "the scenes planted {planted} faults, and the alerts reported {} incidents",
                self.incidents.len()
            ));
        }
        match self
            .incidents
            .iter()
            .find(|incident| incident.resolved_secs.is_none() || incident.alerts != 2)
        {
            Some(open) => {
                return Err(format!(
                    "the incident {} {} is still open or sent more than two alerts",
                    open.code, open.subject
                ));
            }
            None if self.specs != specs::EXPECTED => {
                return Err(format!("unexpected statuses of the specs: {:?}", self.specs));
            }
            None if self.wrong_deregistrations > 0 => {
                return Err("Portkeeper deregistered the target of a running task".to_owned());
            }
            None => {}
        }
        Ok(())
    }
}

fn incidents(timeline: &Timeline) -> Vec<Incident> {
    let mut incidents: Vec<Incident> = Vec::new();
    for (at_ms, alert) in &timeline.alerts {
        let at = timeline.seconds_at(*at_ms);
        for item in &alert.items {
            let (service, subject) = (alert.key.to_string(), item.subject.to_string());
            let known = incidents.iter_mut().find(|known| {
                known.service == service
                    && known.code == alert.code
                    && known.subject == subject
                    && known.resolved_secs.is_none()
            });
            match (known, alert.state) {
                (Some(known), state) => {
                    known.resolved_secs = state.is_end().then_some(at);
                    known.alerts += 1;
                }
                (None, _) => incidents.push(Incident {
                    service,
                    code: alert.code.clone(),
                    subject,
                    first_seen_secs: timeline
                        .seconds_at(u64::try_from(item.since.as_millis()).unwrap_or(0)),
                    alerted_secs: at,
                    resolved_secs: None,
                    alerts: 1,
                }),
            }
        }
    }
    incidents
}
