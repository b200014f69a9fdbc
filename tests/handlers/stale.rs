//! Targets that no running task explains: deregistered with proof, reported without.

use portkeeper_core::time::Timestamp;
use portkeeper_stage::TABLE;
use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::api::Service;
use portkeeper_world::dynamodb::{delete_raw, item, put_raw};
use portkeeper_world::ecs::InstanceOptions;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::eventbridge;
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::truth;
use serde_json::json;

const ALERTS: [&str; 2] = ["error stale opened", "error stale resolved"];
const HIJACKED: [&str; 2] = ["critical hijacked opened", "critical hijacked resolved"];

/// Creates a quiet service of three tasks; one of them stops and ECS leaves its target behind.
/// Returns that target.
async fn left_behind() -> (Shop, String) {
    let shop = Shop::settled_web(3, 3).await;
    let target = leave_one(&shop);
    (shop, target)
}

/// Scales the service in by one task, and ECS leaves the target of that task behind.
fn leave_one(shop: &Shop) -> String {
    let before = shop.wanted("web");
    shop.world().keep_targets("shop/web", 1);
    let tasks = u32::try_from(before.len()).unwrap();
    shop.update("web", json!({"desiredCount": tasks - 1}));
    shop.pass(20);
    let after = shop.wanted("web");
    before.into_iter().find(|target| !after.contains(target)).unwrap()
}

fn split(target: &str) -> (String, u16) {
    let (_, address) = target.split_once(' ').unwrap();
    let (id, port) = address.rsplit_once(':').unwrap();
    (id.to_owned(), port.parse().unwrap())
}

/// Holds C-19.
#[tokio::test]
async fn a_stopped_tasks_target_is_deregistered_once_with_id_and_port() {
    let (mut shop, target) = left_behind().await;
    shop.run(900).await;
    assert_eq!(shop.writes(), [format!("deregister {target}")]);
    assert_eq!(shop.alerts(), ALERTS);
    let (id, port) = split(&target);
    let sent = &shop.inputs("DeregisterTargets")[0]["Targets"];
    assert_eq!(*sent, json!([{"Id": id, "Port": port.to_string()}]));
    assert!(shop.alert_texts()[0].contains("Deregistered."), "{}", shop.alert_texts()[0]);
}

/// Holds I-PROOF, C-19: neither before the settle time nor before the second check.
#[tokio::test]
async fn nothing_is_deregistered_before_the_second_check() {
    let (mut shop, target) = left_behind().await;
    shop.run(130).await;
    assert_eq!(shop.writes(), [""; 0]);
    shop.run(120).await;
    assert_eq!(shop.writes(), [format!("deregister {target}")]);
}

/// Holds C-31, C-30: the SDK does not retry a deregistration; the next check does, after it has
/// proved everything again.
#[tokio::test]
async fn a_failed_deregistration_is_decided_again() {
    for fault in [Fault::Throttle, Fault::LoseRequest, Fault::LoseAnswer] {
        let (mut shop, target) = left_behind().await;
        shop.fault(Rule::new(Service::Elbv2, "DeregisterTargets", fault.clone()));
        let deliveries = shop.run(250).await;
        assert_eq!(
            deliveries.iter().map(|delivery| delivery.failed).sum::<usize>(),
            1,
            "{fault:?}: it comes back"
        );
        shop.run(900).await;
        assert_eq!(shop.writes(), [format!("deregister {target}")], "{fault:?}");
        assert_eq!(shop.alerts(), ALERTS, "{fault:?}");
    }
}

/// Keeps the age of the record but removes its targets, as if no check had found the task running.
fn forget_targets(shop: &Shop) {
    let mut record = shop.record("web");
    record.as_object_mut().unwrap().remove("known");
    let mut item = item(&shop.world(), TABLE, "shop/web").unwrap().clone();
    item.insert("record".to_owned(), json!({ "S": record.to_string() }));
    assert!(put_raw(&mut shop.world(), TABLE, item));
}

/// Holds I-PROOF, C-19: the ledger never knew the target; ECS still lists the stopped task.
#[tokio::test]
async fn the_list_of_stopped_tasks_is_proof() {
    let (mut shop, target) = left_behind().await;
    forget_targets(&shop);
    shop.run(900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![format!("deregister {target}")], ALERTS.map(str::to_owned).to_vec())
    );
}

