//! Causes: calls by people, other tools, ECS and Portkeeper itself, as CloudTrail records them.

use portkeeper_stage::{QUEUE, TABLE};
use portkeeper_tests::shop::{CLUSTER, Shop, behind};
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::eventbridge;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::{Value, json};

/// The text of the last alert.
fn last(shop: &Shop) -> String {
    shop.alert_texts().pop().expect("an alert")
}

/// The documents of the alerts, in order.
fn documents(shop: &Shop) -> Vec<Value> {
    let world = shop.world();
    let published = world.sns.published(portkeeper_stage::TOPIC).iter();
    published.map(|it| serde_json::from_str(it.text_for("sqs")).expect("JSON")).collect()
}

/// Deregisters a target as a person would. Returns its id and port.
fn deregister_as_a_person(shop: &Shop) -> (String, u16) {
    let (id, port, _) = shop.targets("web-tg").remove(0);
    shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &id, port);
    (id, port)
}

/// Holds I-CAUSE. The CloudTrail event alone leads to the check: no sweep, no task event. The
/// opened and the resolved alert name the person and the time.
#[tokio::test]
async fn a_target_that_a_person_deregistered_is_registered_again_and_the_person_is_named() {
    let mut shop = Shop::settled_web(2, 2).await;
    let (id, port) = deregister_as_a_person(&shop);
    shop.run(1500).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec!["error missing opened".to_owned()]));
    shop.run(1200).await;
    assert_eq!(shop.writes(), [format!("register web-tg {id}:{port}")]);
    assert_eq!(shop.alerts(), ["error missing opened", "error missing resolved"]);
    for (text, document) in shop.alert_texts().iter().zip(documents(&shop)) {
        assert!(
            text.contains(
                "\nCause: IAM user alice called DeregisterTargets at 2026-11-23 00:05:30Z\n"
            ),
            "{text}"
        );
        let cause = &document["items"][0]["cause"];
        assert_eq!(
            (&cause["call"], &cause["actor_kind"]),
            (&json!("DeregisterTargets"), &json!("iam_user"))
        );
        let event = cause["event_id"].as_str().unwrap();
        assert!(text.contains(&format!("#/events/{event}")), "a link leads there: {text}");
    }
    assert_eq!(
        shop.record("web")["calls"],
        Value::Null,
        "a call is forgotten after its incident's end was published"
    );
}

/// Holds I-CAUSE. The account has no trail: the sweep finds the fault, and no cause is named.
#[tokio::test]
async fn without_a_trail_the_alert_says_that_the_cause_is_unknown() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().cloudtrail.on = false;
    deregister_as_a_person(&shop);
    assert_eq!(shop.run(300).await.len(), 0, "no event leads to a check");
    shop.stage.sweep().await.unwrap();
    shop.run(300).await;
    assert_eq!(shop.alerts(), ["error missing opened", "error missing resolved"]);
    let texts = shop.alert_texts();
    assert!(
        texts[0].contains("\nCause: unknown: CloudTrail reported no matching call"),
        "{}",
        texts[0]
    );
    assert!(!texts[1].contains("Cause"), "{}", texts[1]);
}

/// The event is lost, or arrives after the alert: the resolved alert names the cause if it is known
/// by then.
#[tokio::test]
async fn a_late_event_is_named_in_the_resolved_alert() {
    for late in [true, false] {
        let mut shop = Shop::settled_web(2, 2).await;
        shop.world().cloudtrail.delay_secs = if late { 40 } else { 100_000 };
        let host = shop.world().add_host(None, None);
        shop.world().eventbridge.hold(u32::from(late));
        shop.by_hand("RegisterTargets", &shop.group("web-tg"), &host, 9);
        shop.watch(&["web"], 240).await;
        assert_eq!(shop.alerts(), ["warning foreign opened"]);
        assert!(last(&shop).contains("Cause: unknown"), "{}", last(&shop));
        eventbridge::release(&mut shop.world());
        shop.watch(&["web"], 240).await;
        "bob".clone_into(&mut shop.world().cloudtrail.person);
        shop.by_hand("DeregisterTargets", &shop.group("web-tg"), &host, 9);
        shop.watch(&["web"], 600).await;
        assert_eq!(shop.alerts(), ["warning foreign opened", "warning foreign resolved"]);
        assert_eq!(
            last(&shop).contains("Cause: IAM user alice called RegisterTargets"),
            late,
            "{}",
            last(&shop)
        );
    }
}

