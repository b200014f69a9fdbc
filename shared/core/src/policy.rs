//! Limits and waiting times. Every number states its unit and its reason.
//!
//! AWS facts: F-1.1, F-9, F-10.5.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The tag of an ECS service that overrides the stack-wide mode: `repair`, `alert`, `off`,
/// each optionally followed by ` until 2026-12-31`.
pub const MODE_TAG: &str = "portkeeper:mode";

/// The tag of an ECS service that names its team: alerts carry it, so that subscribers can filter
/// by it.
pub const OWNER_TAG: &str = "portkeeper:owner";

/// How long a deployment explains what differs from the desired state, in seconds, since it began or
/// since its last progress: starting instances and pulling an image take minutes. A constant, because
/// AWS has no such limit to set it by.
pub const DEPLOYMENT_SECS: u32 = 1800;

/// What Portkeeper may do for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Repair findings with proof, and send alerts.
    Repair,
    /// Send alerts, write nothing to ELBv2.
    Alert,
    /// Do not check the service.
    Off,
}

impl Mode {
    /// The allowed texts, in the order in which documentation lists them.
    pub const NAMES: [&'static str; 3] = ["repair", "alert", "off"];

    /// From its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "repair" => Some(Self::Repair),
            "alert" => Some(Self::Alert),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repair => "repair",
            Self::Alert => "alert",
            Self::Off => "off",
        })
    }
}

/// Limits and waiting times. The defaults are those of the deployed stack.
///
/// In JSON, a member that is absent has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The stack-wide mode.
    pub mode: Mode,
    /// Seconds of settle time; see [`Policy::settled_at`]. ECS registers within seconds around
    /// RUNNING and deregisters before STOPPED; 90 s leaves room for a slow control plane.
    pub settle_seconds: u32,
    /// Seconds between the first and the second check. Both must find the same fault before
    /// Portkeeper repairs it or sends an alert.
    pub confirm_seconds: u32,
    /// If a plan has more deregistrations than this, and more than `max_deregistration_percent`,
    /// Portkeeper executes none of them.
    pub max_deregistrations: u32,
    /// The same limit as a share of the service's registered targets.
    pub max_deregistration_percent: u32,
    /// This many repairs of one target within `fight_window_seconds` mean that another writer
    /// undoes them.
    pub fight_repairs: u32,
    /// See `fight_repairs`.
    pub fight_window_seconds: u32,
    /// After this many repairs of one target Portkeeper stops, keeps the incident open and sends an
    /// alert: a target that needs this many repairs needs a person.
    pub max_repairs: u32,
    /// How long a proof is valid after the reading began. ECS needs longer than this from placing a
    /// task to registering it, so no new task can have taken the address meanwhile.
    pub proof_seconds: u32,
    /// How long an agent may be disconnected before Portkeeper sends an alert. Agents disconnect
    /// several times an hour in normal operation.
    pub disconnected_seconds: u32,
    /// Added to the time that a group's own health check settings explain before a target counts as
    /// unhealthy.
    pub unhealthy_margin_seconds: u32,
    /// How long fewer tasks may run than desired, if no deployment explains it, before Portkeeper
    /// sends an alert. Pulling an image and waiting for a new instance take minutes.
    pub below_desired_seconds: u32,
    /// If this many tasks of one service, and one in twenty of the desired ones, fail within
    /// `kill_loop_seconds`, it is a loop: once is a bad instance, twice may be chance.
    pub kill_loop_stops: u32,
    /// See `kill_loop_stops`. ECS lists stopped tasks for an hour.
    pub kill_loop_seconds: u32,
    /// The time after the last alert until an error that persists is reported again; zero: never.
    /// After a day, another person is on duty. Warnings are not repeated.
    pub remind_seconds: u32,
    /// How long a deregistration by a person is left alone before the target is registered again:
    /// it is usually intended, for a heap dump or a quarantine. The alert is published at once.
    pub person_seconds: u32,
    /// Register an address outside its group's VPC with the zone `all`. Otherwise Portkeeper only
    /// sends an alert: the load balancer needs a route to that address, which Portkeeper cannot
    /// verify.
    pub az_all: bool,
    /// After this many checks in a row, the check requests no recheck and leaves the rest to the
    /// next event or sweep. Lambda's recursion detection ends such chains at about 16.
    pub max_hops: u32,
}

impl Policy {
    /// When the settle time after this moment, a task's start or its stop, is over. Until then a
    /// difference is ECS's own work in progress and no fault: ECS registers and deregisters targets
    /// itself.
    #[must_use]
    pub fn settled_at(&self, moment: Timestamp) -> Timestamp {
        moment.plus_secs(self.settle_seconds)
    }

    /// The most deregistrations at once: the greater of the absolute limit and the share of
    /// registered targets.
    #[must_use]
    pub fn deregistration_limit(&self, registered: usize) -> usize {
        let share = registered.saturating_mul(self.max_deregistration_percent as usize) / 100;
        share.max(self.max_deregistrations as usize)
    }

    /// The window in which repairs are counted: long enough for `fight_repairs` rounds of repair,
    /// undoing and two checks.
    #[must_use]
    pub fn fight_window(&self) -> u32 {
        let rounds = self
            .fight_repairs
            .saturating_add(1)
            .saturating_mul(2)
            .saturating_mul(self.confirm_seconds);
        self.fight_window_seconds.max(rounds)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Repair,
            settle_seconds: 90,
            confirm_seconds: 60,
            max_deregistrations: 5,
            max_deregistration_percent: 10,
            fight_repairs: 3,
            fight_window_seconds: 600,
            max_repairs: 5,
            proof_seconds: 5,
            disconnected_seconds: 900,
            unhealthy_margin_seconds: 60,
            below_desired_seconds: 900,
            kill_loop_stops: 3,
            kill_loop_seconds: 1800,
            remind_seconds: 24 * 3600,
            person_seconds: 30 * 60,
            az_all: false,
            max_hops: 12,
        }
    }
}
