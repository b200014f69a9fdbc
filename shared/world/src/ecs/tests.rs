//! ECS as its API, its events and the target groups show it.

use crate::World;
use crate::api::{Caller, Service};
use crate::ecs::{Answer, CodeDeployStep, RegisterAt, Replaces};
use crate::elb::TargetType;
use crate::scenario::ServiceSpec;
use crate::truth;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const START: u64 = 1_700_000_000_000;

fn web(group: &str) -> ServiceSpec {
    ServiceSpec::new("shop", "web").container("app", &[8080]).behind(group, "app", 8080)
}

/// A cluster with so many instances and one bridge service of `desired` tasks behind `web-tg`, running.
fn bridge_world(instances: usize, desired: u32) -> (World, String) {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", instances).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.make_service(&web(&group).desired(desired)).unwrap();
    world.advance_secs(30);
    (world, group)
}

fn describe(world: &mut World, name: &str) -> Value {
    let answer = world.person_ecs("DescribeServices", &json!({"cluster": "shop", "services": [name]})).unwrap();
    answer["services"][0].clone()
}

fn describe_task(world: &mut World, task: &str) -> Value {
    let answer = world.person_ecs("DescribeTasks", &json!({"cluster": "shop", "tasks": [task]})).unwrap();
    answer["tasks"][0].clone()
}

fn update(world: &mut World, mut change: Value) {
    change["cluster"] = json!("shop");
    change["service"] = json!("web");
    world.person_ecs("UpdateService", &change).unwrap();
}

fn states(world: &World, group: &str) -> Vec<&'static str> {
    truth::registered(world, group).into_iter().map(|(_, _, state)| state).collect()
}

/// Every target that a running task should have is registered in its group.
fn everything_is_registered(world: &World) -> bool {
    truth::live_targets(world).iter().filter(|live| live.desired_status == "RUNNING").all(|live| {
        truth::registered(world, &live.target_group_arn)
            .iter()
            .any(|(id, port, state)| *id == live.id && *port == live.port && *state != "draining")
    })
}

fn error(world: &mut World, operation: &str, input: &Value) -> String {
    world.person_ecs(operation, input).unwrap_err().to_string()
}

#[test]
fn a_bridge_service_comes_up_registered_and_healthy() {
    let (mut world, group) = bridge_world(3, 3);
    let registered = truth::registered(&world, &group);
    assert_eq!(registered.iter().map(|(id, ..)| id).collect::<BTreeSet<_>>().len(), 3, "spread over the instances");
    assert!(registered.iter().all(|(_, port, state)| *port == 32_768 && *state == "healthy"), "{registered:?}");
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(shown["events"][0]["message"], "(service web) has reached a steady state.");
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let task = describe_task(&mut world, &task);
    assert_eq!(task["startedBy"], shown["deployments"][0]["id"]);
    let bindings = task["containers"][0]["networkBindings"].as_array().unwrap();
    assert_eq!(bindings.iter().map(|b| b["bindIP"].as_str().unwrap()).collect::<Vec<_>>(), ["0.0.0.0", "::"]);
    assert!(everything_is_registered(&world));
}

#[test]
fn a_rolling_deployment_never_has_too_few_healthy_targets_and_keeps_old_groups_for_old_tasks() {
    let (mut world, group) = bridge_world(2, 4);
    let other = world.make_alb_group("other-tg", TargetType::Instance).unwrap();
    let before = describe(&mut world, "web")["deployments"][0]["id"].clone();
    update(
        &mut world,
        json!({"loadBalancers": [{"targetGroupArn": other, "containerName": "app", "containerPort": 8080}]}),
    );
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 2);
    assert_eq!(shown["loadBalancers"][0]["targetGroupArn"], json!(other));
    assert_eq!(shown["currentServiceRevisions"].as_array().unwrap().len(), 2);
    let live: BTreeSet<String> = truth::live_targets(&world).into_iter().map(|live| live.target_group_arn).collect();
    assert_eq!(live, BTreeSet::from([group.clone()]), "tasks of the old revision belong to the old group");
    for _ in 0..90 {
        world.advance_secs(1);
        let healthy = [&group, &other].map(|group| states(&world, group)).concat();
        assert!(healthy.iter().filter(|state| **state == "healthy").count() >= 4, "{healthy:?}");
    }
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
    assert_ne!(shown["deployments"][0]["id"], before);
    assert_eq!(states(&world, &other), ["healthy"; 4]);
    assert_eq!(states(&world, &group), ["draining"; 4]);
    world.advance_secs(300);
    assert_eq!(states(&world, &group), [""; 0]);
}