/// Holds I-PROOF, C-19: every event was lost and ECS has forgotten the task; the ledger holds the
/// target's task.
#[tokio::test]
async fn the_ledger_is_proof() {
    let mut shop = Shop::settled_web(3, 3).await;
    shop.world().eventbridge.drop_next(1000);
    let target = leave_one(&shop);
    shop.pass(2 * 3600);
    shop.look("web").await;
    shop.run(300).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![format!("deregister {target}")], ALERTS.map(str::to_owned).to_vec())
    );
}

/// Holds I-PROOF, C-34: the ledger was lost, so the target may have been absent and registered
/// again in the meantime.
#[tokio::test]
async fn without_the_ledger_earlier_tasks_are_no_proof() {
    let (mut shop, _) = left_behind().await;
    delete_raw(&mut shop.world(), TABLE, "shop/web").unwrap();
    shop.run(900).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["error stale opened".to_owned()]));
    assert!(
        shop.alert_texts()[0].contains("not deregistered: Portkeeper cannot prove"),
        "{}",
        shop.alert_texts()[0]
    );
}

/// The ledger never held the target, and the event arrives after ECS has forgotten the task.
async fn with_a_late_event(seconds: u64) -> (Shop, String) {
    let mut shop = Shop::settled_web(3, 3).await;
    shop.world().eventbridge.hold(1000);
    let target = leave_one(&shop);
    shop.pass(seconds);
    forget_targets(&shop);
    eventbridge::release(&mut shop.world());
    shop.run(600).await;
    (shop, target)
}

/// Holds I-PROOF, C-19, C-15.
#[tokio::test]
async fn an_event_alone_proves_nothing() {
    let (shop, _) = with_a_late_event(4000).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["warning foreign opened".to_owned()]));
}

/// Holds I-PROOF. Anybody who may send to the queue can name any task: a task that never was, on the
/// port of a target that a person registered.
#[tokio::test]
async fn a_forged_event_deregisters_nothing() {
    let mut shop = Shop::settled_web(2, 2).await;
    let (id, _, _) = shop.targets("web-tg").remove(0);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &id, 40_000);
    let task = shop.tasks("web").remove(0);
    let shown = shop.ecs("DescribeTasks", json!({"tasks": [task]}))["tasks"][0].clone();
    for stopped_ago in [10, 600, 4000] {
        let mut forged = shown.clone();
        let now = i64::try_from(shop.world().now_ms()).unwrap();
        let at = Timestamp::from_millis(now - stopped_ago * 1000).to_string();
        let name = format!("{stopped_ago:032x}");
        let (path, _) = shown["taskArn"].as_str().unwrap().rsplit_once('/').unwrap();
        forged["taskArn"] = json!(format!("{path}/{name}"));
        (forged["lastStatus"], forged["desiredStatus"]) = (json!("STOPPED"), json!("STOPPED"));
        (forged["startedAt"], forged["stoppedAt"]) = (json!(at), json!(at));
        forged["containers"][0]["networkBindings"] = json!([
            {"bindIP": "0.0.0.0", "containerPort": 8080, "hostPort": 40_000, "protocol": "tcp"}
        ]);
        let event = json!({
            "id": name, "detail-type": "ECS Task State Change", "source": "aws.ecs",
            "account": shop.world().account.number, "region": shop.world().account.region,
            "time": at, "resources": [], "detail": forged,
        });
        shop.send(&event.to_string());
        shop.run(900).await;
    }
    assert_eq!(shop.writes(), [""; 0]);
    assert!(shop.states("web-tg").len() >= 3, "the target by hand is still there");
}

/// An event may have waited in the dead-letter queue; since then the target may have been
/// deregistered and registered again.
#[tokio::test]
async fn an_old_event_is_no_proof() {
    let (shop, _) = with_a_late_event(2 * 3600).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["warning foreign opened".to_owned()]));
}

/// Holds I-PROOF, C-34: ledger, events and list are all lost: nothing proves whose the target was,
/// so it stays and is reported.
#[tokio::test]
async fn without_any_proof_it_is_foreign_and_stays() {
    let mut shop = Shop::settled_web(3, 3).await;
    shop.world().eventbridge.drop_next(1000);
    let target = leave_one(&shop);
    shop.pass(2 * 3600);
    delete_raw(&mut shop.world(), TABLE, "shop/web").unwrap();
    shop.look("web").await;
    shop.run(600).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["warning foreign opened".to_owned()]));
    let (id, port) = split(&target);
    assert!(shop.targets("web-tg").iter().any(|(other, at, _)| *other == id && *at == port));
}

