//! Load balancers, listeners with all their rules, and target groups with their settings.

use crate::SpecAws;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Listener, LoadBalancer, ProtocolEnum, Rule,
    RuleCondition, TagDescription, TargetGroup, TargetTypeEnum,
};
use portkeeper_aws::failure::Failure;
use portkeeper_service_spec::found::{
    FoundListener, FoundLoadBalancer, FoundRule, FoundTargetGroup,
};
use portkeeper_service_spec::references::References;
use portkeeper_service_spec::spec::{HealthCheck, ListenerRef};
use std::collections::{BTreeMap, BTreeSet};

const BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const RULES: &str = "elasticloadbalancing:DescribeRules";
const GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const ATTRIBUTES: &str = "elasticloadbalancing:DescribeTargetGroupAttributes";
const TAGS: &str = "elasticloadbalancing:DescribeTags";

/// How many resources `DescribeTags` accepts.
const TAGS_BATCH: usize = 20;

/// The maximum number of pages of one list. A listener has at most 200 rules unless the quota is
/// raised, and a page has at least four.
const PAGE_LIMIT: usize = 50;

type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the referenced groups and those that the service uses, each with its attributes and tags.
pub(super) async fn groups(
    aws: &SpecAws,
    references: &References,
    used: &BTreeSet<String>,
) -> Result<Vec<FoundTargetGroup>, Failure> {
    let mut described: BTreeMap<String, FoundTargetGroup> = BTreeMap::new();
    for name in &references.group_names {
        described.extend(group(aws, name, false).await?);
    }
    for arn in references.group_arns.iter().chain(used) {
        if !described.contains_key(arn) {
            described.extend(group(aws, arn, true).await?);
        }
    }
    let mut tags = tags(aws, described.keys().cloned().collect()).await?;
    for (arn, group) in &mut described {
        group.attributes = attributes(aws, arn).await?;
        group.tags = tags.remove(arn).unwrap_or_default();
    }
    Ok(described.into_values().collect())
}

/// One at a time: if one of several does not exist, ELBv2 returns none of them.
async fn group(
    aws: &SpecAws,
    named: &str,
    is_arn: bool,
) -> Result<Option<(String, FoundTargetGroup)>, Failure> {
    aws.shared.acquire(GROUPS).await;
    let request = aws.elb.describe_target_groups();
    let request = if is_arn { request.target_group_arns(named) } else { request.names(named) };
    match request.send().await {
        Ok(answer) => Ok(answer.target_groups().first().map(found_group)),
        Err(error) => none_if_not_found(aws.shared.failure(GROUPS, named, error)),
    }
}

fn none_if_not_found<T>(failure: Failure) -> Result<Option<T>, Failure> {
    if failure.is_not_found() { Ok(None) } else { Err(failure) }
}

fn found_group(group: &TargetGroup) -> (String, FoundTargetGroup) {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let codes = group.matcher().and_then(|matcher| matcher.http_code().or(matcher.grpc_code()));
    let arn = text(group.target_group_arn());
    let found = FoundTargetGroup {
        arn: arn.clone(),
        name: text(group.target_group_name()),
        target_type: text(group.target_type().map(TargetTypeEnum::as_str)),
        protocol: text(group.protocol().map(ProtocolEnum::as_str)),
        protocol_version: group.protocol_version().map(str::to_owned),
        port: group.port().and_then(|port| u16::try_from(port).ok()),
        ip_address_type: group.ip_address_type().map(|it| it.as_str().to_owned()),
        vpc: text(group.vpc_id()),
        health_check: HealthCheck {
            protocol: group.health_check_protocol().map(|it| it.as_str().to_owned()),
            port: group.health_check_port().map(str::to_owned),
            path: group.health_check_path().map(str::to_owned),
            codes: codes.map(str::to_owned),
            interval_seconds: number(group.health_check_interval_seconds()),
            timeout_seconds: number(group.health_check_timeout_seconds()),
            healthy_threshold: number(group.healthy_threshold_count()),
            unhealthy_threshold: number(group.unhealthy_threshold_count()),
        },
        load_balancers: group.load_balancer_arns().to_vec(),
        ..FoundTargetGroup::default()
    };
    (arn, found)
}

async fn attributes(aws: &SpecAws, group: &str) -> Result<BTreeMap<String, String>, Failure> {
    aws.shared.acquire(ATTRIBUTES).await;
    let answer = aws.elb.describe_target_group_attributes().target_group_arn(group).send().await;
    let answer = answer.map_err(|error| aws.shared.failure(ATTRIBUTES, group, error))?;
    let attributes = answer.attributes().iter();
    Ok(attributes
        .filter_map(|it| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned())))
        .collect())
}

