//! AWS refuses a call, AWS does not answer, and writes are stopped.

use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use portkeeper_world::api::Service;
use portkeeper_world::ecs::DEFAULT_VPC;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::json;

/// Holds I-UNDO, C-45: a failed run is rolled back, last step first; the result says so, and
/// uploading the spec again works.
#[tokio::test]
async fn a_refused_service_rolls_back_the_steps_before_it() {
    let mut desk = Desk::default();
    desk.refuse_all(
        Service::Ecs,
        "CreateService",
        "InvalidParameterException",
        "Unable to assume the service linked role.",
    );
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "failed", "{result:#}");
    assert_eq!(
        desk.steps(KEY),
        [
            "task_definition orders: undone",
            "target_group orders: undone",
            "listener_rule /orders/*: undone",
            "service orders: failed",
        ]
    );
    let summary = result["summary"].as_str().unwrap();
    assert!(
        summary.contains("ecs:CreateService") && summary.contains("service linked role"),
        "{summary}"
    );
    assert_eq!(desk.things(), [""; 0]);
    let order: Vec<String> = {
        let world = desk.world();
        let back = world.calls.all().iter().map(|call| call.operation.clone());
        back.filter(|name| name.starts_with("Delete") || name.starts_with("Deregister")).collect()
    };
    assert_eq!(order, ["DeleteRule", "DeleteTargetGroup", "DeregisterTaskDefinition"]);
    assert_eq!(desk.alerts(), ["spec_failed specs/orders.yaml"]);
    desk.world().faults.clear();
    assert_eq!(desk.carry_out(ORDERS).await["status"], "ready");
    assert_eq!(desk.healthy("orders"), 2);
}

/// The retention of an existing log group is rolled back, too; a new log group is deleted together
/// with its settings.
#[tokio::test]
async fn log_retention_is_rolled_back() {
    for before in [None, Some(30)] {
        let mut desk = Desk::default();
        let group = json!({"logGroupName": "/ecs/kept"});
        desk.logs("CreateLogGroup", &group);
        if let Some(days) = before {
            desk.logs(
                "PutRetentionPolicy",
                &json!({"logGroupName": "/ecs/kept", "retentionInDays": days}),
            );
        }
        desk.refuse_all(Service::Ecs, "CreateService", "InvalidParameterException", "no");
        let groups = "logGroups:\n  - {name: /ecs/kept, retentionDays: 7}\n  - {name: /ecs/orders, retentionDays: 7}\n";
        let result = desk.carry_out(&format!("{ORDERS}{groups}")).await;
        assert_eq!(result["status"], "failed", "{result:#}");
        assert_eq!(
            desk.steps(KEY)[..2],
            ["log_group /ecs/kept: undone", "log_group /ecs/orders: undone"]
        );
        let shown = desk.logs("DescribeLogGroups", &json!({}))["logGroups"].clone();
        let shown: Vec<_> =
            shown.as_array().unwrap().iter().map(|it| it["retentionInDays"].as_u64()).collect();
        assert_eq!(shown, [before]);
    }
}

/// Each missing permission is named by its IAM action; reads come before any write.
#[tokio::test]
async fn a_missing_permission_is_named() {
    for (service, operation, action) in [
        (Service::Ecs, "RegisterTaskDefinition", "ecs:RegisterTaskDefinition"),
        (Service::Elbv2, "CreateTargetGroup", "elasticloadbalancing:CreateTargetGroup"),
        (Service::Elbv2, "CreateRule", "elasticloadbalancing:CreateRule"),
        (Service::Ecs, "CreateService", "ecs:CreateService"),
    ] {
        let mut desk = Desk::default();
        desk.fault(Rule::new(service, operation, Fault::AccessDenied).forever());
        let result = desk.carry_out(ORDERS).await;
        assert_eq!(result["status"], "failed", "{operation}: {result:#}");
        assert!(result["summary"].as_str().unwrap().contains(action), "{operation}: {result:#}");
        assert_eq!(desk.things(), [""; 0], "{operation}");
    }
}

