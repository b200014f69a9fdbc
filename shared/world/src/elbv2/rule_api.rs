//! Operations on listener rules.

use super::balancers::{LoadBalancer, Rule};
use super::conventions::{listener_not_found, paged, read, who};
use super::rule_shapes;
use super::tag_api::read_tags;
use crate::World;
use crate::api::{ApiError, Caller};
use crate::journal::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn rule_not_found(arn: &str) -> ApiError {
    ApiError::refused("RuleNotFound", format!("Rule '{arn}' not found"))
}

fn balancer_of<'w>(world: &'w World, listener: &str) -> Option<&'w LoadBalancer> {
    world.elbv2.balancers.get(&world.elbv2.listeners.get(listener)?.balancer)
}

/// Whether this is the default rule of a listener, which is read-only.
fn is_default(world: &World, arn: &str) -> bool {
    world.elbv2.listeners.values().any(|listener| listener.default_rule_arn() == arn)
}

fn not_permitted(what: &str, arn: &str) -> ApiError {
    ApiError::refused("OperationNotPermitted", format!("Default rule '{arn}' cannot be {what}"))
}

/// Unlike groups and listeners, rules are not idempotent: "each rule must have a unique priority"
/// [BC `CreateRule`].
pub(super) fn create_rule(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("CreateRule", input, "ListenerArn Conditions Priority Actions", "Tags")?;
    let listener = input.text("ListenerArn")?;
    let balancer = balancer_of(world, listener).ok_or_else(|| listener_not_found(listener))?;
    let (_, path) =
        listener.split_once(":listener/").ok_or_else(|| listener_not_found(listener))?;
    if balancer.kind == "network" {
        let text = "Rules are unsupported for Network Load Balancer listeners";
        return Err(ApiError::refused("InvalidConfigurationRequest", text));
    }
    let priority =
        input.number_in("Priority", 1..=50_000)?.and_then(|priority| u32::try_from(priority).ok());
    let Some(priority) = priority else {
        return Err(input.refuse("A priority must be specified"));
    };
    if world.elbv2.rules.values().any(|rule| rule.listener == listener && rule.priority == priority)
    {
        return Err(ApiError::refused(
            "PriorityInUse",
            format!("Priority '{priority}' is currently in use"),
        ));
    }
    let of_balancer = |rule: &&Rule| {
        balancer_of(world, &rule.listener).is_some_and(|other| other.arn == balancer.arn)
    };
    if world.elbv2.rules.values().filter(of_balancer).count() >= world.elbv2.limits.rules {
        let text = format!(
            "The maximum number of rules on load balancer '{}' has been reached",
            balancer.arn
        );
        return Err(ApiError::refused("TooManyRules", text));
    }
    let conditions = rule_shapes::conditions(&input, input.required_list("Conditions")?)?;
    let actions = rule_shapes::actions(world, &input, balancer, input.required_list("Actions")?)?;
    let arn = world.account.elb_arn("listener-rule", &format!("{path}/{}", world.ids.suffix()));
    let tags = read_tags(&input)?;
    let rule =
        Rule { arn: arn.clone(), listener: listener.to_owned(), priority, conditions, actions };
    let shown = rule.to_json();
    world.elbv2.tags.insert(arn.clone(), tags);
    world.elbv2.rules.insert(arn, rule);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({"Rules": [shown]}))
}

