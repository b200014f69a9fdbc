//! Messages of the `checks` queue: which services they name, and how unreadable messages are
//! handled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batches;
mod calls;
mod others;
mod shapes;
mod tasks;

use expect_test::Expect;
use portkeeper_core::api_call::ApiCall;
use portkeeper_core::event::{CheckRequest, Trigger, UnreadableMessage, parse};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;

/// What a message requests, as one line, and one more line for each stopped task.
fn reported(body: &str) -> String {
    shown(parse(body))
}

fn shown(read: Result<Trigger, UnreadableMessage>) -> String {
    match read {
        Ok(Trigger::Check(check)) => asked(&check),
        Ok(Trigger::ApiCall { call, role }) => called(&call, role.as_deref()),
        Ok(Trigger::Ignored(reason)) => format!("ignored as {}: {reason}\n", reason.name()),
        Err(error) => match error.source() {
            Some(source) => format!("unreadable: {error}: {source}\n"),
            None => format!("unreadable: {error}\n"),
        },
    }
}

fn called(call: &ApiCall, role: Option<&str>) -> String {
    let targets = call.targets.iter().map(|it| match it.port {
        Some(port) => format!("{}:{port}", it.id),
        None => it.id.to_string(),
    });
    let (at, place, by, id) = (call.at, &call.place, &call.by, &call.id);
    let targets: Vec<String> = targets.collect();
    let role = role.map(|role| format!(", as {role}")).unwrap_or_default();
    format!(
        "{by} [{}] called {} at {at} in {place} [{}] as {id}{role}\n",
        by.kind,
        call.operation,
        targets.join(" ")
    )
}

fn asked(check: &CheckRequest) -> String {
    let services: Vec<&str> = check.services.iter().map(String::as_str).collect();
    let cluster = &check.cluster;
    let mut line = format!("check {}/{}", cluster.name(), services.join(","));
    write!(line, " in {} {} {}", cluster.partition(), cluster.region(), cluster.account()).unwrap();
    for (task, version) in &check.at_least {
        write!(line, ", task {} at least v{version}", task.tail()).unwrap();
    }
    if check.hop > 0 {
        write!(line, ", hop {}", check.hop).unwrap();
    }
    line.push('\n');
    for task in &check.stopped {
        let containers = task.containers.iter().map(|container| {
            let ports = container
                .bindings
                .iter()
                .map(|it| format!("{}->{}", it.container_port, it.host_port));
            format!("{}[{}]", container.name, ports.collect::<Vec<_>>().join(" "))
        });
        let containers: Vec<String> = containers.collect();
        let eni = task
            .network_interface
            .as_ref()
            .map_or("no interface".to_owned(), |eni| format!("{:?}", eni.ipv4));
        let ended = task.stopped_at.map_or("?".to_owned(), |at| at.to_string());
        writeln!(line, "  stopped {} at {ended}: {} {eni}", task.arn.tail(), containers.join(" "))
            .unwrap();
    }
    line
}

fn check(body: &str, expect: &Expect) {
    expect.assert_eq(&reported(body));
}

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop";

/// A task event. These members of `detail` replace or extend the members that are always present.
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