#[test]
fn a_kept_target_turns_healthy_with_another_services_task_behind_it() {
    let (mut world, group) = bridge_world(1, 1);
    let api_group = world.make_alb_group("api-tg", TargetType::Instance).unwrap();
    world.keep_targets("shop/web", 1);
    update(&mut world, json!({"desiredCount": 0}));
    world.advance_secs(60);
    assert_eq!(states(&world, &group), ["unhealthy"], "nobody listens");
    let (instance, port, _) = truth::registered(&world, &group).remove(0);
    world.restart_agent(&instance).unwrap();
    let api = ServiceSpec::new("shop", "api").container("api", &[9000]).behind(&api_group, "api", 9000);
    world.make_service(&api).unwrap();
    world.advance_secs(120);
    assert_eq!(truth::answering(&world, &instance, port).unwrap().service, "api");
    assert_eq!(states(&world, &group), ["healthy"], "green, with the wrong program");
    assert_eq!(truth::owner(&world, &group, &instance, port), None);
    let stale = json!({"TargetGroupArn": group, "Targets": [{"Id": instance, "Port": port}]});
    world.call(Caller::Client, Service::Elb, "DeregisterTargets", &stale).unwrap();
    assert!(!world.elb.writes().last().unwrap().is_wrong_deregistration());
    let right = json!({"TargetGroupArn": api_group, "Targets": [{"Id": instance, "Port": port}]});
    world.call(Caller::Client, Service::Elb, "DeregisterTargets", &right).unwrap();
    let wrong = world.elb.writes().last().unwrap();
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
    assert_eq!(world.running_tasks("shop/web").unwrap().len(), 1, "ECS does not replace it by default");
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
    assert_eq!((&killed["stopCode"], &killed["lastStatus"]), (&json!("EssentialContainerExited"), &json!("STOPPED")));
    assert_eq!(killed["containers"][0]["exitCode"], 137);
    let sick = describe_task(&mut world, &tasks[1]);
    assert!(sick["stoppedReason"].as_str().unwrap().starts_with("Task failed ELB health checks in (target-group arn:"));
    assert_eq!(states(&world, &group).iter().filter(|state| **state == "healthy").count(), 2);
    world.advance_secs(3600);
    let answer = world.person_ecs("DescribeTasks", &json!({"cluster": "shop", "tasks": [tasks[0]]})).unwrap();
    assert_eq!(answer["failures"][0]["reason"], "MISSING", "stopped tasks are shown for one hour");
}

#[test]
fn blue_green_deployments_alternate_between_the_groups() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 2).unwrap();
    let front = world.make_alb("blue-tg", TargetType::Instance).unwrap();
    let green = world.make_bare_group("green-tg", TargetType::Instance).unwrap();
    let spec = ServiceSpec::new("shop", "web")
        .container("app", &[8080])
        .behind_blue_green(&front, &green, "app", 8080)
        .desired(2)
        .with("deploymentConfiguration", json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}));
    world.make_service(&spec).unwrap();
    world.advance_secs(60);
    for (live, idle) in [(&green, &front.group), (&front.group, &green)] {
        let named: Vec<String> = world.elb.traffic(&front.rule).into_iter().map(|(group, _)| group).collect();
        assert_eq!(named, [idle.clone()]);
        update(&mut world, json!({"forceNewDeployment": true}));
        world.advance_secs(45);
        assert_eq!(world.elb.traffic(&front.rule), [(live.clone(), 100)], "shifted, baking");
        assert_eq!(states(&world, idle).iter().filter(|state| **state == "healthy").count(), 2, "blue is kept");
        assert!(everything_is_registered(&world));
        world.advance_secs(420);
        let shown = describe(&mut world, "web");
        assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(states(&world, live), ["healthy"; 2]);
        assert_eq!(states(&world, idle), [""; 0]);
        let arn = &shown["currentServiceRevisions"][0]["arn"];
        let input = json!({"serviceRevisionArns": [arn]});
        let revision = world.person_ecs("DescribeServiceRevisions", &input).unwrap()["serviceRevisions"][0].clone();
        assert_eq!(revision["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"], json!(live));
        assert_eq!(revision["loadBalancers"][0]["targetGroupArn"], json!(front.group), "settings do not alternate");
    }
}

