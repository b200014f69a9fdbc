//! The target groups that a spec creates: ELBv2's limits (API `CreateTargetGroup`, target group
//! attributes).
//!
//! AWS facts: F-6, F-11.4.

use super::Checks;
use super::balancing::is_network;
use crate::members::{list, number};
use crate::problem::ProblemCode;
use crate::spec::{HealthCheck, LoadBalancing, TargetGroupSpec};

/// ELBv2's limit for names of target groups.
const LONGEST_NAME: usize = 32;

/// AWS's defaults, for comparing one value with another.
const DEFAULT_INTERVAL: u32 = 30;

pub(super) fn verify(checks: &mut Checks<'_>) {
    let spec = checks.spec;
    let mut names: Vec<&str> = Vec::new();
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        let at = format!("loadBalancing[{index}]");
        let group = format!("{at}.targetGroup");
        let alternate = entry.blue_green.as_ref().map(|it| {
            (it.alternate_group.as_str(), format!("{at}.blueGreen.alternateTargetGroup"))
        });
        let all = [Some((entry.group.name.as_str(), format!("{group}.name"))), alternate];
        for (name, at) in all.into_iter().flatten() {
            self::name(checks, &at, name);
            if names.contains(&name) {
                let message = format!(
                    "`{name}` is the name of another target group of this spec: each needs its own"
                );
                checks.error(ProblemCode::DuplicateName, at, message);
            }
            names.push(name);
        }
        target_type(checks, &format!("{group}.targetType"), entry);
        health_check(checks, &format!("{group}.healthCheck"), entry);
        attributes(checks, &group, entry, is_network(entry));
        if entry.group.protocol_version.is_some() && is_network(entry) {
            checks.error(
                ProblemCode::NotForProtocol,
                format!("{group}.protocolVersion"),
                "only HTTP and HTTPS have a version",
            );
        }
        if let Some(blue_green) = &entry.blue_green {
            arn(checks, &format!("{at}.blueGreen.roleArn"), &blue_green.role, ":role/", "a role");
            if let Some(rule) = &blue_green.test_listener_rule {
                arn(
                    checks,
                    &format!("{at}.blueGreen.testListenerRuleArn"),
                    rule,
                    ":listener-rule/",
                    "a listener rule",
                );
            }
        }
        if let Some(certificate) = &entry.certificate {
            arn(
                checks,
                &format!("{at}.certificateArn"),
                certificate,
                ":certificate/",
                "a certificate",
            );
        }
    }
}

fn arn(checks: &mut Checks<'_>, at: &str, arn: &str, part: &str, what: &str) {
    if !arn.starts_with("arn:") || !arn.contains(part) {
        checks.error(
            ProblemCode::BadArn,
            at,
            format!("this is not the ARN of {what}: such an ARN contains `{part}`"),
        );
    }
}

fn name(checks: &mut Checks<'_>, at: &str, name: &str) {
    let is_good = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    let message = if name.chars().count() > LONGEST_NAME {
        let count = name.chars().count();
        format!(
            "`{name}` has {count} characters; a target group's name has at most {LONGEST_NAME}: set a shorter `targetGroup.name`"
        )
    } else if name.is_empty() || !is_good || name.starts_with('-') || name.ends_with('-') {
        format!(
            "`{name}` cannot name a target group: use letters, digits and hyphens, without a hyphen at either end"
        )
    } else if name.starts_with("internal-") {
        format!("`{name}` begins with `internal-`, which ELBv2 reserves")
    } else {
        return;
    };
    checks.error(ProblemCode::BadName, at, message);
}

fn target_type(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing) {
    let Some(mode) = checks.network_mode() else { return };
    let (needs, why) = match mode {
        "awsvpc" => ("ip", "each task has its own address"),
        _ => ("instance", "tasks are reached by a port of their instance"),
    };
    if entry.group.target_type != needs {
        let message =
            format!("in {mode} mode {why}: the target type must be `{needs}`; leave it out");
        checks.error(ProblemCode::TargetType, at, message);
    }
}

fn health_check(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing) {
    let check = &entry.group.health_check;
    let protocol = check_protocol(&entry.group);
    if protocol == "TCP" && !is_network(entry) {
        let message = "an Application Load Balancer checks with HTTP or HTTPS";
        checks.error(ProblemCode::HealthProtocol, format!("{at}.protocol"), message);
    }
    if protocol == "TCP" {
        for (member, _) in [("path", check.path.is_some()), ("codes", check.codes.is_some())]
            .into_iter()
            .filter(|(_, given)| *given)
        {
            let message =
                format!("a TCP check only connects: leave `{member}` out, or set `protocol: HTTP`");
            checks.error(ProblemCode::HealthProtocol, format!("{at}.{member}"), message);
        }
    }
    if check.path.as_ref().is_some_and(|path| !path.starts_with('/') || path.len() > 1024) {
        let message = "a path begins with `/` and has at most 1024 characters";
        checks.error(ProblemCode::BadPath, format!("{at}.path"), message);
    }
    times(checks, at, check, protocol);
    codes(checks, at, &entry.group);
    health_port(checks, at, entry);
}

/// The protocol of the health checks.
fn check_protocol(group: &TargetGroupSpec) -> &str {
    let default =
        if ["HTTP", "HTTPS"].contains(&group.protocol.as_str()) { &group.protocol } else { "TCP" };
    group.health_check.protocol.as_deref().unwrap_or(default)
}

