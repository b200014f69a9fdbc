//! Injected faults, and how ECS reacts.

use super::{START, bridge_world, describe_task, everything_is_registered, states, update, web};
use crate::World;
use crate::api::{Caller, Service};
use crate::ecs::{Answer, RegisterAt, Replaces};
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use crate::truth;
use serde_json::json;

#[test]
fn a_kept_target_turns_healthy_with_another_services_task_behind_it() {
    let (mut world, group) = bridge_world(1, 1);
    let api_group = world.make_alb_group("api-tg", TargetType::Instance).unwrap();
    world.keep_targets("shop/web", 1);
    update(&mut world, json!({"desiredCount": 0}));
    world.advance_secs(60);
    assert_eq!(states(&world, &group), ["unhealthy"], "no program listens");
    let (instance, port, _) = truth::registered(&world, &group).remove(0);
    world.restart_agent(&instance).unwrap();
    let api =
        ServiceSpec::new("shop", "api").container("api", &[9000]).behind(&api_group, "api", 9000);
    world.make_service(&api).unwrap();
    world.advance_secs(120);
    assert_eq!(truth::answering(&world, &instance, port).unwrap().service, "api");
    assert_eq!(states(&world, &group), ["healthy"], "green, with the wrong program");
    assert_eq!(truth::owner(&world, &group, &instance, port), None);
    let stale = json!({"TargetGroupArn": group, "Targets": [{"Id": instance, "Port": port}]});
    world.call(Caller::Client, Service::Elbv2, "DeregisterTargets", &stale).unwrap();
    assert!(!world.elbv2.writes().last().unwrap().is_wrong_deregistration());
    let right = json!({"TargetGroupArn": api_group, "Targets": [{"Id": instance, "Port": port}]});
    world.call(Caller::Client, Service::Elbv2, "DeregisterTargets", &right).unwrap();
    let wrong = world.elbv2.writes().last().unwrap();
    assert!(wrong.is_wrong_deregistration() && wrong.caller == Caller::Client, "{wrong:?}");
}

#[test]
fn lost_delayed_and_late_registrations() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 1).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.ecs.timing.register_at = RegisterAt::AfterRunning(20);
    world.lose_registrations("shop/web", 1);
    world.make_service(&web(&group)).unwrap();
    world.advance_secs(60);
    assert_eq!(states(&world, &group), [""; 0]);
    assert!(!everything_is_registered(&world));
    assert_eq!(
        world.running_tasks("shop/web").unwrap().len(),
        1,
        "ECS does not replace it by default"
    );
    world.ecs.behaviour.replaces = Replaces::UnhealthyOrUnregistered;
    world.delay_registrations("shop/web", 30);
    world.advance_secs(40);
    assert_eq!(states(&world, &group), [""; 0], "20 s lag and 30 s delay");
    world.advance_secs(60);
    assert_eq!(states(&world, &group), ["healthy"]);
}

