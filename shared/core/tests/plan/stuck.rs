//! `deployment_stuck`: a deployment in progress lacks tasks and makes no progress, while older tasks
//! serve.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_deployment_whose_task_is_pending_for_hours_is_stuck() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 10h
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds web to app:8080
        revision 11 web:1 binds web to app:8080
        task a1 RUNNING/RUNNING ip 10.0.0.1 for 20h by 11 of web:1
        task a2 PENDING/RUNNING ip ? by 22 of web:2 for 9h
        target web 10.0.0.1:8080 healthy
        look
        look after 20m
        look after 3h
        ",
        &expect![[r#"
            0s:
              service | deployment_stuck | await 60s | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 9 h; none of the service's events explains it: found once; waiting for a second check
              task a2 | - | unknown | its network interface has no address yet
              looks again in 60s
            1200s:
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 9 h 20 min; none of the service's events explains it: alert only
              task a2 | - | unknown | its network interface has no address yet
              alert: deployment_stuck (warning): service
            12000s:
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 12 h 20 min; none of the service's events explains it: alert only
              task a2 | - | unknown | its network interface has no address yet
            open: deployment_stuck service, seen 3, reported
        "#]],
    );
}

#[test]
fn a_deployment_that_ecs_cannot_place_is_stuck_and_quotes_ecs() {
    check(
        r#"
        group web type=ip
        service shop/web binds web to app:8080 desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 3h failed=1
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds web to app:8080
        revision 11 web:1 binds web to app:8080
        task a1 RUNNING/RUNNING ip 10.0.0.1 for 20h by 11 of web:1
        target web 10.0.0.1:8080 healthy
        says 1m ago "(service web) was unable to place a task because no container instance met all of its requirements."
        look
        look after 20m
        look after 3h
        "#,
        &expect![[r#"
            0s:
              service | deployment_stuck | await 60s | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 3 h; 1 task of the deployment failed in a row; ECS reported at 2026-11-23 09:59:00Z: (service web) was unable to place a task because no container instance met all of its requirements: found once; waiting for a second check
              looks again in 60s
            1200s:
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 3 h 20 min; 1 task of the deployment failed in a row; ECS reported at 2026-11-23 09:59:00Z: (service web) was unable to place a task because no container instance met all of its requirements: alert only
              alert: deployment_stuck (warning): service
            12000s:
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 1 desired tasks, and none of them has started for 6 h 20 min; 1 task of the deployment failed in a row; ECS reported at 2026-11-23 09:59:00Z: (service web) was unable to place a task because no container instance met all of its requirements: alert only
            open: deployment_stuck service, seen 3, reported
        "#]],
    );
}

/// A blue/green deployment bakes, or shifts its traffic in steps.
#[test]
fn a_deployment_that_runs_all_its_tasks_may_take_any_time() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=CANARY desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 9h
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        revision 11 web:1 binds blue|green to app:8080 resolved blue
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 20h
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 8h
        target blue i-1:32768 healthy
        target green i-1:32769 healthy
        look
        ",
        &expect![[r#"
            0s:
        "#]],
    );
}

#[test]
fn a_deployment_that_starts_tasks_now_and_then_makes_progress() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 22 PRIMARY web:2 IN_PROGRESS for 9h
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds web to app:8080
        revision 11 web:1 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 20h
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 50m
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 20m
        look after 60s
        deployment 22 PRIMARY web:2 COMPLETED
        look after 60s
        ",
        &expect![[r#"
            0s:
            1200s:
              service | deployment_stuck | await 60s | the deployment of web:2 runs 1 of 2 desired tasks, and none of them has started for 1 h 10 min; none of the service's events explains it: found once; waiting for a second check
              looks again in 60s
            1260s:
              service | deployment_stuck | alert | the deployment of web:2 runs 1 of 2 desired tasks, and none of them has started for 1 h 11 min; none of the service's events explains it: alert only
              alert: deployment_stuck (warning): service
            1320s:
              alert: resolved deployment_stuck (warning): service (no longer found, after 2 min)
        "#]],
    );
}

/// ECS starts no other task until the last one is healthy, or its grace period is over.
#[test]
fn a_deployment_waits_for_its_last_task_for_the_grace_period() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=4 grace=7200 min=100
        deployment 2 PRIMARY web:2 IN_PROGRESS for 3h
        deployment 1 ACTIVE web:1 COMPLETED
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 5h
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 2 of web:2 for 2h
        task t4 RUNNING/RUNNING on i-4 app:8080->32768 by 2 of web:2 for 2h
        task t5 RUNNING/RUNNING on i-5 app:8080->32768 by 2 of web:2 for 61m
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        target web i-3:32768 healthy
        target web i-4:32768 healthy
        target web i-5:32768 unhealthy Target.Timeout
        look
        look after 60s
        look after 10m
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-5:32768 | unhealthy | await 3660s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-5 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: group web
              web i-5:32768 | unhealthy | await 3600s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-5 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
            660s:
              asks: group web
              web i-5:32768 | unhealthy | await 3000s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-5 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
            open: unhealthy web i-5:32768, seen 3
        "#]],
    );
}
