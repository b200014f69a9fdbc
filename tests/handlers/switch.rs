//! The kill switch: one item of the ledger's table stops every write at once, and alerts are still
//! published.

use portkeeper_stage::TABLE;
use portkeeper_tests::shop::{Shop, behind};
use portkeeper_world::World;
use portkeeper_world::api::Service;
use portkeeper_world::dynamodb::put_raw;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::{Value, json};

/// Sets the kill switch as an operator would.
fn throw(world: &mut World, item: Value) {
    assert!(put_raw(world, TABLE, serde_json::from_value(item).unwrap()), "the table is there");
}

/// A service of one task, which ECS never registered.
fn with_lost_registration() -> Shop {
    let shop = Shop::new(2, &[]);
    let group = shop.alb_group("web-tg");
    shop.world().lose_registrations("shop/web", 1);
    shop.make(&behind("web", &group));
    shop
}

/// Holds I-SWITCH.
#[tokio::test]
async fn while_it_is_set_nothing_is_written_and_alerts_are_published() {
    let mut shop = with_lost_registration();
    throw(
        &mut shop.world(),
        json!({"pk": {"S": "switch"}, "writes": {"S": "stopped"}, "why": {"S": "change freeze"}}),
    );
    shop.run(900).await;
    assert_eq!(
        (shop.writes(), shop.alerts()),
        (vec![], vec!["critical missing opened".to_owned()])
    );
    let text = &shop.alert_texts()[0];
    assert!(text.contains("change freeze"), "{text}");

    throw(&mut shop.world(), json!({"pk": {"S": "switch"}, "writes": {"S": "allowed"}}));
    shop.look("web").await;
    shop.run(300).await;
    assert_eq!(shop.writes().len(), 1, "writes resume");
    assert_eq!(shop.states("web-tg"), ["healthy"]);
}

/// Holds I-SWITCH. Any value stops writes, because somebody set it for a reason.
#[tokio::test]
async fn a_switch_that_cannot_be_understood_stops_writes() {
    for item in
        [json!({"pk": {"S": "switch"}}), json!({"pk": {"S": "switch"}, "writes": {"BOOL": true}})]
    {
        let mut shop = with_lost_registration();
        throw(&mut shop.world(), item);
        shop.run(600).await;
        assert_eq!((shop.writes(), shop.alerts().len()), (vec![], 1));
    }
}

/// Holds I-SWITCH. Between the plan and its writes: the switch is read again just before them.
#[tokio::test]
async fn it_holds_at_once() {
    let mut shop = with_lost_registration();
    shop.run(150).await;
    assert_eq!(shop.record("web")["incidents"][0]["seen"], 1, "the next check writes");
    shop.pass(60);
    shop.world().calls.clear();
    shop.world().faults.latency_ms = 10;
    let world = shop.stage.world.clone();
    // The switch is set while the intent is being stored: the plan exists, and nothing is written
    // yet.
    let throw = async {
        while world.lock().calls.of("PutItem").count() == 0 {
            tokio::task::yield_now().await;
        }
        throw(
            &mut world.lock(),
            json!({"pk": {"S": "switch"}, "writes": {"S": "stopped"}, "why": {"S": "stop it"}}),
        );
    };
    let (delivered, ()) = tokio::join!(shop.stage.deliver(), throw);
    assert_eq!(
        delivered.unwrap().unwrap().reports[0].plan.as_ref().unwrap().actions.len(),
        1,
        "it was planned"
    );
    assert_eq!(shop.writes(), [""; 0]);
    let outcome = format!("{:?}", shop.alert_texts());
    assert!(outcome.contains("stop it"), "{outcome}");
}

/// Holds I-SWITCH. A switch that cannot be read stops writes.
#[tokio::test]
async fn a_switch_out_of_reach_stops_writes() {
    let mut shop = with_lost_registration();
    shop.run(150).await;
    // The batch's own read succeeds, the one before the write does not.
    shop.fault(Rule::new(Service::DynamoDb, "BatchGetItem", Fault::AccessDenied).skip(1).times(1));
    shop.run(61).await;
    assert_eq!(shop.writes(), [""; 0]);
    shop.run(200).await;
    assert_eq!(shop.writes().len(), 1, "the next check may write");
}
