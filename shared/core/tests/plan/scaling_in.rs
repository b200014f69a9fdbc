//! A task that ECS is about to stop: its target is deregistered first, and must stay so.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-16. The description of the task is older than the deregistration.
#[test]
fn what_ecs_deregistered_is_not_registered_again() {
    check(
        r#"
        policy confirm=30
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds web to app:8080 desired=1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 deregistered
        target web i-2:32768 draining
        says 1s ago "(service web) deregistered 1 targets in (target-group web)"
        look after 5s
        look after 30s
        "#,
        &expect![[r#"
            0s:
            5s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 90s | task t2 has been running for 10 min 5 s and its target is draining; ECS reports that it deregistered the target, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 90s
            35s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 60s | task t2 has been running for 10 min 35 s and its target is draining; ECS reports that it deregistered the target, so Portkeeper does not register it: found once; waiting for a second check
            open: missing web i-2:32768, seen 2
        "#]],
    );
}

/// Holds C-16. 48 s passed in a sample between the deregistration and the end of the task.
#[test]
fn a_target_that_served_is_absent_for_the_settle_time_before_it_is_registered() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds web to app:8080 desired=1
        target web i-2:32768 draining
        says 1s ago "(service web) deregistered 1 targets in (target-group web)"
        look after 5s
        look after 60s
        "#,
        &expect![[r#"
            0s:
            5s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 90s | task t2 has been running for 10 min 5 s and its target is draining: found once; waiting for a second check
              looks again in 90s
            65s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 30s | task t2 has been running for 11 min 5 s and its target is draining: found once; waiting for a second check
            open: missing web i-2:32768, seen 2
        "#]],
    );
}

/// Holds C-16.
#[test]
fn an_old_task_of_a_deployment_is_not_registered_within_the_settle_time() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 IN_PROGRESS for 5m
        deployment 1 ACTIVE web:1 COMPLETED for 3h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 3h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2 for 4m
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-1:32768 draining
        look after 5s
        look after 60s
        ",
        &expect![[r#"
            0s:
            5s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 90s | task t1 has been running for 3 h and its target is draining: found once; waiting for a second check
              looks again in 90s
            65s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 30s | task t1 has been running for 3 h 1 min and its target is draining: found once; waiting for a second check
            open: missing web i-1:32768, seen 2
        "#]],
    );
}

/// The group is reported as an outage before the settle time has passed, and the repair is not
/// forgotten.
#[test]
fn a_target_of_a_group_with_quick_checks_is_registered_too() {
    check(
        "
        group web interval=5 threshold=2
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        target web i-1:32768 gone
        look after 5s
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            5s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 90s | task t1 has been running for 10 min 5 s and its target is not registered: found once; waiting for a second check
              looks again in 90s
            65s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 30s | task t1 has been running for 11 min 5 s and its target is not registered: found once; waiting for a second check
            125s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min 5 s and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 3, 1 repairs, reported
        "#]],
    );
}

/// Holds C-16.
#[test]
fn what_ecs_deregistered_outside_the_vpc_is_not_registered_again() {
    check(
        "
        policy az-all=true
        group web type=ip vpc=vpc-1
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.9.0.5 subnet s-1
        task t2 RUNNING/RUNNING ip 10.9.0.6 subnet s-1
        target web 10.9.0.5:8080 healthy zone=all
        target web 10.9.0.6:8080 healthy zone=all
        look
        task t2 RUNNING/RUNNING ip 10.9.0.6 subnet s-1 deregistered
        target web 10.9.0.6:8080 gone
        look after 60s
        look after 90s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: group web
              web 10.9.0.6:8080 | az_all_needed | await 90s | task t2 has been running for 11 min, and 10.9.0.5 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC vpc-1, and ECS cannot register it; ECS reports that it deregistered the target, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 90s
            150s:
              asks: group web
              web 10.9.0.6:8080 | az_all_needed | alert | task t2 has been running for 12 min 30 s, and 10.9.0.5 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC vpc-1, and ECS cannot register it; ECS reports that it deregistered the target, so Portkeeper does not register it: alert only
              alert: az_all_needed (error): web 10.9.0.6:8080
            open: az_all_needed web 10.9.0.6:8080, seen 2, reported
        "#]],
    );
}
