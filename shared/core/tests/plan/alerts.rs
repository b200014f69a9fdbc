//! One incident, one alert, one end.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-INCIDENT, C-38.
#[test]
fn the_same_finding_again_and_again_is_one_alert_and_a_counter() {
    let looks = "look after 60s\n".repeat(49);
    let world = format!(
        "
        policy mode=alert hops=0
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        {looks}
        "
    );
    let open = crate::text_world::run(&world);
    assert_eq!(open.matches("  alert: ").count(), 1);
    expect!["open: missing web i-1:32768, seen 50, reported\n"]
        .assert_eq(open.split_inclusive('\n').next_back().unwrap());
    let ended = crate::text_world::run(&format!(
        "{world}\ntarget web i-1:32768 healthy\nlook after 60s\nlook after 60s"
    ));
    assert_eq!(ended.matches("  alert: ").count(), 2);
    expect![[r#"

          alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 50 min)
        3060s:
          nothing to write down
    "#]]
    .assert_eq(ended.rsplit_once("3000s:").unwrap().1);
}

/// Holds I-INCIDENT, C-39.
#[test]
fn an_alert_that_could_not_be_sent_is_sent_by_the_next_check() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s unsent
        look after 60s
        target web i-1:32768 healthy
        look after 60s unsent
        look after 60s
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
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              alert: missing (error): web i-1:32768
              looks again in 60s
            180s:
              alert: resolved missing (error): web i-1:32768 (registered and healthy, after 3 min)
            240s:
              alert: resolved missing (error): web i-1:32768 (registered and healthy, after 3 min)
            300s:
              nothing to write down
        "#]],
    );
}

/// Holds I-INCIDENT, C-39.
#[test]
fn begin_and_end_that_were_never_sent_are_sent_together_and_in_order() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s unsent
        target web i-1:32768 healthy
        look after 60s
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
              alert: missing (error): web i-1:32768
              alert: resolved missing (error): web i-1:32768 (registered and healthy, after 2 min)
            180s:
              nothing to write down
        "#]],
    );
}

/// Holds I-INCIDENT.
#[test]
fn an_incident_that_returns_before_its_end_was_sent_continues() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s unsent
        target web i-1:32768 gone
        look after 60s
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
            120s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 2 min)
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 13 min and its target is not registered: mode alert: Portkeeper writes nothing
            open: missing web i-1:32768, seen 3, reported
        "#]],
    );
}

#[test]
fn one_check_sends_one_alert_for_each_code() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 10m ago
        target web i-1:32770 unhealthy
        target web i-1:32771 healthy
        target web i-1:32772 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32771 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              web i-1:32772 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              web i-1:32769 | missing | alert | task t2 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              web i-1:32770 | stale | alert | task t3 has stopped and its target is still registered: mode alert: Portkeeper writes nothing
              web i-1:32771 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              web i-1:32772 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: missing (critical): web i-1:32768, web i-1:32769
              alert: stale (error): web i-1:32770
              alert: foreign (warning): web i-1:32771, web i-1:32772
            open: missing web i-1:32768, seen 2, reported
            open: missing web i-1:32769, seen 2, reported
            open: stale web i-1:32770, seen 2, reported
            open: foreign web i-1:32771, seen 2, reported
            open: foreign web i-1:32772, seen 2, reported
        "#]],
    );
}
