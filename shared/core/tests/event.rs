//! Messages of the `checks` queue: which services they name, and what is done with those that nobody can read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::{Expect, expect};
use portkeeper_core::event::{Check, Message, coalesce, look_again_message, parse};
use portkeeper_core::ids::{ClusterArn, ServiceKey, TaskArn};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;

/// What a message asks for, as one line; a second one for each stopped task.
fn told(body: &str) -> String {
    match parse(body) {
        Ok(Message::Check(check)) => asked(&check),
        Ok(Message::Ignored(reason)) => format!("ignored as {}: {reason}\n", reason.name()),
        Err(error) => match error.source() {
            Some(source) => format!("unreadable: {error}: {source}\n"),
            None => format!("unreadable: {error}\n"),
        },
    }
}

fn asked(check: &Check) -> String {
    let services: Vec<&str> = check.services.iter().map(String::as_str).collect();
    let cluster = &check.cluster;
    let mut line = format!("check {}/{}", cluster.name(), services.join(","));
    line.push_str(&format!(" in {} {} {}", cluster.partition(), cluster.region(), cluster.account()));
    for (task, version) in &check.at_least {
        line.push_str(&format!(", task {} at least v{version}", task.tail()));
    }
    if check.hop > 0 {
        line.push_str(&format!(", hop {}", check.hop));
    }
    line.push('\n');
    for task in &check.stopped {
        let containers = task.containers.iter().map(|container| {
            let ports = container.bindings.iter().map(|it| format!("{}->{}", it.container_port, it.host_port));
            format!("{}[{}]", container.name, ports.collect::<Vec<_>>().join(" "))
        });
        let containers: Vec<String> = containers.collect();
        let eni = task.network_interface.as_ref().map_or("no interface".to_owned(), |eni| format!("{:?}", eni.ipv4));
        let ended = task.stopped_at.map_or("?".to_owned(), |at| at.to_string());
        line.push_str(&format!("  stopped {} at {ended}: {} {eni}\n", task.arn.tail(), containers.join(" ")));
    }
    line
}

fn check(body: &str, expect: Expect) {
    expect.assert_eq(&told(body));
}

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop";

/// A task event with these members of `detail` in place of, or beside, those that are always there.
fn task_event(detail: &str) -> String {
    let mut event = serde_json::json!({
        "version": "0", "id": "x", "detail-type": "ECS Task State Change", "source": "aws.ecs",
        "account": "111122223333", "time": "2026-11-23T10:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": {
            "taskArn": "arn:aws:ecs:eu-west-1:111122223333:task/shop/t1", "clusterArn": CLUSTER,
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
            "group": "service:web", "startedBy": "ecs-svc/1234567890123456789",
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "version": 7, "containers": [],
        }
    });
    let given: BTreeMap<String, serde_json::Value> = serde_json::from_str(detail).unwrap();
    for (name, value) in given {
        event["detail"][name.as_str()] = value;
    }
    event.to_string()
}

#[test]
fn a_running_task_names_its_service_and_how_fresh_the_answer_must_be() {
    check(
        &task_event("{}"),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "#]],
    );
}

