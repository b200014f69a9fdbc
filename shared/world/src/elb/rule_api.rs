//! API operations on listener rules.

use super::balancer_api::{check_actions, listener_not_found, who};
use super::balancers::Rule;
use super::group_api::{paged, read_tags};
use super::read;
use crate::World;
use crate::api::{ApiError, Caller};
use crate::journal::Kind;
use serde_json::{Value, json};

fn rule_not_found(arn: &str) -> ApiError {
    ApiError::refused("RuleNotFound", format!("Rule '{arn}' not found"))
}

/// Unlike groups and listeners, rules are not idempotent: "each rule must have a unique priority" [BC `CreateRule`].
pub(super) fn create_rule(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("CreateRule", input, "ListenerArn Conditions Priority Actions", "Tags")?;
    let listener = input.text("ListenerArn")?;
    let Some((balancer, path)) =
        world.elb.listeners.get(listener).and_then(|l| Some((l.balancer.clone(), l.arn.split_once(":listener/")?.1)))
    else {
        return Err(listener_not_found(listener));
    };
    let priority = input.number_in("Priority", 1..=50_000)?.and_then(|priority| u32::try_from(priority).ok());
    let Some(priority) = priority else {
        return Err(input.refuse("A priority must be specified"));
    };
    if world.elb.rules.values().any(|rule| rule.listener == listener && rule.priority == priority) {
        return Err(ApiError::refused("PriorityInUse", format!("Priority '{priority}' is currently in use")));
    }
    let (conditions, actions) = (input.required_list("Conditions")?, input.required_list("Actions")?);
    check_actions(world, &balancer, actions)?;
    let arn = world.account.elb_arn("listener-rule", &format!("{path}/{}", world.ids.suffix()));
    let tags = read_tags(&input)?;
    let rule = Rule {
        arn: arn.clone(),
        listener: listener.to_owned(),
        priority,
        conditions: json!(conditions),
        actions: json!(actions),
    };
    let shown = rule.to_json();
    world.elb.tags.insert(arn.clone(), tags);
    world.elb.rules.insert(arn, rule);
    world.elb.reattach(world.now_ms());
    Ok(json!({"Rules": [shown]}))
}

pub(super) fn modify_rule(world: &mut World, caller: Caller, input: &Value) -> Result<Value, ApiError> {
    let input = read("ModifyRule", input, "RuleArn", "Conditions Actions")?;
    let arn = input.text("RuleArn")?;
    let (conditions, actions) = (input.list("Conditions")?, input.list("Actions")?);
    let listener = world.elb.rules.get(arn).and_then(|rule| world.elb.listeners.get(&rule.listener));
    let balancer = listener.map(|listener| listener.balancer.clone()).ok_or_else(|| rule_not_found(arn))?;
    check_actions(world, &balancer, actions)?;
    let Some(rule) = world.elb.rules.get_mut(arn) else { return Err(rule_not_found(arn)) };
    if !conditions.is_empty() {
        rule.conditions = json!(conditions);
    }
    if !actions.is_empty() {
        rule.actions = json!(actions);
    }
    let shown = rule.to_json();
    let text = format!("{} pointed a listener rule at {}", who(caller), world.elb.describe_actions(&json!(actions)));
    world.journal.push(world.now_ms(), Kind::Traffic, None, text);
    world.elb.reattach(world.now_ms());
    Ok(json!({"Rules": [shown]}))
}

pub(super) fn delete_rule(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteRule", input, "RuleArn", "")?;
    let arn = input.text("RuleArn")?;
    world.elb.rules.remove(arn).ok_or_else(|| rule_not_found(arn))?;
    world.elb.tags.remove(arn);
    world.elb.reattach(world.now_ms());
    Ok(json!({}))
}

/// One listener per call; its default rule comes last.
pub(super) fn describe_rules(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeRules", input, "", "ListenerArn RuleArns Marker PageSize")?;
    let arns = input.texts("RuleArns")?;
    let listener = input.optional_text("ListenerArn")?;
    if listener.is_some() != arns.is_empty() {
        return Err(input.refuse("You must specify either listener rule ARNs or a listener ARN"));
    }
    if let Some(missing) = arns.iter().find(|arn| !world.elb.rules.contains_key(**arn)) {
        return Err(rule_not_found(missing));
    }
    let keep = |rule: &Rule| {
        listener.is_none_or(|arn| rule.listener == arn) && (arns.is_empty() || arns.contains(&rule.arn.as_str()))
    };
    let mut answer = paged(&input, &world.elb.rules, keep, "Rules", Rule::to_json)?;
    if let Some(arn) = listener {
        let Some(listener) = world.elb.listeners.get(arn) else {
            return Err(listener_not_found(arn));
        };
        let last_page = answer.get("NextMarker").is_none();
        if let Some(rules) = answer.get_mut("Rules").and_then(Value::as_array_mut).filter(|_| last_page) {
            rules.push(listener.default_rule());
        }
    }
    Ok(answer)
}
