//! Target groups, registration and health through the API.

mod groups;
mod rules;

use crate::World;
use crate::api::{Caller, Service};
use crate::ecs::{Answer, DEFAULT_VPC};
use crate::elbv2::TargetType;
use crate::scenario::Frontend;
use crate::truth;
use serde_json::{Value, json};

fn call(world: &mut World, operation: &str, group: &str, targets: &Value) -> Result<Value, String> {
    let input = json!({"TargetGroupArn": group, "Targets": targets});
    world.call(Caller::Client, Service::Elbv2, operation, &input).map_err(|error| error.to_string())
}

fn register(world: &mut World, group: &str, targets: &Value) -> Result<Value, String> {
    call(world, "RegisterTargets", group, targets)
}

fn deregister(world: &mut World, group: &str, targets: &Value) -> Result<Value, String> {
    call(world, "DeregisterTargets", group, targets)
}

/// State and reason of every target in `DescribeTargetHealth`.
fn health(world: &mut World, group: &str, targets: &Value) -> Vec<String> {
    let answer = call(world, "DescribeTargetHealth", group, targets).unwrap();
    let shown = answer["TargetHealthDescriptions"].as_array().unwrap().iter();
    let line = |one: &Value| {
        let (target, health) = (&one["Target"], &one["TargetHealth"]);
        let reason = health["Reason"].as_str().unwrap_or_default();
        format!(
            "{}:{} {} {reason}",
            target["Id"].as_str().unwrap(),
            target["Port"],
            health["State"].as_str().unwrap()
        )
    };
    shown.map(|one| short(line(one).trim_end())).collect()
}

/// A world with one host that listens on 8080 and a group behind a load balancer.
fn one_host() -> (World, String, String) {
    let mut world = World::new(1, 1_700_000_000_000);
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    let host = world.add_host(None, None);
    world.add_program(&host, 8080);
    (world, group, host)
}

fn short(host: &str) -> String {
    host.replace("i-0", "i-")
}

#[test]
fn an_instance_target_goes_through_its_states() {
    let (mut world, group, host) = one_host();
    let target = json!([{"Id": host, "Port": "8080"}]);
    let line = |state: &str| vec![format!("{}:8080 {state}", short(&host))];
    register(&mut world, &group, &target).unwrap();
    assert_eq!(health(&mut world, &group, &json!([])), line("initial Elb.RegistrationInProgress"));
    world.advance_secs(4);
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("healthy"),
        "one good check is enough for a new target"
    );
    register(&mut world, &group, &target).unwrap();
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("healthy"),
        "registering again is a no-op"
    );
    assert!(!world.elbv2.writes().last().unwrap().effective);
    deregister(&mut world, &group, &target).unwrap();
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("draining Target.DeregistrationInProgress")
    );
    world.advance_secs(299);
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("draining Target.DeregistrationInProgress")
    );
    register(&mut world, &group, &target).unwrap();
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("initial Elb.RegistrationInProgress"),
        "instances may return"
    );
    deregister(&mut world, &group, &target).unwrap();
    world.advance_secs(300);
    assert_eq!(health(&mut world, &group, &json!([])), [""; 0]);
    assert_eq!(health(&mut world, &group, &target), line("unused Target.NotRegistered"));
    deregister(&mut world, &group, &target).unwrap();
}

#[test]
fn a_target_turns_unhealthy_and_healthy_by_the_thresholds() {
    let (mut world, group, host) = one_host();
    world.advance_secs(10);
    register(&mut world, &group, &json!([{"Id": host, "Port": 81}])).unwrap();
    world.advance_secs(5);
    let line = |state: &str| vec![format!("{}:81 {state}", short(&host))];
    assert_eq!(health(&mut world, &group, &json!([])), line("initial Elb.InitialHealthChecking"));
    world.advance_secs(10);
    assert_eq!(health(&mut world, &group, &json!([])), line("unhealthy Target.FailedHealthChecks"));
    world.add_program(&host, 81);
    world.advance_secs(40);
    assert_eq!(
        health(&mut world, &group, &json!([])),
        line("unhealthy Target.FailedHealthChecks"),
        "four of five"
    );
    world.advance_secs(10);
    assert_eq!(health(&mut world, &group, &json!([])), line("healthy"));
}

