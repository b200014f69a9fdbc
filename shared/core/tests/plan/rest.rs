//! Services that are no longer checked, and services in order.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-35.
#[test]
fn a_service_scaled_to_zero_is_out_of_scope_and_its_incidents_are_resolved() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        service shop/web binds web to app:8080 desired=0
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
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              alert: missing (critical): web i-1:32768
            120s:
              service | - | leave | the desired count is 0 and no target is registered
              alert: resolved missing (critical): web i-1:32768 (the desired count is 0 and no target is registered, after 2 min)
            180s:
              service | - | leave | the desired count is 0 and no target is registered
              nothing to write down
        "#]],
    );
}

/// Holds C-35.
#[test]
fn a_service_that_is_being_deleted_is_out_of_scope() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        service shop/web binds web to app:8080 status=DRAINING
        look after 60s
        service shop/web binds web to app:8080 status=INACTIVE
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
              service | - | leave | the service is being deleted
              alert: resolved missing (critical): web i-1:32768 (the service is being deleted, after 2 min)
            180s:
              service | - | leave | the service is deleted
              nothing to write down
        "#]],
    );
}

/// Holds C-35.
#[test]
fn a_service_unknown_to_ecs_is_out_of_scope_and_unconfirmed_incidents_are_dropped() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        service shop/web gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              service | - | leave | ECS does not know this service
        "#]],
    );
}

/// Holds C-35.
#[test]
fn a_service_with_an_unknown_status_is_out_of_scope() {
    check(
        "
        group web
        service shop/web binds web to app:8080 status=?HIBERNATING
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        ",
        &expect![[r#"
            0s:
              service | - | leave | this version of Portkeeper does not know the service's status
              nothing to write down
        "#]],
    );
}

/// Holds I-COST, C-37.
#[test]
fn the_record_of_a_service_in_order_is_written_once() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        task t3 STOPPED/STOPPED on i-2 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        look after 60s
        look after 5h
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
            18060s:
              nothing to write down
        "]],
    );
}

/// Holds C-14, C-37.
#[test]
fn a_new_task_is_recorded_when_its_target_is_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        task t2 PENDING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 initial
        look after 60s
        task t2 RUNNING/RUNNING for 0s
        target web i-2:32768 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
            120s:
            180s:
              nothing to write down
        "#]],
    );
}
