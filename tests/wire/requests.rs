//! The writes: the members of each request as the account received them.

use expect_test::expect;
use portkeeper_aws::ledger::{self, index};
use portkeeper_aws::{execute, notify, recheck};
use portkeeper_core::api_call::IndexKey;
use portkeeper_core::code::{Code, Severity};
use portkeeper_core::ids::{HostPort, ServiceArn, Target, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::{LedgerRecord, Subject};
use portkeeper_core::plan::{
    Action, ActionKind, Alert, AlertItem, AlertState, OutcomeResult, TargetZone,
};
use portkeeper_core::report::message;
use portkeeper_core::time::Timestamp;
use portkeeper_tests::shop::Shop;
use portkeeper_world::elbv2::TargetType;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Returns one action on these targets of a group.
fn action(kind: ActionKind, group: &TargetGroupArn, targets: &[&str], shop: &Shop) -> Action {
    let targets =
        targets.iter().map(|text| Target::try_from((*text).to_owned()).unwrap()).collect();
    Action {
        kind,
        group: group.clone(),
        targets,
        zone: None,
        not_after: shop.aws().now().plus_secs(5),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[tokio::test]
async fn targets_are_named_with_id_and_port() {
    let shop = Shop::new(1, &[]);
    let _group = shop.alb_group("web-tg");
    let instance = {
        let mut world = shop.world();
        world.add_host(None, None)
    };
    let group = shop.group_arn("web-tg");
    let (one, other) = (format!("{instance}:32768"), format!("{instance}:80"));
    for kind in [ActionKind::Register, ActionKind::Deregister] {
        let outcomes =
            execute::execute(shop.aws(), &[action(kind, &group, &[&one, &other], &shop)]).await;
        assert_eq!(outcomes.len(), 2);
        assert!(
            outcomes.iter().all(|outcome| outcome.result == OutcomeResult::Done),
            "{outcomes:?}"
        );
    }
    for operation in ["RegisterTargets", "DeregisterTargets"] {
        let text = pretty(&shop.inputs(operation)[0])
            .replace(&instance, "i-1")
            .replace(group.as_str(), "GROUP");
        expect![[r#"
            {
              "TargetGroupArn": "GROUP",
              "Targets": [
                {
                  "Id": "i-1",
                  "Port": "32768"
                },
                {
                  "Id": "i-1",
                  "Port": "80"
                }
              ]
            }"#]]
        .assert_eq(&text);
    }
    assert_eq!(
        shop.states("web-tg"),
        ["draining", "draining"],
        "also the one on the group's own port"
    );
}

/// Holds C-25: each target names the zone if the action has one, and only then.
#[tokio::test]
async fn an_address_outside_the_vpc_is_named_with_the_zone_all() {
    let shop = Shop::new(0, &[]);
    let _group = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    let group = shop.group_arn("web-tg");
    for kind in [ActionKind::Register, ActionKind::Deregister] {
        let action = action(kind, &group, &["10.250.0.7:8080"], &shop);
        let action = Action { zone: Some(TargetZone::All), ..action };
        let outcomes = execute::execute(shop.aws(), &[action]).await;
        assert_eq!(outcomes[0].result, OutcomeResult::Done);
    }
    for operation in ["RegisterTargets", "DeregisterTargets"] {
        let text = pretty(&shop.inputs(operation)[0]).replace(group.as_str(), "GROUP");
        expect![[r#"
            {
              "TargetGroupArn": "GROUP",
              "Targets": [
                {
                  "AvailabilityZone": "all",
                  "Id": "10.250.0.7",
                  "Port": "8080"
                }
              ]
            }"#]]
        .assert_eq(&text);
    }
}

#[tokio::test]
async fn a_record_is_stored_under_a_condition() {
    let shop = Shop::new(0, &[]);
    let (key, now) = (shop.key("web"), shop.aws().now());
    let task = TaskArn::try_from("arn:aws:ecs:eu-west-1:111122223333:task/shop/0123").unwrap();
    let _group = shop.alb_group("web-tg");
    let mut record = LedgerRecord::default();
    let target = Target::try_from("i-0123456789abcdef0:32768".to_owned()).unwrap();
    assert_eq!(target.port, HostPort::try_from(32768).unwrap());
    record.remember(&shop.group_arn("web-tg"), &target, &task);
    let first =
        ledger::commit(shop.aws(), "ledger", &key, &ledger::Stored::default(), &record, now)
            .await
            .unwrap();
    record.recheck_at = Some(now);
    let second = ledger::commit(shop.aws(), "ledger", &key, &first, &record, now).await.unwrap();
    let same = ledger::commit(shop.aws(), "ledger", &key, &second, &record, now).await.unwrap();
    assert_eq!((second.counter, &same), (2, &second));
    let mut inputs = shop.inputs("PutItem");
    assert_eq!(inputs.len(), 2, "what has not changed is not written");
    for input in &mut inputs {
        let text = input["Item"]["record"]["S"].as_str().unwrap();
        assert!(LedgerRecord::from_json(text).is_ok());
        input["Item"]["record"]["S"] = Value::from("RECORD");
        assert_eq!(input["Item"]["write"]["S"].as_str().unwrap().len(), 16);
        input["Item"]["write"]["S"] = Value::from("WRITE");
    }
    expect![[r##"
        {
          "ConditionExpression": "attribute_not_exists(#key)",
          "ExpressionAttributeNames": {
            "#key": "pk"
          },
          "Item": {
            "counter": {
              "N": "1"
            },
            "expires": {
              "N": "1797984000"
            },
            "pk": {
              "S": "shop/web"
            },
            "record": {
              "S": "RECORD"
            },
            "write": {
              "S": "WRITE"
            }
          },
          "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
          "TableName": "ledger"
        }"##]]
    .assert_eq(&pretty(&inputs[0]));
    expect![[r##"
        {
          "ConditionExpression": "#counter = :counter",
          "ExpressionAttributeNames": {
            "#counter": "counter"
          },
          "ExpressionAttributeValues": {
            ":counter": {
              "N": "1"
            }
          },
          "Item": {
            "counter": {
              "N": "2"
            },
            "expires": {
              "N": "1797984000"
            },
            "pk": {
              "S": "shop/web"
            },
            "record": {
              "S": "RECORD"
            },
            "write": {
              "S": "WRITE"
            }
          },
          "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
          "TableName": "ledger"
        }"##]]
    .assert_eq(&pretty(&inputs[1]));
    let read = ledger::recall(shop.aws(), "ledger", std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(read.records[&key], second);
}

/// The ledger's index: DynamoDB adds to the set, even if another writer adds at the same time.
#[tokio::test]
async fn a_service_is_indexed_under_its_target_group() {
    let shop = Shop::new(0, &[]);
    let group =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-tg/0123456789abcdef";
    let place = IndexKey::Group(TargetGroupArn::try_from(group).unwrap());
    for service in ["web", "api"] {
        index::enter(shop.aws(), "ledger", &place, &shop.key(service), shop.aws().now())
            .await
            .unwrap();
    }
    expect![[r##"
        {
          "ExpressionAttributeNames": {
            "#expires": "expires",
            "#services": "services"
          },
          "ExpressionAttributeValues": {
            ":expires": {
              "N": "1800576000"
            },
            ":services": {
              "SS": [
                "arn:aws:ecs:eu-west-1:111122223333:service/shop/web"
              ]
            }
          },
          "Key": {
            "pk": {
              "S": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-tg/0123456789abcdef"
            }
          },
          "TableName": "ledger",
          "UpdateExpression": "SET #expires = :expires ADD #services :services"
        }"##]]
    .assert_eq(&pretty(&shop.inputs("UpdateItem")[0]));
    let unknown = IndexKey::of_balancer(
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/x/1",
    )
    .unwrap();
    let wanted = BTreeSet::from([place.clone(), unknown]);
    let behind = index::services_behind(shop.aws(), "ledger", &wanted).await.unwrap();
    let names: Vec<&str> = behind[&place].iter().map(ServiceArn::name).collect();
    assert_eq!((behind.len(), names), (1, vec!["api", "web"]));
    index::leave(shop.aws(), "ledger", &place, &shop.key("web"), shop.aws().now()).await.unwrap();
    let removal = &shop.inputs("UpdateItem")[2];
    assert_eq!(
        removal["UpdateExpression"], "SET #expires = :expires DELETE #services :services",
        "everything else is as before"
    );
    for member in ["Key", "ExpressionAttributeNames", "ExpressionAttributeValues"] {
        assert_eq!(removal[member], shop.inputs("UpdateItem")[0][member], "{member}");
    }
    let behind = index::services_behind(shop.aws(), "ledger", &wanted).await.unwrap();
    assert_eq!(behind[&place].iter().map(ServiceArn::name).collect::<Vec<&str>>(), ["api"]);
}

#[tokio::test]
async fn a_record_is_read_together_with_the_kill_switch() {
    let shop = Shop::new(0, &[]);
    let key = shop.key("web");
    let read = ledger::recall(shop.aws(), "ledger", std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(read.records[&key], ledger::Stored::default());
    expect![[r#"
        {
          "RequestItems": {
            "ledger": {
              "ConsistentRead": true,
              "Keys": [
                {
                  "pk": {
                    "S": "switch"
                  }
                },
                {
                  "pk": {
                    "S": "shop/web"
                  }
                }
              ]
            }
          }
        }"#]]
    .assert_eq(&pretty(&shop.inputs("BatchGetItem")[0]));
}

/// One publication holds the form for each kind of subscriber; the configuration selects the form
/// for chat.
#[tokio::test]
async fn an_alert_has_a_subject_a_text_for_each_protocol_and_attributes_to_filter_by() {
    for (format, protocols) in
        [("json", "default, email, sms"), ("chat", "default, email, https, sms")]
    {
        let shop = Shop::new(0, &[("PORTKEEPER_HTTPS_FORMAT", format)]);
        let since = Timestamp::from_secs(1_795_392_000);
        let item = AlertItem {
            subject: Subject::Service,
            task: None,
            since,
            ended_at: None,
            seen: 2,
            why: "two lines\nwith <&> in them".to_owned(),
            repair: None,
            withheld: false,
            cause: None,
        };
        let alert = Alert {
            key: shop.key("web"),
            owner: Some("team-a".to_owned()),
            code: Code::BelowDesired,
            state: AlertState::Opened,
            severity: Severity::Error,
            impact: None,
            items: vec![item],
            at: since,
        };
        let mut message = message(&alert, &[]);
        message.attributes.insert("empty".to_owned(), String::new());
        notify::publish(shop.aws(), shop.stage.config(), &message).await.unwrap();
        let mut input = shop.inputs("Publish")[0].clone();
        let parts: BTreeMap<String, String> =
            serde_json::from_str(input["Message"].as_str().unwrap()).unwrap();
        assert_eq!(parts.keys().map(String::as_str).collect::<Vec<_>>().join(", "), protocols);
        assert_eq!(
            (&parts["email"], &parts["default"]),
            (&message.body, &message.document.to_json())
        );
        assert!(parts["email"].contains("two lines\nwith <&> in them"), "{}", parts["email"]);
        input["Message"] = "(as above)".into();
        expect![[r#"
            {
              "Message": "(as above)",
              "MessageAttributes": {
                "cluster": {
                  "DataType": "String",
                  "StringValue": "shop"
                },
                "code": {
                  "DataType": "String",
                  "StringValue": "below_desired"
                },
                "owner": {
                  "DataType": "String",
                  "StringValue": "team-a"
                },
                "service": {
                  "DataType": "String",
                  "StringValue": "web"
                },
                "severity": {
                  "DataType": "String",
                  "StringValue": "error"
                },
                "state": {
                  "DataType": "String",
                  "StringValue": "opened"
                }
              },
              "MessageStructure": "json",
              "Subject": "below_desired in shop/web since 2026-11-23 00:00:00Z: service",
              "TopicArn": "arn:aws:sns:eu-west-1:111122223333:alerts"
            }"#]]
        .assert_eq(&pretty(&input));
    }
}

#[tokio::test]
async fn a_recheck_is_a_delayed_message() {
    let shop = Shop::new(0, &[]);
    let task = TaskArn::try_from("arn:aws:ecs:eu-west-1:111122223333:task/shop/0123").unwrap();
    let at_least = BTreeMap::from([(task, 7)]);
    let queue = &shop.stage.config().checks_queue_url;
    for delay in [61, 901] {
        recheck::send(shop.aws(), queue, &shop.key("web"), &at_least, 3, delay).await.unwrap();
    }
    let inputs = shop.inputs("SendMessage");
    expect![[r#"
        {
          "DelaySeconds": 61,
          "MessageBody": "{\"portkeeper\":{\"at_least\":{\"arn:aws:ecs:eu-west-1:111122223333:task/shop/0123\":7},\"cluster\":\"arn:aws:ecs:eu-west-1:111122223333:cluster/shop\",\"hop\":3,\"services\":[\"web\"],\"version\":1}}",
          "QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/checks"
        }"#]].assert_eq(&pretty(&inputs[0]));
    assert_eq!(inputs[1]["DelaySeconds"], 900, "SQS knows no longer delay");
}