#[test]
fn one_invalid_target_fails_the_call_and_nothing_is_registered() {
    let (mut world, group, host) = one_host();
    let elsewhere = world.add_host(None, Some("vpc-other"));
    let dead = world.add_host(None, None);
    world.terminate_instance(&dead).unwrap();
    for (bad, why) in
        [(dead, "running state"), (elsewhere, "VPC"), ("i-0unknown".to_owned(), "not valid")]
    {
        let error = register(
            &mut world,
            &group,
            &json!([{"Id": host, "Port": 8080}, {"Id": bad, "Port": 1}]),
        )
        .unwrap_err();
        assert!(error.starts_with("InvalidTarget: ") && error.contains(why), "{error}");
    }
    assert_eq!(truth::registered(&world, &group), []);
    assert!(world.elbv2.writes().is_empty());
    let unknown = format!("{group}x");
    assert!(
        register(&mut world, &unknown, &json!([{"Id": host}]))
            .unwrap_err()
            .starts_with("TargetGroupNotFound")
    );
    assert!(
        register(&mut world, &group, &json!([{"Id": host, "Prot": 1}]))
            .unwrap_err()
            .contains("`Prot`")
    );
    assert!(
        register(&mut world, &group, &json!([])).unwrap_err().contains("Member must not be null")
    );
}

#[test]
fn an_omitted_port_is_the_groups_port() {
    let (mut world, group, host) = one_host();
    register(&mut world, &group, &json!([{"Id": host}, {"Id": host, "Port": 8080}])).unwrap();
    deregister(&mut world, &group, &json!([{"Id": host}])).unwrap();
    let left = health(&mut world, &group, &json!([]));
    assert_eq!(left.len(), 2);
    assert!(left[0].contains(":80 draining") && left[1].contains(":8080 initial"), "{left:?}");
}

#[test]
fn a_draining_address_is_refused_until_the_delay_is_over() {
    let mut world = World::new(1, 0);
    let group = world.make_alb_group("web-tg", TargetType::Ip).unwrap();
    let target = json!([{"Id": "10.0.0.9", "Port": 80}]);
    let attribute = json!([{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]);
    let input = json!({"TargetGroupArn": group, "Attributes": attribute});
    world.person_elb("ModifyTargetGroupAttributes", &input).unwrap();
    register(&mut world, &group, &target).unwrap();
    world.advance_secs(30);
    assert_eq!(health(&mut world, &group, &json!([])), ["10.0.0.9:80 unhealthy Target.Timeout"]);
    deregister(&mut world, &group, &target).unwrap();
    let error = register(&mut world, &group, &target).unwrap_err();
    assert!(error.starts_with("InvalidTarget") && error.contains("draining"), "{error}");
    world.advance_secs(61);
    register(&mut world, &group, &target).unwrap();
    assert!(
        register(&mut world, &group, &json!([{"Id": "web.internal"}]))
            .unwrap_err()
            .contains("not valid")
    );
    assert!(
        register(&mut world, &group, &json!([{"Id": "2600::1"}])).unwrap_err().contains("ipv4")
    );
    let outside = json!([{"Id": "10.9.0.1", "Port": 80}]);
    let error = register(&mut world, &group, &outside).unwrap_err();
    assert!(
        error.starts_with("ValidationError") && error.contains("'10.9.0.1' is outside the VPC"),
        "{error}"
    );
    let overridden = json!([{"Id": "10.0.0.10", "Port": 80, "AvailabilityZone": "all"}]);
    let error = register(&mut world, &group, &overridden).unwrap_err();
    assert!(
        error.contains(
            "'10.0.0.10' is within the VPC, and cannot have its Availability Zone overridden"
        ),
        "{error}"
    );
    register(
        &mut world,
        &group,
        &json!([{"Id": "10.9.0.1", "Port": 80, "AvailabilityZone": "all"}]),
    )
    .unwrap();
}

#[test]
fn unused_groups_disabled_zones_and_terminated_instances_have_their_reasons() {
    let (mut world, group, host) = one_host();
    let bare = world.make_bare_group("bare-tg", TargetType::Instance).unwrap();
    let target = json!([{"Id": host, "Port": 8080}]);
    let line = |state: &str| vec![format!("{}:8080 {state}", short(&host))];
    register(&mut world, &bare, &target).unwrap();
    assert_eq!(health(&mut world, &bare, &json!([])), line("unused Target.NotInUse"));
    deregister(&mut world, &bare, &target).unwrap();
    assert_eq!(health(&mut world, &bare, &json!([])), [""; 0], "there is nothing to drain");
    let far_zone = world.account.zone('f');
    let far = world.add_host(Some(&far_zone), None);
    register(&mut world, &group, &json!([{"Id": far, "Port": 1}])).unwrap();
    assert_eq!(
        health(&mut world, &group, &json!([])),
        [format!("{}:1 unused Target.NotInUse", short(&far))]
    );
    deregister(&mut world, &group, &json!([{"Id": far, "Port": 1}])).unwrap();
    register(&mut world, &group, &target).unwrap();
    world.advance_secs(10);
    world.terminate_instance(&host).unwrap();
    assert_eq!(health(&mut world, &group, &json!([])), line("unused Target.InvalidState"));
}

#[test]
fn a_network_load_balancer_takes_minutes() {
    let mut world = World::new(1, 0);
    let Frontend { group, .. } = world.make_nlb("web-tg", TargetType::Instance).unwrap();
    let host = world.add_host(None, None);
    world.add_program(&host, 80);
    register(&mut world, &group, &json!([{"Id": host}])).unwrap();
    world.advance_secs(115);
    assert!(health(&mut world, &group, &json!([]))[0].contains("initial"));
    world.advance_secs(15);
    assert!(health(&mut world, &group, &json!([]))[0].ends_with("healthy"));
}

#[test]
fn wrong_answers_fail_http_checks_with_their_code() {
    let mut world = World::new(1, 0);
    world.make_cluster("shop").unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Ip).unwrap();
    let spec = crate::scenario::ServiceSpec::new("shop", "web").fargate().container("app", &[80]);
    world.ecs.behaviour.replaces = crate::ecs::Replaces::Nothing;
    world.make_service(&spec.behind(&group, "app", 80)).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    world.set_answer(&task, Answer::Status(503)).unwrap();
    world.advance_secs(30);
    assert_eq!(
        health(&mut world, &group, &json!([])),
        ["10.0.0.4:80 unhealthy Target.ResponseCodeMismatch"]
    );
    world.set_answer(&task, Answer::Silence).unwrap();
    world.advance_secs(60);
    assert_eq!(world.running_tasks("shop/web").unwrap(), [task], "ECS replaces no task");
}