// CASES 13
#[test]
fn every_partition_is_understood() {
    let of = |partition: &str| {
        task_event("{}").replace("arn:aws:", &format!("arn:{partition}:")).replace("eu-west-1", "r-1")
    };
    check(
        &of("aws-cn"),
        expect![[r#"
        check shop/web in aws-cn r-1 111122223333, task t1 at least v7
    "#]],
    );
    check(
        &of("aws-us-gov"),
        expect![[r#"
        check shop/web in aws-us-gov r-1 111122223333, task t1 at least v7
    "#]],
    );
    check(
        &of("aws-of-tomorrow"),
        expect![[r#"
        check shop/web in aws-of-tomorrow r-1 111122223333, task t1 at least v7
    "#]],
    );
}

// CASES 13
#[test]
fn old_short_task_arns_are_understood() {
    check(
        &task_event(r#"{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/abc"}"#),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task abc at least v7
    "#]],
    );
}

// CASES 12
#[test]
fn tasks_that_no_service_started_ask_for_nothing() {
    check(
        &task_event(r#"{"group":"family:web"}"#),
        expect![[r#"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "#]],
    );
    check(
        &task_event(r#"{"startedBy":"me"}"#),
        expect![[r#"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "#]],
    );
    check(
        &task_event(r#"{"startedBy":null,"group":null}"#),
        expect![[r#"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "#]],
    );
    check(
        &task_event(r#"{"group":"service:"}"#),
        expect![[r#"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "#]],
    );
}

#[test]
fn states_in_between_ask_for_nothing() {
    for status in
        ["PROVISIONING", "PENDING", "ACTIVATING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "DELETED", "NEW"]
    {
        let told = told(&task_event(&format!(r#"{{"lastStatus":"{status}"}}"#)));
        assert_eq!(
            told,
            format!("ignored as other_task_status: a task in {status} is not judged yet; RUNNING and STOPPED are\n")
        );
    }
}

// CASES 19
#[test]
fn a_stopped_task_is_witness_of_its_bindings() {
    check(
        &task_event(
            r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED","version":9,"stoppedAt":"2026-11-23T09:59:00.5Z",
            "containerInstanceArn":"arn:aws:ecs:eu-west-1:111122223333:container-instance/shop/ci",
            "containers":[
              {"name":"app","cpu":"null","networkBindings":[
                {"bindIP":"0.0.0.0","containerPort":8080,"hostPort":32768,"protocol":"tcp"},
                {"containerPortRange":"9000-9010","hostPortRange":"33000-33010"}]},
              {"name":"aws-guardduty-agent-x"}]}"#,
        ),
        expect![[r#"
            check shop/web in aws eu-west-1 111122223333, task t1 at least v9
              stopped t1 at 2026-11-23T09:59:00.5Z: app[8080->32768 9000->33000] aws-guardduty-agent-x[] no interface
        "#]],
    );
}

// CASES 6, 19
#[test]
fn a_stopped_task_is_witness_of_its_address_whichever_attachment_comes_first() {
    check(
        &task_event(
            r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED","stoppedAt":"2026-11-23T09:59:00Z",
            "attachments":[
              {"type":"elb","status":"DELETED","details":[]},
              {"type":"sdi","status":"DELETED","details":[]},
              {"type":"eni","status":"DELETED","details":[
                {"name":"subnetId","value":"subnet-1"},{"name":"privateIPv4Address","value":"10.0.0.5"}]}],
            "containers":[{"name":"app","networkInterfaces":[{"attachmentId":"x","privateIpv4Address":"10.0.0.5"}]}]}"#,
        ),
        expect![[r#"
            check shop/web in aws eu-west-1 111122223333, task t1 at least v7
              stopped t1 at 2026-11-23T09:59:00Z: app[] Some(10.0.0.5)
        "#]],
    );
}

#[test]
fn a_stopped_task_that_is_not_understood_is_no_witness_but_its_service_is_looked_at() {
    let stopped = r#""lastStatus":"STOPPED","desiredStatus":"STOPPED","stoppedAt":"2026-11-23T09:59:00Z""#;
    check(
        &task_event(&format!(r#"{{{stopped},"taskDefinitionArn":null}}"#)),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "#]],
    );
    check(
        &task_event(&format!(r#"{{{stopped},"containerInstanceArn":"what"}}"#)),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "#]],
    );
    check(
        &task_event(&format!(r#"{{{stopped},"containers":[{{"networkBindings":[{{"hostPort":0}}]}}]}}"#)),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "#]],
    );
}

#[test]
fn unknown_members_are_no_matter() {
    check(
        &task_event(r#"{"surprise":{"deep":[1,2]},"containers":[{"name":"a","more":1}]}"#),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "#]],
    );
}

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
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333
    "#]],
    );
    check(
        &event("SERVICE_STEADY_STATE", short, &cluster),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333
    "#]],
    );
    check(
        &event("SERVICE_STEADY_STATE", short, ""),
        expect![[r#"
        ignored as no_cluster: `arn:aws:ecs:eu-west-1:111122223333:service/web` names no cluster
    "#]],
    );
    check(
        &event("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", long, ""),
        expect![[r#"
        ignored as other_event_name: `SERVICE_DISCOVERY_INSTANCE_UNHEALTHY` changes no registration
    "#]],
    );
}

#[test]
fn a_deployment_event_has_no_cluster_but_in_the_arn_of_its_service() {
    let event = |name: &str| {
        format!(
            r#"{{"detail-type":"ECS Deployment State Change","source":"aws.ecs",
            "resources":["arn:aws:ecs:eu-west-1:111122223333:service/shop/web"],
            "detail":{{"eventName":"{name}","deploymentId":"ecs-svc/123"}}}}"#
        )
    };
    check(
        &event("SERVICE_DEPLOYMENT_COMPLETED"),
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333
    "#]],
    );
    check(
        &event("SERVICE_DEPLOYMENT_IN_PROGRESS"),
        expect![[r#"
        ignored as other_event_name: `SERVICE_DEPLOYMENT_IN_PROGRESS` changes no registration
    "#]],
    );
}

#[test]
fn other_kinds_and_sources_are_ignored() {
    check(
        r#"{"detail-type":"ECS Container Instance State Change","source":"aws.ecs","detail":{}}"#,
        expect![[r#"
        ignored as other_kind: events of kind `ECS Container Instance State Change` change no registration
    "#]],
    );
    check(
        r#"{"detail-type":"ECS Task State Change","source":"my.tests","detail":{}}"#,
        expect![[r#"
        ignored as other_source: events of `my.tests` are not used
    "#]],
    );
    check(
        r#"{"detail-type":"Something New","source":"aws.ecs"}"#,
        expect![[r#"
        ignored as other_kind: events of kind `Something New` change no registration
    "#]],
    );
}

// CASES 36
#[test]
fn messages_that_nobody_can_read_say_why() {
    check(
        "",
        expect![[r#"
        unreadable: the message is not JSON: EOF while parsing a value at line 1 column 0
    "#]],
    );
    check(
        "{\"detail-type\":",
        expect![[r#"
        unreadable: the message is not JSON: EOF while parsing a value at line 1 column 15
    "#]],
    );
    check(
        "hello",
        expect![[r#"
        unreadable: the message is not JSON: expected value at line 1 column 1
    "#]],
    );
    check(
        "[1,2]",
        expect![[r#"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "#]],
    );
    check(
        "{}",
        expect![[r#"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "#]],
    );
    check(
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#,
        expect![[r#"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "#]],
    );
    check(
        r#"{"detail-type":7}"#,
        expect![[r#"
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "#]],
    );
    check(
        r#"{"detail-type":"ECS Task State Change","source":"aws.ecs"}"#,
        expect![[r#"
        unreadable: the `ECS Task State Change` event cannot be read: invalid type: null, expected struct TaskDetail
    "#]],
    );
    check(
        &task_event(r#"{"clusterArn":"shop"}"#),
        expect![[r#"
        unreadable: the `ECS Task State Change` event cannot be read: `shop` is not the ARN of an ECS cluster
    "#]],
    );
    check(
        &task_event(r#"{"version":-1}"#),
        expect![[r#"
        unreadable: the `ECS Task State Change` event cannot be read: invalid value: integer `-1`, expected u64
    "#]],
    );
    check(
        r#"{"portkeeper":{"version":2,"cluster":"x","services":[]}}"#,
        expect![[r#"
        unreadable: the `portkeeper` event cannot be read: `x` is not the ARN of an ECS cluster
    "#]],
    );
    check(
        &format!(r#"{{"portkeeper":{{"version":2,"cluster":"{CLUSTER}","services":[]}}}}"#),
        expect![[r#"
        unreadable: the message has version 2, this program reads 1
    "#]],
    );
}

fn key() -> ServiceKey {
    ServiceKey { cluster: ClusterArn::try_from(CLUSTER).unwrap(), service: "web".to_owned() }
}

#[test]
fn a_look_again_message_reads_back() {
    let task = TaskArn::try_from("arn:aws:ecs:eu-west-1:111122223333:task/shop/t1").unwrap();
    let message = look_again_message(&key(), &BTreeMap::from([(task, 9)]), 3).to_string();
    check(
        &message,
        expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v9, hop 3
    "#]],
    );
    expect![[r#"{"portkeeper":{"at_least":{"arn:aws:ecs:eu-west-1:111122223333:task/shop/t1":9},"cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/shop","hop":3,"services":["web"],"version":1}}"#]].assert_eq(&message);
}

#[test]
fn a_message_of_the_sweep_names_many_services() {
    check(
        &format!(r#"{{"portkeeper":{{"version":1,"cluster":"{CLUSTER}","services":["web","admin","billing"]}}}}"#),
        expect![[r#"
            check shop/admin,billing,web in aws eu-west-1 111122223333
        "#]],
    );
}

fn of_task(number: usize, version: u64) -> Check {
    let task = format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/t{number}");
    match parse(&task_event(&format!(r#"{{"taskArn":"{task}","version":{version}}}"#))).unwrap() {
        Message::Check(check) => check,
        Message::Ignored(reason) => panic!("{reason}"),
    }
}

#[test]
fn five_hundred_events_of_one_service_are_one_check() {
    let batch = (0..500).map(|number| (format!("m{number}"), of_task(number, 1)));
    let checks = coalesce(batch);
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].at_least.len(), checks[0].messages.len()), (500, 500));
    assert_eq!(checks[0].key, key());
}

// CASES 15
#[test]
fn of_repeated_and_reordered_events_the_newest_version_counts() {
    let batch = [9, 7, 9].map(|version| (format!("m{version}"), of_task(1, version)));
    let checks = coalesce(batch);
    assert_eq!(checks[0].at_least.values().copied().collect::<Vec<u64>>(), [9]);
    assert_eq!(checks[0].messages.len(), 2);
}

// CASES 13
#[test]
fn services_and_clusters_stay_apart_and_the_shortest_chain_counts() {
    let mut own = of_task(1, 1);
    own.services = BTreeSet::from(["admin".to_owned(), "web".to_owned()]);
    own.hop = 5;
    let mut other = of_task(1, 1);
    other.cluster = ClusterArn::try_from("arn:aws:ecs:eu-west-1:111122223333:cluster/other").unwrap();
    let batch = [("a".to_owned(), own), ("b".to_owned(), of_task(1, 1)), ("c".to_owned(), other)];
    let checks = coalesce(batch).into_iter().map(|check| {
        let messages: Vec<String> = check.messages.into_iter().collect();
        format!("{} hop {} by {}\n", check.key, check.hop, messages.join(","))
    });
    expect![[r#"
        other/web hop 0 by c
        shop/admin hop 5 by a
        shop/web hop 0 by a,b
    "#]]
    .assert_eq(&checks.collect::<String>());
}

/// The events at the root of the repository, with which people try the functions.
#[test]
fn every_sample_event_is_checked_or_ignored() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    let table = names.iter().map(|name| {
        let body = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        format!("{}: {}", name.trim_end_matches(".json"), told(&body))
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
        ignored-task-of-another-group-2016: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-spot-warning-snippet: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-ec2-2025: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-fargate-2020: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        ignored-task-standalone-fargate-2025: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        service-steady-state: check default/servicetest in aws us-west-2 111122223333
        service-task-start-impaired: check default/servicetest in aws us-west-2 111122223333
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