/// Calls by ECS and by Portkeeper lead to no check and are no cause.
#[tokio::test]
async fn calls_by_ecs_and_portkeeper_lead_to_no_check() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.world().lose_registrations("shop/web", 1);
    shop.update("web", json!({"desiredCount": 3}));
    let deliveries = shop.run(900).await;
    assert_eq!((shop.writes().len(), shop.alerts().len()), (1, 2));
    let published: Vec<String> = shop
        .world()
        .eventbridge
        .events()
        .iter()
        .filter(|event| event["detail"]["eventName"] == "RegisterTargets")
        .map(|event| {
            event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"]
                .to_string()
        })
        .collect();
    assert!(
        published.contains(&"\"AWSServiceRoleForECS\"".to_owned())
            && published.contains(&"\"program\"".to_owned()),
        "{published:?}"
    );
    // Portkeeper's own call reaches the queue and requests nothing.
    assert!(deliveries.iter().any(|it| it.reports.is_empty() && it.failed == 0));
    assert!(shop.alert_texts()[0].contains("Cause: unknown"), "{}", shop.alert_texts()[0]);
    assert_eq!(shop.record("web")["calls"], Value::Null);
    let checks: usize = deliveries.iter().map(|delivery| delivery.reports.len()).sum();
    assert!(checks <= 6, "{checks} checks for one lost registration");
}

/// Without its own role in its configuration Portkeeper takes itself for another writer, and still
/// stops.
#[tokio::test]
async fn own_calls_that_are_not_recognised_do_not_loop() {
    let mut shop = Shop::new(2, &[("PORTKEEPER_OWN_ROLES", "")]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group).desired(2));
    shop.settle().await;
    deregister_as_a_person(&shop);
    shop.run(3600).await;
    assert_eq!((shop.writes().len(), shop.alerts().len()), (1, 2), "{:?}", shop.alerts());
    assert_eq!(shop.world().sqs.depth(QUEUE), Some(0));
}

/// The group and its listener are deleted: the cause is named, in any order of the events.
#[tokio::test]
async fn a_group_that_a_person_deleted() {
    for reorder in [false, true] {
        let mut shop = Shop::settled_web(2, 2).await;
        shop.world().eventbridge.hold(if reorder { 2 } else { 0 });
        shop.delete_group("web-tg");
        shop.run(65).await;
        assert_eq!(shop.world().eventbridge.held().len(), if reorder { 2 } else { 0 });
        eventbridge::release(&mut shop.world());
        shop.run(300).await;
        let published = shop.alerts();
        assert!(
            published.contains(&"critical target_group_missing opened".to_owned()),
            "{published:?}"
        );
        let texts = shop.alert_texts();
        let text =
            texts.iter().find(|text| text.contains("target_group_missing in")).expect("an alert");
        assert!(text.contains("Cause: IAM user alice called DeleteTargetGroup at "), "{text}");
    }
}

/// A listener is deleted: its ARN leads to the load balancer, and that to the services behind it.
#[tokio::test]
async fn a_listener_that_a_person_deleted() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    let described = shop.elb("DescribeTargetGroups", &json!({"TargetGroupArns": [group]}));
    let balancer = &described["TargetGroups"][0]["LoadBalancerArns"][0];
    let listeners = shop.elb("DescribeListeners", &json!({"LoadBalancerArn": balancer}));
    for listener in listeners["Listeners"].as_array().unwrap() {
        shop.elb("DeleteListener", &json!({"ListenerArn": listener["ListenerArn"]}));
    }
    shop.run(400).await;
    assert_eq!(shop.alerts(), ["critical target_group_unattached opened"]);
    let wanted = "Cause: probably IAM user alice called DeleteListener at 2026-11-23 00:05:30Z, the last change to the load balancer";
    assert!(last(&shop).contains(wanted), "{}", last(&shop));
}

