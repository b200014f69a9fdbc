//! Upgrade and rollback: one version reads the record that another version wrote, plans from it and
//! writes it again, and nothing is lost.

use crate::text_world::run_from;
use expect_test::expect;
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::plan::{PlanInput, plan};
use serde_json::{Value, json};

const WEB: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

const LATTICE: &str = "arn:aws:vpc-lattice:eu-west-1:111122223333:targetgroup/tg-1";

fn task(name: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/{name}")
}

fn read(record: &Value) -> LedgerRecord {
    LedgerRecord::from_json(&record.to_string()).unwrap()
}

/// A record with members, codes and values that this version does not know.
fn newer() -> Value {
    json!({
        "schema": 1,
        "known": {
            WEB: {
                "i-1:32768": { "task": task("t1"), "weight": 10 },
                "i-1:32769": { "task": task("t2"), "registered_at": "2026-11-23T08:00:00Z" },
                "lambda:web": { "function": "web" },
            },
            LATTICE: { "i-1:32768": { "task": task("t1") } },
        },
        "incidents": [
            {
                "code": "foreign",
                "subject": format!("{WEB} i-9:80"),
                "opened_at": "2026-11-23T09:00:00Z",
                "last_seen_at": "2026-11-23T09:59:00Z",
                "seen": 9,
                "why": "nobody knows it",
                "confirmed": true,
                "alerted_at": "2026-11-23T09:01:00Z",
                "told": "notice",
                "told_as": "stranger",
                "repairs": 0,
                "acknowledged": { "by": "alice", "at": "2026-11-23T09:05:00Z" },
            },
            {
                "code": "slow_start",
                "subject": "service",
                "opened_at": "2026-11-23T09:59:00Z",
                "last_seen_at": "2026-11-23T09:59:00Z",
                "seen": 1,
                "why": "found by the last check of the newer version",
                "confirmed": false,
                "repairs": 0,
            },
            {
                "code": "slow_start",
                "subject": format!("{WEB} i-1:32768"),
                "task": task("t1"),
                "opened_at": "2026-11-23T09:50:00Z",
                "last_seen_at": "2026-11-23T09:59:00Z",
                "seen": 3,
                "why": "it answers after 90 s",
                "confirmed": true,
                "alerted_at": "2026-11-23T09:51:00Z",
                "told": "warning",
                "told_as": "slow_start",
                "repairs": 0,
                "seconds": 90.5,
            },
            {
                "code": "missing",
                "subject": "listener arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/x",
                "opened_at": "2026-11-23T09:59:00Z",
                "seen": 1,
            },
        ],
        "repairs": [
            {
                "at": "2026-11-23T09:59:00Z",
                "kind": "replace",
                "group": WEB,
                "target": "i-1:32768",
                "with": "i-2:32768",
            },
            { "at": "2026-11-23T09:59:00Z", "kind": "register", "group": LATTICE, "target": "x" },
        ],
        "calls": [
            {
                "id": "one",
                "at": "2026-11-23T09:58:00Z",
                "by": { "kind": "robot", "name": "r2", "model": "d2" },
                "operation": "SetWeights",
                "place": WEB,
                "targets": [{ "id": "i-1", "port": 32768, "zone": "eu-west-1a" }],
                "error": "AccessDenied",
            },
            {
                "id": "two",
                "at": "2026-11-23T09:58:00Z",
                "by": "alice",
                "operation": "RegisterTargets",
                "place": LATTICE,
            },
        ],
        "places": { WEB: "2026-11-20T00:00:00Z", LATTICE: "2026-11-20T00:00:00Z" },
        "kept_since": "2026-11-22T10:00:00Z",
        "quiet_until": "2026-12-24T00:00:00Z",
    })
}

/// The members of `before` that `after` lacks or that have changed.
fn lost(path: &str, before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .map(|(name, value)| {
                let after = after.get(name).unwrap_or(&Value::Null);
                lost(&format!("{path}/{}", name.rsplit('/').next().unwrap()), value, after)
            })
            .collect(),
        (Value::Array(before), Value::Array(after)) => {
            let is_same = |one: &Value, other: &Value| {
                ["id", "code", "subject", "kind", "group"]
                    .iter()
                    .all(|name| one.get(name) == other.get(name))
            };
            let element = |(index, value): (usize, &Value)| {
                let after = after.iter().find(|other| is_same(value, other));
                lost(&format!("{path}/{index}"), value, after.unwrap_or(&Value::Null))
            };
            before.iter().enumerate().map(element).collect()
        }
        _ if before == after => String::new(),
        _ => format!("{path}: {before} -> {after}\n"),
    }
}

