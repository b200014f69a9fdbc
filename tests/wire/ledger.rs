//! The ledger's table: one writer at a time, lost answers, unprocessed keys, records of other
//! versions.

use portkeeper_aws::ledger::{CommitError, Stored, commit, recall};
use portkeeper_core::ids::ServiceKey;
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_stage::TABLE;
use portkeeper_tests::shop::Shop;
use portkeeper_world::api::Service;
use portkeeper_world::dynamodb::put_raw;
use portkeeper_world::faults::{Fault, Rule};
use serde_json::json;

/// Returns a record that differs by this number.
fn record(shop: &Shop, number: u32) -> LedgerRecord {
    LedgerRecord { recheck_at: Some(shop.aws().now().plus_secs(number)), ..LedgerRecord::default() }
}

async fn put(shop: &Shop, stored: &Stored, number: u32) -> Result<Stored, CommitError> {
    let now = shop.aws().now();
    commit(shop.aws(), TABLE, &shop.key("web"), stored, &record(shop, number), now).await
}

async fn get(shop: &Shop) -> Stored {
    let key = shop.key("web");
    recall(shop.aws(), TABLE, std::slice::from_ref(&key))
        .await
        .unwrap()
        .records
        .remove(&key)
        .unwrap()
}

/// Holds C-34.
#[tokio::test]
async fn of_two_writers_the_second_loses() {
    let shop = Shop::new(0, &[]);
    let (one, other) = (get(&shop).await, get(&shop).await);
    let first = put(&shop, &one, 1).await.unwrap();
    assert!(
        matches!(put(&shop, &other, 2).await, Err(CommitError::LostRace { key }) if key.to_string() == "shop/web")
    );
    assert_eq!(get(&shop).await, first);
    let (one, other) = (get(&shop).await, get(&shop).await);
    let second = put(&shop, &one, 3).await.unwrap();
    assert!(matches!(put(&shop, &other, 4).await, Err(CommitError::LostRace { .. })));
    assert!(matches!(put(&shop, &Stored::default(), 5).await, Err(CommitError::LostRace { .. })));
    assert_eq!((get(&shop).await, second.counter), (second, 2));
}

/// The SDK repeats the call, and its condition fails on what the first attempt wrote.
#[tokio::test]
async fn a_lost_answer_to_our_own_write_is_no_lost_race() {
    let shop = Shop::new(0, &[]);
    let mut stored = get(&shop).await;
    for number in 1..=2 {
        shop.fault(Rule::new(Service::DynamoDb, "PutItem", Fault::LoseAnswer));
        stored = put(&shop, &stored, number).await.unwrap();
        let read = get(&shop).await;
        assert_eq!((read.record, read.counter), (stored.record.clone(), stored.counter));
    }
    assert_eq!((shop.count("PutItem"), stored.counter), (4, 2));
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let shop = Shop::new(0, &[]);
    let keys: Vec<ServiceKey> = (0..101).map(|number| shop.key(&format!("s{number}"))).collect();
    for key in &keys {
        let now = shop.aws().now();
        commit(shop.aws(), TABLE, key, &Stored::default(), &record(&shop, 1), now).await.unwrap();
    }
    shop.world().dynamodb.leave_unprocessed(150);
    let recalled = recall(shop.aws(), TABLE, &keys).await.unwrap().records;
    assert!(
        recalled.len() == 101 && recalled.values().all(|stored| stored.counter == 1),
        "every record is read"
    );
    let asked: Vec<usize> = shop
        .inputs("BatchGetItem")
        .iter()
        .map(|input| input["RequestItems"][TABLE]["Keys"].as_array().unwrap().len())
        .collect();
    // With the kill switch, which has no item: 102 keys.
    assert_eq!(asked, [100, 100, 50, 2]);
    shop.world().dynamodb.leave_unprocessed(usize::MAX);
    let failure = recall(shop.aws(), TABLE, &keys).await.unwrap_err();
    assert!(
        failure.to_string().starts_with("dynamodb:BatchGetItem of 100 records of table ledger"),
        "{failure}"
    );
    assert_eq!(shop.count("BatchGetItem"), asked.len() + 10, "it has an end");
}

/// Holds C-34: the record of another version is not used, and is overwritten only under its
/// counter.
#[tokio::test]
async fn a_record_of_another_version_or_a_damaged_one_is_replaced_under_its_counter() {
    for text in [r#"{"schema":99,"known":{}}"#, "{", r#"{"schema":1,"known":[]}"#] {
        let shop = Shop::new(0, &[]);
        let item = json!({"pk": {"S": "shop/web"}, "counter": {"N": "41"}, "record": {"S": text}});
        assert!(put_raw(&mut shop.world(), TABLE, item.as_object().unwrap().clone()));
        let stored = get(&shop).await;
        assert_eq!((&stored.record, stored.counter), (&LedgerRecord::default(), 41));
        assert!(stored.note.is_some(), "the reason is logged");
        assert!(matches!(
            put(&shop, &Stored::default(), 1).await,
            Err(CommitError::LostRace { .. })
        ));
        assert_eq!(put(&shop, &stored, 1).await.unwrap().counter, 42);
    }
}

/// Holds C-31.
#[tokio::test]
async fn an_unavailable_ledger_is_an_error() {
    for fault in
        [Fault::Throttle, Fault::AccessDenied, Fault::fail("InternalServerError", "broke", 500)]
    {
        let shop = Shop::new(0, &[]);
        shop.fault(Rule::service(Service::DynamoDb, fault.clone()).forever());
        let key = shop.key("web");
        let failure = recall(shop.aws(), TABLE, &[key]).await.unwrap_err();
        assert!(
            failure.to_string().starts_with("dynamodb:BatchGetItem of 2 records of table ledger"),
            "{failure}"
        );
        let Err(CommitError::Call(failure)) = put(&shop, &Stored::default(), 1).await else {
            panic!("{fault:?}")
        };
        assert!(
            failure.to_string().starts_with("dynamodb:PutItem of record shop/web of table ledger"),
            "{failure}"
        );
    }
}
