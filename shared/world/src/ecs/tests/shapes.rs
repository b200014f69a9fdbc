//! Limits, errors, and the shapes of responses and events.

use super::{START, bridge_world, describe_task, error, web};
use crate::World;
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn lists_are_paginated_and_batches_are_limited() {
    let (mut world, group) = bridge_world(2, 130);
    assert_eq!(world.running_tasks("shop/web").unwrap().len(), 100, "the first page");
    let (mut token, mut seen) = (Value::Null, BTreeSet::new());
    loop {
        let input = json!({"cluster": "shop", "maxResults": 50, "nextToken": token});
        let answer = world.person_ecs("ListTasks", &input).unwrap();
        seen.extend(
            answer["taskArns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|arn| arn.as_str().unwrap().to_owned()),
        );
        token = answer["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 130);
    let too_many: Vec<&String> = seen.iter().take(101).collect();
    assert!(
        error(&mut world, "DescribeTasks", &json!({"cluster": "shop", "tasks": too_many}))
            .contains("more than 100")
    );
    let eleven: Vec<String> = (0..11).map(|n| format!("s{n}")).collect();
    assert!(
        error(&mut world, "DescribeServices", &json!({"cluster": "shop", "services": eleven}))
            .contains("more than 10")
    );
    let both = json!({"cluster": "shop", "startedBy": "ecs-svc/1", "desiredStatus": "STOPPED"});
    assert!(error(&mut world, "ListTasks", &both).contains("only filter"));
    for n in 0..10 {
        world
            .make_service(&ServiceSpec { name: format!("s{n}"), ..web(&group).desired(0) })
            .unwrap();
    }
    let answer = world.person_ecs("ListServices", &json!({"cluster": "shop"})).unwrap();
    assert_eq!(answer["serviceArns"].as_array().unwrap().len(), 10, "the default page");
    assert!(answer["nextToken"].is_string());
}

#[test]
fn a_resource_of_another_cluster_is_an_error_and_an_unknown_one_is_a_failure() {
    let (mut world, _) = bridge_world(1, 1);
    world.make_cluster("other").unwrap();
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let id = task.rsplit('/').next().unwrap();
    let account = world.account.clone();
    let service = account.ecs_arn("service", "shop/web");
    let mut reasons = |operation: &str, member: &str, asked: Value| {
        let answer = world.person_ecs(operation, &json!({"cluster": "other", member: asked}));
        answer.map(|answer| answer["failures"].clone()).map_err(|error| error.code)
    };
    let missing = |kind: &str, path: &str| {
        Ok(json!([{"arn": account.ecs_arn(kind, path), "reason": "MISSING"}]))
    };
    assert_eq!(
        reasons("DescribeTasks", "tasks", json!([id])),
        missing("task", &format!("other/{id}"))
    );
    assert_eq!(
        reasons("DescribeServices", "services", json!(["web"])),
        missing("service", "other/web")
    );
    let instance = account.ecs_arn("container-instance", "other/1");
    let unknown = missing("container-instance", "other/1");
    assert_eq!(
        reasons("DescribeContainerInstances", "containerInstances", json!([instance])),
        unknown
    );
    let old = account.ecs_arn("task", "1");
    assert_eq!(
        reasons("DescribeTasks", "tasks", json!([old])),
        missing("task", "other/1"),
        "it names no cluster"
    );
    let refused = Err("InvalidParameterException".to_owned());
    assert_eq!(reasons("DescribeTasks", "tasks", json!([id, task])), refused);
    assert_eq!(reasons("DescribeTasks", "tasks", json!(["shop/1"])), refused);
    assert_eq!(reasons("DescribeServices", "services", json!([service])), refused);
}

#[test]
fn each_operation_has_its_own_not_found_error() {
    let (mut world, _) = bridge_world(1, 1);
    let unknown = world.account.ecs_arn("service", "shop/unknown");
    let tags = json!([{"key": "a", "value": "b"}]);
    for (operation, input, code) in [
        ("TagResource", json!({"resourceArn": unknown, "tags": tags}), "ResourceNotFoundException"),
        ("ListTagsForResource", json!({"resourceArn": unknown}), "InvalidParameterException"),
        (
            "RegisterTaskDefinition",
            json!({"family": "a", "containerDefinitions": []}),
            "ClientException",
        ),
        (
            "RegisterTaskDefinition",
            json!({"family": "a", "containerDefinitions": [{"name": "a"}]}),
            "ClientException",
        ),
        (
            "RegisterTaskDefinition",
            json!({"family": "a", "containerDefinitions": [{"image": "a"}]}),
            "ClientException",
        ),
    ] {
        assert_eq!(
            world.person_ecs(operation, &input).unwrap_err().code,
            code,
            "{operation} {input}"
        );
    }
}

#[test]
fn stale_reads_return_the_previous_version_and_stopped_tasks_are_listed_separately() {
    let (mut world, _) = bridge_world(1, 1);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let fresh = describe_task(&mut world, &task);
    world.stale_reads(1);
    let stale = describe_task(&mut world, &task);
    assert_eq!(
        (&stale["lastStatus"], &fresh["lastStatus"]),
        (&json!("ACTIVATING"), &json!("RUNNING"))
    );
    assert_eq!(stale["version"].as_u64().unwrap() + 1, fresh["version"].as_u64().unwrap());
    assert_eq!(describe_task(&mut world, &task), fresh);
    world.interrupt_task(&task).unwrap();
    let shown = describe_task(&mut world, &task);
    assert_eq!(
        (&shown["lastStatus"], &shown["desiredStatus"]),
        (&json!("RUNNING"), &json!("STOPPED"))
    );
    assert!(!world.running_tasks("shop/web").unwrap().contains(&task));
    let stopped = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    assert_eq!(world.person_ecs("ListTasks", &stopped).unwrap()["taskArns"], json!([task]));
}

#[test]
fn events_have_the_members_of_the_published_samples() {
    let sample = include_str!("../../../../../events/task-stopped-fargate-2024.json");
    let sample: Value = serde_json::from_str(sample).unwrap();
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Ip).unwrap();
    world.make_service(&web(&group).fargate()).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    world.person_ecs("StopTask", &json!({"cluster": "shop", "task": task})).unwrap();
    world.advance_secs(30);
    let of_task = |event: &&Value| event["detail"]["taskArn"] == json!(task);
    let events: Vec<Value> = world.eventbridge.events().iter().filter(of_task).cloned().collect();
    let statuses: Vec<&str> =
        events.iter().map(|event| event["detail"]["lastStatus"].as_str().unwrap()).collect();
    let life = "PROVISIONING PENDING ACTIVATING RUNNING RUNNING DEACTIVATING STOPPING DEPROVISIONING STOPPED";
    assert_eq!(statuses.join(" "), life);
    let versions: Vec<u64> =
        events.iter().map(|event| event["detail"]["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (1..=9).collect::<Vec<u64>>(), "as in the sample, STOPPED is version 9");
    let keys =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let last = events.last().unwrap();
    assert_eq!(keys(last), keys(&sample));
    let ours_only: Vec<String> =
        keys(&last["detail"]).difference(&keys(&sample["detail"])).cloned().collect();
    assert_eq!(ours_only, ["platformFamily"], "which other samples have");
    assert_eq!(keys(&sample["detail"]).difference(&keys(&last["detail"])).count(), 0);
    let attachments = |event: &Value| {
        let attachments = event["detail"]["attachments"].as_array().unwrap().clone();
        attachments.iter().map(|a| format!("{}:{}", a["type"], a["status"])).collect::<Vec<_>>()
    };
    assert_eq!(attachments(last), attachments(&sample));
    assert!(
        last["detail"]["containers"][0].get("networkBindings").is_none()
            && last["detail"].get("tags").is_none()
    );
    assert!(
        last["detail"]["stoppedAt"].as_str().unwrap().ends_with('Z')
            && last["time"].as_str().unwrap().len() == 20
    );
}

#[test]
fn deployment_and_service_events_equal_the_samples() {
    let (world, _) = bridge_world(1, 1);
    let of_type = |detail_type: &str| {
        let mut events =
            world.eventbridge.events().iter().filter(|event| event["detail-type"] == detail_type);
        events.next_back().unwrap().clone()
    };
    let keys = |value: &Value| {
        value.as_object().unwrap().keys().cloned().collect::<Vec<String>>().join(" ")
    };
    let deployment = of_type("ECS Deployment State Change");
    assert_eq!(keys(&deployment["detail"]), "deploymentId eventName eventType reason updatedAt");
    assert_eq!(deployment["detail"]["eventName"], "SERVICE_DEPLOYMENT_COMPLETED");
    assert_eq!(
        deployment["resources"],
        json!(["arn:aws:ecs:eu-west-1:111122223333:service/shop/web"])
    );
    let action = of_type("ECS Service Action");
    assert_eq!(keys(&action["detail"]), "clusterArn createdAt eventName eventType");
    assert_eq!(action["detail"]["eventName"], "SERVICE_STEADY_STATE");
}

#[test]
fn create_service_rejects_what_aws_rejects() {
    let (mut world, group) = bridge_world(1, 1);
    let bare = world.make_bare_group("bare-tg", TargetType::Instance).unwrap();
    let api = |group: &str, container: &str, port| {
        ServiceSpec::new("shop", "api").container("app", &[8080]).behind(group, container, port)
    };
    let mut refused = |spec: &ServiceSpec| world.make_service(spec).unwrap_err().to_string();
    assert!(refused(&api(&group, "app", 81)).contains("did not have a container port 81 defined"));
    assert!(
        refused(&api(&group, "ap", 8080))
            .contains("The container ap does not exist in the task definition.")
    );
    assert!(
        refused(&api(&bare, "app", 8080)).contains("does not have an associated load balancer")
    );
    assert!(
        refused(&api(&group, "app", 8080).awsvpc())
            .contains("incompatible with the awsvpc network mode")
    );
    assert!(refused(&web(&group).desired(5)).contains("not idempotent"));
    assert!(
        refused(&api(&group, "app", 8080).with("desiredCuont", json!(1)))
            .contains("`desiredCuont`")
    );
    assert!(error(&mut world, "RunTusk", &json!({})).contains("ecs:RunTusk is not simulated"));
    assert!(
        error(&mut world, "DescribeTasks", &json!({"cluster": "shap", "tasks": ["1"]}))
            .contains("ClusterNotFound")
    );
}