fn times(checks: &mut Checks<'_>, at: &str, check: &HealthCheck, protocol: &str) {
    // AWS's defaults: 10 s for TCP checks of a Network Load Balancer, 5 s or 6 s for HTTP.
    let default_timeout = if protocol == "TCP" { 10 } else { 6 };
    let interval = check.interval_seconds.unwrap_or(DEFAULT_INTERVAL);
    let timeout = check.timeout_seconds.unwrap_or(default_timeout.min(interval.saturating_sub(1)));
    if timeout >= interval {
        let message =
            format!("the timeout ({timeout} s) must be less than the interval ({interval} s)");
        let member =
            if check.timeout_seconds.is_some() { "timeoutSeconds" } else { "intervalSeconds" };
        checks.error(ProblemCode::TimeoutOverInterval, format!("{at}.{member}"), message);
    } else if check.timeout_seconds.is_none() && default_timeout >= interval {
        let message = format!(
            "AWS's default timeout is {default_timeout} s, which must be less than the interval: set `timeoutSeconds`"
        );
        checks.error(ProblemCode::TimeoutOverInterval, format!("{at}.intervalSeconds"), message);
    }
}

fn codes(checks: &mut Checks<'_>, at: &str, group: &TargetGroupSpec) {
    let Some(codes) = &group.health_check.codes else { return };
    let is_grpc = group.protocol_version.as_deref() == Some("GRPC");
    // An Application Load Balancer accepts up to 499, a Network Load Balancer up to 599 (API
    // `Matcher`).
    let (least, most) = match group.protocol.as_str() {
        _ if is_grpc => (0, 99),
        "HTTP" | "HTTPS" => (200, 499),
        _ => (200, 599),
    };
    let number =
        |code: &str| code.trim().parse::<u32>().ok().filter(|code| (least..=most).contains(code));
    let is_good = codes.split(',').all(|part| match part.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => number(part).is_some(),
    });
    if !is_good {
        let message = format!(
            "`{codes}` is not valid: use codes from {least} to {most}, such as 200, 200-299 or 200,202"
        );
        checks.error(ProblemCode::BadCodes, format!("{at}.codes"), message);
    }
}

/// A fixed port for checks, if tasks have dynamic host ports.
fn health_port(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing) {
    let Some(port) =
        entry.group.health_check.port.as_deref().filter(|port| *port != "traffic-port")
    else {
        return;
    };
    let at = format!("{at}.port");
    let Some(port) = port.parse::<u16>().ok().filter(|port| *port > 0) else {
        checks.error(
            ProblemCode::OutOfRange,
            at,
            "must be `traffic-port`, or a port from 1 to 65535",
        );
        return;
    };
    if checks.network_mode() != Some("bridge") {
        return;
    }
    let mut mappings =
        checks.containers().flat_map(|(_, container)| list(container, "portMappings"));
    if !mappings.any(|mapping| number(mapping, "hostPort") == Some(i64::from(port))) {
        let message = format!(
            "no container has the host port {port}, so every check would fail: each task gets dynamic ports here; omit it to check the port that receives the traffic"
        );
        checks.error(ProblemCode::HealthPort, at, message);
    }
}

fn attributes(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing, is_network: bool) {
    let get = |key: &str| entry.group.attributes.get(key).map(String::as_str);
    if let Some(seconds) = get("slow_start.duration_seconds").and_then(|it| it.parse::<u32>().ok())
    {
        let at = format!("{at}.slowStartSeconds");
        if is_network {
            checks.error(
                ProblemCode::NotForProtocol,
                at,
                "a Network Load Balancer has no slow start: leave it out",
            );
        } else if seconds != 0 && !(30..=900).contains(&seconds) {
            checks.error(ProblemCode::OutOfRange, at, "must be 0 (off), or from 30 to 900 seconds");
        } else if seconds != 0
            && get("load_balancing.algorithm.type").is_some_and(|kind| kind != "round_robin")
        {
            checks.error(
                ProblemCode::SlowStartAlgorithm,
                at,
                "slow start works with `loadBalancingAlgorithm: round_robin` only",
            );
        }
    }
    if is_network && get("load_balancing.algorithm.type").is_some() {
        let message = "a Network Load Balancer chooses by connection: leave it out";
        checks.error(ProblemCode::NotForProtocol, format!("{at}.loadBalancingAlgorithm"), message);
    }
    let Some(kind) = get("stickiness.type") else { return };
    let at = format!("{at}.stickiness");
    if is_network != (kind == "source_ip") {
        let message = if is_network {
            "a Network Load Balancer supports only the stickiness type `source_ip`"
        } else {
            "an Application Load Balancer supports the stickiness types `lb_cookie` and `app_cookie`"
        };
        checks.error(ProblemCode::NotForProtocol, format!("{at}.type"), message);
    }
    let cookie = get("stickiness.app_cookie.cookie_name");
    match (kind, cookie) {
        ("app_cookie", None) => {
            checks.error(
                ProblemCode::MissingMember,
                &at,
                "app_cookie needs `cookieName`: the program's cookie",
            );
        }
        ("app_cookie", Some(cookie)) if cookie.starts_with("AWSALB") => {
            checks.error(
                ProblemCode::BadName,
                format!("{at}.cookieName"),
                "names that begin with AWSALB are the load balancer's own",
            );
        }
        ("app_cookie", _) | (_, None) => {}
        (_, Some(_)) => {
            checks.error(
                ProblemCode::NotForProtocol,
                format!("{at}.cookieName"),
                "only app_cookie has a `cookieName`",
            );
        }
    }
}
