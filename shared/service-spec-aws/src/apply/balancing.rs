//! Writes to Elastic Load Balancing: target groups, listeners, rules.

use super::super::find::rules_of;
use super::{Done, OnlyAfterRefusal, existing, gone_is_done};
use crate::SpecAws;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, ForwardActionConfig, HostHeaderConditionConfig, Matcher,
    PathPatternConditionConfig, RuleCondition, RulePriorityPair, Tag, TargetGroupAttribute,
    TargetGroupTuple,
};
use portkeeper_aws::failure::Failure;
use portkeeper_service_spec::found::FoundRule;
use portkeeper_service_spec::spec::HealthCheck;
use portkeeper_service_spec::steps::{Conditions, NewResource, NewTargetGroup, Ref, Write};
use std::collections::BTreeMap;

/// The rules that a listener has now, without their tags.
pub async fn rules_now(aws: &SpecAws, listener: &str) -> Result<Vec<FoundRule>, Failure> {
    rules_of(aws, listener).await
}

pub(super) async fn apply(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    match write {
        Write::CreateTargetGroup { group } => create_group(aws, group).await,
        Write::ModifyTargetGroup { group, health_check, .. } => {
            modify_group(aws, existing(group), health_check).await
        }
        Write::ModifyTargetGroupAttributes { group, attributes, .. } => {
            modify_attributes(aws, existing(group), attributes).await
        }
        Write::DeleteTargetGroup { group } => {
            let (action, arn) = ("elasticloadbalancing:DeleteTargetGroup", existing(group));
            aws.shared.acquire(action).await;
            let sent = aws.elb.delete_target_group().target_group_arn(arn).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, arn, error)))
        }
        Write::CreateListener { .. } => create_listener(aws, write).await,
        Write::DeleteListener { listener } => {
            let (action, arn) = ("elasticloadbalancing:DeleteListener", existing(listener));
            aws.shared.acquire(action).await;
            let sent = aws.elb.delete_listener().listener_arn(arn).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, arn, error)))
        }
        Write::AddTags { resource, tags: named } => {
            let (action, arn) = ("elasticloadbalancing:AddTags", existing(resource));
            aws.shared.acquire(action).await;
            let sent =
                aws.elb.add_tags().resource_arns(arn).set_tags(Some(tags(named))).send().await;
            sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, arn, error))
        }
        Write::CreateRule { .. } => create_rule(aws, write).await,
        Write::ModifyRule { rule, conditions, forward, .. } => {
            modify_rule(aws, rule, conditions.as_ref(), forward.as_deref()).await
        }
        Write::SetRulePriority { rule, priority, .. } => {
            let action = "elasticloadbalancing:SetRulePriorities";
            let pair =
                RulePriorityPair::builder().rule_arn(rule).priority(number(*priority)).build();
            aws.shared.acquire(action).await;
            let sent = aws.elb.set_rule_priorities().rule_priorities(pair).send().await;
            sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, rule, error))
        }
        Write::DeleteRule { rule } => {
            let (action, arn) = ("elasticloadbalancing:DeleteRule", existing(rule));
            aws.shared.acquire(action).await;
            let sent = aws.elb.delete_rule().rule_arn(arn).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, arn, error)))
        }
        _ => Ok(Done::default()),
    }
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// gRPC's codes have two digits at most, HTTP's have three.
fn matcher(codes: &str) -> Matcher {
    let of_grpc = codes.split([',', '-']).all(|code| code.trim().len() < 3);
    let matcher = Matcher::builder();
    if of_grpc { matcher.grpc_code(codes).build() } else { matcher.http_code(codes).build() }
}

/// Idempotent: a second call with the same input returns the same group.
async fn create_group(aws: &SpecAws, group: &NewTargetGroup) -> Result<Done, Failure> {
    let action = "elasticloadbalancing:CreateTargetGroup";
    let HealthCheck {
        protocol,
        port,
        path,
        codes,
        interval_seconds,
        timeout_seconds,
        healthy_threshold,
        unhealthy_threshold,
    } = group.health_check.clone();
    aws.shared.acquire(action).await;
    let request =
        aws.elb.create_target_group().name(&group.name).protocol(group.protocol.as_str().into());
    let request = request
        .port(i32::from(group.port))
        .vpc_id(&group.vpc)
        .target_type(group.target_type.as_str().into());
    let request = request
        .set_protocol_version(group.protocol_version.clone())
        .set_ip_address_type(group.ip_address_type.as_deref().map(Into::into))
        .set_health_check_protocol(protocol.as_deref().map(Into::into))
        .set_health_check_port(port)
        .set_health_check_path(path)
        .set_matcher(codes.as_deref().map(matcher))
        .set_health_check_interval_seconds(interval_seconds.map(number))
        .set_health_check_timeout_seconds(timeout_seconds.map(number))
        .set_healthy_threshold_count(healthy_threshold.map(number))
        .set_unhealthy_threshold_count(unhealthy_threshold.map(number))
        .set_tags(Some(tags(&group.tags)));
    let answer =
        request.send().await.map_err(|error| aws.shared.failure(action, &group.name, error))?;
    let arn = answer.target_groups().first().and_then(|group| group.target_group_arn());
    Ok(made(NewResource::TargetGroup(group.name.clone()), arn))
}

fn made(thing: NewResource, arn: Option<&str>) -> Done {
    Done { made: arn.map(|arn| (thing, arn.to_owned())), service: None }
}