async fn tags(aws: &SpecAws, arns: Vec<String>) -> Result<Tags, Failure> {
    let mut found = Tags::new();
    for batch in arns.chunks(TAGS_BATCH) {
        match tags_of_batch(aws, batch).await {
            // One of them was deleted in the meantime, so ELBv2 returns none of them.
            Err(failure) if failure.is_not_found() => {
                for one in batch.chunks(1) {
                    found.extend(none_if_not_found_in(tags_of_batch(aws, one).await)?);
                }
            }
            read => found.extend(read?),
        }
    }
    Ok(found)
}

fn none_if_not_found_in(read: Result<Tags, Failure>) -> Result<Tags, Failure> {
    read.or_else(|failure| if failure.is_not_found() { Ok(Tags::new()) } else { Err(failure) })
}

async fn tags_of_batch(aws: &SpecAws, batch: &[String]) -> Result<Tags, Failure> {
    aws.shared.acquire(TAGS).await;
    let answer = aws.elb.describe_tags().set_resource_arns(Some(batch.to_vec())).send().await;
    let what = || format!("{} resources", batch.len());
    let answer = answer.map_err(|error| aws.shared.failure(TAGS, what(), error))?;
    Ok(answer.tag_descriptions().iter().filter_map(tags_of).collect())
}

fn tags_of(described: &TagDescription) -> Option<(String, BTreeMap<String, String>)> {
    let tags = described.tags().iter();
    let tags = tags.filter_map(|tag| {
        Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
    });
    Some((described.resource_arn()?.to_owned(), tags.collect()))
}

/// The load balancers that are named, by name, and all listeners of these and of the load balancers
/// that use a found group.
pub(super) async fn listeners(
    aws: &SpecAws,
    references: &References,
    groups: &[FoundTargetGroup],
) -> Result<(BTreeMap<String, FoundLoadBalancer>, Vec<FoundListener>), Failure> {
    let mut balancers: BTreeMap<String, LoadBalancer> = BTreeMap::new();
    let mut named = BTreeMap::new();
    let mut arns: BTreeSet<String> =
        groups.iter().flat_map(|group| &group.load_balancers).cloned().collect();
    for listener in &references.listeners {
        match listener {
            ListenerRef::On { load_balancer, .. } => {
                let Some(found) = balancer(aws, load_balancer, false).await? else { continue };
                named.insert(load_balancer.clone(), found_balancer(&found));
                balancers.insert(found.load_balancer_arn().unwrap_or_default().to_owned(), found);
            }
            ListenerRef::Arn(arn) => arns.extend(balancer_of_listener(arn)),
        }
    }
    for arn in arns {
        if !balancers.contains_key(&arn)
            && let Some(found) = balancer(aws, &arn, true).await?
        {
            balancers.insert(arn, found);
        }
    }
    let mut found = Vec::new();
    for (arn, balancer) in &balancers {
        for listener in listeners_of(aws, arn).await? {
            found.push(found_listener(aws, balancer, &listener).await?);
        }
    }
    let all = found.iter().flat_map(|listener| {
        // The default rule is its listener's.
        let rules = listener.rules.iter().filter(|rule| rule.priority.is_some());
        [listener.arn.clone()].into_iter().chain(rules.map(|rule| rule.arn.clone()))
    });
    let mut tags = tags(aws, all.collect()).await?;
    for listener in &mut found {
        listener.tags = tags.remove(&listener.arn).unwrap_or_default();
        for rule in &mut listener.rules {
            rule.tags = tags.remove(&rule.arn).unwrap_or_default();
        }
    }
    Ok((named, found))
}

/// `…:listener/app/name/id/id` is of `…:loadbalancer/app/name/id`.
fn balancer_of_listener(arn: &str) -> Option<String> {
    let (front, path) = arn.split_once(":listener/")?;
    let (balancer, _) = path.rsplit_once('/')?;
    Some(format!("{front}:loadbalancer/{balancer}"))
}

async fn balancer(
    aws: &SpecAws,
    named: &str,
    is_arn: bool,
) -> Result<Option<LoadBalancer>, Failure> {
    aws.shared.acquire(BALANCERS).await;
    let request = aws.elb.describe_load_balancers();
    let request = if is_arn { request.load_balancer_arns(named) } else { request.names(named) };
    match request.send().await {
        Ok(answer) => Ok(answer.load_balancers().first().cloned()),
        Err(error) => none_if_not_found(aws.shared.failure(BALANCERS, named, error)),
    }
}

fn found_balancer(balancer: &LoadBalancer) -> FoundLoadBalancer {
    FoundLoadBalancer {
        arn: balancer.load_balancer_arn().unwrap_or_default().to_owned(),
        kind: balancer.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        vpc: balancer.vpc_id().unwrap_or_default().to_owned(),
    }
}