/// A group that no service names, calls that AWS refused, and services of clusters that are not
/// configured are ignored.
#[tokio::test]
async fn calls_that_concern_no_service_are_ignored() {
    let mut shop = Shop::settled_web(2, 2).await;
    let other = shop.alb_group("other-tg");
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &other, &host, 9);
    let gone = json!({"TargetGroupArn": shop.group("web-tg")});
    shop.world().person_elb("DeleteTargetGroup", &gone).unwrap_err();
    shop.world().calls.clear();
    let deliveries = shop.run(400).await;
    assert!(
        !deliveries.is_empty()
            && deliveries.iter().all(|it| it.reports.is_empty() && it.failed == 0)
    );
    assert_eq!(shop.calls(), ["BatchGetItem 1"], "the index is asked, once");
    assert_eq!(shop.alerts(), [""; 0]);

    let mut shop = Shop::new(1, &[("PORTKEEPER_CLUSTERS", "bank")]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group));
    shop.settle().await;
    deregister_as_a_person(&shop);
    shop.run(400).await;
    assert_eq!((shop.writes(), shop.alerts()), (vec![], vec![]));
}

/// A group that two services share leads to both, with one check each for a whole batch of calls.
#[tokio::test]
async fn a_shared_group_leads_to_every_service() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    shop.make(&behind("api", &group));
    shop.settle().await;
    let item = portkeeper_world::dynamodb::item(&shop.world(), TABLE, &group)
        .cloned()
        .expect("an item of the index");
    let arn =
        |service: &str| shop.world().account.ecs_arn("service", &format!("{CLUSTER}/{service}"));
    assert_eq!(item["services"], json!({"SS": [arn("api"), arn("web")]}));
    let host = shop.world().add_host(None, None);
    for port in 1..=20 {
        shop.by_hand("RegisterTargets", &group, &host, port);
    }
    shop.pass(160);
    let delivery = shop.stage.deliver().await.unwrap().unwrap();
    assert_eq!((delivery.reports.len(), delivery.failed), (2, 0));
    assert_eq!(shop.count("BatchGetItem"), 2, "the index, and the records");
    assert_eq!(shop.record("web")["calls"].as_array().unwrap().len(), 20);
}

/// A check of a service without findings does not write to the index again.
#[tokio::test]
async fn the_index_is_written_once() {
    let mut shop = Shop::settled_web(2, 2).await;
    shop.watch(&["web"], 300).await;
    assert_eq!((shop.count("UpdateItem"), shop.count("PutItem")), (0, 0));
}

/// If the index cannot be read, the message is retried. If it cannot be written, the check runs,
/// and the next one adds the service.
#[tokio::test]
async fn an_unavailable_index_loses_nothing() {
    let mut shop = Shop::settled_web(2, 2).await;
    let (id, port) = deregister_as_a_person(&shop);
    shop.fault(Rule::new(Service::DynamoDb, "BatchGetItem", Fault::AccessDenied).times(1));
    let deliveries = shop.run(160).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.failed).sum::<usize>(), 1);
    shop.run(2700).await;
    assert_eq!(shop.writes(), [format!("register web-tg {id}:{port}")]);
    assert!(last(&shop).contains("Cause: IAM user alice"), "{}", last(&shop));

    let mut shop = Shop::new(1, &[]);
    let group = shop.alb_group("web-tg");
    shop.make(&behind("web", &group));
    shop.fault(Rule::new(Service::DynamoDb, "UpdateItem", Fault::AccessDenied).times(1));
    let deliveries = shop.run(130).await;
    let errors: Vec<String> =
        deliveries.into_iter().flat_map(|it| it.reports).flat_map(|it| it.errors).collect();
    assert!(
        errors[0]
            .starts_with("cannot index this service: CloudTrail events for its target groups may be missed: dynamodb:UpdateItem"),
        "{errors:?}"
    );
    shop.run(600).await;
    assert_eq!(shop.count("UpdateItem"), 3, "the one that failed is made again");
    assert_eq!(
        shop.record("web")["places"].as_object().unwrap().len(),
        2,
        "the group and its load balancer"
    );
}