#[test]
fn a_rollback_makes_the_old_deployment_primary_again() {
    let (mut world, group) = bridge_world(2, 2);
    let before = describe(&mut world, "web")["deployments"][0]["id"].clone();
    update(&mut world, json!({"forceNewDeployment": true}));
    world.advance_secs(5);
    assert!(world.roll_back("shop/web"));
    world.advance_secs(60);
    let shown = describe(&mut world, "web");
    assert_eq!(shown["deployments"][0]["id"], before);
    assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(states(&world, &group).iter().filter(|state| **state == "healthy").count(), 2);
    assert!(!world.roll_back("shop/web"), "nothing is in progress");
}

#[test]
fn code_deploy_and_external_services_keep_groups_by_task_set() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    let front = world.make_alb("blue-tg", TargetType::Ip).unwrap();
    let green = world.make_bare_group("green-tg", TargetType::Ip).unwrap();
    let spec = ServiceSpec::new("shop", "web").fargate().container("app", &[80]).behind(&front.group, "app", 80);
    let spec = spec.with("deploymentController", json!({"type": "CODE_DEPLOY"}));
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let id = world.start_code_deploy("shop/web", "web", &green).unwrap();
    world.advance_secs(30);
    let shown = describe(&mut world, "web");
    assert_eq!(shown["taskSets"].as_array().unwrap().len(), 2);
    assert_eq!(shown["taskSets"][0]["loadBalancers"][0]["targetGroupArn"], json!(green));
    assert_eq!((states(&world, &front.group), states(&world, &green)), (vec!["healthy"], vec!["unused"]));
    assert!(everything_is_registered(&world));
    world.code_deploy("shop/web", CodeDeployStep::ShiftTraffic, &front.rule).unwrap();
    world.code_deploy("shop/web", CodeDeployStep::TerminateOriginal, &front.rule).unwrap();
    world.advance_secs(330);
    assert_eq!((states(&world, &front.group), states(&world, &green)), (vec![], vec!["healthy"]));
    let tasks = world.running_tasks("shop/web").unwrap();
    assert_eq!(describe_task(&mut world, &tasks[0])["startedBy"], json!(format!("ecs-svc/{id}")));

    let external = json!({"cluster": "shop", "serviceName": "ext", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}});
    world.person_ecs("CreateService", &external).unwrap();
    let subnets = world.default_subnets();
    let set = json!({
        "cluster": "shop", "service": "ext", "taskDefinition": "web", "launchType": "FARGATE",
        "scale": {"value": 50.0, "unit": "PERCENT"},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}},
        "loadBalancers": [{"targetGroupArn": green, "containerName": "app", "containerPort": 80}],
    });
    let created = world.person_ecs("CreateTaskSet", &set).unwrap();
    world.advance_secs(30);
    assert_eq!(world.running_tasks("shop/ext").unwrap().len(), 1, "half of two");
    let answer = world.person_ecs("DescribeTaskSets", &json!({"cluster": "shop", "service": "ext"})).unwrap();
    assert_eq!(answer["taskSets"][0]["id"], created["taskSet"]["id"]);
    assert_eq!(answer["taskSets"][0]["stabilityStatus"], "STEADY_STATE");
}

#[test]
fn host_mode_reports_no_bindings_and_takes_one_task_per_instance() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 2).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.make_service(&web(&group).host().desired(3)).unwrap();
    world.advance_secs(30);
    let tasks = world.running_tasks("shop/web").unwrap();
    assert_eq!(tasks.len(), 2, "the port is taken on both instances");
    assert_eq!(describe_task(&mut world, &tasks[0])["containers"][0]["networkBindings"], json!([]));
    assert!(truth::registered(&world, &group).iter().all(|(_, port, state)| *port == 8080 && *state == "healthy"));
}

