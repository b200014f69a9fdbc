//! Scaling, log groups, tags.

use super::Checks;
use super::balancing::is_network;
use crate::members::number;
use crate::problem::ProblemCode;
use crate::spec::{Scaling, ScalingMetric, ScalingTarget};

/// The days that CloudWatch Logs accepts (API `PutRetentionPolicy`).
const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// AWS accepts 50 tags; some are Portkeeper's.
const MOST_TAGS: usize = 45;

pub(super) fn verify(checks: &mut Checks<'_>) {
    let spec = checks.spec;
    if let Some(scaling) = &spec.scaling {
        self::scaling(checks, scaling);
    }
    for (index, group) in spec.log_groups.iter().enumerate() {
        let at = format!("logGroups[{index}]");
        let is_good = |letter: char| letter.is_ascii_alphanumeric() || ".-_/#".contains(letter);
        if group.name.is_empty() || group.name.len() > 512 || !group.name.chars().all(is_good) {
            let message = "a log group's name has 1 to 512 letters, digits and `.-_/#`";
            checks.error(ProblemCode::BadName, format!("{at}.name"), message);
        }
        if spec.log_groups.iter().take(index).any(|other| other.name == group.name) {
            checks.error(
                ProblemCode::DuplicateName,
                format!("{at}.name"),
                format!("duplicate log group `{}`", group.name),
            );
        }
        if let Some(days) = group.retention_days.filter(|days| !RETENTION_DAYS.contains(days)) {
            let less = RETENTION_DAYS.iter().filter(|known| **known > days).min();
            let hint = less
                .map(|more| format!("; the next supported value is {more}"))
                .unwrap_or_default();
            let message =
                format!("CloudWatch Logs does not support a retention of {days} days{hint}");
            checks.error(ProblemCode::Retention, format!("{at}.retentionDays"), message);
        }
    }
    tags(checks);
}

fn scaling(checks: &mut Checks<'_>, scaling: &Scaling) {
    if scaling.min > scaling.max {
        let message = format!("`min` ({}) is more than `max` ({})", scaling.min, scaling.max);
        checks.error(ProblemCode::MinOverMax, "scaling.min", message);
    }
    if checks.is_daemon() {
        let message =
            "a DAEMON service runs one task on each instance and does not scale: leave it out";
        checks.error(ProblemCode::DaemonScaling, "scaling", message);
    }
    if scaling.targets.is_empty() {
        let message = "without `cpu`, `memory` or `requestsPerTarget` nothing changes the number of tasks, unless policies are created elsewhere";
        checks.warn(ProblemCode::NoScalingTarget, "scaling", message);
    }
    let limits = i64::from(scaling.min)..=i64::from(scaling.max);
    if let Some(count) = number(&checks.spec.service, "desiredCount")
        .filter(|count| !limits.contains(count) && scaling.min <= scaling.max)
    {
        let message = format!(
            "{count} tasks are outside the limits of `scaling`, {} to {}, which would change the number at once",
            limits.start(),
            limits.end()
        );
        checks.warn(ProblemCode::DesiredCountOutside, "service.desiredCount", message);
    }
    for target in &scaling.targets {
        let at = format!("scaling.{}", target.metric.as_str());
        match target.metric {
            ScalingMetric::Cpu | ScalingMetric::Memory
                if target.value <= 0.0 || target.value > 100.0 =>
            {
                checks.error(
                    ProblemCode::OutOfRange,
                    at,
                    "must be a percentage: more than 0, at most 100",
                );
            }
            ScalingMetric::RequestsPerTarget if target.value <= 0.0 => {
                checks.error(
                    ProblemCode::OutOfRange,
                    at,
                    "must be the requests per minute of one task: more than 0",
                );
            }
            ScalingMetric::RequestsPerTarget => requests(checks, &at, target),
            _ => {}
        }
    }
}

/// Requests are counted for one target group of an Application Load Balancer.
fn requests(checks: &mut Checks<'_>, at: &str, target: &ScalingTarget) {
    let entries = checks.spec.load_balancing.iter().filter(|entry| !is_network(entry));
    let groups: Vec<&str> = entries.map(|entry| entry.group.name.as_str()).collect();
    let message = match &target.group {
        _ if groups.is_empty() => {
            "an Application Load Balancer counts the requests: add `loadBalancing` with protocol HTTP".to_owned()
        }
        Some(name) if !groups.contains(&name.as_str()) => {
            format!("target group `{name}` not found in this spec{}", super::names("found:", groups.into_iter()))
        }
        None if groups.len() > 1 => {
            format!("set `value` and `targetGroup`; the groups of this spec: {}", groups.join(", "))
        }
        _ => return,
    };
    checks.error(ProblemCode::NoRequests, at, message);
}

fn tags(checks: &mut Checks<'_>) {
    let tags = &checks.spec.tags;
    if tags.len() > MOST_TAGS {
        checks.error(
            ProblemCode::TooManyTags,
            "tags",
            format!("AWS accepts 50 tags, of which a spec can set {MOST_TAGS}"),
        );
    }
    for (key, value) in tags {
        let at = format!("tags.{key}");
        let is_good =
            |letter: char| letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter);
        if key.to_ascii_lowercase().starts_with("aws:") || key.starts_with("portkeeper:spec") {
            checks.error(ProblemCode::ReservedTag, at, format!("`{key}` is reserved: omit it"));
        } else if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            checks.error(
                ProblemCode::TagLength,
                at,
                "a key has 1 to 128 characters, a value at most 256",
            );
        } else if !key.chars().chain(value.chars()).all(is_good) {
            checks.error(
                ProblemCode::BadTag,
                at,
                "tags contain only letters, digits, spaces and `_.:/=+-@`",
            );
        }
    }
}