/// Returns the names of the services in the index under a group.
fn indexed(shop: &Shop, group: &str) -> Vec<String> {
    let world = shop.world();
    let item = portkeeper_world::dynamodb::item(&world, TABLE, group);
    let names = item.and_then(|item| item.get("services")?.get("SS")?.as_array());
    let name = |arn: &Value| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    names.into_iter().flatten().map(name).collect()
}

/// Adds services to the index under a group that ECS does not know. Returns whether there was room.
fn index_gone_services(shop: &Shop, group: &str, count: usize, name: &str) -> bool {
    let arns: Vec<String> = (0..count)
        .map(|number| {
            shop.world().account.ecs_arn("service", &format!("{CLUSTER}/{name}{number:04}"))
        })
        .collect();
    let input = json!({
        "TableName": TABLE, "Key": {"pk": {"S": group}}, "UpdateExpression": "ADD services :s",
        "ExpressionAttributeValues": {":s": {"SS": arns}},
    });
    shop.world().call(Caller::Person, Service::DynamoDb, "UpdateItem", &input).is_ok()
}

/// A deleted service leaves the index as soon as a check finds it gone, and comes back with a new
/// service of its name.
#[tokio::test]
async fn a_deleted_service_leaves_the_index() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    shop.make(&behind("api", &group).desired(1));
    shop.settle().await;
    assert_eq!(indexed(&shop, &group), ["api", "web"]);
    shop.ecs("DeleteService", json!({"service": "api", "force": true}));
    shop.run(2400).await;
    assert_eq!(indexed(&shop, &group), ["web"]);
    shop.world().calls.clear();
    shop.watch(&["api", "web"], 300).await;
    assert_eq!(shop.count("UpdateItem"), 0, "once");
    shop.make(&behind("api", &group).desired(1));
    shop.run(300).await;
    assert_eq!(indexed(&shop, &group), ["api", "web"]);
    assert_eq!(shop.alerts(), [""; 0]);
}

/// Many services that were deleted long ago, so that no record of them is left: one event on their
/// load balancer removes them.
#[tokio::test]
async fn services_without_a_record_leave_the_index_with_the_next_event() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    assert!(index_gone_services(&shop, &group, 150, "preview-"));
    let host = shop.world().add_host(None, None);
    shop.by_hand("RegisterTargets", &group, &host, 9);
    shop.run(400).await;
    assert_eq!(indexed(&shop, &group), ["web"]);
    shop.world().calls.clear();
    shop.by_hand("DeregisterTargets", &group, &host, 9);
    shop.run(400).await;
    assert!(shop.count("DescribeServices") < 5, "the next event requests one check");
}

/// An item that has no room for another service fails no check: only events do not lead there.
#[tokio::test]
async fn a_full_index_fails_no_check() {
    let mut shop = Shop::settled_web(2, 2).await;
    let group = shop.group("web-tg");
    assert!(index_gone_services(&shop, &group, 6000, "preview-"));
    for (step, name) in [(100, "many"), (10, "some"), (1, "one")] {
        for number in 0.. {
            if !index_gone_services(&shop, &group, step, &format!("{name}-{number}-")) {
                break;
            }
        }
    }
    let full = indexed(&shop, &group).len();
    shop.make(&behind("api", &group).desired(1));
    shop.world().lose_registrations("shop/api", 1);
    let deliveries = shop.run(600).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.failed).sum::<usize>(), 0);
    assert_eq!(indexed(&shop, &group).len(), full, "`api` is not among them");
    assert_eq!(shop.record("api")["places"].as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(shop.states("web-tg"), ["healthy"; 3]);
}