/// The proof of a newer version still proves, an incident that it has reported is not reported
/// again, and after four checks that change much else the newer version finds all that it wrote.
#[test]
fn a_rollback_loses_nothing_of_a_newer_version() {
    let newer = newer();
    let (out, record) = run_from(
        read(&newer),
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        target web i-9:80 healthy
        look
        look after 60s
        look after 60s
        look after 60s
        ",
    );
    expect![[r#"
        0s:
          asks: tasks t2; owners on i-1
          web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
          web i-9:80 | foreign | alert | nobody knows it: alert only
          looks again in 60s
        60s:
          asks: tasks t2; owners on i-1
          web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
          web i-9:80 | foreign | alert | nobody knows it: alert only
          plan: deregister web [i-1:32769]
          alert: stale (error): web i-1:32769
          looks again in 60s
        120s:
          web i-9:80 | foreign | alert | nobody knows it: alert only
          alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 2 min)
        180s:
          web i-9:80 | foreign | alert | nobody knows it: alert only
        open: foreign web i-9:80, seen 13, reported
        open: slow_start service, seen 1
        open: slow_start web i-1:32768, seen 3, reported
    "#]].assert_eq(&out);
    let after = serde_json::to_value(&record).unwrap();
    expect![[r#"
        /incidents/0/last_seen_at: "2026-11-23T09:59:00Z" -> "2026-11-23T10:03:00Z"
        /incidents/0/seen: 9 -> 13
    "#]]
    .assert_eq(&lost("", &newer, &after));
    let again = LedgerRecord::from_json(&after.to_string()).unwrap();
    assert_eq!(again, record);
}

/// Only a version that knows a code can resolve its incident, even if the service is deleted.
#[test]
fn an_incident_of_an_unknown_code_is_neither_ended_nor_reported() {
    let (out, record) = run_from(
        read(&newer()),
        "
        group web
        service shop/web binds web to app:8080
        look
        group web missing
        look after 60s
        look after 60s
        service shop/web gone
        look after 60s
        look after 60s
        ",
    );
    expect![[r#"
        0s:
          service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
          alert: resolved foreign (critical): web i-9:80 (the target is no longer registered, after 1 h)
          looks again in 900s
        60s:
          service | below_desired | await 840s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
        120s:
          service | below_desired | await 780s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
        180s:
          service | - | leave | ECS does not know this service
        240s:
          service | - | leave | ECS does not know this service
          nothing to write down
        open: slow_start service, seen 1
        open: slow_start web i-1:32768, seen 3, reported
    "#]].assert_eq(&out);
    let unknown = |record: &LedgerRecord| {
        let unknown = record.incidents.iter().filter(|incident| !incident.code.is_known());
        unknown.cloned().collect::<Vec<_>>()
    };
    assert_eq!(unknown(&record), unknown(&read(&newer())));
}

/// Each line has what the commit 93fef72 planned from, with its record, and what it planned.
#[test]
fn a_record_of_the_previous_version_reads_back_and_leads_to_the_same_plan() {
    for line in include_str!("records-of-93fef72.jsonl").lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let input: PlanInput = serde_json::from_value(recorded["input"].clone()).unwrap();
        assert!(line.contains(&serde_json::to_string(&input.record).unwrap()), "{line}");
        let plan = plan(&input);
        assert_eq!(serde_json::to_value(&plan.actions).unwrap(), recorded["actions"]);
        let alerts = plan.alerts.iter().map(|alert| {
            let subjects: Vec<_> = alert.items.iter().map(|item| &item.subject).collect();
            json!([alert.state, alert.code, alert.severity, subjects])
        });
        assert_eq!(alerts.collect::<Value>(), recorded["alerts"]);
    }
}

/// Every combination that the flat form of an incident allows has a meaning, even if no version
/// should have written it.
#[test]
fn an_incident_with_half_of_a_part_is_read() {
    let base = json!({
        "code": "stale",
        "subject": format!("{WEB} i-1:32769"),
        "opened_at": "2026-11-23T09:00:00Z",
        "last_seen_at": "2026-11-23T09:59:00Z",
        "seen": 2,
        "why": "x",
    });
    let halves = [
        json!({}),
        json!({ "alerted_at": "2026-11-23T09:01:00Z" }),
        json!({ "alerted_at": "2026-11-23T09:01:00Z", "told": "warning" }),
        json!({ "told": "warning", "told_as": "missing" }),
        json!({ "resolved_at": "2026-11-23T09:30:00Z" }),
        json!({ "resolved_at": "2026-11-23T09:30:00Z", "ending": "over", "superseded": true }),
        json!({ "ending": "over", "superseded": true }),
        json!({ "repairs": 2, "refusal": "no" }),
        json!({ "repaired_at": "2026-11-23T09:30:00Z" }),
        json!({ "unproved": true, "proved_at": "2026-11-23T09:30:00Z" }),
    ];
    let table = halves.map(|half| {
        let mut incident = base.clone();
        incident.as_object_mut().unwrap().extend(half.as_object().unwrap().clone());
        let record = read(&json!({ "schema": 1, "incidents": [incident] }));
        let mut written = serde_json::to_value(&record.incidents[0]).unwrap();
        written.as_object_mut().unwrap().retain(|name, _| base.get(name).is_none());
        format!("{half}\n    {written}\n")
    });
    expect![[r#"
        {}
            {"confirmed":false,"repairs":0}
        {"alerted_at":"2026-11-23T09:01:00Z"}
            {"alerted_at":"2026-11-23T09:01:00Z","confirmed":false,"repairs":0,"told":"error","told_as":"stale"}
        {"alerted_at":"2026-11-23T09:01:00Z","told":"warning"}
            {"alerted_at":"2026-11-23T09:01:00Z","confirmed":false,"repairs":0,"told":"warning","told_as":"stale"}
        {"told":"warning","told_as":"missing"}
            {"confirmed":false,"repairs":0}
        {"resolved_at":"2026-11-23T09:30:00Z"}
            {"confirmed":false,"ending":"no longer found","repairs":0,"resolved_at":"2026-11-23T09:30:00Z"}
        {"ending":"over","resolved_at":"2026-11-23T09:30:00Z","superseded":true}
            {"confirmed":false,"ending":"over","repairs":0,"resolved_at":"2026-11-23T09:30:00Z","superseded":true}
        {"ending":"over","superseded":true}
            {"confirmed":false,"repairs":0}
        {"refusal":"no","repairs":2}
            {"confirmed":false,"refusal":"no","repairs":2}
        {"repaired_at":"2026-11-23T09:30:00Z"}
            {"confirmed":false,"repaired_at":"2026-11-23T09:30:00Z","repairs":0}
        {"proved_at":"2026-11-23T09:30:00Z","unproved":true}
            {"confirmed":false,"proved_at":"2026-11-23T09:30:00Z","repairs":0,"unproved":true}
    "#]].assert_eq(&table.concat());
}

/// One damaged part does not lose the rest. The damaged part of a target may have excluded a proof,
/// so a task that stopped before proves nothing.
#[test]
fn a_damaged_part_of_a_record_does_not_lose_the_rest() {
    let damaged = json!({
        "schema": 1,
        "known": {
            WEB: {
                "i-1:32768": { "task": task("t1") },
                "i-1:32769": { "task": task("t2"), "released_at": "soon" },
            },
        },
        "incidents": [{ "code": "stale", "subject": format!("{WEB} i-1:32769"), "seen": "often" }],
        "places": { WEB: true },
        "kept_since": "2026-11-22T10:00:00Z",
    });
    let record = read(&damaged);
    let written = serde_json::to_string_pretty(&record).unwrap();
    expect![[r#"
        this version cannot read all of the ledger record: the target i-1:32769 of arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef, which is dropped: `soon` is not an ISO 8601 time, such as 2026-11-23T10:15:00Z; an incident: invalid type: string "often", expected u32; the place arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef, which is dropped: invalid type: boolean `true`, expected a string
        {
          "schema": 1,
          "known": {
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef": {
              "i-1:32768": {
                "task": "arn:aws:ecs:eu-west-1:111122223333:task/shop/t1"
              }
            }
          },
          "incidents": [
            {
              "code": "stale",
              "seen": "often",
              "subject": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef i-1:32769"
            }
          ]
        }
    "#]].assert_eq(&format!("{}\n{written}\n", record.unread_note().unwrap()));
    assert_eq!(read(&newer()).unread_note().map(|note| note.matches("; ").count()), Some(5));
}
