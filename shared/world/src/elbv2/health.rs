//! Health checks and `DescribeTargetHealth`.
//!
//! A check passes if *any* program answers on the address. The load balancer cannot know to which
//! service the program belongs, so a stale target becomes healthy again if another service uses its
//! address.

use super::conventions::read;
use super::groups::{Failure, Found, Target, TargetGroup, TargetKey};
use crate::World;
use crate::api::ApiError;
use crate::ecs::Answer;
use crate::journal::Kind;
use crate::target_type::TargetType;
use serde_json::{Value, json};
use std::borrow::Cow;

/// State, reason code and description of a target [BC `TargetHealth`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetHealth {
    pub state: &'static str,
    pub reason: Option<&'static str>,
    pub description: Option<Cow<'static, str>>,
}

impl TargetHealth {
    fn new(
        state: &'static str,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { state, reason: Some(reason), description: Some(description.into()) }
    }

    fn to_json(&self) -> Value {
        let mut shown = json!({"State": self.state});
        if let (Some(reason), Some(description)) = (self.reason, &self.description) {
            shown = json!({"State": self.state, "Reason": reason, "Description": description});
        }
        shown
    }
}

/// Why a registered target is `unused`, whatever its program answers. Returns `None` if it is in
/// use.
pub(super) fn unusable(
    world: &World,
    group: &TargetGroup,
    key: &TargetKey,
    target: &Target,
) -> Option<TargetHealth> {
    let unused = |reason, description| Some(TargetHealth::new("unused", reason, description));
    let Some(balancer) = group.balancer.as_ref().and_then(|arn| world.elbv2.balancers.get(arn))
    else {
        return unused(
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        );
    };
    let zone = match group.target_type {
        TargetType::Instance => {
            let host = world.ecs.hosts.get(&key.0);
            if !host.is_some_and(|host| host.running) {
                return unused("Target.InvalidState", "Target is in the terminated state");
            }
            host.map(|host| host.zone.as_str())
        }
        TargetType::Ip => {
            world.ecs.network.subnet_of(&group.vpc, &key.0).map(|subnet| subnet.zone.as_str())
        }
    };
    let zone = target.zone.as_deref().or(zone).filter(|zone| *zone != "all");
    if zone.is_some_and(|zone| !balancer.zones.contains_key(zone)) {
        return unused(
            "Target.NotInUse",
            "Target is in an Availability Zone that is not enabled for the load balancer",
        );
    }
    None
}

