//! Plans what forwards to the target groups: rules of Application Load Balancers and listeners of
//! Network Load Balancers.

use super::{Planner, Step, differs};
use crate::found::{About, FoundListener, FoundRule};
use crate::problem::ProblemCode;
use crate::rules::{Matches, Relation, free_beside, relations};
use crate::spec::{ListenerRef, LoadBalancing};
use crate::steps::{Conditions, Priority, Ref, Resource, StepAction, Write};
use std::collections::{BTreeMap, BTreeSet};

/// The kind of load balancer that has rules.
const APPLICATION: &str = "application";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let spec = planner.spec;
    // Priorities that this plan assigns, by listener.
    let mut given: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (index, entry) in spec.load_balancing.iter().enumerate() {
        let at = format!("loadBalancing[{index}]");
        match planner.found.listener(&entry.listener) {
            Some(listener) if listener.kind == APPLICATION => {
                let given = given.entry(listener.arn.clone()).or_default();
                rule(planner, &at, entry, listener, given);
            }
            Some(listener) => existing_listener(planner, entry, listener),
            None => new_listener(planner, &at, entry),
        }
    }
    leftovers(planner);
}

fn conditions(entry: &LoadBalancing) -> Conditions {
    Conditions { hosts: entry.hosts.clone(), paths: entry.paths.clone() }
}

/// One group, or for blue/green both: the first gets all requests until ECS shifts them.
fn forward(planner: &Planner<'_>, entry: &LoadBalancing) -> Vec<(Ref, u32)> {
    let first = (planner.group(&entry.group.name), 1);
    let second = entry.blue_green.as_ref().map(|it| (planner.group(&it.alternate_group), 0));
    std::iter::once(first).chain(second).collect()
}

/// The ARNs of the entry's groups that exist.
fn group_arns(planner: &Planner<'_>, entry: &LoadBalancing) -> BTreeSet<String> {
    let names = [
        Some(entry.group.name.as_str()),
        entry.blue_green.as_ref().map(|it| it.alternate_group.as_str()),
    ];
    let groups = names.into_iter().flatten().filter_map(|name| planner.found.group_named(name));
    groups.map(|group| group.arn.clone()).collect()
}

fn rule(
    planner: &mut Planner<'_>,
    at: &str,
    entry: &LoadBalancing,
    listener: &FoundListener,
    given: &mut BTreeSet<u32>,
) {
    let groups = group_arns(planner, entry);
    let is_ours = |rule: &&FoundRule| {
        planner.context.owner.owns(&rule.tags)
            && rule.forwards_to.keys().any(|group| groups.contains(group))
    };
    let ours = listener.rules.iter().find(is_ours);
    let Some(priority) = priority(planner, at, entry, listener, ours, given) else { return };
    given.insert(priority.number());
    warn_of_others(planner, at, entry, listener, priority.number(), ours);
    let name = rule_name(entry);
    let step = match ours {
        None => Step::create(
            Resource::ListenerRule,
            &name,
            Write::CreateRule {
                listener: listener.arn.clone(),
                conditions: conditions(entry),
                priority,
                forward: forward(planner, entry),
                group_name: entry.group.name.clone(),
                tags: planner.context.owner.tags(planner.spec),
            },
        ),
        Some(rule) => {
            changed_rule(planner, entry, rule, priority.number(), &groups).with_arn(&rule.arn)
        }
    };
    planner.step(step);
}

/// `shop.example.com /api/*`
fn rule_name(entry: &LoadBalancing) -> String {
    let words: Vec<&str> = entry.hosts.iter().chain(&entry.paths).map(String::as_str).collect();
    words.join(" ")
}

/// The priority that the spec chose, or that the rule has, or the lowest that is free.
fn priority(
    planner: &mut Planner<'_>,
    at: &str,
    entry: &LoadBalancing,
    listener: &FoundListener,
    ours: Option<&FoundRule>,
    given: &BTreeSet<u32>,
) -> Option<Priority> {
    let has = ours.and_then(|rule| rule.priority);
    let Some(asked) = entry.priority else {
        let band = planner.context.band;
        let fixed: BTreeSet<u32> =
            planner.spec.load_balancing.iter().filter_map(|entry| entry.priority).collect();
        let taken = given.union(&fixed).copied().collect();
        let free = has.or_else(|| free_beside(&listener.rules, &taken, band, None));
        if free.is_none() {
            let message = format!(
                "every priority from {} to {} is in use on this listener: set a `priority`, or configure a wider range of rule priorities",
                band.first, band.last
            );
            planner.error(ProblemCode::NoFreePriority, at, message);
        }
        return free.map(Priority::Automatic);
    };
    let mut others =
        listener.rules.iter().filter(|rule| ours.is_none_or(|ours| ours.arn != rule.arn));
    if let Some(other) = others.find(|rule| rule.priority == Some(asked)) {
        let message = format!(
            "another rule, {}, has the priority {asked}: choose another, or omit it",
            words(planner, other)
        );
        planner.error(ProblemCode::PriorityTaken, format!("{at}.priority"), message);
        return None;
    }
    Some(Priority::Fixed(asked))
}

