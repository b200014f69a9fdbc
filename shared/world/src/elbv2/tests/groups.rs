//! Target groups: their settings, attributes, tags and limits.

use crate::World;
use crate::elbv2::TargetType;
use serde_json::{Value, json};

fn attributes(world: &mut World, group: &str) -> Value {
    let shown = world
        .person_elb("DescribeTargetGroupAttributes", &json!({"TargetGroupArn": group}))
        .unwrap();
    let pairs = shown["Attributes"].as_array().unwrap().iter();
    pairs
        .map(|pair| (pair["Key"].as_str().unwrap().to_owned(), pair["Value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn each_kind_of_group_has_its_attributes() {
    let mut world = World::new(1, 0);
    let application = world.make_bare_group("web-tg", TargetType::Ip).unwrap();
    let network = world.make_nlb("tcp-tg", TargetType::Ip).unwrap().group;
    let (web, tcp) = (attributes(&mut world, &application), attributes(&mut world, &network));
    assert_eq!(
        (&web["stickiness.type"], &tcp["stickiness.type"]),
        (&json!("lb_cookie"), &json!("source_ip"))
    );
    assert_eq!(
        (&web["slow_start.duration_seconds"], tcp.get("slow_start.duration_seconds")),
        (&json!("0"), None)
    );
    let change = |group: &str, key: &str, value: &str| {
        let delay = json!({"Key": "deregistration_delay.timeout_seconds", "Value": "7"});
        json!({"TargetGroupArn": group, "Attributes": [delay, {"Key": key, "Value": value}]})
    };
    for (group, key, value) in [
        (&network, "slow_start.duration_seconds", "30"),
        (&application, "slow_start.duration_seconds", "29"),
        (&application, "stickiness.enabled", "yes"),
        (&application, "stickiness.lb_cookie.duration_seconds", "0"),
        (&application, "stickiness.typo", "x"),
    ] {
        let refused = world
            .person_elb("ModifyTargetGroupAttributes", &change(group, key, value))
            .unwrap_err();
        assert_eq!(refused.code, "ValidationError", "{key}");
    }
    assert_eq!(attributes(&mut world, &application), web, "all or nothing");
    let good = change(&application, "slow_start.duration_seconds", "30");
    world.person_elb("ModifyTargetGroupAttributes", &good).unwrap();
    assert_eq!(attributes(&mut world, &application)["deregistration_delay.timeout_seconds"], "7");
}

#[test]
fn health_checks_must_fit_the_group() {
    let mut world = World::new(1, 0);
    let mut refused = |more: Value| {
        let mut input = json!({"Name": "x", "Protocol": "HTTP", "Port": 80});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.person_elb("CreateTargetGroup", &input).unwrap_err().message
    };
    let interval = json!({"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5});
    assert_eq!(refused(interval), "Health check interval must be greater than the timeout.");
    assert!(
        refused(json!({"HealthCheckProtocol": "TCP"})).contains("must be one of 'HTTP, HTTPS'")
    );
    assert!(
        refused(json!({"Protocol": "TCP", "HealthCheckPath": "/"})).contains("TCP health checks")
    );
    assert!(refused(json!({"HealthCheckIntervalSeconds": 301})).contains("between 5 and 300"));
    for name in ["", "-x", "x-", "a_b", &"x".repeat(33)] {
        assert!(refused(json!({"Name": name})).contains("name"), "{name}");
    }
}

#[test]
fn tags_are_added_and_removed_within_a_limit() {
    let mut world = World::new(1, 0);
    let group = world.make_bare_group("web-tg", TargetType::Ip).unwrap();
    let tags = |from: u32, to: u32| -> Value {
        let tags = (from..to).map(|n| json!({"Key": format!("k{n}"), "Value": ""}));
        json!({"ResourceArns": [group], "Tags": tags.collect::<Vec<_>>()})
    };
    world.person_elb("AddTags", &tags(0, 50)).unwrap();
    for refused in [tags(50, 51), tags(0, 51)] {
        assert_eq!(world.person_elb("AddTags", &refused).unwrap_err().code, "TooManyTags");
    }
    let count = |world: &mut World| {
        let shown = world.person_elb("DescribeTags", &json!({"ResourceArns": [group]})).unwrap();
        shown["TagDescriptions"][0]["Tags"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut world), 50);
    world
        .person_elb("RemoveTags", &json!({"ResourceArns": [group], "TagKeys": ["k1", "k2"]}))
        .unwrap();
    assert_eq!(count(&mut world), 48);
    let reserved = json!({"ResourceArns": [group], "Tags": [{"Key": "AWS:x", "Value": ""}]});
    assert!(world.person_elb("AddTags", &reserved).unwrap_err().message.contains("reserved"));
}

#[test]
fn target_groups_have_a_quota() {
    let mut world = World::new(1, 0);
    world.elbv2.limits.target_groups = 1;
    world.make_bare_group("a", TargetType::Ip).unwrap();
    assert_eq!(world.make_bare_group("b", TargetType::Ip).unwrap_err().code, "TooManyTargetGroups");
    world.make_bare_group("a", TargetType::Ip).unwrap();
}
