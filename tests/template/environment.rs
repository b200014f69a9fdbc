//! The functions' environment: names, defaults and ranges are those that the code reads.

use crate::document::{find, template, text_of};
use portkeeper_aws::config::{Config, SLACK_VARIABLES, VARIABLES, Variable};
use portkeeper_service_spec_aws::config::SPEC_VARIABLES;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the variables of `reconcile`: those of all functions and its own.
fn environment(template: &Value) -> BTreeMap<&str, &Value> {
    let of_all = &template["Globals"]["Function"]["Environment"]["Variables"];
    let own = &template["Resources"]["ReconcileFunction"]["Properties"]["Environment"]["Variables"];
    let both =
        [of_all, own].into_iter().flat_map(|variables| variables.as_object().expect("variables"));
    both.map(|(name, value)| (name.as_str(), value)).collect()
}

/// Returns the parameter that sets a variable, or `None` if it names a resource.
fn parameter<'a>(template: &'a Value, variable: &Value) -> Option<&'a Value> {
    if !find(variable, &|value| value.get("Fn::GetAtt").is_some()).is_empty() {
        return None;
    }
    let references = find(variable, &|value| value.get("Ref").is_some());
    let [reference] = references.as_slice() else { panic!("not one reference: {variable}") };
    template["Parameters"].get(text_of(&reference["Ref"]))
}

/// An optional variable that the template always sets, because only the template knows its value.
const SET_BY_TEMPLATE: &str = "PORTKEEPER_OWN_ROLES";

/// Returns each variable with a default, together with the parameter that sets it.
fn parameters(template: &Value) -> Vec<(&'static Variable, &Value)> {
    let environment = environment(template);
    let optional = VARIABLES.iter().filter(|it| it.default.is_some() && it.name != SET_BY_TEMPLATE);
    optional
        .map(|variable| {
            (
                variable,
                parameter(template, environment[variable.name])
                    .expect("an optional variable has a parameter"),
            )
        })
        .collect()
}

/// Returns whether the code accepts this value.
fn is_allowed(variable: &Variable, value: &str) -> bool {
    let required = [
        ("PORTKEEPER_CHECKS_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/111122223333/checks"),
        ("PORTKEEPER_LEDGER_TABLE", "ledger"),
        ("PORTKEEPER_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts"),
        (variable.name, value),
    ];
    Config::from_variables(
        &required.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    )
    .is_ok()
}

#[test]
fn names_agree() {
    let template = template();
    let in_template: BTreeSet<&str> = environment(&template).into_keys().collect();
    let in_code: BTreeSet<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(in_template, in_code);
}

#[test]
fn names_of_the_function_for_slack_agree() {
    let template = template();
    let function =
        &template["Resources"]["NotifySlackFunction"]["Properties"]["Environment"]["Variables"];
    let in_template: BTreeSet<&str> =
        function.as_object().expect("variables").keys().map(String::as_str).collect();
    let in_code: BTreeSet<&str> = SLACK_VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(in_template, in_code);
}

#[test]
fn names_and_defaults_of_the_function_for_specs_agree() {
    let template = template();
    let function =
        &template["Resources"]["CreateServiceFunction"]["Properties"]["Environment"]["Variables"];
    let in_template: BTreeSet<&str> =
        function.as_object().expect("variables").keys().map(String::as_str).collect();
    let in_code: BTreeSet<&str> = SPEC_VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(in_template, in_code);
    for variable in SPEC_VARIABLES {
        let default = parameter(&template, &function[variable.name])
            .map(|parameter| text_of(&parameter["Default"]));
        assert_eq!(default.as_deref(), variable.default, "{}", variable.name);
    }
}

#[test]
fn required_variables_name_resources() {
    let template = template();
    let environment = environment(&template);
    for variable in VARIABLES.iter().filter(|variable| variable.default.is_none()) {
        assert!(
            parameter(&template, environment[variable.name]).is_none(),
            "{} is left to people",
            variable.name
        );
    }
}

#[test]
fn defaults_agree() {
    for (variable, parameter) in parameters(&template()) {
        assert_eq!(
            Some(text_of(&parameter["Default"]).as_str()),
            variable.default,
            "{}",
            variable.name
        );
    }
}