#[test]
fn groups_are_paginated_found_by_name_and_kept_while_in_use() {
    let mut world = World::new(1, 0);
    for n in 0..5 {
        world.make_bare_group(&format!("group-{n}"), TargetType::Instance).unwrap();
    }
    let first = world.person_elb("DescribeTargetGroups", &json!({"PageSize": "3"})).unwrap();
    assert_eq!(first["TargetGroups"].as_array().unwrap().len(), 3);
    let second = world
        .person_elb("DescribeTargetGroups", &json!({"PageSize": 3, "Marker": first["NextMarker"]}))
        .unwrap();
    assert_eq!(
        (second["TargetGroups"].as_array().unwrap().len(), second.get("NextMarker")),
        (2, None)
    );
    assert!(world.person_elb("DescribeTargetGroups", &json!({"PageSize": 401})).is_err());
    let named = world.person_elb("DescribeTargetGroups", &json!({"Names": ["group-3"]})).unwrap();
    assert_eq!(named["TargetGroups"][0]["VpcId"], DEFAULT_VPC);
    let error =
        world.person_elb("DescribeTargetGroups", &json!({"Names": ["group-3", "no"]})).unwrap_err();
    assert_eq!(error.code, "TargetGroupNotFound");
    let front = world.make_alb("web-tg", TargetType::Ip).unwrap();
    let delete = json!({"TargetGroupArn": front.group});
    assert_eq!(world.person_elb("DeleteTargetGroup", &delete).unwrap_err().code, "ResourceInUse");
    world.person_elb("DeleteListener", &json!({"ListenerArn": front.listener})).unwrap();
    world.person_elb("DeleteTargetGroup", &delete).unwrap();
    assert_eq!(world.elbv2.group_arn("web-tg"), None);
}