async fn modify_group(aws: &SpecAws, arn: &str, check: &HealthCheck) -> Result<Done, Failure> {
    let action = "elasticloadbalancing:ModifyTargetGroup";
    aws.shared.acquire(action).await;
    let request = aws.elb.modify_target_group().target_group_arn(arn);
    let request = request
        .set_health_check_protocol(check.protocol.as_deref().map(Into::into))
        .set_health_check_port(check.port.clone())
        .set_health_check_path(check.path.clone())
        .set_matcher(check.codes.as_deref().map(matcher))
        .set_health_check_interval_seconds(check.interval_seconds.map(number))
        .set_health_check_timeout_seconds(check.timeout_seconds.map(number))
        .set_healthy_threshold_count(check.healthy_threshold.map(number))
        .set_unhealthy_threshold_count(check.unhealthy_threshold.map(number));
    let sent = request.send().await;
    sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, arn, error))
}

async fn modify_attributes(
    aws: &SpecAws,
    arn: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<Done, Failure> {
    let action = "elasticloadbalancing:ModifyTargetGroupAttributes";
    aws.shared.acquire(action).await;
    let attribute = |(key, value): (&String, &String)| {
        TargetGroupAttribute::builder().key(key).value(value).build()
    };
    let attributes = attributes.iter().map(attribute).collect();
    let request = aws.elb.modify_target_group_attributes().target_group_arn(arn);
    let sent = request.set_attributes(Some(attributes)).send().await;
    sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, arn, error))
}

/// Idempotent: a second call with the same input returns the same listener.
async fn create_listener(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    let Write::CreateListener {
        load_balancer,
        port,
        protocol,
        certificate,
        group,
        group_name,
        tags: named,
    } = write
    else {
        return Ok(Done::default());
    };
    let action = "elasticloadbalancing:CreateListener";
    let what = || format!("port {port} of {load_balancer}");
    let forward = forward_to(&[(group.clone(), 1)]);
    let certificates =
        certificate.as_ref().map(|arn| vec![Certificate::builder().certificate_arn(arn).build()]);
    aws.shared.acquire(action).await;
    let request = aws.elb.create_listener().load_balancer_arn(load_balancer).port(i32::from(*port));
    let request = request
        .protocol(protocol.as_str().into())
        .default_actions(forward)
        .set_certificates(certificates);
    let answer = request.set_tags(Some(tags(named))).send().await;
    let answer = answer.map_err(|error| aws.shared.failure(action, what(), error))?;
    let arn = answer.listeners().first().and_then(|listener| listener.listener_arn());
    Ok(made(NewResource::Listener(group_name.clone()), arn))
}

/// Not idempotent: a second call fails, because the priority is in use.
async fn create_rule(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    let Write::CreateRule { listener, conditions, priority, forward, group_name, tags: named } =
        write
    else {
        return Ok(Done::default());
    };
    let action = "elasticloadbalancing:CreateRule";
    let forward = forward_to(forward);
    aws.shared.acquire(action).await;
    let request = aws.elb.create_rule().listener_arn(listener).priority(number(priority.number()));
    let request = request
        .set_conditions(Some(asked(conditions)))
        .actions(forward)
        .set_tags(Some(tags(named)));
    let once = Builder::new().retry_classifier(OnlyAfterRefusal);
    let answer = request.customize().config_override(once).send().await;
    let what = || format!("priority {} of {listener}", priority.number());
    let answer = answer.map_err(|error| aws.shared.failure(action, what(), error))?;
    let arn = answer.rules().first().and_then(|rule| rule.rule_arn());
    Ok(made(NewResource::ListenerRule(group_name.clone()), arn))
}

async fn modify_rule(
    aws: &SpecAws,
    rule: &str,
    conditions: Option<&Conditions>,
    forward: Option<&[(Ref, u32)]>,
) -> Result<Done, Failure> {
    let action = "elasticloadbalancing:ModifyRule";
    let forward = forward.map(forward_to);
    aws.shared.acquire(action).await;
    let request = aws.elb.modify_rule().rule_arn(rule);
    let request = request
        .set_conditions(conditions.map(asked))
        .set_actions(forward.map(|action| vec![action]));
    let sent = request.send().await;
    sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, rule, error))
}

fn asked(conditions: &Conditions) -> Vec<RuleCondition> {
    let mut asked = Vec::new();
    if !conditions.hosts.is_empty() {
        let own =
            HostHeaderConditionConfig::builder().set_values(Some(conditions.hosts.clone())).build();
        asked.push(RuleCondition::builder().field("host-header").host_header_config(own).build());
    }
    if !conditions.paths.is_empty() {
        let own = PathPatternConditionConfig::builder()
            .set_values(Some(conditions.paths.clone()))
            .build();
        asked.push(RuleCondition::builder().field("path-pattern").path_pattern_config(own).build());
    }
    asked
}

/// A single group is written as in the console; several have weights.
fn forward_to(groups: &[(Ref, u32)]) -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    if let [(only, _)] = groups {
        return action.target_group_arn(existing(only)).build();
    }
    let tuple = |(group, weight): &(Ref, u32)| {
        TargetGroupTuple::builder()
            .target_group_arn(existing(group))
            .weight(number(*weight))
            .build()
    };
    let config = ForwardActionConfig::builder()
        .set_target_groups(Some(groups.iter().map(tuple).collect()))
        .build();
    action.forward_config(config).build()
}
