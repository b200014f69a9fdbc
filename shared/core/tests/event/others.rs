//! Events of other kinds, unreadable messages, and the sample events.

use crate::{CLUSTER, check, reported, task_event};
use expect_test::expect;
use std::collections::BTreeSet;
use std::ffi::OsStr;

#[test]
fn a_service_event_names_its_cluster_in_the_detail_or_in_the_arn() {
    let event = |name: &str, resource: &str, cluster: &str| {
        format!(
            r#"{{"detail-type":"ECS Service Action","source":"aws.ecs","resources":["{resource}"],
            "detail":{{"eventName":"{name}"{cluster}}}}}"#
        )
    };
    let long = "arn:aws:ecs:eu-west-1:111122223333:service/shop/web";
    let short = "arn:aws:ecs:eu-west-1:111122223333:service/web";
    let cluster = format!(r#","clusterArn":"{CLUSTER}""#);
    check(
        &event("SERVICE_STEADY_STATE", long, ""),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333
    "]],
    );
    check(
        &event("SERVICE_STEADY_STATE", short, &cluster),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333
    "]],
    );
    check(
        &event("SERVICE_STEADY_STATE", short, ""),
        &expect![[r"
        ignored as no_cluster: `arn:aws:ecs:eu-west-1:111122223333:service/web` names no cluster
    "]],
    );
    check(
        &event("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", long, ""),
        &expect![[r"
        ignored as other_event_name: `SERVICE_DISCOVERY_INSTANCE_UNHEALTHY` changes no registration
    "]],
    );
}

#[test]
fn a_deployment_event_names_its_cluster_only_in_the_service_arn() {
    let event = |name: &str| {
        format!(
            r#"{{"detail-type":"ECS Deployment State Change","source":"aws.ecs",
            "resources":["arn:aws:ecs:eu-west-1:111122223333:service/shop/web"],
            "detail":{{"eventName":"{name}","deploymentId":"ecs-svc/123"}}}}"#
        )
    };
    check(
        &event("SERVICE_DEPLOYMENT_COMPLETED"),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333
    "]],
    );
    check(
        &event("SERVICE_DEPLOYMENT_IN_PROGRESS"),
        &expect![[r"
        ignored as other_event_name: `SERVICE_DEPLOYMENT_IN_PROGRESS` changes no registration
    "]],
    );
}

#[test]
fn other_kinds_and_sources_are_ignored() {
    check(
        r#"{"detail-type":"ECS Container Instance State Change","source":"aws.ecs","detail":{}}"#,
        &expect![[r"
        ignored as other_kind: events of kind `ECS Container Instance State Change` change no registration
    "]],
    );
    check(
        r#"{"detail-type":"ECS Task State Change","source":"my.tests","detail":{}}"#,
        &expect![[r"
        ignored as other_source: events of `my.tests` are not used
    "]],
    );
    check(
        r#"{"detail-type":"Something New","source":"aws.ecs"}"#,
        &expect![[r"
        ignored as other_kind: events of kind `Something New` change no registration
    "]],
    );
}

/// Holds C-36.
#[test]
fn an_unreadable_message_says_why() {
    check(
        "",
        &expect![[r"
        unreadable: the message is not JSON: EOF while parsing a value at line 1 column 0
    "]],
    );
    check(
        "{\"detail-type\":",
        &expect![[r"
        unreadable: the message is not JSON: EOF while parsing a value at line 1 column 15
    "]],
    );
    check(
        "hello",
        &expect![[r"
        unreadable: the message is not JSON: expected value at line 1 column 1
    "]],
    );
    check(
        "[1,2]",
        &expect![[r#"
            unreadable: the message holds 2 events in one list; send each event as its own message
        "#]],
    );
    check(
        "{}",
        &expect![[r"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "]],
    );
    check(
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#,
        &expect![[r"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "]],
    );
    check(
        r#"{"detail-type":7}"#,
        &expect![[r"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "]],
    );
    check(
        r#"{"detail-type":"ECS Task State Change","source":"aws.ecs"}"#,
        &expect![[r#"
            unreadable: cannot read the `ECS Task State Change` event: invalid type: null, expected struct TaskDetail
        "#]],
    );
    check(
        &task_event(r#"{"clusterArn":"shop"}"#),
        &expect![[r#"
            unreadable: cannot read the `ECS Task State Change` event: `shop` is not the ARN of an ECS cluster
        "#]],
    );
    check(
        &task_event(r#"{"version":-1}"#),
        &expect![[r#"
            unreadable: cannot read the `ECS Task State Change` event: invalid value: integer `-1`, expected u64
        "#]],
    );
    check(
        r#"{"portkeeper":{"version":2,"cluster":"x","services":[]}}"#,
        &expect![[r#"
            unreadable: the message has version 2, but this program reads version 1
        "#]],
    );
    check(
        &format!(r#"{{"portkeeper":{{"version":2,"cluster":"{CLUSTER}","services":[]}}}}"#),
        &expect![[r#"
            unreadable: the message has version 2, but this program reads version 1
        "#]],
    );
}

/// The sample events at the root of the repository, for trying out the functions.
#[test]
fn every_sample_event_is_checked_or_ignored() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> =
        files.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect();
    let table = files.iter().map(|file| {
        let name = file.file_stem().and_then(OsStr::to_str).unwrap();
        format!("{name}: {}", reported(&std::fs::read_to_string(file).unwrap()))
    });
    expect![[r#"
        deployment-completed: check default/servicetest in aws us-west-2 111122223333
        deployment-failed: check default/servicetest in aws us-west-2 111122223333
        ignored-capacity-provider-steady-state: ignored as other_event_name: `CAPACITY_PROVIDER_STEADY_STATE` changes no registration
        ignored-container-instance-2016: ignored as other_kind: events of kind `ECS Container Instance State Change` change no registration
        ignored-daemon-service-action-2026: ignored as other_kind: events of kind `ECS Daemon Service Action` change no registration
        ignored-deployment-in-progress-rollback: ignored as other_event_name: `SERVICE_DEPLOYMENT_IN_PROGRESS` changes no registration
        ignored-deployment-in-progress: ignored as other_event_name: `SERVICE_DEPLOYMENT_IN_PROGRESS` changes no registration
        ignored-s3-object-created: ignored as other_source: events of `aws.s3` are not used
        ignored-service-task-placement-failure: ignored as other_event_name: `SERVICE_TASK_PLACEMENT_FAILURE` changes no registration
        ignored-synthetic-call-by-ecs: ignored as call_by_ecs: ECS made the call, and it reports its tasks in its own events
        ignored-synthetic-call-refused: ignored as refused_call: AWS refused the call: AccessDenied
        ignored-task-of-another-group-2016: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-spot-warning-snippet: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-ec2-2025: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-fargate-2020: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-fargate-2025: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        service-steady-state: check default/servicetest in aws us-west-2 111122223333
        service-task-start-impaired: check default/servicetest in aws us-west-2 111122223333
        synthetic-call-delete-rule-role: role AWSReservedSSO_Platform_0123456789abcdef (bob@example.com) [role] called DeleteRule at 2026-03-02T09:25:02Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/50dc6c495c0c9188 [] as 6d2f901b-8e3c-4f47-8b59-c6d7e8f90a12, as arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Platform_0123456789abcdef
        synthetic-call-deregister-targets-user: IAM user alice [iam_user] called DeregisterTargets at 2026-03-02T09:20:31Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-tg/0a1b2c3d4e5f6071 [i-0f2d6b5c8e914a3f9:32768] as 5c1e8f0a-7d2b-4e36-9a48-b5c6d7e8f901
        synthetic-call-register-targets-auto-scaling: role AWSServiceRoleForAutoScaling (AutoScaling) through autoscaling.amazonaws.com [role] called RegisterTargets at 2026-03-02T09:31:44Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-tg/0a1b2c3d4e5f6071 [i-0a1b2c3d4e5f60718] as 7e30a12c-9f4d-4058-9c6a-d7e8f90a1b23, as arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling
        synthetic-task-running-aws-cn: check shop/orders in aws-cn cn-north-1 111122223333, task e1f2a3b4c5d64e7f8091a2b3c4d5e6f7 at least v4
        synthetic-task-running-bridge: check shop/web in aws eu-west-1 111122223333, task 0f2d6b5c8e914a3f9b7c1d2e3f405162 at least v3
        synthetic-task-running-external: check shop/printer in aws eu-west-1 111122223333, task c4d3e2f1a0b94c8d8e7f6a5b4c3d2e1f at least v2
        synthetic-task-running-host: check shop/gateway in aws eu-west-1 111122223333, task 9a8b7c6d5e4f40318273645546372819 at least v2
        synthetic-task-stopped-bridge: check shop/web in aws eu-west-1 111122223333, task 0f2d6b5c8e914a3f9b7c1d2e3f405162 at least v7
          stopped 0f2d6b5c8e914a3f9b7c1d2e3f405162 at 2026-03-02T11:41:03.96Z: app[8080->32768 8080->32768] metrics[9090->32769 9090->32769] no interface
        task-running-fargate-2023: check dev-ecs-public/cdp-demo-test-15 in aws eu-west-2 111122223333, task f8bec92bed774ee4b27711702a862de5 at least v5
        task-stopped-fargate-2024: check Example/Example in aws us-east-1 123456789012, task cdd887a827a4432db19f6059310a4817 at least v9
          stopped cdd887a827a4432db19f6059310a4817 at 2024-11-13T21:23:11.984Z: Example[] Some(172.31.68.200)
    "#]].assert_eq(&table.collect::<String>());
}
