//! Containers behind listeners: ports, listeners, host and path conditions.

use super::Checks;
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use crate::rules;
use crate::spec::{ListenerRef, LoadBalancing};
use serde_json::Value;

/// ELBv2 accepts this many values in all conditions of a rule (quota "Condition values per rule").
const MOST_VALUES: usize = 5;

/// A host or path pattern (API `HostHeaderConditionConfig`, `PathPatternConditionConfig`).
const LONGEST_PATTERN: usize = 128;

/// Protocols of Network Load Balancers.
const NETWORK_PROTOCOLS: [&str; 4] = ["TCP", "TLS", "UDP", "TCP_UDP"];

/// Whether the entry is behind a Network Load Balancer, by its protocol.
pub(super) fn is_network(entry: &LoadBalancing) -> bool {
    NETWORK_PROTOCOLS.contains(&entry.group.protocol.as_str())
}

pub(super) fn verify(checks: &mut Checks<'_>) {
    let spec = checks.spec;
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        let at = format!("loadBalancing[{index}]");
        let port = i64::from(entry.port.get());
        let protocol = is_network(entry).then_some(entry.group.protocol.as_str());
        checks.container_port(
            &format!("{at}.container"),
            &format!("{at}.port"),
            &entry.container,
            port,
            protocol,
        );
        checks.static_host_port(&entry.container, port);
        listener(checks, &format!("{at}.listener"), &entry.listener);
        if is_network(entry) {
            network(checks, &at, entry);
        } else {
            conditions(checks, &at, entry);
        }
        for (before, other) in spec.load_balancing.iter().take(index).enumerate() {
            together(checks, &at, entry, before, other);
        }
    }
}

impl Checks<'_> {
    /// Whether the container exists and has the port.
    pub(super) fn container_port(
        &mut self,
        at_name: &str,
        at_port: &str,
        name: &str,
        port: i64,
        protocol: Option<&str>,
    ) {
        if self.spec.task_definition.is_none() || self.is_told(at_name) || self.is_told(at_port) {
            return;
        }
        let mut containers = self.containers();
        let Some((at, container)) =
            containers.find(|(_, container)| text(container, "name") == Some(name))
        else {
            let all = self.containers().filter_map(|(_, container)| text(container, "name"));
            let hint = super::names("found:", all);
            let message = format!("container `{name}` not found in the task definition{hint}");
            self.error(ProblemCode::NoSuchContainer, at_name, message);
            return;
        };
        let mappings = list(container, "portMappings");
        let has = |mapping: &&Value| {
            number(mapping, "containerPort") == Some(port) || in_range(mapping, port)
        };
        let at_mappings = format!("{at}.portMappings");
        if self.problems.iter().any(|problem| problem.at == at_mappings) {
            // They could not be read.
            return;
        }
        let Some(mapping) = mappings.iter().find(has) else {
            let ports: Vec<String> = mappings
                .iter()
                .filter_map(|mapping| number(mapping, "containerPort"))
                .map(|port| port.to_string())
                .collect();
            let hint = if ports.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", ports.join(", "))
            };
            let message =
                format!("`{name}` has no port mapping with the container port {port}; {hint}");
            self.error(ProblemCode::NoSuchPort, at_port, message);
            return;
        };
        let carries = text(mapping, "protocol").unwrap_or("tcp");
        let expected = if protocol == Some("UDP") { "udp" } else { "tcp" };
        if protocol != Some("TCP_UDP") && carries != expected {
            let message = format!(
                "port {port} of `{name}` is mapped for {carries}, but the target group uses {expected}"
            );
            self.error(ProblemCode::WrongTransport, at_port, message);
        }
    }

    /// A fixed port on the host: one instance can run only one such task.
    pub(super) fn static_host_port(&mut self, name: &str, port: i64) {
        if self.network_mode() != Some("bridge") || self.is_daemon() {
            return;
        }
        let containers =
            self.containers().filter(|(_, container)| text(container, "name") == Some(name));
        let found = containers.into_iter().find_map(|(at, container)| {
            let mappings = list(container, "portMappings").iter().enumerate();
            let mut fixed =
                mappings.filter(|(_, mapping)| number(mapping, "containerPort") == Some(port));
            let (index, host_port) =
                fixed.find_map(|(index, mapping)| Some((index, number(mapping, "hostPort")?)))?;
            (host_port != 0).then(|| (format!("{at}.portMappings[{index}].hostPort"), host_port))
        });
        if let Some((at, host_port)) =
            found.filter(|(at, _)| !self.problems.iter().any(|it| it.at == *at))
        {
            let message = format!(
                "with the host port fixed to {host_port}, an instance can run only one of these tasks, and a deployment needs a free instance: set `hostPort: 0` (or omit it) for a dynamic port"
            );
            self.warn(ProblemCode::StaticHostPort, at, message);
        }
    }
}

/// `8000-8010`
fn in_range(mapping: &Value, port: i64) -> bool {
    let range = text(mapping, "containerPortRange").and_then(|range| range.split_once('-'));
    let bounds = range
        .and_then(|(first, last)| Some((first.parse::<i64>().ok()?, last.parse::<i64>().ok()?)));
    bounds.is_some_and(|(first, last)| (first..=last).contains(&port))
}

fn listener(checks: &mut Checks<'_>, at: &str, listener: &ListenerRef) {
    let ListenerRef::Arn(arn) = listener else { return };
    if arn.starts_with("arn:") && arn.contains(":listener/") {
        return;
    }
    let what = if arn.contains(":listener-rule/") {
        "this is the ARN of a rule"
    } else if arn.contains(":loadbalancer/") {
        "this is the ARN of a load balancer"
    } else if arn.contains(":targetgroup/") {
        "this is the ARN of a target group"
    } else {
        "this is not the ARN of a listener"
    };
    let message = format!(
        "{what}; use a listener's ARN, or its load balancer and port: `listener: {{loadBalancer: NAME, port: 443}}`"
    );
    checks.error(ProblemCode::NotAListener, at, message);
}

