//! Modes: stack-wide, by tag, with an end.

use crate::text_world::check;
use expect_test::expect;
use portkeeper_core::mode::mode_in_force;
use portkeeper_core::plan::{PlanInput, Writes};
use serde_json::{Value, json};

#[test]
fn mode_alert_reports_and_writes_nothing() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered: mode alert: Portkeeper writes nothing
              alert: missing (critical): web i-1:32768
              alert: stale (error): web i-1:32769
            open: missing web i-1:32768, seen 2, reported
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}

#[test]
fn mode_off_reads_and_reports_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s unsent
        service shop/web binds web to app:8080 mode=off
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              service | - | leave | mode off (tag portkeeper:mode=off)
            open: missing web i-1:32768, seen 2, 1 repairs
        "#]],
    );
}

#[test]
fn the_tag_of_a_service_overrides_the_stack() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080 mode=repair
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn a_tag_holds_until_the_end_of_its_day() {
    check(
        "
        group web
        service shop/web binds web to app:8080 mode=\"off until 2026-11-23\"
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 13h
        look after 1h
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | - | leave | mode off (tag portkeeper:mode=off until 2026-11-23)
            46800s:
              service | - | leave | mode off (tag portkeeper:mode=off until 2026-11-23)
              nothing to write down
            50400s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 14 h 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            50460s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 14 h 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn an_invalid_tag_means_alert() {
    check(
        "
        group web
        service shop/web binds web to app:8080 mode=\"alert till christmas\"
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              alert: missing (critical): web i-1:32768
            open: missing web i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn what_was_repaired_before_the_mode_changed_is_still_resolved() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        service shop/web binds web to app:8080 mode=alert
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 2 min)
        "#]],
    );
}

const LOOKED_AWAY: &str = "
    group web
    service shop/web binds web to app:8080
    task t1 RUNNING/RUNNING on i-1 app:8080->32768
    task t2 RUNNING/RUNNING on i-1 app:8080->32769
    target web i-1:32768 healthy
    target web i-1:32769 healthy
    look
    service shop/web binds web to app:8080 mode=off
    look after 60s
    service shop/web binds web to app:8080
";

/// What happens to a target while no check runs is unknown: the target is reported under its code,
/// is not marked as seen absent, and stays registered.
#[test]
fn a_task_that_stopped_while_the_mode_was_off_proves_nothing() {
    check(
        &format!(
            "
            {LOOKED_AWAY}
            task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 5m ago
            target web i-1:32769 unhealthy
            look after 10m
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
            60s:
              service | - | leave | mode off (tag portkeeper:mode=off)
            660s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              looks again in 60s
            720s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: stale (error): web i-1:32769
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Found by the simulation: the first check after the mode was off was partial, and the task had
/// stopped before the next check.
#[test]
fn a_task_that_stopped_after_the_next_check_is_proof_as_usual() {
    check(
        &format!(
            "
            {LOOKED_AWAY}
            gap tasks throttled
            look after 10m
            gap none
            task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended now
            target web i-1:32769 unhealthy
            look after 2m
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
            60s:
              service | - | leave | mode off (tag portkeeper:mode=off)
            660s:
              service | - | unknown | the list of tasks could not be read: throttled
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
            780s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            840s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// A target that was seen absent before the mode was off stays foreign, even if its task stops only
/// after that.
#[test]
fn a_target_seen_absent_before_the_mode_was_off_stays_foreign() {
    check(
        "
        group web
        service shop/web binds web to app:8080 mode=off
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 DEACTIVATING/STOPPED on i-1 app:8080->32769
        target web i-1:32768 healthy
        known web i-1:32769 t2 released 5m ago
        look
        service shop/web binds web to app:8080
        look after 60s
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended now
        target web i-1:32769 unhealthy
        look after 2m
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | - | leave | mode off (tag portkeeper:mode=off)
            60s:
            180s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            240s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// A service with this tag, and a policy with these members.
fn input(tag: Option<&str>, policy: &Value) -> PlanInput {
    let now = "2026-11-23T10:00:00Z";
    let key =
        json!({ "cluster": "arn:aws:ecs:eu-west-1:111122223333:cluster/shop", "service": "web" });
    let service = json!({
        "status": "ACTIVE",
        "controller": "ECS",
        "strategy": "ROLLING",
        "desired_count": 1,
        "running_count": 1,
        "mode_tag": tag,
    });
    let observation = json!({ "key": key, "observed_at": now, "service": service });
    let input = json!({ "version": 1, "now": now, "policy": policy, "observation": observation });
    serde_json::from_value(input).unwrap()
}

fn mode(input: &PlanInput) -> String {
    let mode = mode_in_force(input);
    format!("{} ({})", mode.mode, mode.why)
}

#[test]
fn a_tag_overrides_the_stack_wide_mode_until_its_end() {
    let tags = [
        None,
        Some("repair"),
        Some(" alert "),
        Some("off"),
        Some("alert until 2026-11-23"),
        Some("off until 2026-11-22"),
        Some("off until soon"),
        Some("Off"),
        Some(""),
        Some("alert until"),
    ];
    let table = tags.map(|tag| format!("{tag:?}: {}\n", mode(&input(tag, &json!({})))));
    expect![[r#"
        None: repair (stack-wide mode)
        Some("repair"): repair (tag portkeeper:mode=repair)
        Some(" alert "): alert (tag portkeeper:mode= alert )
        Some("off"): off (tag portkeeper:mode=off)
        Some("alert until 2026-11-23"): alert (tag portkeeper:mode=alert until 2026-11-23)
        Some("off until 2026-11-22"): repair (tag portkeeper:mode=off until 2026-11-22 has expired; stack-wide mode)
        Some("off until soon"): alert (tag portkeeper:mode=off until soon is invalid, so Portkeeper writes nothing; allowed: repair, alert, off, each optionally with ` until 2026-12-31`)
        Some("Off"): alert (tag portkeeper:mode=Off is invalid, so Portkeeper writes nothing; allowed: repair, alert, off, each optionally with ` until 2026-12-31`)
        Some(""): alert (tag portkeeper:mode= is invalid, so Portkeeper writes nothing; allowed: repair, alert, off, each optionally with ` until 2026-12-31`)
        Some("alert until"): alert (tag portkeeper:mode=alert until is invalid, so Portkeeper writes nothing; allowed: repair, alert, off, each optionally with ` until 2026-12-31`)
    "#]].assert_eq(&table.concat());
}

/// The kill switch applies to the current check only. In JSON it is a member of the policy.
#[test]
fn the_kill_switch_turns_repair_into_alert_and_reads_back() {
    let policy = json!({ "writes_stopped": "until Monday", "settle_seconds": 30 });
    let stopped = input(None, &policy);
    assert_eq!(stopped.writes, Writes::Stopped("until Monday".to_owned()));
    assert_eq!(stopped.policy.settle_seconds, 30);
    expect!["alert (the kill switch is set: until Monday)"].assert_eq(&mode(&stopped));
    expect!["off (tag portkeeper:mode=off)"].assert_eq(&mode(&input(Some("off"), &policy)));
    let text = serde_json::to_string(&stopped).unwrap();
    assert!(text.contains(r#""writes_stopped":"until Monday""#), "{text}");
    assert_eq!(serde_json::from_str::<PlanInput>(&text).unwrap(), stopped);
}