/// The health that `DescribeTargetHealth` shows for a target of the group.
pub(super) fn health_of(
    world: &World,
    group: &TargetGroup,
    key: &TargetKey,
    target: &Target,
) -> TargetHealth {
    if target.draining_until_ms.is_some() {
        return TargetHealth::new(
            "draining",
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        );
    }
    if let Some(unused) = unusable(world, group, key, target) {
        return unused;
    }
    if !group.check.enabled {
        let description = "Health checks are not enabled for this target";
        return TargetHealth::new("unavailable", "Target.HealthCheckDisabled", description);
    }
    match target.found {
        Found::Registering => TargetHealth::new(
            "initial",
            "Elb.RegistrationInProgress",
            "Target registration is in progress",
        ),
        Found::Checking => TargetHealth::new(
            "initial",
            "Elb.InitialHealthChecking",
            "Initial health checks in progress",
        ),
        Found::Healthy => TargetHealth { state: "healthy", reason: None, description: None },
        Found::Unhealthy(Failure::Timeout) => {
            TargetHealth::new("unhealthy", "Target.Timeout", "Request timed out")
        }
        Found::Unhealthy(Failure::Refused) => {
            TargetHealth::new("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        }
        Found::Unhealthy(Failure::Status(code)) => TargetHealth::new(
            "unhealthy",
            "Target.ResponseCodeMismatch",
            format!("Health checks failed with these codes: [{code}]"),
        ),
    }
}

impl World {
    /// The health of a registered or draining target. Returns `None` if the group has no such
    /// target.
    pub(crate) fn health_in(
        &self,
        group: &TargetGroup,
        id: &str,
        port: u16,
    ) -> Option<TargetHealth> {
        let key = (id.to_owned(), port);
        Some(health_of(self, group, &key, group.targets.get(&key)?))
    }

    /// The registered and draining targets of a group with their health.
    pub(crate) fn health_of_targets<'a>(
        &'a self,
        group: &'a TargetGroup,
    ) -> impl Iterator<Item = (&'a TargetKey, TargetHealth)> {
        let health = |(key, target)| (key, health_of(self, group, key, target));
        group.targets.iter().map(health)
    }
}

/// The whole group in one response, or only the requested targets. A requested target that is not
/// registered is no error: it is `unused` with `Target.NotRegistered` [GH moto#7692] and without a
/// health check port [GH aws-sdk-js#1593].
pub(super) fn describe_target_health(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeTargetHealth", input, "TargetGroupArn", "Targets Include")?;
    let group = world.elbv2.find_group(input.text("TargetGroupArn")?)?;
    let show = |key: &TargetKey, zone: Option<&str>, health: &TargetHealth| {
        let mut described = json!({"Id": key.0, "Port": key.1});
        if let (Some(zone), Some(members)) = (zone, described.as_object_mut()) {
            members.insert("AvailabilityZone".to_owned(), json!(zone));
        }
        json!({"Target": described, "TargetHealth": health.to_json()})
    };
    let shown = |key: &TargetKey, target: &Target| {
        // Addresses show their zone; instances only if the caller gave one [CLI
        // describe-target-health].
        let subnet =
            world.ecs.network.subnet_of(&group.vpc, &key.0).map(|subnet| subnet.zone.as_str());
        let mut answer =
            show(key, target.zone.as_deref().or(subnet), &health_of(world, group, key, target));
        let port = if group.check.port == "traffic-port" {
            key.1.to_string()
        } else {
            group.check.port.clone()
        };
        if let Some(members) = answer.as_object_mut() {
            members.insert("HealthCheckPort".to_owned(), json!(port));
        }
        answer
    };
    let mut asked = Vec::new();
    for target in input.list("Targets")? {
        let target = input.nested("Targets", target, "Id", "Port AvailabilityZone")?;
        asked.push((target.text("Id")?.to_owned(), target.port("Port")?.unwrap_or(group.port)));
    }
    let answer: Vec<Value> = if asked.is_empty() {
        group.targets.iter().map(|(key, target)| shown(key, target)).collect()
    } else {
        let not_registered = TargetHealth::new(
            "unused",
            "Target.NotRegistered",
            "Target is not registered to the target group",
        );
        let one = |key: &TargetKey| match group.targets.get(key) {
            Some(target) => shown(key, target),
            None => show(key, None, &not_registered),
        };
        asked.iter().map(one).collect()
    };
    Ok([("TargetHealthDescriptions", Value::Array(answer))].into_iter().collect())
}

/// The result of one health check of this target now.
fn check(world: &World, group: &TargetGroup, key: &TargetKey) -> Result<(), Failure> {
    let port = group.check.port.parse().unwrap_or(key.1);
    match world.ecs.answer(&key.0, port) {
        Answer::Status(code) if group.check.protocol.starts_with("HTTP") => {
            Err(Failure::Status(code))
        }
        Answer::Ok | Answer::Status(_) => Ok(()),
        Answer::Silence => Err(Failure::Timeout),
        Answer::Refused if group.target_type == TargetType::Ip => Err(Failure::Timeout),
        Answer::Refused => Err(Failure::Refused),
    }
}

/// The target after the load balancer has processed it. Returns `None` if it leaves the group.
fn process(world: &World, group: &TargetGroup, key: &TargetKey, target: &Target) -> Option<Target> {
    let now = world.now_ms();
    let mut next = target.clone();
    if target.draining_until_ms.is_some() {
        return target.draining_until_ms.filter(|until| *until > now).map(|_| next);
    }
    let timing = world.elbv2.timing;
    let registration_secs = if group.is_network() {
        timing.nlb_registration_secs
    } else {
        timing.alb_registration_secs
    };
    next.next_ms = now + 1000;
    if unusable(world, group, key, target).is_some() {
        (next.found, next.since_ms, next.streak) = (Found::Registering, now, 0);
        return Some(next);
    }
    if target.found == Found::Registering {
        if now >= target.since_ms + registration_secs * 1000 {
            (next.found, next.since_ms, next.streak) = (Found::Checking, now, 0);
        }
        return Some(next);
    }
    next.next_ms = now + group.check.interval_secs * 1000;
    let outcome = check(world, group, key);
    // The first success makes a new target healthy "irrespective of the configured threshold"
    // [DG elb load-balancer-target-groups]; failures always need the threshold.
    let needed = match (target.found, outcome) {
        (Found::Registering | Found::Checking, Ok(())) => 1,
        (Found::Unhealthy(_), Ok(())) => group.check.healthy_threshold,
        (Found::Healthy, Ok(())) | (Found::Unhealthy(_), Err(_)) => u64::MAX,
        (_, Err(_)) => group.check.unhealthy_threshold,
    };
    if let (Found::Unhealthy(_), Err(failure)) = (target.found, outcome) {
        // The reason is that of the last check.
        next.found = Found::Unhealthy(failure);
    }
    next.streak = if needed == u64::MAX { 0 } else { target.streak + 1 };
    if next.streak >= needed {
        next.found = outcome.map_or_else(Found::Unhealthy, |()| Found::Healthy);
        (next.since_ms, next.streak) = (now, 0);
    }
    Some(next)
}

/// Processes every target that is due.
pub(super) fn tick(world: &mut World) {
    let now = world.now_ms();
    let mut changes = Vec::new();
    for group in world.elbv2.groups.values() {
        for (key, target) in group.targets.iter().filter(|(_, target)| target.next_ms <= now) {
            changes.push((
                group.arn.clone(),
                key.clone(),
                target.found,
                process(world, group, key, target),
            ));
        }
    }
    for (arn, key, before, after) in changes {
        let found = after.as_ref().map(|target| target.found);
        if let Some(group) = world.elbv2.groups.get_mut(&arn) {
            match after {
                Some(target) => group.targets.insert(key.clone(), target),
                None => group.targets.remove(&key),
            };
        }
        let verdict = match found {
            Some(Found::Healthy) if before != Found::Healthy => "healthy",
            Some(Found::Unhealthy(_)) if !matches!(before, Found::Unhealthy(_)) => "unhealthy",
            _ => continue,
        };
        let text = format!("{}:{} in {} is {verdict}", key.0, key.1, world.elbv2.name_of(&arn));
        let program = crate::truth::answering(world, &key.0, key.1);
        let service = program.map(|program| format!("{}/{}", program.cluster, program.service));
        world.journal.push(now, Kind::Health, service.as_deref(), text);
    }
}