pub(super) fn modify_rule(
    world: &mut World,
    caller: Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let input = read("ModifyRule", input, "RuleArn", "Conditions Actions")?;
    let arn = input.text("RuleArn")?;
    if is_default(world, arn) {
        return Err(not_permitted("modified", arn));
    }
    let held = world.elbv2.rules.get(arn).and_then(|rule| balancer_of(world, &rule.listener));
    let balancer = held.ok_or_else(|| rule_not_found(arn))?;
    let conditions = rule_shapes::conditions(&input, input.list("Conditions")?)?;
    let actions = rule_shapes::actions(world, &input, balancer, input.list("Actions")?)?;
    let given = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    let Some(rule) = world.elbv2.rules.get_mut(arn) else { return Err(rule_not_found(arn)) };
    if given(&conditions) {
        rule.conditions = conditions;
    }
    if given(&actions) {
        rule.actions.clone_from(&actions);
    }
    let shown = rule.to_json();
    let text = format!(
        "{} pointed a listener rule at {}",
        who(caller),
        world.elbv2.describe_actions(&actions)
    );
    world.journal.push(world.now_ms(), Kind::Traffic, None, text);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({"Rules": [shown]}))
}

/// All priorities change at once, so that rules can swap places.
pub(super) fn set_priorities(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("SetRulePriorities", input, "RulePriorities", "")?;
    let mut wanted = BTreeMap::new();
    for pair in input.required_list("RulePriorities")? {
        let pair = input.nested("RulePriorities", pair, "RuleArn Priority", "")?;
        let priority = pair
            .number_in("Priority", 1..=50_000)?
            .and_then(|priority| u32::try_from(priority).ok());
        wanted.insert(pair.text("RuleArn")?, priority.unwrap_or_default());
    }
    let mut taken = BTreeSet::new();
    for (arn, priority) in &wanted {
        if is_default(world, arn) {
            return Err(not_permitted("given a priority", arn));
        }
        let listener = &world.elbv2.rules.get(*arn).ok_or_else(|| rule_not_found(arn))?.listener;
        let held = |rule: &Rule| {
            rule.listener == *listener
                && rule.priority == *priority
                && !wanted.contains_key(rule.arn.as_str())
        };
        if world.elbv2.rules.values().any(held) || !taken.insert((listener.clone(), *priority)) {
            return Err(ApiError::refused(
                "PriorityInUse",
                format!("Priority '{priority}' is currently in use"),
            ));
        }
    }
    let mut shown = Vec::new();
    for (arn, priority) in wanted {
        if let Some(rule) = world.elbv2.rules.get_mut(arn) {
            rule.priority = priority;
            shown.push(rule.to_json());
        }
    }
    Ok(json!({"Rules": shown}))
}

pub(super) fn delete_rule(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteRule", input, "RuleArn", "")?;
    let arn = input.text("RuleArn")?;
    if is_default(world, arn) {
        return Err(not_permitted("deleted", arn));
    }
    world.elbv2.rules.remove(arn).ok_or_else(|| rule_not_found(arn))?;
    world.elbv2.tags.remove(arn);
    world.elbv2.reattach(world.now_ms());
    Ok(json!({}))
}

/// One listener per call. Its default rule is last.
pub(super) fn describe_rules(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DescribeRules", input, "", "ListenerArn RuleArns Marker PageSize")?;
    let arns = input.texts("RuleArns")?;
    let listener = input.optional_text("ListenerArn")?;
    if listener.is_some() != arns.is_empty() {
        return Err(input.refuse("You must specify either listener rule ARNs or a listener ARN"));
    }
    if let Some(missing) = arns.iter().find(|arn| !world.elbv2.rules.contains_key(**arn)) {
        return Err(rule_not_found(missing));
    }
    let keep = |rule: &Rule| {
        listener.is_none_or(|arn| rule.listener == arn)
            && (arns.is_empty() || arns.contains(&rule.arn.as_str()))
    };
    let mut answer = paged(&input, &world.elbv2.rules, keep, "Rules", Rule::to_json)?;
    if let Some(arn) = listener {
        let Some(listener) = world.elbv2.listeners.get(arn) else {
            return Err(listener_not_found(arn));
        };
        let last_page = answer.get("NextMarker").is_none();
        if let Some(rules) =
            answer.get_mut("Rules").and_then(Value::as_array_mut).filter(|_| last_page)
        {
            rules.push(listener.default_rule());
        }
    }
    Ok(answer)
}
