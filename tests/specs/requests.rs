//! The writes as the account received them, member by member.

use expect_test::{Expect, expect};
use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use portkeeper_world::api::Service;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::{Value, json};

const SCALING: &str = "\
scaling:
  min: 2
  max: 6
  cpu: 60
  requestsPerTarget: {value: 1000, scaleInCooldownSeconds: 120}
logGroups:
  - {name: /ecs/orders, retentionDays: 14}
tags: {team: orders}
";

/// Masks the identifiers that the account generated.
fn masked(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap();
    let mut words = String::new();
    let mut word = String::new();
    for letter in text.chars().chain([' ']) {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        let is_id = word.len() >= 16 && word.chars().all(|it| it.is_ascii_hexdigit());
        words.push_str(if is_id { "ID" } else { &word });
        words.push(letter);
        word.clear();
    }
    words.trim_end().to_owned()
}

fn check(desk: &Desk, operation: &str, expected: &Expect) {
    let inputs = desk.inputs(operation);
    assert!(!inputs.is_empty(), "{operation} was not called");
    expected.assert_eq(&masked(&Value::Array(inputs)));
}

async fn made() -> Desk {
    let mut desk = Desk::default();
    let result = desk.carry_out(&format!("{ORDERS}{SCALING}")).await;
    assert_eq!(result["status"], "ready", "{result:#}");
    desk
}