#[test]
fn crashed_and_unhealthy_tasks_are_replaced() {
    let (mut world, group) = bridge_world(2, 2);
    let tasks = world.running_tasks("shop/web").unwrap();
    world.kill_task(&tasks[0]).unwrap();
    world.set_answer(&tasks[1], Answer::Status(502)).unwrap();
    world.advance_secs(120);
    let now = world.running_tasks("shop/web").unwrap();
    assert!(now.len() == 2 && !now.contains(&tasks[0]) && !now.contains(&tasks[1]), "{now:?}");
    let killed = describe_task(&mut world, &tasks[0]);
    assert_eq!(
        (&killed["stopCode"], &killed["lastStatus"]),
        (&json!("EssentialContainerExited"), &json!("STOPPED"))
    );
    assert_eq!(killed["containers"][0]["exitCode"], 137);
    let sick = describe_task(&mut world, &tasks[1]);
    let reason = format!("Task failed ELB health checks in (target-group {group})");
    assert_eq!(
        (&sick["stopCode"], &sick["stoppedReason"]),
        (&json!("ServiceSchedulerInitiated"), &json!(reason))
    );
    let described = world
        .person_ecs("DescribeServices", &json!({"cluster": "shop", "services": ["web"]}))
        .unwrap();
    let events: Vec<&str> = described["services"][0]["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect();
    let unhealthy: Vec<&&str> =
        events.iter().filter(|event| event.contains(" is unhealthy in ")).collect();
    assert_eq!(unhealthy.len(), 1, "one message: {events:#?}");
    assert!(
        unhealthy[0].starts_with(&format!(
            "(service web) (task {}) (instance i-",
            tasks[1].rsplit('/').next().unwrap()
        )),
        "{unhealthy:?}"
    );
    let end = format!(
        "is unhealthy in (target-group {group}) due to (reason Health checks failed with these codes: [502])"
    );
    assert!(unhealthy[0].ends_with(&end), "{unhealthy:?}");
    assert!(events[0].ends_with(" has reached a steady state."), "{events:#?}");
    assert_eq!(states(&world, &group).iter().filter(|state| **state == "healthy").count(), 2);
    world.advance_secs(3600);
    let answer = world
        .person_ecs("DescribeTasks", &json!({"cluster": "shop", "tasks": [tasks[0]]}))
        .unwrap();
    assert_eq!(answer["failures"][0]["reason"], "MISSING", "stopped tasks are shown for one hour");
}

#[test]
fn orphans_keep_running_unregistered_and_terminated_instances_end_their_tasks() {
    let (mut world, group) = bridge_world(3, 3);
    let instances: Vec<String> =
        truth::registered(&world, &group).into_iter().map(|(id, ..)| id).collect();
    let old = world.running_tasks("shop/web").unwrap();
    world.force_deregister_instance(&instances[0]).unwrap();
    world.terminate_instance(&instances[1]).unwrap();
    assert_eq!(
        truth::answering(&world, &instances[0], 32_768).unwrap().service,
        "web",
        "the orphan's program runs on"
    );
    assert_eq!(truth::answering(&world, &instances[1], 32_768), None);
    assert!(world.elbv2.writes().iter().all(|write| !write.is_wrong_deregistration()));
    world.advance_secs(60);
    let live = truth::live_targets(&world);
    assert_eq!(live.len(), 3);
    assert!(live.iter().all(|live| live.id == instances[2]) && everything_is_registered(&world));
    assert_eq!(
        world.running_tasks("shop/web").unwrap().iter().filter(|task| old.contains(task)).count(),
        1
    );
}

#[test]
fn a_disconnected_agent_reports_nothing_until_it_reconnects() {
    let (mut world, group) = bridge_world(1, 1);
    let (instance, port, _) = truth::registered(&world, &group).remove(0);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    world.disconnect_agent(&instance).unwrap();
    world.kill_task(&task).unwrap();
    world.advance_secs(60);
    let shown = describe_task(&mut world, &task);
    assert_eq!(
        (&shown["lastStatus"], &shown["connectivity"]),
        (&json!("RUNNING"), &json!("DISCONNECTED"))
    );
    assert_eq!(truth::answering(&world, &instance, port), None);
    let listed = world.person_ecs("ListContainerInstances", &json!({"cluster": "shop"})).unwrap();
    let input = json!({"cluster": "shop", "containerInstances": listed["containerInstanceArns"]});
    let shown =
        world.person_ecs("DescribeContainerInstances", &input).unwrap()["containerInstances"][0]
            .clone();
    assert_eq!(
        (&shown["agentConnected"], &shown["ec2InstanceId"]),
        (&json!(false), &json!(instance))
    );
    world.reconnect_agent(&instance).unwrap();
    world.advance_secs(60);
    assert!(everything_is_registered(&world));
    assert_ne!(world.running_tasks("shop/web").unwrap(), [task]);
}

#[test]
fn draining_instances_lose_their_service_tasks_and_keep_standalone_tasks() {
    let (mut world, group) = bridge_world(2, 2);
    let listed = world.person_ecs("ListContainerInstances", &json!({"cluster": "shop"})).unwrap();
    let first = listed["containerInstanceArns"][0].clone();
    let run = json!({"cluster": "shop", "taskDefinition": "web", "group": "service:web", "startedBy": "me"});
    let ran = world.person_ecs("RunTask", &run).unwrap()["tasks"][0]["taskArn"].clone();
    let drain = json!({"cluster": "shop", "containerInstances": [first], "status": "DRAINING"});
    world.person_ecs("UpdateContainerInstancesState", &drain).unwrap();
    world.advance_secs(60);
    let on_it = json!({"cluster": "shop", "containerInstance": first, "family": "web"});
    let left = world.person_ecs("ListTasks", &on_it).unwrap()["taskArns"].clone();
    assert!(left.as_array().unwrap().iter().all(|arn| *arn == ran), "{left}");
    assert_eq!(states(&world, &group).iter().filter(|state| **state == "healthy").count(), 2);
    assert!(truth::live_targets(&world).iter().all(|live| json!(live.task_arn) != ran));
}

#[test]
fn a_port_reused_before_ecs_deregisters_it_costs_the_new_task_its_target() {
    let (mut world, group) = bridge_world(1, 1);
    let (instance, port, _) = truth::registered(&world, &group).remove(0);
    let first = world.running_tasks("shop/web").unwrap().remove(0);
    world.restart_agent(&instance).unwrap();
    update(&mut world, json!({"desiredCount": 2}));
    let pending = |world: &mut World| {
        let tasks = world.running_tasks("shop/web").unwrap();
        tasks.iter().any(|task| describe_task(world, task)["lastStatus"] == "PENDING")
    };
    assert!(world.advance_until(10, pending));
    world.advance_secs(2);
    world.kill_task(&first).unwrap();
    world.advance_secs(3);
    let wrong = world.elbv2.writes().last().unwrap();
    assert!(wrong.is_wrong_deregistration() && wrong.caller == Caller::Ecs, "{wrong:?}");
    assert_eq!((&wrong.id, wrong.port), (&instance, port));
    assert!(
        !everything_is_registered(&world),
        "the second task has the first one's port and lost its target"
    );
}
