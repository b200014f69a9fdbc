//! Scalable targets and policies through the API, and their effect on desired counts.

use crate::World;
use crate::api::{Caller, Service};
use crate::scenario::ServiceSpec;
use serde_json::{Value, json};

fn world() -> World {
    let mut world = World::new(1, 1_700_000_040_000);
    world.make_cluster("shop").unwrap();
    world
        .make_service(&ServiceSpec::new("shop", "web").fargate().container("app", &[80]).desired(2))
        .unwrap();
    world
}

/// An operation on the service's target, with additional members.
fn call(world: &mut World, operation: &str, more: Value) -> Result<Value, String> {
    let mut input = match operation {
        "DescribeScalableTargets" => json!({"ResourceIds": ["service/shop/web"]}),
        "DescribeScalingPolicies" => json!({"ResourceId": "service/shop/web"}),
        _ => {
            json!({"ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount"})
        }
    };
    input["ServiceNamespace"] = json!("ecs");
    let Value::Object(more) = more else { panic!("members") };
    input.as_object_mut().unwrap().extend(more);
    world
        .call(Caller::Client, Service::ApplicationAutoScaling, operation, &input)
        .map_err(|error| error.to_string())
}

fn cpu(value: u32) -> Value {
    json!({
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    })
}

fn desired(world: &mut World) -> u64 {
    let input = json!({"cluster": "shop", "services": ["web"]});
    world.person_ecs("DescribeServices", &input).unwrap()["services"][0]["desiredCount"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_target_is_registered_changed_tagged_and_deregistered() {
    let mut world = world();
    let refused =
        call(&mut world, "RegisterScalableTarget", json!({"MinCapacity": 1})).unwrap_err();
    assert!(refused.contains("Maximum capacity is required"), "{refused}");
    let limits = json!({"MinCapacity": 1, "MaxCapacity": 4, "Tags": {"team": "shop"}});
    let arn =
        call(&mut world, "RegisterScalableTarget", limits).unwrap()["ScalableTargetARN"].clone();
    let again = call(&mut world, "RegisterScalableTarget", json!({"MaxCapacity": 6})).unwrap();
    assert_eq!(again["ScalableTargetARN"], arn, "the same target");
    let shown = call(&mut world, "DescribeScalableTargets", json!({})).unwrap()["ScalableTargets"]
        [0]
    .clone();
    assert_eq!((&shown["MinCapacity"], &shown["MaxCapacity"]), (&json!(1), &json!(6)));
    let tags = json!({"ResourceARN": arn});
    let tags = world
        .call(Caller::Client, Service::ApplicationAutoScaling, "ListTagsForResource", &tags)
        .unwrap();
    assert_eq!(tags, json!({"Tags": {"team": "shop"}}));
    assert!(
        call(&mut world, "RegisterScalableTarget", json!({"MinCapacity": 7}))
            .unwrap_err()
            .contains("less than")
    );
    let unknown = json!({"ResourceId": "service/shop/api", "MinCapacity": 1, "MaxCapacity": 2});
    let refused = call(&mut world, "RegisterScalableTarget", unknown).unwrap_err();
    assert_eq!(refused, "ValidationException: ECS service doesn't exist: service/shop/api");
    call(&mut world, "PutScalingPolicy", cpu(50)).unwrap();
    call(&mut world, "DeregisterScalableTarget", json!({})).unwrap();
    let left = call(&mut world, "DescribeScalingPolicies", json!({})).unwrap();
    assert_eq!(left, json!({"ScalingPolicies": []}), "policies go with their target");
    for operation in ["DeregisterScalableTarget", "PutScalingPolicy"] {
        let more = if operation == "PutScalingPolicy" { cpu(1) } else { json!({}) };
        assert!(
            call(&mut world, operation, more).unwrap_err().starts_with("ObjectNotFoundException")
        );
    }
}

#[test]
fn policies_keep_their_arn_and_each_metric_has_at_most_one() {
    let mut world = world();
    call(&mut world, "RegisterScalableTarget", json!({"MinCapacity": 1, "MaxCapacity": 4}))
        .unwrap();
    let first = call(&mut world, "PutScalingPolicy", cpu(50)).unwrap();
    assert_eq!(first["Alarms"].as_array().unwrap().len(), 2);
    assert_eq!(
        call(&mut world, "PutScalingPolicy", cpu(60)).unwrap()["PolicyARN"],
        first["PolicyARN"]
    );
    let shown = call(&mut world, "DescribeScalingPolicies", json!({})).unwrap();
    let configuration = &shown["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(configuration["TargetValue"], 60);
    let mut other = cpu(50);
    other["PolicyName"] = json!("cpu2");
    assert!(
        call(&mut world, "PutScalingPolicy", other.clone())
            .unwrap_err()
            .contains("Only one TargetTrackingScaling")
    );
    let specification = json!({"PredefinedMetricType": "ALBRequestCountPerTarget"});
    other["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"] =
        specification;
    assert!(
        call(&mut world, "PutScalingPolicy", other.clone()).unwrap_err().contains("ResourceLabel")
    );
    let label = json!("app/web-alb/0123456789abcdef/targetgroup/web-tg/0123456789abcdef");
    other["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["ResourceLabel"] =
        label;
    call(&mut world, "PutScalingPolicy", other).unwrap();
    call(&mut world, "DeleteScalingPolicy", json!({"PolicyName": "cpu"})).unwrap();
    assert!(call(&mut world, "DeleteScalingPolicy", json!({"PolicyName": "cpu"})).is_err());
}

#[test]
fn desired_counts_move_within_the_limits_and_follow_the_load() {
    let mut world = world();
    call(&mut world, "RegisterScalableTarget", json!({"MinCapacity": 3, "MaxCapacity": 6}))
        .unwrap();
    world.advance_secs(120);
    assert_eq!(desired(&mut world), 2, "nothing scales without a policy");
    call(&mut world, "PutScalingPolicy", cpu(50)).unwrap();
    world.advance_secs(60);
    assert_eq!(desired(&mut world), 3);
    assert!(world.scale_service("shop/web", 50));
    assert_eq!(desired(&mut world), 6);
    assert!(!world.scale_service("shop/web", 50) && !world.scale_service("shop/api", 1));
    world.applicationautoscaling.load_wanders = true;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        world.advance_secs(60);
        seen.insert(desired(&mut world));
    }
    assert!(seen.len() > 1 && seen.iter().all(|count| (3..=6).contains(count)), "{seen:?}");
}