/// Holds I-WHOLE.
#[tokio::test]
async fn every_write_of_what_runs_says_what_the_spec_says() {
    let desk = made().await;
    check(
        &desk,
        "CreateLogGroup",
        &expect![[r#"
        [
          {
            "logGroupName": "/ecs/orders",
            "tags": {
              "portkeeper:spec": "specs-of-the-shop/specs/orders.yaml",
              "team": "orders"
            }
          }
        ]"#]],
    );
    check(
        &desk,
        "PutRetentionPolicy",
        &expect![[r#"
        [
          {
            "logGroupName": "/ecs/orders",
            "retentionInDays": 14
          }
        ]"#]],
    );
    check(
        &desk,
        "RegisterTaskDefinition",
        &expect![[r#"
        [
          {
            "containerDefinitions": [
              {
                "essential": true,
                "image": "orders:1",
                "memory": 128,
                "name": "app",
                "portMappings": [
                  {
                    "containerPort": 8080
                  }
                ]
              }
            ],
            "family": "orders",
            "networkMode": "bridge",
            "tags": [
              {
                "key": "portkeeper:spec",
                "value": "specs-of-the-shop/specs/orders.yaml"
              },
              {
                "key": "team",
                "value": "orders"
              },
              {
                "key": "portkeeper:spec-hash",
                "value": "ID"
              }
            ]
          }
        ]"#]],
    );
}

#[tokio::test]
async fn every_write_in_front_of_the_service_says_what_the_spec_says() {
    let desk = made().await;
    check(
        &desk,
        "CreateTargetGroup",
        &expect![[r#"
        [
          {
            "HealthCheckIntervalSeconds": "10",
            "HealthCheckPath": "/health",
            "Name": "orders",
            "Port": "8080",
            "Protocol": "HTTP",
            "Tags": [
              {
                "Key": "portkeeper:spec",
                "Value": "specs-of-the-shop/specs/orders.yaml"
              },
              {
                "Key": "team",
                "Value": "orders"
              }
            ],
            "TargetType": "instance",
            "VpcId": "vpc-ID"
          }
        ]"#]],
    );
    check(
        &desk,
        "CreateRule",
        &expect![[r#"
        [
          {
            "Actions": [
              {
                "TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/orders/ID",
                "Type": "forward"
              }
            ],
            "Conditions": [
              {
                "Field": "path-pattern",
                "PathPatternConfig": {
                  "Values": [
                    "/orders/*"
                  ]
                }
              }
            ],
            "ListenerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/front/ID/ID",
            "Priority": "1000",
            "Tags": [
              {
                "Key": "portkeeper:spec",
                "Value": "specs-of-the-shop/specs/orders.yaml"
              },
              {
                "Key": "team",
                "Value": "orders"
              }
            ]
          }
        ]"#]],
    );
}

#[tokio::test]
async fn every_write_from_the_service_on_says_what_the_spec_says() {
    let desk = made().await;
    check(
        &desk,
        "CreateService",
        &expect![[r#"
        [
          {
            "clientToken": "ID",
            "cluster": "shop",
            "desiredCount": 2,
            "healthCheckGracePeriodSeconds": 30,
            "launchType": "EC2",
            "loadBalancers": [
              {
                "containerName": "app",
                "containerPort": 8080,
                "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/orders/ID"
              }
            ],
            "serviceName": "orders",
            "tags": [
              {
                "key": "portkeeper:spec",
                "value": "specs-of-the-shop/specs/orders.yaml"
              },
              {
                "key": "portkeeper:spec-hash",
                "value": "ID"
              },
              {
                "key": "team",
                "value": "orders"
              }
            ],
            "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/orders:1"
          }
        ]"#]],
    );
    check(
        &desk,
        "RegisterScalableTarget",
        &expect![[r#"
        [
          {
            "MaxCapacity": 6,
            "MinCapacity": 2,
            "ResourceId": "service/shop/orders",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ServiceNamespace": "ecs",
            "Tags": {
              "portkeeper:spec": "specs-of-the-shop/specs/orders.yaml",
              "team": "orders"
            }
          }
        ]"#]],
    );
    check(
        &desk,
        "PutScalingPolicy",
        &expect![[r#"
        [
          {
            "PolicyName": "portkeeper-cpu",
            "PolicyType": "TargetTrackingScaling",
            "ResourceId": "service/shop/orders",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ServiceNamespace": "ecs",
            "TargetTrackingScalingPolicyConfiguration": {
              "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
              },
              "TargetValue": 60.0
            }
          },
          {
            "PolicyName": "portkeeper-requestsPerTarget",
            "PolicyType": "TargetTrackingScaling",
            "ResourceId": "service/shop/orders",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ServiceNamespace": "ecs",
            "TargetTrackingScalingPolicyConfiguration": {
              "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": "app/front/ID/targetgroup/orders/ID"
              },
              "ScaleInCooldown": 120,
              "TargetValue": 1000.0
            }
          }
        ]"#]],
    );
}

/// Holds I-WHOLE. A member that is newer than the SDK reaches AWS unchanged if the spec allows it.
#[tokio::test]
async fn a_member_unknown_to_the_sdk_reaches_aws() {
    let of_container = "      essential: true\n      tomorrow: {deep: [1, two, 3.5, true, null]}\n";
    let of_service = "  serviceName: orders\n  nextYear: [{a: b}]\n";
    let deep = json!({"deep": [1, "two", 3.5, true, null]});
    for (with, operation, pointer, expected) in [
        (
            ("      essential: true\n", of_container),
            "RegisterTaskDefinition",
            "/containerDefinitions/0/tomorrow",
            deep,
        ),
        (
            ("  serviceName: orders\n", of_service),
            "CreateService",
            "/nextYear",
            json!([{"a": "b"}]),
        ),
    ] {
        let tomorrow = ORDERS.replace(with.0, with.1);
        let desk = Desk::default();
        desk.drop_spec(KEY, &format!("{tomorrow}allowUnknownMembers: true\n"));
        desk.deliver().await;
        let inputs = desk.inputs(operation);
        assert_eq!(
            inputs.first().and_then(|input| input.pointer(pointer)),
            Some(&expected),
            "{:#}",
            desk.result(KEY)
        );
        let strict = Desk::default();
        strict.drop_spec(KEY, &tomorrow);
        assert!(strict.deliver().await);
        assert_eq!(strict.status(KEY), "refused", "without a word, it is a slip of the pen");
    }
}

/// Holds I-WHOLE. The SDK retries after throttling and sends the same whole request again.
#[tokio::test]
async fn a_request_that_is_sent_again_is_the_same() {
    for (service, operation) in [
        (Service::Ecs, "RegisterTaskDefinition"),
        (Service::Ecs, "CreateService"),
        (Service::Elbv2, "CreateRule"),
    ] {
        let mut desk = Desk::default();
        desk.fault(Rule::new(service, operation, Fault::Throttle).times(2));
        let result = desk.carry_out(ORDERS).await;
        assert_eq!(result["status"], "ready", "{operation}: {result:#}");
        let inputs = desk.inputs(operation);
        assert_eq!(inputs.len(), 3, "{operation}");
        assert!(inputs.iter().all(|input| *input == inputs[0]), "{operation}: {inputs:#?}");
    }
}

/// Holds I-ONCE. A call that is not idempotent is not repeated: the result of a lost answer is
/// found in the account.
#[tokio::test]
async fn a_call_that_is_not_idempotent_is_made_once() {
    for (service, operation) in
        [(Service::Ecs, "RegisterTaskDefinition"), (Service::Elbv2, "CreateRule")]
    {
        let mut desk = Desk::default();
        desk.fault(Rule::new(service, operation, Fault::LoseAnswer));
        desk.drop_spec(KEY, ORDERS);
        assert!(!desk.deliver().await, "{operation}: whether it was carried out is not known");
        desk.run(900).await;
        assert_eq!(desk.status(KEY), "ready", "{operation}");
        assert_eq!(desk.count(operation), 1, "{operation}");
    }
    let mut desk = Desk::default();
    desk.fault(Rule::new(Service::Ecs, "CreateService", Fault::LoseAnswer));
    assert_eq!(desk.carry_out(ORDERS).await["status"], "ready");
    let created = desk.inputs("CreateService");
    assert_eq!(created.len(), 2, "its token makes it idempotent");
    assert_eq!(created[0]["clientToken"], created[1]["clientToken"]);
    assert!(
        created[0]["clientToken"].as_str().is_some_and(|token| (1..=36).contains(&token.len()))
    );
}