#[test]
fn ranges_agree() {
    for (variable, parameter) in parameters(&template()) {
        let Some((least, most)) =
            parameter["MinValue"].as_i64().zip(parameter["MaxValue"].as_i64())
        else {
            assert_ne!(parameter["Type"], "Number", "{} has no range", variable.name);
            continue;
        };
        for (value, allowed) in [(least - 1, false), (least, true), (most, true), (most + 1, false)]
        {
            assert_eq!(
                is_allowed(variable, &value.to_string()),
                allowed,
                "{} = {value}",
                variable.name
            );
        }
    }
}

/// Each role that may change load balancing is in the list of Portkeeper's own roles.
#[test]
fn calls_of_the_functions_that_change_load_balancing_are_our_own() {
    let template = template();
    let of_role = |arn: &Value| text_of(&arn["Fn::GetAtt"]).trim_end_matches(".Arn").to_owned();
    let own = environment(&template)[SET_BY_TEMPLATE];
    let own: BTreeSet<String> =
        find(own, &|value| value.get("Fn::GetAtt").is_some()).into_iter().map(of_role).collect();
    let changes = |statement: &&Value| {
        let actions = crate::document::one_or_more(&statement["Action"]);
        actions
            .iter()
            .any(|it| it.starts_with("elasticloadbalancing:") && !it.contains(":Describe"))
    };
    let resources = template["Resources"].as_object().expect("resources");
    let policies = resources
        .iter()
        .filter(|(_, it)| find(it, &|value| value.get("Effect").is_some()).iter().any(changes));
    let roles = policies.flat_map(|(name, it)| match it["Type"].as_str() {
        Some("AWS::IAM::Role") => vec![name.clone()],
        _ => find(&it["Properties"], &|value| {
            value.get("Ref").is_some_and(|role| text_of(role).ends_with("Role"))
        })
        .into_iter()
        .map(|role| text_of(&role["Ref"]))
        .collect(),
    });
    assert_eq!(own, roles.collect::<BTreeSet<String>>());
}

#[test]
fn choices_agree() {
    for (variable, parameter) in parameters(&template()) {
        let Some(choices) = parameter["AllowedValues"].as_array() else { continue };
        let choices: Vec<&str> =
            choices.iter().map(|choice| choice.as_str().expect("text")).collect();
        for choice in &choices {
            assert!(is_allowed(variable, choice), "{} = {choice}", variable.name);
        }
        // `error, warn, info or debug`
        let documented: Vec<&str> =
            variable.allowed.split(", ").flat_map(|part| part.split(" or ")).collect();
        assert_eq!(documented, choices, "{}", variable.name);
    }
}

#[test]
fn clusters_are_names_or_all() {
    let clusters = VARIABLES
        .iter()
        .find(|variable| variable.name == "PORTKEEPER_CLUSTERS")
        .expect("it exists");
    assert!(is_allowed(clusters, "shop,Back_office-2") && is_allowed(clusters, "*"));
    // The role's condition is built from names, so ARNs must not be allowed.
    assert!(!is_allowed(clusters, "arn:aws:ecs:eu-west-1:111122223333:cluster/shop"));
    let pattern = text_of(&template()["Parameters"]["Clusters"]["AllowedPattern"]);
    assert_eq!(pattern, r"^(\*|[A-Za-z0-9_-]{1,255})$");
}

#[test]
fn every_parameter_is_explained() {
    let template = template();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let grouped: Vec<String> = interface["ParameterGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| crate::document::one_or_more(&group["Parameters"]))
        .collect();
    for (name, parameter) in template["Parameters"].as_object().expect("parameters") {
        assert_eq!(
            grouped.iter().filter(|grouped| *grouped == name).count(),
            1,
            "{name} is in one group"
        );
        assert!(interface["ParameterLabels"][name]["default"].is_string(), "{name} has a label");
        assert!(parameter["Description"].is_string(), "{name} has a description");
        assert!(parameter.get("Default").is_some(), "{name} has a default");
    }
}
