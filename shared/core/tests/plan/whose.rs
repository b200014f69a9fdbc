//! Which task a target belonged to, and which tasks may use its address: what each part of the
//! answer decides.

use crate::text_world::check;
use expect_test::expect;

/// The list of stopped tasks proves nothing about the time before the record was continuous, even
/// if the record names another task.
#[test]
fn of_two_tasks_that_had_a_target_the_one_that_the_record_knows_is_named() {
    check(
        "
        ledger empty
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t9
        look
        ",
        &expect![[r#"
            0s:
              asks: tasks t9; owners on i-1
              web i-1:32769 | stale | await 60s | task t9 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// Tasks start and stop all the time. Only a task that had this target, or used its address, is a
/// reason to wait.
#[test]
fn a_task_that_has_just_stopped_elsewhere_delays_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 10s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        target web i-1:32770 draining
        look
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// A target is not reported as foreign before every task that may use its address was read.
#[test]
fn an_unexplained_target_is_not_foreign_until_all_tasks_were_read() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        gap owners
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              looks again in 60s
            60s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              looks again in 60s
        "#]],
    );
}

/// Holds I-PARTIAL.
#[test]
fn a_task_of_no_service_with_unknown_ports_may_use_the_address() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->8080 ended 10m ago
        owner -/t9 RUNNING/RUNNING on i-1
        target web i-1:32768 healthy
        target web i-1:8080 unhealthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | task definition -:1 could not be read: throttled
              web i-1:8080 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            60s:
              asks: owners on i-1
              service | - | unknown | task definition -:1 could not be read: throttled
              web i-1:8080 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
        "#]],
    );
}

#[test]
fn so_may_one_in_the_own_list_of_tasks() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->8080 ended 10m ago
        task job RUNNING/RUNNING on i-1 started-by alice of job:1
        target web i-1:32768 healthy
        target web i-1:8080 unhealthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | task definition job:1 could not be read: throttled
              task job | - | leave | this service did not start the task, so no target is expected
              web i-1:8080 | - | await 60s | registered; task job may be about to use its address
              looks again in 60s
            60s:
              asks: owners on i-1
              service | - | unknown | task definition job:1 could not be read: throttled
              task job | - | leave | this service did not start the task, so no target is expected
              web i-1:8080 | - | await 60s | registered; task job may be about to use its address
              looks again in 60s
        "#]],
    );
}