fn changed_rule(
    planner: &Planner<'_>,
    entry: &LoadBalancing,
    rule: &FoundRule,
    priority: u32,
    groups: &BTreeSet<String>,
) -> Step {
    let (mut writes, mut differences) = (Vec::new(), Vec::new());
    let asked = conditions(entry);
    let sorted = |texts: &[String]| texts.iter().cloned().collect::<BTreeSet<_>>();
    let same_conditions =
        sorted(&rule.hosts) == sorted(&asked.hosts) && sorted(&rule.paths) == sorted(&asked.paths);
    // ECS changes the weights of a blue/green rule; the rule only has to forward to this spec's
    // groups.
    let forwards: BTreeSet<String> = rule.forwards_to.keys().cloned().collect();
    let same_groups =
        if entry.blue_green.is_some() { forwards.is_subset(groups) } else { forwards == *groups };
    differences.extend(
        differs("host", Some(&rule.hosts), Some(&asked.hosts)).filter(|_| !same_conditions),
    );
    differences.extend(
        differs("path", Some(&rule.paths), Some(&asked.paths)).filter(|_| !same_conditions),
    );
    let names = |groups: &BTreeSet<String>| {
        groups.iter().map(|arn| group_name(planner, arn)).collect::<Vec<_>>()
    };
    differences.extend(
        differs("forwards", Some(&names(&forwards)), Some(&names(groups))).filter(|_| !same_groups),
    );
    if !same_conditions || !same_groups {
        let before = Conditions { hosts: rule.hosts.clone(), paths: rule.paths.clone() };
        let weights = rule
            .forwards_to
            .iter()
            .map(|(arn, weight)| (Ref::Existing(arn.clone()), *weight))
            .collect();
        writes.push(Write::ModifyRule {
            rule: rule.arn.clone(),
            conditions: (!same_conditions).then_some(asked),
            forward: (!same_groups).then(|| forward(planner, entry)),
            before: (before, weights),
        });
    }
    if let Some(before) = rule.priority.filter(|before| *before != priority) {
        differences.extend(differs("priority", Some(&before), Some(&priority)));
        writes.push(Write::SetRulePriority { rule: rule.arn.clone(), priority, before });
    }
    let tags = super::groups::tags_to_add(planner, &rule.tags);
    if !tags.is_empty() {
        differences.extend(tags.iter().filter_map(|(key, tag)| {
            differs(&format!("tags.{key}"), rule.tags.get(key), Some(tag))
        }));
        writes.push(Write::AddTags { resource: Ref::Existing(rule.arn.clone()), tags });
    }
    Step::change(Resource::ListenerRule, &rule_name(entry), differences, writes)
}

fn group_name(planner: &Planner<'_>, arn: &str) -> String {
    match planner.found.group_at(arn) {
        Some(group) => group.name.clone(),
        None => arn.to_owned(),
    }
}

/// Rules that take requests from the new one, or lose some to it.
fn warn_of_others(
    planner: &mut Planner<'_>,
    at: &str,
    entry: &LoadBalancing,
    listener: &FoundListener,
    priority: u32,
    ours: Option<&FoundRule>,
) {
    let new = Matches::of(&entry.hosts, &entry.paths);
    for relation in relations(listener, &new, priority, ours.map(|rule| rule.arn.as_str())) {
        let (code, other, what) = match relation {
            Relation::Hides(other) => (
                ProblemCode::RuleHidden,
                other,
                "comes first and matches every request of this rule, which would receive none",
            ),
            Relation::TakesSome(other) => (
                ProblemCode::RuleOverlap,
                other,
                "comes first and matches some requests of this rule",
            ),
            Relation::Hidden(other) => (
                ProblemCode::RuleHides,
                other,
                "comes later, and this rule matches every request of it",
            ),
            Relation::LosesSome(other) => (
                ProblemCode::RuleOverlap,
                other,
                "comes later, and this rule matches some requests of it",
            ),
        };
        let message = format!(
            "another rule of the listener, {}, {what}; this one has priority {priority}. If that is not intended, change `priority`, host or path",
            words(planner, other)
        );
        planner.warn(code, at, message);
    }
}

