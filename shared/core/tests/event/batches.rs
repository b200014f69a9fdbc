//! Batches, and messages of our own.

use crate::{CLUSTER, check, task_event};
use expect_test::expect;
use portkeeper_core::event::{
    CheckRequest, Trigger, coalesce, parse, recheck_message, request_message,
};
use portkeeper_core::ids::{ClusterArn, ServiceKey, TaskArn};
use std::collections::{BTreeMap, BTreeSet};

fn key() -> ServiceKey {
    ServiceKey { cluster: ClusterArn::try_from(CLUSTER).unwrap(), service: "web".to_owned() }
}

#[test]
fn a_recheck_message_reads_back() {
    let task = TaskArn::try_from("arn:aws:ecs:eu-west-1:111122223333:task/shop/t1").unwrap();
    let message = recheck_message(&key(), &BTreeMap::from([(task, 9)]), 3).to_string();
    check(
        &message,
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v9, hop 3
    "]],
    );
    expect![[r#"{"portkeeper":{"at_least":{"arn:aws:ecs:eu-west-1:111122223333:task/shop/t1":9},"cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/shop","hop":3,"services":["web"],"version":1}}"#]].assert_eq(&message);
}

#[test]
fn a_message_of_the_sweep_names_many_services() {
    check(
        &format!(
            r#"{{"portkeeper":{{"version":1,"cluster":"{CLUSTER}","services":["web","admin","billing"]}}}}"#
        ),
        &expect![[r"
            check shop/admin,billing,web in aws eu-west-1 111122223333
        "]],
    );
}

/// A request for which there was no time is sent again with everything that it said.
#[test]
fn a_postponed_request_reads_back_whole() {
    let stopped = task_event(r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED"}"#);
    let Trigger::Check(mut request) = parse(&stopped).unwrap() else { panic!("a check") };
    request.services.insert("admin".to_owned());
    request.hop = 2;
    request.calls.push(
        serde_json::from_str(
            r#"{"id":"e1","at":"2026-11-23T10:00:00Z","by":{"kind":"user","name":"alice"},
                "operation":"DeregisterTargets",
                "place":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef",
                "targets":[{"id":"i-1","port":32768}]}"#,
        )
        .unwrap(),
    );
    assert_eq!((request.at_least.len(), request.stopped.len()), (1, 1));
    let read = parse(&request_message(&request).to_string()).unwrap();
    assert_eq!(read, Trigger::Check(request));
}

fn of_task(number: usize, version: u64) -> CheckRequest {
    let task = format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/t{number}");
    match parse(&task_event(&format!(r#"{{"taskArn":"{task}","version":{version}}}"#))).unwrap() {
        Trigger::Check(check) => check,
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_hundred_events_of_one_service_are_one_check() {
    let batch = (0..500).map(|number| (format!("m{number}"), of_task(number, 1)));
    let checks = coalesce(batch);
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].at_least.len(), checks[0].messages.len()), (500, 500));
    assert_eq!(checks[0].key, key());
}

/// Holds C-15.
#[test]
fn of_repeated_and_reordered_events_the_newest_version_counts() {
    let batch = [9, 7, 9].map(|version| (format!("m{version}"), of_task(1, version)));
    let checks = coalesce(batch);
    assert_eq!(checks[0].at_least.values().copied().collect::<Vec<u64>>(), [9]);
    assert_eq!(checks[0].messages.len(), 2);
}

/// Holds C-13.
#[test]
fn services_and_clusters_stay_apart_and_the_shortest_chain_counts() {
    let mut own = of_task(1, 1);
    own.services = BTreeSet::from(["admin".to_owned(), "web".to_owned()]);
    own.hop = 5;
    let mut other = of_task(1, 1);
    other.cluster =
        ClusterArn::try_from("arn:aws:ecs:eu-west-1:111122223333:cluster/other").unwrap();
    let batch = [("a".to_owned(), own), ("b".to_owned(), of_task(1, 1)), ("c".to_owned(), other)];
    let checks = coalesce(batch).into_iter().map(|check| {
        let messages: Vec<String> = check.messages.into_iter().collect();
        format!("{} hop {} by {}\n", check.key, check.hop, messages.join(","))
    });
    expect![[r"
        other/web hop 0 by c
        shop/admin hop 5 by a
        shop/web hop 0 by a,b
    "]]
    .assert_eq(&checks.collect::<String>());
}