#[test]
fn v6_bindings_may_have_other_ports_and_ranges_are_kept_together() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world.make_instances("shop", 1).unwrap();
    let group = world.make_alb_group("web-tg", TargetType::Instance).unwrap();
    world.ecs.behaviour.separate_v6_ports = true;
    let mut spec = web(&group).behind(&group, "app", 9001);
    spec.containers[0].port_mappings.push(json!({"containerPortRange": "9000-9002"}));
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let bindings = describe_task(&mut world, &task)["containers"][0]["networkBindings"].clone();
    assert_ne!(bindings[0]["hostPort"], bindings[1]["hostPort"]);
    assert_eq!(
        (&bindings[2]["containerPortRange"], &bindings[2]["hostPortRange"]),
        (&json!("9000-9002"), &json!("32770-32772"))
    );
    let ports: Vec<u16> = truth::registered(&world, &group).into_iter().map(|(_, port, _)| port).collect();
    assert_eq!(ports, [32_768, 32_771], "the second port of the range");
}

#[test]
fn awsvpc_addresses_are_reused_lowest_first() {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    let subnet = world.default_subnets().remove(0);
    let group = world.make_alb_group("web-tg", TargetType::Ip).unwrap();
    let mut spec = web(&group).fargate();
    spec.subnets = vec![subnet];
    world.make_service(&spec).unwrap();
    world.advance_secs(30);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let shown = describe_task(&mut world, &task);
    assert_eq!(shown["attachments"][0]["type"], "ElasticNetworkInterface");
    assert_eq!(shown["containers"][0]["networkInterfaces"][0]["privateIpv4Address"], "10.0.0.4");
    assert_eq!(truth::registered(&world, &group), [("10.0.0.4".to_owned(), 8080, "healthy")]);
    world.keep_targets("shop/web", 1);
    update(&mut world, json!({"desiredCount": 0}));
    world.advance_secs(30);
    let api_group = world.make_alb_group("api-tg", TargetType::Ip).unwrap();
    let mut api = ServiceSpec::new("shop", "api").fargate().container("api", &[8080]).behind(&api_group, "api", 8080);
    api.subnets.clone_from(&spec.subnets);
    world.make_service(&api).unwrap();
    world.advance_secs(120);
    assert_eq!(truth::answering(&world, "10.0.0.4", 8080).unwrap().service, "api");
    assert_eq!(states(&world, &group), ["healthy"]);
}

#[test]
fn orphans_run_on_unregistered_and_terminated_instances_take_their_tasks_along() {
    let (mut world, group) = bridge_world(3, 3);
    let instances: Vec<String> = truth::registered(&world, &group).into_iter().map(|(id, ..)| id).collect();
    let old = world.running_tasks("shop/web").unwrap();
    world.force_deregister_instance(&instances[0]).unwrap();
    world.terminate_instance(&instances[1]).unwrap();
    assert_eq!(truth::answering(&world, &instances[0], 32_768).unwrap().service, "web", "the orphan's program runs on");
    assert_eq!(truth::answering(&world, &instances[1], 32_768), None);
    assert!(world.elb.writes().iter().all(|write| !write.is_wrong_deregistration()));
    world.advance_secs(60);
    let live = truth::live_targets(&world);
    assert_eq!(live.len(), 3);
    assert!(live.iter().all(|live| live.id == instances[2]) && everything_is_registered(&world));
    assert_eq!(world.running_tasks("shop/web").unwrap().iter().filter(|task| old.contains(task)).count(), 1);
}

#[test]
fn a_disconnected_agent_reports_nothing_until_it_is_back() {
    let (mut world, group) = bridge_world(1, 1);
    let (instance, port, _) = truth::registered(&world, &group).remove(0);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    world.disconnect_agent(&instance).unwrap();
    world.kill_task(&task).unwrap();
    world.advance_secs(60);
    let shown = describe_task(&mut world, &task);
    assert_eq!((&shown["lastStatus"], &shown["connectivity"]), (&json!("RUNNING"), &json!("DISCONNECTED")));
    assert_eq!(truth::answering(&world, &instance, port), None);
    let listed = world.person_ecs("ListContainerInstances", &json!({"cluster": "shop"})).unwrap();
    let input = json!({"cluster": "shop", "containerInstances": listed["containerInstanceArns"]});
    let shown = world.person_ecs("DescribeContainerInstances", &input).unwrap()["containerInstances"][0].clone();
    assert_eq!((&shown["agentConnected"], &shown["ec2InstanceId"]), (&json!(false), &json!(instance)));
    world.reconnect_agent(&instance).unwrap();
    world.advance_secs(60);
    assert!(everything_is_registered(&world));
    assert_ne!(world.running_tasks("shop/web").unwrap(), [task]);
}