/// `priority 10 (host shop.example.com, path /api/*, to web)`
pub(super) fn words(planner: &Planner<'_>, rule: &FoundRule) -> String {
    let mut parts = Vec::new();
    if !rule.hosts.is_empty() {
        parts.push(format!("host {}", rule.hosts.join(" or ")));
    }
    if !rule.paths.is_empty() {
        parts.push(format!("path {}", rule.paths.join(" or ")));
    }
    parts.extend(rule.other_conditions.iter().cloned());
    if !rule.forwards_to.is_empty() {
        let names: Vec<String> =
            rule.forwards_to.keys().map(|arn| short_group_name(planner, arn)).collect();
        parts.push(format!("to {}", names.join(" and ")));
    }
    parts.extend(rule.other_actions.iter().cloned());
    let number = rule
        .priority
        .map_or_else(|| "the default rule".to_owned(), |number| format!("priority {number}"));
    format!("{number} ({})", parts.join(", "))
}

/// The name in the ARN, even for groups that were not read.
fn short_group_name(planner: &Planner<'_>, arn: &str) -> String {
    let name = group_name(planner, arn);
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [_, name, _] => (*name).to_owned(),
        _ => name,
    }
}

/// A Network Load Balancer's listener forwards to one group: if that is not this spec's group,
/// Portkeeper does not change the listener.
fn existing_listener(planner: &mut Planner<'_>, entry: &LoadBalancing, listener: &FoundListener) {
    let groups = group_arns(planner, entry);
    let leads_to: Vec<&String> =
        listener.rules.iter().flat_map(|rule| rule.forwards_to.keys()).collect();
    let name = entry.listener.to_string();
    let is_ours = !leads_to.is_empty() && leads_to.iter().all(|group| groups.contains(*group));
    let action = if is_ours {
        StepAction::Keep
    } else {
        let others: Vec<String> =
            leads_to.iter().map(|arn| short_group_name(planner, arn)).collect();
        StepAction::Refuse(format!(
            "the listener exists and forwards to {}; a Network Load Balancer's listener forwards to one target group, and Portkeeper does not change this one: choose another port",
            if others.is_empty() { "something else".to_owned() } else { others.join(", ") }
        ))
    };
    planner.step(Step::new(Resource::Listener, &name, action).with_arn(&listener.arn));
}

fn new_listener(planner: &mut Planner<'_>, at: &str, entry: &LoadBalancing) {
    if planner.found.gap(About::Listeners).is_some() {
        return;
    }
    let ListenerRef::On { load_balancer, port } = &entry.listener else { return };
    let Some(found) =
        planner.found.load_balancers.get(load_balancer).filter(|it| it.kind == "network")
    else {
        return;
    };
    let protocol = if entry.certificate.is_some() { "TLS" } else { entry.group.protocol.as_str() };
    if protocol == "TLS" && entry.certificate.is_none() {
        let message = "a new TLS listener needs a `certificateArn`";
        planner.error(ProblemCode::MissingMember, at, message);
        return;
    }
    let write = Write::CreateListener {
        load_balancer: found.arn.clone(),
        port: *port,
        protocol: protocol.to_owned(),
        certificate: entry.certificate.clone(),
        group: planner.group(&entry.group.name),
        group_name: entry.group.name.clone(),
        tags: planner.context.owner.tags(planner.spec),
    };
    planner.step(Step::create(Resource::Listener, &entry.listener.to_string(), write));
}

/// Reports rules that the spec created and no longer contains: on another listener, or to another
/// group. Portkeeper does not delete them, because their targets may still serve requests.
fn leftovers(planner: &mut Planner<'_>) {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    for entry in &planner.spec.load_balancing {
        if let Some(listener) = planner.found.listener(&entry.listener) {
            let groups = group_arns(planner, entry);
            let rules = listener
                .rules
                .iter()
                .filter(|rule| rule.forwards_to.keys().any(|group| groups.contains(group)));
            needed.extend(rules.map(|rule| rule.arn.clone()));
        }
    }
    let all = planner
        .found
        .listeners
        .iter()
        .flat_map(|listener| listener.rules.iter().map(move |rule| (listener, rule)));
    let left = all
        .filter(|(_, rule)| planner.context.owner.owns(&rule.tags) && !needed.contains(&rule.arn));
    let messages: Vec<String> = left
        .map(|(listener, rule)| {
            format!(
                "this spec created a rule that it no longer contains: {} on {}:{}. The rule stays; delete it when nothing needs it",
                words(planner, rule),
                listener.load_balancer,
                listener.port
            )
        })
        .collect();
    for message in messages {
        planner.warn(ProblemCode::LeftOver, "loadBalancing", message);
    }
}
