//! Failing revisions and the deployment circuit breaker.

use super::{bridge_world, describe, states, update};
use crate::World;
use crate::ecs::{Answer, Broken};
use serde_json::{Value, json};

fn breaker(rollback: bool) -> Value {
    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": rollback}})
}

/// Registers a revision of `web`'s task definition with another image and deploys it. Returns the
/// deployment's id.
fn deploy(world: &mut World, image: &str, rollback: bool) -> Value {
    let container = json!({"name": "app", "image": image, "memory": 128, "portMappings": [{"containerPort": 8080}]});
    let input = json!({"family": "web", "containerDefinitions": [container]});
    let answer = world.person_ecs("RegisterTaskDefinition", &input).unwrap();
    let arn = &answer["taskDefinition"]["taskDefinitionArn"];
    update(world, json!({"taskDefinition": arn, "deploymentConfiguration": breaker(rollback)}));
    describe(world, "web")["deployments"][0]["id"].clone()
}

/// Event name and deployment of every deployment event from this index on.
fn events(world: &World, from: usize) -> Vec<(String, Value)> {
    let events = world.eventbridge.events().iter().skip(from);
    let events = events.filter(|event| event["detail-type"] == "ECS Deployment State Change");
    let short = |event: &Value| {
        let name = event["detail"]["eventName"]
            .as_str()
            .unwrap()
            .trim_start_matches("SERVICE_DEPLOYMENT_");
        (name.to_owned(), event["detail"]["deploymentId"].clone())
    };
    events.map(short).collect()
}

#[test]
fn a_failing_revision_is_rolled_back_and_its_events_have_the_deployment_id() {
    for broken in [Broken::CannotBePulled, Broken::Exits, Broken::Answers(Answer::Status(503))] {
        let (mut world, group) = bridge_world(2, 2);
        let old = describe(&mut world, "web")["deployments"][0]["id"].clone();
        let from = world.eventbridge.events().len();
        world.break_image("app:bad", broken);
        let new = deploy(&mut world, "app:bad", true);
        assert!(
            world.advance_until(600, |world| events(world, from).len() == 4),
            "{broken:?}: {:?}",
            events(&world, from)
        );
        let expected =
            [("IN_PROGRESS", &new), ("FAILED", &new), ("IN_PROGRESS", &old), ("COMPLETED", &old)];
        assert_eq!(
            events(&world, from),
            expected.map(|(name, id)| (name.to_owned(), id.clone())),
            "{broken:?}"
        );
        let shown = describe(&mut world, "web");
        assert_eq!((&shown["deployments"][0]["id"], &shown["runningCount"]), (&old, &json!(2)));
        assert!(
            shown["taskDefinition"].as_str().unwrap().ends_with("web:1"),
            "the service is back, too"
        );
        assert!(states(&world, &group).iter().filter(|state| **state == "healthy").count() >= 2);
        let failed = world
            .eventbridge
            .events()
            .iter()
            .find(|event| event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_FAILED");
        let detail = &failed.unwrap()["detail"];
        assert_eq!(detail["reason"], "ECS deployment circuit breaker: task failed to start.");
        assert_eq!(detail["eventType"], "ERROR");
    }
}

#[test]
fn without_rollback_the_deployment_fails_and_the_old_tasks_stay() {
    let (mut world, _) = bridge_world(2, 2);
    let from = world.eventbridge.events().len();
    world.break_image("app:bad", Broken::CannotBePulled);
    let new = deploy(&mut world, "app:bad", false);
    world.advance_secs(120);
    assert_eq!(events(&world, from).last(), Some(&("FAILED".to_owned(), new.clone())));
    let shown = describe(&mut world, "web");
    assert_eq!(
        (&shown["deployments"][0]["id"], &shown["deployments"][0]["rolloutState"]),
        (&new, &json!("FAILED"))
    );
    assert_eq!(shown["runningCount"], 2);
    let failed = shown["deployments"][0]["failedTasks"].as_u64().unwrap();
    assert!(failed >= 3, "{failed}");
    world.advance_secs(120);
    assert_eq!(
        describe(&mut world, "web")["deployments"][0]["failedTasks"],
        failed,
        "no further task is started"
    );
    // A working image is deployed.
    let good = deploy(&mut world, "app:good", true);
    world.advance_secs(180);
    assert_eq!(events(&world, from).last(), Some(&("COMPLETED".to_owned(), good)));
}

#[test]
fn without_a_breaker_the_deployment_continues_until_the_image_is_restored() {
    let (mut world, _) = bridge_world(2, 2);
    world.break_image("app:bad", Broken::CannotBePulled);
    let input = json!({"deploymentCircuitBreaker": {"enable": false, "rollback": false}});
    deploy(&mut world, "app:bad", false);
    update(&mut world, json!({"deploymentConfiguration": input}));
    world.advance_secs(300);
    let shown = describe(&mut world, "web");
    assert_eq!(
        (&shown["deployments"][0]["rolloutState"], &shown["runningCount"]),
        (&json!("IN_PROGRESS"), &json!(2))
    );
    world.restore_image("app:bad");
    world.advance_secs(180);
    assert_eq!(describe(&mut world, "web")["deployments"][0]["rolloutState"], "COMPLETED");
}
