//! The order of rules, and the effect of each kind of fault on a call.

use super::*;

fn create(name: &str) -> Value {
    json!({ "QueueName": name })
}

fn code(outcome: Option<Result<Reply, ApiError>>) -> String {
    match outcome {
        None => "lost".to_owned(),
        Some(Ok(_)) => "ok".to_owned(),
        Some(Err(error)) => format!("{} {}", error.status, error.code),
    }
}

fn create_queue(world: &mut World, name: &str) -> String {
    code(call(world, Service::Sqs, "CreateQueue", &create(name)))
}

#[test]
fn rules_are_consumed_in_order() {
    let mut world = World::new(1, 0);
    world.faults.add(Rule::new(Service::Sqs, "CreateQueue", Fault::Throttle).skip(1).times(2));
    world
        .faults
        .add(Rule::new(Service::Sqs, "CreateQueue", Fault::AccessDenied).containing("\"x\""));
    world.faults.add(Rule::new(Service::Ecs, "CreateQueue", Fault::LoseRequest).forever());
    let seen: Vec<String> =
        ["a", "a", "x", "a", "x", "x"].map(|name| create_queue(&mut world, name)).into();
    assert_eq!(
        seen,
        ["ok", "400 RequestThrottled", "400 RequestThrottled", "ok", "403 AccessDenied", "ok"]
    );
    let applied: Vec<u32> = world.faults.rules().iter().map(Rule::applied).collect();
    assert_eq!(applied, [2, 1, 0]);
    assert_eq!(world.faults.applied().len(), 3);
    assert_eq!(world.calls.of("CreateQueue").count(), 6);
}

#[test]
fn a_lost_answer_was_performed_and_a_lost_request_was_not() {
    let mut world = World::new(1, 0);
    world.faults.add(Rule::any(Fault::LoseAnswer));
    world.faults.add(Rule::any(Fault::LoseRequest));
    assert_eq!(create_queue(&mut world, "a"), "lost");
    assert_eq!(create_queue(&mut world, "b"), "lost");
    assert!(world.sqs.queue("a").is_some());
    assert!(world.sqs.queue("b").is_none());
}

#[test]
fn latency_and_delay_advance_the_clock() {
    let mut world = World::new(1, 0);
    world.faults.latency_ms = 40;
    world.faults.add(Rule::any(Fault::Delay { ms: 500 }));
    create_queue(&mut world, "a");
    create_queue(&mut world, "b");
    assert_eq!(world.now_ms(), 580);
    world.call(Caller::Person, Service::Sqs, "CreateQueue", &create("c")).unwrap();
    assert_eq!(world.now_ms(), 580);
}

#[test]
fn a_list_is_cut_with_and_without_failures() {
    let whole = json!({"tasks": [{"taskArn": "t1"}, {"taskArn": "t2"}], "failures": []});
    let mut silent = Reply::from(whole.clone());
    truncate(&mut silent, "tasks", 1, None);
    assert_eq!(silent.into_value(), json!({"tasks": [{"taskArn": "t1"}], "failures": []}));
    let mut cut = Reply::from(whole);
    truncate(&mut cut, "tasks", 0, Some("MISSING"));
    let failures = json!([{"arn": "t1", "reason": "MISSING"}, {"arn": "t2", "reason": "MISSING"}]);
    assert_eq!(cut.into_value(), json!({"tasks": [], "failures": failures}));
}

#[test]
fn a_storm_is_the_same_for_the_same_seed() {
    let run = |seed| {
        let mut world = World::new(1, 0);
        world.faults.storm(seed, 50);
        (0..64).map(|n| create_queue(&mut world, &format!("q{n}"))).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let failed = run(7).iter().filter(|outcome| *outcome != "ok").count();
    assert!((16..48).contains(&failed), "{failed}");
}