/// Holds C-18.
#[tokio::test]
async fn a_stopping_task_keeps_its_target_until_it_has_stopped() {
    let mut shop = Shop::settled_web(3, 3).await;
    shop.world().ecs.timing.stopping_secs = 700;
    shop.world().keep_targets("shop/web", 1);
    let task = shop.tasks("web").remove(0);
    shop.world().interrupt_task(&task).unwrap();
    for _ in 0..6 {
        shop.ask(&["web"]);
        shop.run(100).await;
    }
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
    shop.run(600).await;
    assert_eq!(
        (shop.writes().len(), shop.alerts()),
        (1, ALERTS.map(str::to_owned).to_vec()),
        "it has stopped"
    );
}

/// Holds C-18: scale-in and Spot interruptions without faults.
#[tokio::test]
async fn draining_targets_are_left_alone() {
    let mut shop = Shop::settled_web(3, 3).await;
    let task = shop.tasks("web").remove(0);
    shop.world().interrupt_task(&task).unwrap();
    shop.update("web", json!({"desiredCount": 2}));
    for _ in 0..10 {
        shop.ask(&["web"]);
        shop.run(40).await;
    }
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// Holds C-20, amazon-ecs-agent#500: the port of a stopped task goes to another service's task, and
/// the leftover target turns healthy with the wrong program behind it.
#[tokio::test]
async fn a_reused_port_is_hijacked_and_the_other_services_own_target_stays() {
    let (mut shop, target) = left_behind().await;
    let (id, port) = split(&target);
    shop.world().restart_agent(&id).unwrap();
    let api = shop.alb_group("api-tg");
    shop.make(
        &ServiceSpec::new(CLUSTER, "api")
            .container("api", &[9000])
            .behind(&api, "api", 9000)
            .desired(3),
    );
    shop.pass(69);
    assert_eq!(
        truth::answering(&shop.world(), &id, port).unwrap().service,
        "api",
        "the world has reused the port"
    );
    assert_eq!(shop.states("web-tg"), ["healthy"; 3], "green, with the wrong program");
    shop.run(900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![format!("deregister {target}")], HIJACKED.map(str::to_owned).to_vec())
    );
    assert_eq!(shop.states("api-tg"), ["healthy"; 3]);
    let text = shop.alert_texts().remove(0);
    assert!(
        text.contains("of service api") && text.contains("requests reach the wrong task"),
        "{text}"
    );
}

/// Holds I-ADDRESS: the host registered again in its cluster, so ECS may not show every task there.
/// Those that ECS shows are read, because they explain targets.
#[tokio::test]
async fn the_tasks_on_a_host_that_registered_again_are_read() {
    let (mut shop, target) = left_behind().await;
    let (id, _) = split(&target);
    shop.world().force_deregister_instance(&id).unwrap();
    let again = InstanceOptions { host: Some(id), ..InstanceOptions::default() };
    shop.world().add_container_instance(CLUSTER, &again).unwrap();
    shop.run(300).await;
    let listed = shop.inputs("ListTasks");
    assert!(listed.iter().any(|input| input["containerInstance"].is_string()), "{listed:?}");
    assert_eq!(shop.writes(), Vec::<String>::new(), "the host is not read as a whole");
}

/// Holds C-20, C-34: the port was reused before Portkeeper's first check. It is reported as
/// `hijacked`, even after ECS has forgotten the old task, and nothing is changed.
#[tokio::test]
async fn a_port_reused_before_the_first_check_is_reported_as_hijacked_and_not_repaired() {
    let (mut shop, target) = left_behind().await;
    let (id, port) = split(&target);
    shop.world().restart_agent(&id).unwrap();
    let api = shop.alb_group("api-tg");
    shop.make(
        &ServiceSpec::new(CLUSTER, "api")
            .container("api", &[9000])
            .behind(&api, "api", 9000)
            .desired(3),
    );
    shop.pass(69);
    assert_eq!(
        truth::answering(&shop.world(), &id, port).unwrap().service,
        "api",
        "the world has reused the port"
    );
    delete_raw(&mut shop.world(), TABLE, "shop/web").unwrap();
    shop.watch(&["web"], 900).await;
    assert_eq!(shop.alerts(), HIJACKED[..1]);
    let text = shop.alert_texts().remove(0);
    assert!(
        text.contains("not deregistered: Portkeeper cannot prove") && text.contains("by hand now"),
        "{text}"
    );
    shop.pass(3600);
    shop.watch(&["web"], 300).await;
    assert_eq!(
        shop.alerts(),
        HIJACKED[..1],
        "ECS no longer lists the old task, and the code stays"
    );
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
    shop.watch(&["web"], 90).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], HIJACKED.map(str::to_owned).to_vec()));
}