async fn listeners_of(aws: &SpecAws, balancer: &str) -> Result<Vec<Listener>, Failure> {
    let (mut listeners, mut marker) = (Vec::new(), None);
    for _ in 0..PAGE_LIMIT {
        aws.shared.acquire(LISTENERS).await;
        let request =
            aws.elb.describe_listeners().load_balancer_arn(balancer).set_marker(marker.take());
        let answer =
            request.send().await.map_err(|error| aws.shared.failure(LISTENERS, balancer, error))?;
        marker = answer.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        listeners.extend(answer.listeners.unwrap_or_default());
        if marker.is_none() {
            return Ok(listeners);
        }
    }
    Err(Failure::unreadable(LISTENERS, balancer, format!("more than {PAGE_LIMIT} pages")))
}

async fn found_listener(
    aws: &SpecAws,
    balancer: &LoadBalancer,
    listener: &Listener,
) -> Result<FoundListener, Failure> {
    let arn = listener.listener_arn().unwrap_or_default().to_owned();
    let FoundLoadBalancer { arn: load_balancer_arn, kind, vpc } = found_balancer(balancer);
    Ok(FoundListener {
        rules: rules_of(aws, &arn).await?,
        arn,
        load_balancer: balancer.load_balancer_name().unwrap_or_default().to_owned(),
        load_balancer_arn,
        kind,
        vpc,
        port: listener.port().and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
        protocol: listener
            .protocol()
            .map(|protocol| protocol.as_str().to_owned())
            .unwrap_or_default(),
        tags: BTreeMap::new(),
    })
}

/// All rules of a listener; their tags are read with those of all others.
pub(crate) async fn rules_of(aws: &SpecAws, listener: &str) -> Result<Vec<FoundRule>, Failure> {
    let (mut rules, mut marker) = (Vec::new(), None);
    for _ in 0..PAGE_LIMIT {
        aws.shared.acquire(RULES).await;
        let request = aws.elb.describe_rules().listener_arn(listener).set_marker(marker.take());
        let answer =
            request.send().await.map_err(|error| aws.shared.failure(RULES, listener, error))?;
        rules.extend(answer.rules().iter().map(found_rule));
        marker = answer.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            return Ok(rules);
        }
    }
    Err(Failure::unreadable(RULES, listener, format!("more than {PAGE_LIMIT} pages")))
}

fn found_rule(rule: &Rule) -> FoundRule {
    let mut found = FoundRule {
        arn: rule.rule_arn().unwrap_or_default().to_owned(),
        // The default rule has the priority `default`.
        priority: rule.priority().and_then(|priority| priority.parse().ok()),
        ..FoundRule::default()
    };
    for condition in rule.conditions() {
        note_condition(&mut found, condition);
    }
    for action in rule.actions() {
        note_action(&mut found, action);
    }
    found
}

/// Old rules have their values next to the field; newer ones in a member of their own. AWS shows
/// both for the same rule.
fn note_condition(found: &mut FoundRule, condition: &RuleCondition) {
    let field = condition.field().unwrap_or_default();
    let own = match field {
        "host-header" => {
            condition.host_header_config().map(|own| (own.values(), own.regex_values()))
        }
        "path-pattern" => {
            condition.path_pattern_config().map(|own| (own.values(), own.regex_values()))
        }
        _ => None,
    };
    let regular =
        own.is_some_and(|(_, regular)| !regular.is_empty()) || !condition.regex_values().is_empty();
    let values = own
        .map(|(values, _)| values)
        .filter(|values| !values.is_empty())
        .unwrap_or(condition.values());
    match field {
        "host-header" if !regular => found.hosts.extend_from_slice(values),
        "path-pattern" if !regular => found.paths.extend_from_slice(values),
        other => found.other_conditions.push(other.to_owned()),
    }
}

fn note_action(found: &mut FoundRule, action: &Action) {
    if !matches!(action.r#type(), Some(ActionTypeEnum::Forward)) {
        found
            .other_actions
            .push(action.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default());
        return;
    }
    let several =
        action.forward_config().map(ForwardActionConfig::target_groups).unwrap_or_default();
    for group in several {
        let weight = group.weight().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
        found.forwards_to.extend(group.target_group_arn().map(|arn| (arn.to_owned(), weight)));
    }
    if several.is_empty() {
        found.forwards_to.extend(action.target_group_arn().map(|arn| (arn.to_owned(), 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_names_its_load_balancer() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2";
        assert_eq!(
            balancer_of_listener(arn).unwrap(),
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/50dc6c495c0c9188"
        );
        assert_eq!(balancer_of_listener("front:80"), None);
    }

    #[test]
    fn a_condition_that_is_shown_twice_is_read_once() {
        let own = aws_sdk_elasticloadbalancingv2::types::PathPatternConditionConfig::builder()
            .values("/a/*")
            .build();
        let condition = RuleCondition::builder()
            .field("path-pattern")
            .values("/a/*")
            .path_pattern_config(own)
            .build();
        let rule = Rule::builder().priority("7").conditions(condition).build();
        let found = found_rule(&rule);
        assert_eq!((found.priority, found.paths), (Some(7), vec!["/a/*".to_owned()]));
    }
}
