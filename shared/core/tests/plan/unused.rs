//! Registered targets in the state `unused`: only the idle group of a pair explains it.

use crate::text_world::{check, run};
use expect_test::expect;

/// The reasons of API `TargetHealth` for the state `unused`.
#[test]
fn a_target_to_which_no_request_is_sent_is_reported_for_each_reason() {
    check(
        "
        group a type=ip
        group b type=ip
        group c type=ip
        service shop/web binds a to app:80 and b to app:81 and c to app:82
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target a 10.0.0.1:80 unused Target.InvalidState
        target b 10.0.0.1:81 unused Target.IpUnusable
        target c 10.0.0.1:82 unused
        look
        look after 60s
        target a 10.0.0.1:80 healthy
        target b 10.0.0.1:81 gone
        target c 10.0.0.1:82 unused Target.New
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group a, b, c
              a 10.0.0.1:80 | unhealthy | await 60s | registered, but unused (Target.InvalidState); the instance is stopped or terminated, so no request reaches the task: check the instance: found once; waiting for a second check
              b 10.0.0.1:81 | unhealthy | await 60s | registered, but unused (Target.IpUnusable); a load balancer uses the address itself: stop the task, so that the next one gets another address: found once; waiting for a second check
              c 10.0.0.1:82 | unhealthy | await 60s | registered, but unused (no reason given): found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group a, b, c
              a 10.0.0.1:80 | unhealthy | alert | registered, but unused (Target.InvalidState); the instance is stopped or terminated, so no request reaches the task: check the instance: alert only
              b 10.0.0.1:81 | unhealthy | alert | registered, but unused (Target.IpUnusable); a load balancer uses the address itself: stop the task, so that the next one gets another address: alert only
              c 10.0.0.1:82 | unhealthy | alert | registered, but unused (no reason given): alert only
              alert: unhealthy (critical): a 10.0.0.1:80, b 10.0.0.1:81, c 10.0.0.1:82
            120s:
              asks: group b, c
              b 10.0.0.1:81 | missing | await 60s | task t1 has been running for 12 min and its target is not registered: found once; waiting for a second check
              c 10.0.0.1:82 | unhealthy | alert | registered, but unused (Target.New): alert only
              alert: resolved unhealthy (critical): a 10.0.0.1:80 (the target is healthy, after 2 min), b 10.0.0.1:81 (the target is no longer registered, after 2 min)
              looks again in 60s
            open: missing b 10.0.0.1:81, seen 1
            open: unhealthy c 10.0.0.1:82, seen 3, reported
        "#]],
    );
}

#[test]
fn a_target_of_a_young_task_may_be_unused_for_the_settle_time() {
    check(
        "
        group web
        service shop/web binds web to app:8080 grace=600
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 30s
        target web i-1:32768 unused Target.InvalidState
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 60s | registered, unused; its task has just started
              looks again in 60s
            60s:
              asks: group web
              web i-1:32768 | unhealthy | await 60s | registered, but unused (Target.InvalidState); the instance is stopped or terminated, so no request reaches the task: check the instance: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unused (Target.InvalidState); the instance is stopped or terminated, so no request reaches the task: check the instance: alert only
              alert: unhealthy (critical): web i-1:32768
            open: unhealthy web i-1:32768, seen 2, reported
        "#]],
    );
}

/// The registration that was repaired is not resolved by a state in which no request is sent.
#[test]
fn a_missing_target_that_is_unusable_after_its_registration_stays_open() {
    let text = run("
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        look
        look after 60s
        target web 10.0.0.1:8080 unused Target.IpUnusable
        look after 60s");
    assert!(!text.contains("resolved"), "{text}");
}
