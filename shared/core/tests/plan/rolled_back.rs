//! Tasks of deployments and task sets that ECS is stopping: nothing is registered for them.

use crate::text_world::check;
use expect_test::expect;

/// ECS rolls a blue/green deployment back and stops its tasks.
#[test]
fn a_task_of_a_deployment_that_was_rolled_back_is_not_registered() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 desired=1 strategy=BLUE_GREEN
        deployment 1 PRIMARY web:1 IN_PROGRESS for 2m
        deployment 2 ACTIVE web:2 FAILED
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2
        target blue i-1:32768 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

/// ECS rolls the deployment back and stops its tasks.
#[test]
fn a_task_of_a_rolling_deployment_that_failed_is_not_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 COMPLETED
        deployment 1 ACTIVE web:1 FAILED
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 2 of web:2
        target web i-1:32769 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

/// Another system scales a task set to 0 and deletes it.
#[test]
fn a_task_of_a_task_set_scaled_to_zero_is_not_registered() {
    check(
        "
        group web
        service shop/web binds nothing controller=EXTERNAL desired=1
        taskset 1 binds web to app:8080 desired 0 status ACTIVE
        taskset 2 binds web to app:8080 desired 1 status PRIMARY
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task t2 RUNNING/RUNNING on i-2 app:8080->32769 by 2
        target web i-2:32769 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

/// Without a rollback, a deployment that failed stays PRIMARY, and its tasks go on.
#[test]
fn a_task_of_a_failed_deployment_that_stays_is_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 2 PRIMARY web:2 FAILED
        deployment 1 ACTIVE web:1 COMPLETED
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 2 of web:2
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 1 of web:1
        target web i-1:32769 healthy
        look
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
              alert: missing (error): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}