/// What cannot be read does not count as absent: nothing is written, and the result names the
/// permission.
#[tokio::test]
async fn a_missing_permission_to_read_is_named_before_anything_is_written() {
    for (service, operation, action) in [
        (Service::Ecs, "DescribeClusters", "ecs:DescribeClusters"),
        (Service::Ecs, "DescribeServices", "ecs:DescribeServices"),
        (Service::Ecs, "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        (Service::Elbv2, "DescribeRules", "elasticloadbalancing:DescribeRules"),
        (Service::Elbv2, "DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
    ] {
        let mut desk = Desk::default();
        desk.fault(Rule::new(service, operation, Fault::AccessDenied).forever());
        desk.drop_spec(KEY, ORDERS);
        desk.run(60).await;
        let result = desk.result(KEY);
        assert_eq!(result["status"], "refused", "{operation}: {result:#}");
        assert!(result["problems"].to_string().contains(action), "{operation}: {result:#}");
        desk.world().faults.clear();
        assert_eq!(desk.things(), [""; 0], "{operation}");
    }
}

/// A task with roles and a network configuration.
const PLACED: &str = "\
cluster: shop
taskDefinition:
  family: orders
  networkMode: awsvpc
  taskRoleArn: arn:aws:iam::111122223333:role/team/orders
  executionRoleArn: runner
  containerDefinitions:
    - {name: app, image: orders:1, memory: 128, portMappings: [{containerPort: 8080}]}
service:
  serviceName: orders
  desiredCount: 1
  launchType: EC2
  networkConfiguration:
    awsvpcConfiguration: {subnets: [SUBNET], securityGroups: [sg-0a1b2c3d]}
";

fn placed(desk: &Desk) -> String {
    let subnet = desk.world().default_subnets().remove(0);
    PLACED.replace("SUBNET", &subnet)
}

/// Holds C-42: missing subnets, security groups and roles; ECS itself would accept the task
/// definition.
#[tokio::test]
async fn a_missing_network_or_role_is_reported_before_any_write() {
    let mut desk = Desk::default();
    let result = desk.carry_out(&PLACED.replace("SUBNET", "subnet-0far")).await;
    assert_eq!(result["status"], "refused", "{result:#}");
    assert_eq!(
        desk.problems(KEY),
        [
            "error no_such_role taskDefinition.taskRoleArn",
            "error no_such_role taskDefinition.executionRoleArn",
            "error no_such_network service.networkConfiguration.awsvpcConfiguration.subnets[0]",
            "error no_such_network service.networkConfiguration.awsvpcConfiguration.securityGroups[0]",
        ]
    );
    assert_eq!(desk.things(), [""; 0]);
    let asked = desk.inputs("GetResource");
    assert_eq!(asked[0], json!({"TypeName": "AWS::IAM::Role", "Identifier": "orders"}));
    assert_eq!(asked.len(), 4, "{asked:?}");
    {
        let mut world = desk.world();
        world.add_security_group("sg-0a1b2c3d", "vpc-other");
        world.add_role("orders");
        world.add_role("runner");
    }
    let spec = placed(&desk);
    let result = desk.carry_out(&spec).await;
    assert_eq!(
        desk.problems(KEY),
        ["error several_vpcs service.networkConfiguration.awsvpcConfiguration"],
        "{result:#}"
    );
    desk.world().add_security_group("sg-0a1b2c3d", DEFAULT_VPC);
    assert_eq!(desk.carry_out(&spec).await["status"], "ready");
}

/// Network and roles are read through Cloud Control. If that fails, the service is created anyway,
/// and the result lists what was not checked.
#[tokio::test]
async fn a_network_that_cannot_be_read_does_not_stop_the_service() {
    for fault in [Fault::AccessDenied, Fault::LoseRequest] {
        let mut desk = Desk::default();
        desk.fault(Rule::new(Service::CloudControl, "GetResource", fault).forever());
        let spec = placed(&desk);
        let result = desk.carry_out(&spec).await;
        assert_eq!(result["status"], "ready", "{result:#}");
        assert_eq!(desk.problems(KEY).len(), 3, "{result:#}");
        assert!(
            desk.problems(KEY).iter().all(|it| it.starts_with("warning not_looked_at")),
            "{result:#}"
        );
        assert!(
            result["problems"].to_string().contains("cloudformation:GetResource"),
            "{result:#}"
        );
    }
}

/// Holds I-UNDO. The last step fails: the service itself is rolled back, too.
#[tokio::test]
async fn a_service_whose_scaling_is_refused_is_rolled_back() {
    let mut desk = Desk::default();
    desk.fault(
        Rule::new(Service::ApplicationAutoScaling, "PutScalingPolicy", Fault::AccessDenied)
            .forever(),
    );
    let result = desk.carry_out(&format!("{ORDERS}scaling: {{min: 2, max: 4, cpu: 60}}\n")).await;
    assert_eq!(result["status"], "failed", "{result:#}");
    assert!(
        result["summary"].as_str().unwrap().contains("application-autoscaling:PutScalingPolicy"),
        "{result:#}"
    );
    assert!(
        desk.steps(KEY).contains(&"service orders: undone".to_owned()),
        "{:?}",
        desk.steps(KEY)
    );
    assert_eq!(desk.things(), [""; 0]);
    assert_eq!(desk.service("orders")["status"], "INACTIVE");
}

/// The result lists what cannot be rolled back.
#[tokio::test]
async fn what_cannot_be_rolled_back_is_reported() {
    let mut desk = Desk::default();
    desk.refuse_all(Service::Ecs, "CreateService", "InvalidParameterException", "no");
    desk.fault(Rule::new(Service::Elbv2, "DeleteTargetGroup", Fault::AccessDenied).forever());
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "failed");
    assert_eq!(desk.steps(KEY)[1], "target_group orders: left_behind");
    assert!(
        result["steps"][1]["note"]
            .as_str()
            .unwrap()
            .contains("elasticloadbalancing:DeleteTargetGroup"),
        "{result:#}"
    );
    assert_eq!(desk.things(), ["target group orders"]);
}

/// Holds C-31: AWS throttles every retry or is unavailable: the message is retried, and nothing is
/// created twice.
#[tokio::test]
async fn a_transient_failure_is_retried() {
    for operation in [
        "RegisterTaskDefinition",
        "CreateTargetGroup",
        "CreateRule",
        "CreateService",
        "DescribeRules",
    ] {
        let mut desk = Desk::default();
        let service = if operation.contains("Rule") || operation.contains("Group") {
            Service::Elbv2
        } else {
            Service::Ecs
        };
        desk.fault(Rule::new(service, operation, Fault::Throttle).times(8));
        desk.drop_spec(KEY, ORDERS);
        assert!(!desk.deliver().await, "{operation}: the message comes back");
        assert_eq!(desk.alerts(), [""; 0], "{operation}: no word of it yet");
        desk.run(3000).await;
        assert_eq!(desk.status(KEY), "ready", "{operation}");
        let made =
            ["task definition orders:1", "target group orders", "rule 1000", "service orders"];
        assert_eq!(desk.things(), made, "{operation}");
    }
}

/// Holds I-SWITCH. With the kill switch set nothing is written, the result says so, and the message
/// waits.
#[tokio::test]
async fn the_kill_switch_delays_specs() {
    let mut desk = Desk::default();
    desk.switch("stopped");
    desk.drop_spec(KEY, ORDERS);
    assert!(!desk.deliver().await);
    let result = desk.result(KEY);
    assert_eq!(result["status"], "waiting", "{result:#}");
    assert!(result["summary"].as_str().unwrap().contains("a freeze"), "{result:#}");
    assert!(
        desk.steps(KEY).iter().all(|step| step.ends_with(": not_tried")),
        "{:?}",
        desk.steps(KEY)
    );
    assert_eq!(desk.things(), [""; 0]);
    desk.switch("allowed");
    desk.run(900).await;
    assert_eq!(desk.status(KEY), "ready");
}

/// Mode `alert`: the plan is reported, and nothing is written.
#[tokio::test]
async fn in_mode_alert_the_plan_is_reported() {
    for mode in ["alert", "off"] {
        let mut desk = Desk::new(&[("PORTKEEPER_MODE", mode)]);
        let result = desk.carry_out(ORDERS).await;
        assert_eq!(result["status"], "waiting", "{result:#}");
        assert_eq!(desk.steps(KEY).len(), 4);
        assert_eq!(desk.things(), [""; 0]);
        for write in ["CreateTargetGroup", "CreateRule", "RegisterTaskDefinition", "CreateService"]
        {
            assert_eq!(desk.count(write), 0, "{mode}: {write}");
        }
    }
}

/// SNS refuses the alert: the retried message sends it.
#[tokio::test]
async fn an_alert_is_not_lost() {
    let mut desk = Desk::default();
    desk.fault(
        Rule::new(Service::Sns, "Publish", Fault::fail("InternalError", "down", 500)).times(4),
    );
    desk.drop_spec(KEY, "cluster: shop\n");
    assert!(!desk.deliver().await);
    assert_eq!(desk.alerts(), [""; 0]);
    desk.run(900).await;
    assert_eq!(desk.alerts(), ["spec_refused specs/orders.yaml"]);
}

/// A cluster that the stack does not watch is never written to.
#[tokio::test]
async fn only_watched_clusters_get_services() {
    let mut desk = Desk::new(&[("PORTKEEPER_CLUSTERS", "bank")]);
    let result = desk.carry_out(ORDERS).await;
    assert_eq!(result["status"], "refused");
    assert_eq!(desk.problems(KEY), ["error cluster_not_watched cluster"]);
    assert_eq!(desk.things(), [""; 0]);
}