#[test]
fn lists_are_paged_and_batches_are_limited() {
    let (mut world, group) = bridge_world(2, 130);
    assert_eq!(world.running_tasks("shop/web").unwrap().len(), 100, "the first page");
    let (mut token, mut seen) = (Value::Null, BTreeSet::new());
    loop {
        let input = json!({"cluster": "shop", "maxResults": 50, "nextToken": token});
        let answer = world.person_ecs("ListTasks", &input).unwrap();
        seen.extend(answer["taskArns"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()));
        token = answer["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 130);
    let too_many: Vec<&String> = seen.iter().take(101).collect();
    assert!(
        error(&mut world, "DescribeTasks", &json!({"cluster": "shop", "tasks": too_many})).contains("more than 100")
    );
    let eleven: Vec<String> = (0..11).map(|n| format!("s{n}")).collect();
    assert!(
        error(&mut world, "DescribeServices", &json!({"cluster": "shop", "services": eleven})).contains("more than 10")
    );
    let both = json!({"cluster": "shop", "startedBy": "ecs-svc/1", "desiredStatus": "STOPPED"});
    assert!(error(&mut world, "ListTasks", &both).contains("only filter"));
    for n in 0..10 {
        world.make_service(&ServiceSpec { name: format!("s{n}"), ..web(&group).desired(0) }).unwrap();
    }
    let answer = world.person_ecs("ListServices", &json!({"cluster": "shop"})).unwrap();
    assert_eq!(answer["serviceArns"].as_array().unwrap().len(), 10, "the default page");
    assert!(answer["nextToken"].is_string());
}

#[test]
fn stale_reads_show_the_version_before_and_stopped_tasks_are_listed_apart() {
    let (mut world, _) = bridge_world(1, 1);
    let task = world.running_tasks("shop/web").unwrap().remove(0);
    let fresh = describe_task(&mut world, &task);
    world.stale_reads(1);
    let stale = describe_task(&mut world, &task);
    assert_eq!((&stale["lastStatus"], &fresh["lastStatus"]), (&json!("ACTIVATING"), &json!("RUNNING")));
    assert_eq!(stale["version"].as_u64().unwrap() + 1, fresh["version"].as_u64().unwrap());
    assert_eq!(describe_task(&mut world, &task), fresh);
    world.interrupt_task(&task).unwrap();
    let shown = describe_task(&mut world, &task);
    assert_eq!((&shown["lastStatus"], &shown["desiredStatus"]), (&json!("RUNNING"), &json!("STOPPED")));
    assert!(!world.running_tasks("shop/web").unwrap().contains(&task));
    let stopped = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    assert_eq!(world.person_ecs("ListTasks", &stopped).unwrap()["taskArns"], json!([task]));
}

#[test]
fn events_have_the_members_of_the_published_samples() {
    let sample = include_str!("../../../../events/task-stopped-fargate-2024.json");
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
    let events: Vec<Value> = world.bus.events().iter().filter(of_task).cloned().collect();
    let statuses: Vec<&str> = events.iter().map(|event| event["detail"]["lastStatus"].as_str().unwrap()).collect();
    let life = "PROVISIONING PENDING ACTIVATING RUNNING RUNNING DEACTIVATING STOPPING DEPROVISIONING STOPPED";
    assert_eq!(statuses.join(" "), life);
    let versions: Vec<u64> = events.iter().map(|event| event["detail"]["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (1..=9).collect::<Vec<u64>>(), "as in the sample, STOPPED is version 9");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let last = events.last().unwrap();
    assert_eq!(keys(last), keys(&sample));
    let ours_only: Vec<String> = keys(&last["detail"]).difference(&keys(&sample["detail"])).cloned().collect();
    assert_eq!(ours_only, ["platformFamily"], "which other samples have");
    assert_eq!(keys(&sample["detail"]).difference(&keys(&last["detail"])).count(), 0);
    let attachments = |event: &Value| {
        let list = event["detail"]["attachments"].as_array().unwrap().clone();
        list.iter().map(|a| format!("{}:{}", a["type"], a["status"])).collect::<Vec<_>>()
    };
    assert_eq!(attachments(last), attachments(&sample));
    assert!(last["detail"]["containers"][0].get("networkBindings").is_none() && last["detail"].get("tags").is_none());
    assert!(last["detail"]["stoppedAt"].as_str().unwrap().ends_with('Z') && last["time"].as_str().unwrap().len() == 20);
}

#[test]
fn deployment_and_service_events_say_what_the_samples_say() {
    let (world, _) = bridge_world(1, 1);
    let of_type = |detail_type: &str| {
        let mut events = world.bus.events().iter().filter(|event| event["detail-type"] == detail_type);
        events.next_back().unwrap().clone()
    };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<String>>().join(" ");
    let deployment = of_type("ECS Deployment State Change");
    assert_eq!(keys(&deployment["detail"]), "deploymentId eventName eventType reason updatedAt");
    assert_eq!(deployment["detail"]["eventName"], "SERVICE_DEPLOYMENT_COMPLETED");
    assert_eq!(deployment["resources"], json!(["arn:aws:ecs:eu-west-1:111122223333:service/shop/web"]));
    let action = of_type("ECS Service Action");
    assert_eq!(keys(&action["detail"]), "clusterArn createdAt eventName eventType");
    assert_eq!(action["detail"]["eventName"], "SERVICE_STEADY_STATE");
}

#[test]
fn create_service_refuses_what_aws_refuses() {
    let (mut world, group) = bridge_world(1, 1);
    let bare = world.make_bare_group("bare-tg", TargetType::Instance).unwrap();
    let api = |group: &str, container: &str, port| {
        ServiceSpec::new("shop", "api").container("app", &[8080]).behind(group, container, port)
    };
    let mut refused = |spec: &ServiceSpec| world.make_service(spec).unwrap_err().to_string();
    assert!(refused(&api(&group, "app", 81)).contains("did not have a container port 81 defined"));
    assert!(refused(&api(&group, "ap", 8080)).contains("The container ap does not exist in the task definition."));
    assert!(refused(&api(&bare, "app", 8080)).contains("does not have an associated load balancer"));
    assert!(refused(&api(&group, "app", 8080).awsvpc()).contains("incompatible with the awsvpc network mode"));
    assert!(refused(&web(&group).desired(5)).contains("not idempotent"));
    assert!(refused(&api(&group, "app", 8080).with("desiredCuont", json!(1))).contains("\"desiredCuont\""));
    assert!(error(&mut world, "RunTusk", &json!({})).contains("does not know ecs:RunTusk"));
    assert!(
        error(&mut world, "DescribeTasks", &json!({"cluster": "shap", "tasks": ["1"]})).contains("ClusterNotFound")
    );
}

#[test]
fn deleting_a_service_drains_it_and_makes_it_inactive() {
    let (mut world, group) = bridge_world(1, 1);
    let revision = describe(&mut world, "web")["currentServiceRevisions"][0]["arn"].clone();
    let input = json!({"cluster": "shop", "service": "web"});
    assert!(error(&mut world, "DeleteService", &input).contains("scaled above 0"));
    world.person_ecs("DeleteService", &json!({"cluster": "shop", "service": "web", "force": true})).unwrap();
    assert_eq!(describe(&mut world, "web")["status"], "DRAINING");
    world.advance_secs(30);
    assert_eq!(describe(&mut world, "web")["status"], "INACTIVE");
    assert_eq!(states(&world, &group), ["draining"]);
    assert!(
        error(&mut world, "DescribeServiceRevisions", &json!({"serviceRevisionArns": [revision]})).contains("INACTIVE")
    );
    world.make_service(&web(&group)).unwrap();
}

#[test]
fn draining_instances_lose_their_service_tasks_and_standalone_tasks_belong_to_nobody() {
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