/// Holds C-21: the same for an address.
#[tokio::test]
async fn a_reused_address_is_hijacked() {
    let mut shop = Shop::new(0, &[]);
    let subnet = shop.world().default_subnets().remove(0);
    let fargate = |name: &str, group: &str| ServiceSpec {
        subnets: vec![subnet.clone()],
        ..ServiceSpec::new(CLUSTER, name).fargate().container("app", &[80]).behind(group, "app", 80)
    };
    let web = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    let api = shop.world().make_alb_group("api-tg", TargetType::Ip).unwrap();
    shop.make(&fargate("web", &web).desired(3));
    shop.settle().await;
    let target = leave_one(&shop);
    let (id, port) = split(&target);
    shop.make(&fargate("api", &api));
    shop.pass(20);
    assert_eq!(
        truth::answering(&shop.world(), &id, port).unwrap().service,
        "api",
        "the world has reused the address"
    );
    shop.run(900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![format!("deregister {target}")], HIJACKED.map(str::to_owned).to_vec())
    );
    assert_eq!(shop.states("api-tg"), ["healthy"]);
}

/// Holds C-22: some setups register the tasks of one service in a second group on purpose.
#[tokio::test]
async fn another_services_running_task_in_a_group_is_foreign_until_it_is_gone() {
    let mut shop = Shop::settled_web(2, 1).await;
    let api = shop.alb_group("api-tg");
    shop.make(&behind("api", &api));
    shop.settle().await;
    let (id, port, _) = shop.targets("api-tg").remove(0);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &id, port);
    for _ in 0..5 {
        shop.ask(&["web", "api"]);
        shop.run(200).await;
    }
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["warning foreign opened".to_owned()]));
    assert!(shop.alert_texts()[0].contains("of service api"), "{}", shop.alert_texts()[0]);
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
    shop.look_at(&["web", "api"]).await;
    assert_eq!(
        (shop.writes(), shop.alerts()[1..].to_vec()),
        (vec![], vec!["warning foreign resolved".to_owned()])
    );
}

/// Holds C-23.
#[tokio::test]
async fn an_instance_on_the_groups_own_port_is_foreign_and_the_reason_is_named() {
    let mut shop = Shop::settled_web(2, 2).await;
    let instance = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &shop.group("web-tg"), &instance, 80);
    shop.look("web").await;
    shop.run(300).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["warning foreign opened".to_owned()]));
    assert!(shop.alert_texts()[0].contains("Auto Scaling group"), "{}", shop.alert_texts()[0]);
}

/// Holds I-ADDRESS. Two services in one group: only the leftover target is deregistered, and none
/// of the other service.
#[tokio::test]
async fn of_a_group_that_two_services_share_only_the_left_over_target_goes() {
    let mut shop = Shop::settled_web(3, 3).await;
    let group = shop.group("web-tg");
    shop.make(&behind("api", &group).desired(3));
    shop.settle().await;
    assert_eq!(shop.states("web-tg"), ["healthy"; 6]);
    let target = leave_one(&shop);
    for _ in 0..10 {
        shop.ask(&["web", "api"]);
        shop.run(90).await;
    }
    assert_eq!(shop.writes(), [format!("deregister {target}")]);
    assert_eq!(shop.states("web-tg").iter().filter(|state| **state == "healthy").count(), 5);
    // A check of the other service has no proof: it may report `foreign` until the target is
    // absent.
    let alerts = shop.alerts();
    assert!(
        ALERTS.iter().all(|expected| alerts.iter().any(|alert| alert == expected)),
        "{alerts:?}"
    );
    assert_eq!(
        alerts.iter().filter(|it| it.ends_with("opened")).count() * 2,
        alerts.len(),
        "all is over: {alerts:?}"
    );
}