#[test]
fn creating_again_is_idempotent_for_groups_and_listeners_but_not_for_rules() {
    let mut world = World::new(1, 0);
    let front = world.make_alb("web-tg", TargetType::Ip).unwrap();
    let again = json!({
        "Name": "web-tg", "Protocol": "HTTP", "Port": 80, "TargetType": "ip", "VpcId": DEFAULT_VPC,
        "HealthCheckIntervalSeconds": 10,
    });
    let same = world.person_elb("CreateTargetGroup", &again).unwrap();
    assert_eq!(same["TargetGroups"][0]["TargetGroupArn"], json!(front.group));
    let other = json!({"Name": "web-tg", "Protocol": "HTTP", "Port": 81, "TargetType": "ip"});
    assert_eq!(
        world.person_elb("CreateTargetGroup", &other).unwrap_err().code,
        "DuplicateTargetGroupName"
    );
    let conditions = json!([{"Field": "host-header", "Values": ["a.example"]}]);
    let actions = json!([{"Type": "forward", "TargetGroupArn": front.group}]);
    let rule = json!({"ListenerArn": front.listener, "Priority": 10, "Conditions": conditions, "Actions": actions});
    assert_eq!(world.person_elb("CreateRule", &rule).unwrap_err().code, "PriorityInUse");
    let rules = world.person_elb("DescribeRules", &json!({"ListenerArn": front.listener})).unwrap();
    let priorities: Vec<&Value> =
        rules["Rules"].as_array().unwrap().iter().map(|rule| &rule["Priority"]).collect();
    assert_eq!(priorities, [&json!("10"), &json!("default")]);
    let second = world.make_alb("other-tg", TargetType::Ip).unwrap();
    let steal = json!({"RuleArn": second.rule, "Actions": actions});
    assert_eq!(
        world.person_elb("ModifyRule", &steal).unwrap_err().code,
        "TargetGroupAssociationLimit"
    );
}

#[test]
fn tags_are_kept() {
    let mut world = World::new(1, 0);
    let group = world.make_bare_group("web-tg", TargetType::Ip).unwrap();
    let tags = json!([{"Key": "portkeeper:mode", "Value": "off"}]);
    world.person_elb("AddTags", &json!({"ResourceArns": [group], "Tags": tags})).unwrap();
    let shown = world.person_elb("DescribeTags", &json!({"ResourceArns": [group]})).unwrap();
    assert_eq!(shown["TagDescriptions"][0], json!({"ResourceArn": group, "Tags": tags}));
    assert!(world.person_elb("DescribeTags", &json!({"ResourceArns": vec![&group; 21]})).is_err());
}

#[test]
fn a_load_balancer_is_created_once_and_its_groups_are_found_by_its_arn() {
    let mut world = World::new(1, 0);
    let subnets = world.default_subnets();
    let settings = json!({"Name": "front", "Subnets": subnets, "Scheme": "internal"});
    let made = world.person_elb("CreateLoadBalancer", &settings).unwrap();
    assert_eq!(world.person_elb("CreateLoadBalancer", &settings).unwrap(), made);
    let dns_name = made["LoadBalancers"][0]["DNSName"].as_str().unwrap();
    assert!(
        dns_name.starts_with("internal-front-")
            && dns_name.ends_with(".eu-west-1.elb.amazonaws.com")
    );
    let other = json!({"Name": "front", "Subnets": subnets});
    assert_eq!(
        world.person_elb("CreateLoadBalancer", &other).unwrap_err().code,
        "DuplicateLoadBalancerName"
    );
    let arn = &made["LoadBalancers"][0]["LoadBalancerArn"];
    let groups =
        world.person_elb("DescribeTargetGroups", &json!({"LoadBalancerArn": arn})).unwrap();
    assert_eq!(groups, json!({"TargetGroups": []}));
    let unknown =
        json!({"LoadBalancerArn": world.account.elb_arn("loadbalancer", "app/unknown/1")});
    assert_eq!(
        world.person_elb("DescribeTargetGroups", &unknown).unwrap_err().code,
        "LoadBalancerNotFound"
    );
}

#[test]
fn only_a_registered_target_has_a_port_for_health_checks() {
    let (mut world, group, host) = one_host();
    let target = json!([{"Id": host, "Port": "8080"}]);
    let mut port = || {
        let answer = call(&mut world, "DescribeTargetHealth", &group, &target).unwrap();
        let shown = answer["TargetHealthDescriptions"][0].get("HealthCheckPort").cloned();
        register(&mut world, &group, &target).unwrap();
        shown
    };
    assert_eq!(port(), None);
    assert_eq!(port(), Some(json!("8080")));
}
