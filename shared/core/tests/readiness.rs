//! When a service's tasks receive traffic, and what is missing until then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod text_world;

use expect_test::expect;
use text_world::check;

#[test]
fn a_service_is_ready_once_every_task_is_registered_and_healthy() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ready
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5s
        ready
        target web i-1:32768 healthy
        target web i-2:32768 initial Elb.RegistrationInProgress
        ready
        target web i-2:32768 healthy
        ready
        ",
        &expect![[r#"
            not ready: 1 of 2 tasks are running
            not ready: task t1 is not registered in web as i-1:32768
            not ready: i-2:32768 in web is initial (Elb.RegistrationInProgress)
            ready
        "#]],
    );
}

#[test]
fn a_task_in_two_groups_must_be_healthy_in_both() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        target web i-1:32768 healthy
        ready
        target admin i-1:32769 unhealthy Target.Timeout
        ready
        target admin i-1:32769 healthy
        ready
        ",
        &expect![[r"
            not ready: task t1 is not registered in admin as i-1:32769
            not ready: i-1:32769 in admin is unhealthy (Target.Timeout)
            ready
        "]],
    );
}

#[test]
fn where_health_checks_are_off_a_registered_target_is_ready() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 unavailable Target.HealthCheckDisabled
        ready
        ",
        &expect![[r"
            ready
        "]],
    );
}

#[test]
fn a_target_that_is_not_a_tasks_does_not_make_the_service_ready() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32769 healthy
        ready
        target web i-1:32768 draining
        ready
        ",
        &expect![[r"
            not ready: task t1 is not registered in web as i-1:32768
            not ready: task t1 is not registered in web as i-1:32768
        "]],
    );
}

#[test]
fn what_could_not_be_read_is_not_ready() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        gap tasks "page 2 failed"
        ready
        gap none
        ready
        group web unread
        ready
        group web missing
        ready
        "#,
        &expect![[r#"
            not ready: something could not be read: page 2 failed
            ready
            not ready: something could not be read: throttled
            not ready: the target group web does not exist
        "#]],
    );
}

#[test]
fn a_task_whose_target_is_unknown_is_not_ready() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip ?
        ready
        ",
        &expect![[r"
            not ready: task t1: its network interface has no address yet
        "]],
    );
}

#[test]
fn a_service_that_cannot_be_registered_is_not_ready() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ready
        ",
        &expect![[r#"
            not ready: the group accepts ip targets, but a task in network mode bridge cannot be one
        "#]],
    );
}

/// The counts of the service are newer than the list of tasks.
#[test]
fn a_task_that_is_counted_but_not_listed_is_not_ready() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        counts running=2 pending=0
        target web i-1:32768 healthy
        ready
        ",
        &expect![[r#"
            not ready: 1 of 2 tasks are listed as running with a target
        "#]],
    );
}

#[test]
fn a_service_that_is_gone_is_not_ready_and_one_without_groups_is() {
    check(
        "
        service shop/web binds nothing
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ready
        service shop/web gone
        ready
        ",
        &expect![[r#"
            ready
            not ready: ECS does not know this service
        "#]],
    );
}
