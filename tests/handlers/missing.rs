//! Running tasks without their targets: registered once, after the settle time, with one alert.

use portkeeper_tests::shop::{CLUSTER, PERSON_IS_NOT_AWAITED, Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::ecs::RegisterAt;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use serde_json::json;

const ALERTS: [&str; 2] = ["error missing opened", "error missing resolved"];

/// The same if no task of the group receives traffic.
const TOLD_LOUDLY: [&str; 2] = ["critical missing opened", "critical missing resolved"];

/// Creates a service with this many tasks, of which ECS never registers the first few.
fn with_lost_registrations(tasks: u32, lost: u32) -> Shop {
    let shop = Shop::new(2, &[]);
    let group = shop.alb_group("web-tg");
    shop.world().lose_registrations("shop/web", lost);
    shop.make(&behind("web", &group).desired(tasks));
    shop
}

fn registrations(shop: &Shop) -> Vec<String> {
    shop.wanted("web").iter().map(|target| format!("register {target}")).collect()
}

/// Holds C-14.
#[tokio::test]
async fn a_registration_that_ecs_makes_late_is_left_to_ecs() {
    for secs in [0, 20, 80] {
        let mut shop = Shop::new(2, &[]);
        shop.world().ecs.timing.register_at = RegisterAt::AfterRunning(secs);
        let group = shop.alb_group("web-tg");
        shop.make(&behind("web", &group).desired(3));
        shop.run(600).await;
        assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]), "after {secs} s");
        assert_eq!(shop.states("web-tg"), ["healthy"; 3]);
    }
}

/// Holds C-16.
#[tokio::test]
async fn a_target_that_ecs_never_registers_is_registered_once_with_one_alert() {
    let mut shop = with_lost_registrations(1, 1);
    shop.run(1200).await;
    assert_eq!(shop.writes(), registrations(&shop));
    assert_eq!(shop.alerts(), TOLD_LOUDLY);
    assert_eq!(shop.states("web-tg"), ["healthy"]);
    let text = &shop.alert_texts()[0];
    assert!(text.starts_with("repaired: missing in shop/web since 2026-11-23 00:0"), "{text}");
    assert!(text.contains("Registered."), "{text}");
    assert_eq!(shop.record("web")["incidents"], serde_json::Value::Null, "closed");
}

/// Holds C-16: not before two checks have found it, and not before the settle time.
#[tokio::test]
async fn nothing_is_registered_before_the_second_check() {
    let mut shop = with_lost_registrations(1, 1);
    // RUNNING after 8 seconds, the event 90 seconds later, the second check 60 seconds after the
    // first.
    shop.run(150).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
    assert_eq!(shop.record("web")["incidents"][0]["seen"], 1);
    shop.run(30).await;
    assert_eq!(shop.writes(), registrations(&shop));
}

/// Holds C-17.
#[tokio::test]
async fn a_draining_instance_target_of_a_running_task_is_registered_again_after_confirmation() {
    let mut shop = Shop::settled_web(2, 2).await;
    let (id, port, _) = shop.targets("web-tg").remove(0);
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
    assert_eq!(shop.states("web-tg"), ["draining", "healthy"]);
    shop.look("web").await;
    assert_eq!(shop.writes(), [""; 0], "seen once");
    shop.run(300).await;
    assert_eq!(shop.writes(), [format!("register web-tg {id}:{port}")]);
    assert_eq!(
        (shop.states("web-tg"), shop.alerts()),
        (vec!["healthy"; 2], ALERTS.map(str::to_owned).to_vec())
    );
}

/// Holds C-17: ELBv2 refuses an address that is draining, so no registration is attempted.
#[tokio::test]
async fn a_draining_address_is_registered_again_only_after_the_deregistration_delay() {
    let mut shop = Shop::new(0, &PERSON_IS_NOT_AWAITED);
    let group = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    shop.make(
        &ServiceSpec::new(CLUSTER, "web")
            .fargate()
            .container("app", &[80])
            .behind(&group, "app", 80)
            .desired(2),
    );
    shop.settle().await;
    let (id, port, _) = shop.targets("web-tg").remove(0);
    shop.by_hand("DeregisterTargets", &group, &id, port);
    shop.look("web").await;
    shop.run(280).await;
    assert_eq!((shop.writes(), shop.states("web-tg")), (vec![], vec!["draining", "healthy"]));
    shop.run(400).await;
    assert_eq!(shop.writes(), [format!("register web-tg {id}:{port}")]);
    assert_eq!(
        (shop.states("web-tg"), shop.alerts()),
        (vec!["healthy"; 2], ALERTS.map(str::to_owned).to_vec())
    );
}

