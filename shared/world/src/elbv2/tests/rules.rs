//! Listeners and rules: validation, responses and priorities.

use crate::World;
use crate::elbv2::TargetType;
use crate::scenario::Frontend;
use serde_json::{Value, json};

fn world() -> (World, Frontend) {
    let mut world = World::new(1, 0);
    let front = world.make_alb("web-tg", TargetType::Ip).unwrap();
    (world, front)
}

fn rule(front: &Frontend, priority: u32) -> Value {
    json!({
        "ListenerArn": front.listener,
        "Priority": priority,
        "Conditions": [{"Field": "host-header", "Values": ["a.example"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": front.group}],
    })
}

fn code(world: &mut World, operation: &str, input: &Value) -> String {
    world.person_elb(operation, input).unwrap_err().to_string()
}

#[test]
fn conditions_and_actions_are_returned_in_both_forms() {
    let (mut world, front) = world();
    let shown = world.person_elb("CreateRule", &rule(&front, 20)).unwrap()["Rules"][0].clone();
    let host = json!([{
        "Field": "host-header", "Values": ["a.example"], "HostHeaderConfig": {"Values": ["a.example"]},
    }]);
    assert_eq!(shown["Conditions"], host);
    let action = json!([{
        "Type": "forward",
        "TargetGroupArn": front.group,
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": front.group, "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": false},
        },
    }]);
    assert_eq!(shown["Actions"], action);
    let by_config = json!([{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a/*"]}}]);
    let change = json!({"RuleArn": shown["RuleArn"], "Conditions": by_config});
    let changed = world.person_elb("ModifyRule", &change).unwrap()["Rules"][0].clone();
    assert_eq!(
        (&changed["Conditions"][0]["Values"], &changed["Actions"]),
        (&json!(["/a/*"]), &action)
    );
}

#[test]
fn invalid_conditions_and_actions_are_rejected() {
    let (mut world, front) = world();
    let mut refused = |member: &str, value: Value| {
        let mut input = rule(&front, 20);
        input[member] = value;
        code(&mut world, "CreateRule", &input)
    };
    let host = |values: Value| json!([{"Field": "host-header", "Values": values}]);
    assert!(
        refused("Conditions", json!([{"Field": "host", "Values": ["a"]}]))
            .contains("'host' must be one of")
    );
    assert!(refused("Conditions", host(json!([]))).contains("A condition value must be specified"));
    assert!(
        refused("Conditions", host(json!(["a", "b", "c", "d", "e", "f"])))
            .contains("up to 5 condition values")
    );
    assert!(refused("Conditions", host(json!(["x".repeat(129)]))).contains("longer than 128"));
    let twice = json!([{"Field": "path-pattern", "Values": ["/a"]}, {"Field": "path-pattern", "Values": ["/b"]}]);
    assert!(refused("Conditions", twice).contains("only have one 'path-pattern'"));
    assert!(
        refused("Actions", json!([{"Type": "forward"}]))
            .contains("target group ARN must be specified")
    );
    assert!(
        refused("Actions", json!([{"Type": "bounce"}])).starts_with("InvalidLoadBalancerAction")
    );
    let unknown = json!([{"Type": "forward", "TargetGroupArn": format!("{}x", front.group)}]);
    assert!(refused("Actions", unknown).starts_with("TargetGroupNotFound"));
    assert!(refused("Priority", json!(0)).contains("between 1 and 50000"));
}

#[test]
fn groups_must_fit_the_load_balancer() {
    let (mut world, front) = world();
    let network = world.make_nlb("tcp-tg", TargetType::Ip).unwrap();
    let far = json!({"Name": "far-tg", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-0far"});
    let far =
        world.person_elb("CreateTargetGroup", &far).unwrap()["TargetGroups"][0]["TargetGroupArn"]
            .clone();
    let tcp = json!({"Name": "tcp2-tg", "Protocol": "TCP", "Port": 80});
    let tcp =
        world.person_elb("CreateTargetGroup", &tcp).unwrap()["TargetGroups"][0]["TargetGroupArn"]
            .clone();
    let mut with = |group: &Value| {
        let mut input = rule(&front, 20);
        input["Actions"][0]["TargetGroupArn"] = group.clone();
        code(&mut world, "CreateRule", &input)
    };
    assert!(with(&far).starts_with("InvalidConfigurationRequest"));
    assert!(with(&tcp).starts_with("IncompatibleProtocols"));
    assert!(with(&json!(network.group)).starts_with("TargetGroupAssociationLimit"));
    let mut of_network = rule(&network, 1);
    assert!(
        code(&mut world, "CreateRule", &of_network)
            .contains("Rules are unsupported for Network Load Balancer")
    );
    of_network = json!({
        "LoadBalancerArn": network.balancer, "Protocol": "TLS", "Port": 443,
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": tcp}],
    });
    assert!(
        code(&mut world, "CreateListener", &of_network)
            .contains("A certificate must be specified for TLS")
    );
    of_network["Protocol"] = json!("HTTP");
    assert!(
        code(&mut world, "CreateListener", &of_network)
            .contains("must be one of 'TCP, TLS, TCP_UDP, UDP'")
    );
    of_network["Protocol"] = json!("TLS");
    of_network["Certificates"] =
        json!([{"CertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/1"}]);
    let listener = world.person_elb("CreateListener", &of_network).unwrap()["Listeners"][0].clone();
    assert_eq!(listener["Certificates"], of_network["Certificates"]);
}

#[test]
fn priorities_are_swapped_in_one_call() {
    let (mut world, front) = world();
    let second =
        world.person_elb("CreateRule", &rule(&front, 20)).unwrap()["Rules"][0]["RuleArn"].clone();
    let set = |pairs: &[(&Value, u32)]| {
        let pairs: Vec<Value> = pairs
            .iter()
            .map(|(arn, priority)| json!({"RuleArn": arn, "Priority": priority}))
            .collect();
        json!({"RulePriorities": pairs})
    };
    let first = json!(front.rule);
    assert!(
        code(&mut world, "SetRulePriorities", &set(&[(&first, 20)])).starts_with("PriorityInUse")
    );
    assert!(
        code(&mut world, "SetRulePriorities", &set(&[(&first, 5), (&second, 5)]))
            .starts_with("PriorityInUse")
    );
    world.person_elb("SetRulePriorities", &set(&[(&first, 20), (&second, 10)])).unwrap();
    let rules = world.person_elb("DescribeRules", &json!({"ListenerArn": front.listener})).unwrap();
    let priority = |arn: &Value| {
        rules["Rules"].as_array().unwrap().iter().find(|rule| rule["RuleArn"] == *arn).unwrap()["Priority"].clone()
    };
    assert_eq!((priority(&first), priority(&second)), (json!("20"), json!("10")));
}

#[test]
fn a_default_rule_is_read_only_and_rules_have_a_quota() {
    let (mut world, front) = world();
    let rules = world.person_elb("DescribeRules", &json!({"ListenerArn": front.listener})).unwrap();
    let default = rules["Rules"][1]["RuleArn"].clone();
    for (operation, input) in [
        ("DeleteRule", json!({"RuleArn": default})),
        (
            "ModifyRule",
            json!({"RuleArn": default, "Conditions": [{"Field": "host-header", "Values": ["a"]}]}),
        ),
        ("SetRulePriorities", json!({"RulePriorities": [{"RuleArn": default, "Priority": 7}]})),
    ] {
        assert!(
            code(&mut world, operation, &input).starts_with("OperationNotPermitted"),
            "{operation}"
        );
    }
    world.elbv2.limits.rules = 2;
    world.person_elb("CreateRule", &rule(&front, 20)).unwrap();
    assert!(code(&mut world, "CreateRule", &rule(&front, 21)).starts_with("TooManyRules"));
}
