//! Conditions and actions of listeners and rules: AWS's validation, and their form in responses.
//!
//! Knows shapes and limits; `balancers` knows to which groups actions forward. Source:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html>;
//! error texts from [MEM].

use super::balancers::{LoadBalancer, forwarded};
use super::conventions::group_not_found;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fields of conditions, and the member that can hold their values instead of `Values`.
const FIELDS: [(&str, &str); 6] = [
    ("host-header", "HostHeaderConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("http-header", "HttpHeaderConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("query-string", "QueryStringConfig"),
    ("source-ip", "SourceIpConfig"),
];

/// "up to five condition values per rule", "up to five target groups per forward action" [DG
/// limits].
const MOST: usize = 5;

/// The longest host or path pattern, in characters [BC `RuleCondition.Values`].
const LONGEST_PATTERN: usize = 128;

/// The conditions of a rule, as AWS returns them.
pub(super) fn conditions(input: &Input<'_>, given: &[Value]) -> Result<Value, ApiError> {
    let (mut fields, mut count, mut shown) = (BTreeSet::new(), 0, Vec::new());
    for condition in given {
        let configs: Vec<&str> = FIELDS.iter().map(|(_, config)| *config).collect();
        let optional = format!("Values RegexValues {}", configs.join(" "));
        let condition = input.nested("Conditions", condition, "Field", &optional)?;
        let field = condition.text("Field")?;
        let Some((_, config)) = FIELDS.iter().find(|(known, _)| *known == field) else {
            let names: Vec<&str> = FIELDS.iter().map(|(field, _)| *field).collect();
            return Err(input.refuse(format!(
                "Condition field '{field}' must be one of '[{}]'",
                names.join(", ")
            )));
        };
        let once =
            matches!(field, "host-header" | "path-pattern" | "http-request-method" | "source-ip");
        if !fields.insert(field) && once {
            return Err(input.refuse(format!("A rule can only have one '{field}' condition")));
        }
        let values = condition_values(&condition, config)?;
        count += values.len();
        let pattern = matches!(field, "host-header" | "path-pattern");
        if let Some(long) =
            values.iter().find(|value| pattern && text_of(value).chars().count() > LONGEST_PATTERN)
        {
            return Err(input.refuse(format!(
                "Condition value '{}' is longer than 128 characters",
                text_of(long)
            )));
        }
        shown.push(show_condition(&condition, field, config, &values));
    }
    if count > MOST {
        return Err(
            input.refuse(format!("Rules can have up to {MOST} condition values, not {count}"))
        );
    }
    Ok(Value::Array(shown))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The values of a condition: in `Values`, or in the member for its field.
fn condition_values(condition: &Input<'_>, config: &str) -> Result<Vec<Value>, ApiError> {
    let of_config = condition.optional_map(config)?;
    let inside = |name: &str| of_config.and_then(|config| config.get(name)?.as_array());
    let own = condition.list("Values")?;
    let values: Vec<Value> =
        match [inside("Values"), inside("RegexValues")].into_iter().flatten().next() {
            Some(values) => values.clone(),
            None => own.to_vec(),
        };
    match values.as_slice() {
        [] => Err(condition.refuse("A condition value must be specified")),
        _ if !own.is_empty() && of_config.is_some() => {
            Err(condition
                .refuse(format!("You cannot specify both Values and {config} in a condition")))
        }
        _ => Ok(values),
    }
}

/// AWS returns the values of hosts and paths in both places.
fn show_condition(condition: &Input<'_>, field: &str, config: &str, values: &[Value]) -> Value {
    let mut shown = Map::new();
    shown.insert("Field".to_owned(), json!(field));
    let held = condition.get(config).cloned().unwrap_or_else(|| json!({"Values": values}));
    if matches!(field, "host-header" | "path-pattern") && held.get("Values").is_some() {
        shown.insert("Values".to_owned(), json!(values));
    }
    shown.insert(config.to_owned(), held);
    Value::Object(shown)
}

/// The actions of a listener or rule of this load balancer, as AWS returns them. The groups must
/// exist, fit the load balancer, and belong to no other one ("LBs per TG: 1" [DG limits]).
pub(super) fn actions(
    world: &World,
    input: &Input<'_>,
    balancer: &LoadBalancer,
    given: &[Value],
) -> Result<Value, ApiError> {
    for action in given {
        let optional = "TargetGroupArn ForwardConfig RedirectConfig FixedResponseConfig Order AuthenticateOidcConfig \
            AuthenticateCognitoConfig JwtValidationConfig";
        let action = input.nested("Actions", action, "Type", optional)?;
        match action.text("Type")? {
            "forward" => {}
            "redirect" => drop(action.map("RedirectConfig")?),
            "fixed-response" => drop(action.map("FixedResponseConfig")?),
            "authenticate-oidc" => drop(action.map("AuthenticateOidcConfig")?),
            "authenticate-cognito" => drop(action.map("AuthenticateCognitoConfig")?),
            other => {
                return Err(refused(
                    "InvalidLoadBalancerAction",
                    format!("Action type '{other}' is not valid"),
                ));
            }
        }
    }
    for action in given.iter().filter(|action| action.get("Type") == Some(&json!("forward"))) {
        let groups = forwarded(&json!([action]));
        if groups.is_empty() {
            return Err(input.refuse("A target group ARN must be specified"));
        }
        if groups.len() > MOST {
            let text = format!("A forward action can have up to {MOST} target groups");
            return Err(refused("TooManyTargetGroups", text));
        }
        groups.iter().try_for_each(|(arn, _)| check_group(world, balancer, arn))?;
    }
    Ok(given.iter().map(show_action).collect())
}

fn check_group(world: &World, balancer: &LoadBalancer, arn: &str) -> Result<(), ApiError> {
    let group = world.elbv2.group(arn).ok_or_else(group_not_found)?;
    if group.balancer.as_deref().is_some_and(|other| other != balancer.arn) {
        let text = format!(
            "The following target groups cannot be associated with more than one load balancer: {arn}"
        );
        return Err(refused("TargetGroupAssociationLimit", text));
    }
    if group.is_network() != (balancer.kind == "network") {
        let text = format!(
            "Target group protocol '{}' is not valid behind this load balancer",
            group.protocol
        );
        return Err(refused("IncompatibleProtocols", text));
    }
    if group.vpc != balancer.vpc {
        let text = format!(
            "The target group {arn} is not in the VPC of the load balancer, {}",
            balancer.vpc
        );
        return Err(refused("InvalidConfigurationRequest", text));
    }
    Ok(())
}

/// A single group is returned in both places, with its weight.
fn show_action(action: &Value) -> Value {
    let mut shown = action.clone();
    let groups = forwarded(&json!([action]));
    if let (Some(members), [(arn, weight)]) = (shown.as_object_mut(), groups.as_slice()) {
        members.insert("TargetGroupArn".to_owned(), json!(arn));
        let config = json!({
            "TargetGroups": [{"TargetGroupArn": arn, "Weight": weight}],
            "TargetGroupStickinessConfig": {"Enabled": false},
        });
        members.entry("ForwardConfig").or_insert(config);
    }
    shown
}

fn refused(code: &str, text: String) -> ApiError {
    ApiError::refused(code, text)
}