/// Holds C-30.
#[tokio::test]
async fn one_target_that_aws_refuses_does_not_keep_the_others_out() {
    let mut shop = with_lost_registrations(3, 3);
    shop.pass(30);
    let wanted = shop.wanted("web");
    let bad = wanted[1].split_once(' ').unwrap().1.to_owned();
    let (id, port) = bad.split_once(':').unwrap();
    let named = format!(r#""Id":"{id}","Port":"{port}""#);
    let refusal = Fault::fail("InvalidTarget", "the target is not valid", 400);
    shop.fault(Rule::new(Service::Elbv2, "RegisterTargets", refusal).containing(&named).forever());
    shop.run(200).await;
    let good = |target: &&String| !target.ends_with(&bad);
    let expected: Vec<String> =
        wanted.iter().filter(good).map(|target| format!("register {target}")).collect();
    assert_eq!(shop.writes(), expected);
    let texts = shop.alert_texts().join("\n");
    assert!(
        texts.contains("AWS refused to register it") && texts.contains("the target is not valid"),
        "{texts}"
    );
    shop.world().faults.clear();
    shop.run(900).await;
    assert_eq!(shop.states("web-tg"), ["healthy"; 3], "tried again when it may be accepted");
}

/// Holds I-INTENT, C-30: the answer is lost after the write. The ledger holds the intent, and no
/// alert is sent twice.
#[tokio::test]
async fn a_lost_answer_is_no_lost_repair() {
    let mut shop = with_lost_registrations(1, 1);
    shop.fault(Rule::new(Service::Elbv2, "RegisterTargets", Fault::LoseAnswer).times(4));
    let deliveries = shop.run(200).await;
    assert_eq!(
        deliveries.iter().map(|delivery| delivery.failed).max(),
        Some(1),
        "the message comes back"
    );
    assert_eq!(shop.record("web")["incidents"][0]["code"], "missing");
    shop.run(1200).await;
    let distinct: std::collections::BTreeSet<String> = shop.writes().into_iter().collect();
    assert_eq!(
        distinct.into_iter().collect::<Vec<_>>(),
        registrations(&shop),
        "only the attempts of one call"
    );
    assert_eq!(shop.writes().len(), 4);
    assert_eq!(
        (shop.alerts(), shop.states("web-tg")),
        (TOLD_LOUDLY.map(str::to_owned).to_vec(), vec!["healthy"])
    );
}

#[tokio::test]
async fn a_cold_start_between_two_checks_changes_nothing() {
    let mut shop = with_lost_registrations(2, 1);
    for _ in 0..60 {
        shop.run(20).await;
        shop.stage.cold_start();
    }
    assert_eq!((shop.writes().len(), shop.alerts()), (1, ALERTS.map(str::to_owned).to_vec()));
    assert_eq!(shop.states("web-tg"), ["healthy"; 2]);
}

/// The function finds the task's address in every network mode.
#[tokio::test]
async fn host_and_awsvpc_tasks_are_registered_where_they_answer() {
    for kind in [TargetType::Instance, TargetType::Ip] {
        let mut shop = Shop::new(2, &[]);
        let group = shop.world().make_alb_group("web-tg", kind).unwrap();
        let spec = behind("web", &group).desired(2);
        shop.world().lose_registrations("shop/web", 2);
        shop.make(&if kind == TargetType::Ip { spec.awsvpc() } else { spec.host() });
        shop.run(600).await;
        assert_eq!(shop.writes(), registrations(&shop));
        assert!(
            shop.wanted("web").iter().all(|target| target.ends_with(":8080")),
            "{:?}",
            shop.wanted("web")
        );
        assert_eq!(
            (shop.states("web-tg"), shop.alerts()),
            (vec!["healthy"; 2], TOLD_LOUDLY.map(str::to_owned).to_vec())
        );
    }
}

/// Holds C-33: the targets of an orphaned task are out of scope.
#[tokio::test]
async fn orphans_of_a_force_deregistered_instance_are_not_registered_again() {
    let mut shop = Shop::settled_web(2, 2).await;
    let (id, ..) = shop.targets("web-tg").remove(0);
    shop.world().force_deregister_instance(&id).unwrap();
    shop.look("web").await;
    shop.run(900).await;
    shop.look("web").await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
    assert!(
        shop.targets("web-tg").iter().all(|(other, _, state)| *other != id || *state == "draining")
    );
}

/// Holds C-24, C-16: a group in which a task belongs twice, and a container with two ports.
#[tokio::test]
async fn every_group_of_a_task_is_repaired_independently() {
    let mut shop = Shop::new(1, &[]);
    let (one, other) = (shop.alb_group("one-tg"), shop.alb_group("other-tg"));
    let spec = ServiceSpec::new(CLUSTER, "web").container("app", &[8080, 9090]);
    shop.make(&spec.behind(&one, "app", 8080).behind(&other, "app", 9090));
    shop.settle().await;
    let (id, port, _) = shop.targets("other-tg").remove(0);
    shop.by_hand("DeregisterTargets", &other, &id, port);
    shop.look("web").await;
    shop.run(300).await;
    assert_eq!(shop.writes(), [format!("register other-tg {id}:{port}")]);
    shop.update("web", json!({"forceNewDeployment": true}));
    shop.run(600).await;
    assert_eq!(shop.writes().len(), 1);
}