/// A listener of a Network Load Balancer has no rules: it forwards to one group.
fn network(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing) {
    let given = [
        ("host", !entry.hosts.is_empty()),
        ("path", !entry.paths.is_empty()),
        ("priority", entry.priority.is_some()),
    ];
    for (member, _) in given.into_iter().filter(|(_, given)| *given) {
        let message = format!(
            "a {} listener has no rules: leave `{member}` out, or use an Application Load Balancer with protocol HTTP",
            entry.group.protocol
        );
        checks.error(ProblemCode::RuleOnNetworkListener, format!("{at}.{member}"), message);
    }
    if entry.certificate.is_some() && entry.group.protocol != "TLS" && entry.group.protocol != "TCP"
    {
        let message = "only a TLS listener has a certificate";
        checks.error(ProblemCode::CertificateWithoutTls, format!("{at}.certificateArn"), message);
    }
}

fn conditions(checks: &mut Checks<'_>, at: &str, entry: &LoadBalancing) {
    if entry.hosts.is_empty() && entry.paths.is_empty() {
        let message = "set which requests this entry receives: `host`, `path`, or both (`path: /*` matches all of them)";
        checks.error(ProblemCode::NoCondition, at, message);
    }
    if entry.certificate.is_some() {
        let message = "the certificate belongs to the Application Load Balancer's listener, which exists already: leave it out";
        checks.error(ProblemCode::CertificateWithoutTls, format!("{at}.certificateArn"), message);
    }
    let values = entry.hosts.len() + entry.paths.len();
    if values > MOST_VALUES {
        let message = format!(
            "the rule would have {values} host and path values; ELBv2 accepts {MOST_VALUES}"
        );
        checks.error(ProblemCode::TooManyConditions, at, message);
    }
    for (index, host) in entry.hosts.iter().enumerate() {
        let at = one_of(&format!("{at}.host"), index, entry.hosts.len());
        if host.contains("://") || host.contains('/') || host.contains(':') {
            let message = format!("`{host}` is not only a host name: remove scheme, port and path");
            checks.error(ProblemCode::BadHost, at, message);
        } else if host.is_empty() || host.len() > LONGEST_PATTERN || !host.chars().all(is_of_host) {
            let message =
                format!("a host has 1 to {LONGEST_PATTERN} letters, digits, `-`, `.`, `*` and `?`");
            checks.error(ProblemCode::BadHost, at, message);
        }
    }
    for (index, path) in entry.paths.iter().enumerate() {
        let at = one_of(&format!("{at}.path"), index, entry.paths.len());
        if !path.starts_with('/') && !path.starts_with('*') {
            let message =
                format!("paths begin with `/`, so `{path}` would never match: write `/{path}`");
            checks.error(ProblemCode::BadPath, at, message);
        } else if path.contains('?') && path.contains('=') {
            let message = "a path condition never matches the query string after the `?` of an address: remove it (`?` here means any one character)";
            checks.error(ProblemCode::QueryInPath, at, message);
        } else if path.len() > LONGEST_PATTERN || !path.chars().all(is_of_path) {
            let message = format!(
                "a path has at most {LONGEST_PATTERN} letters, digits and `_-.$/~\"'@:+&*?`"
            );
            checks.error(ProblemCode::BadPath, at, message);
        }
    }
}

/// The path of one value; a single one may be written without a list.
fn one_of(at: &str, index: usize, count: usize) -> String {
    if count == 1 { at.to_owned() } else { format!("{at}[{index}]") }
}

fn is_of_host(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-.*?".contains(letter)
}

/// API `PathPatternConditionConfig`.
fn is_of_path(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(letter)
}

/// Two entries of the same spec.
fn together(
    checks: &mut Checks<'_>,
    at: &str,
    entry: &LoadBalancing,
    before: usize,
    other: &LoadBalancing,
) {
    if [at, &format!("loadBalancing[{before}]")]
        .iter()
        .any(|at| checks.is_told(&format!("{at}.listener")))
    {
        return;
    }
    if (&entry.container, entry.port) == (&other.container, other.port)
        && entry.listener == other.listener
    {
        let message = format!(
            "loadBalancing[{before}] leads to the same port from the same listener; put the hosts and paths of both into one entry"
        );
        checks.error(ProblemCode::DuplicateEntry, at, message);
        return;
    }
    if entry.listener != other.listener {
        return;
    }
    if is_network(entry) {
        let message = format!(
            "loadBalancing[{before}] has the same listener, and a listener of a Network Load Balancer forwards to one target group"
        );
        checks.error(ProblemCode::ListenerTaken, format!("{at}.listener"), message);
        return;
    }
    if entry.priority.is_some() && entry.priority == other.priority {
        let message = format!("loadBalancing[{before}] has the same priority on the same listener");
        checks.error(ProblemCode::DuplicatePriority, format!("{at}.priority"), message);
    }
    if entry.priority.is_none() || other.priority.is_none() {
        let (this, that) = (
            rules::Matches::of(&entry.hosts, &entry.paths),
            rules::Matches::of(&other.hosts, &other.paths),
        );
        if this.overlaps(&that) {
            let message = format!(
                "some requests match both this entry and loadBalancing[{before}]: set `priority` in both, with the lower number in the narrower one"
            );
            checks.error(ProblemCode::AmbiguousRules, at, message);
        }
    }
}
