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
              asks: state of i-2; group green
              green | no_traffic | await 300s | the only running task of green has no healthy target; task t2 has been running for 10 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              green i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it
              looks again in 300s
            60s:
              asks: state of i-2; group green
              green | no_traffic | await 240s | the only running task of green has no healthy target; task t2 has been running for 11 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              green i-2:32768 | missing | unknown | task t2 has been running for 11 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it
            open: no_traffic green, seen 2
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
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1800s | task t1 has been running for 10 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1740s | task t1 has been running for 11 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
            open: missing web i-1:32768, seen 2
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
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1800s | task t1 has been running for 10 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1740s | task t1 has been running for 11 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
            open: missing web i-1:32768, seen 2
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

/// A newer deployment replaces one that failed: until then its tasks are the service.
#[test]
fn tasks_of_a_failed_deployment_that_serve_are_judged_like_others() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 2 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 1 ACTIVE web:1 FAILED for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 5h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-1:32768 unhealthy Target.Timeout
        target web i-2:32768 unhealthy Target.Timeout
        look after 60s
        look after 10m
        look after 1h
        look after 3h
        ready
        audit
        ",
        &expect![[r#"
            0s:
            60s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              web i-2:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 120s
            660s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              web i-2:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: unhealthy (critical): web i-1:32768, web i-2:32768
            4260s:
              asks: group web
              service | deployment_stuck | await 60s | the deployment of web:2 runs 0 of 2 desired tasks, and none of them has started for 1 h 21 min; none of the service's events explains it: found once; waiting for a second check
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              web i-2:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              looks again in 60s
            15060s:
              asks: group web
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 2 desired tasks, and none of them has started for 4 h 21 min; none of the service's events explains it: alert only
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              web i-2:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: deployment_stuck (warning): service
            not ready: i-1:32768 in web is unhealthy (Target.Timeout)
            audit:
              web i-1:32768 | unhealthy (error) | then await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout
              web i-2:32768 | unhealthy (error) | then await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout
              service | deployment_stuck (warning) | then alert | the deployment of web:2 runs 0 of 2 desired tasks, and none of them has started for 4 h 21 min; none of the service's events explains it
            open: unhealthy web i-1:32768, seen 4, reported
            open: unhealthy web i-2:32768, seen 4, reported
            open: deployment_stuck service, seen 2, reported
        "#]],
    );
}

/// No task of the newer deployment runs yet.
#[test]
fn the_targets_of_a_failed_deployment_that_serves_are_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 2 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 1 ACTIVE web:1 FAILED for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 5h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-1:32768 gone
        target web i-2:32768 gone
        look after 60s
        look after 60s
        look after 15m
        look after 30m
        audit
        ready
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | await 90s | task t1 has been running for 5 h 1 min and its target is not registered: found once; waiting for a second check
              web i-2:32768 | missing | await 90s | task t2 has been running for 5 h 1 min and its target is not registered: found once; waiting for a second check
              looks again in 90s
            120s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | await 30s | task t1 has been running for 5 h 2 min and its target is not registered: found once; waiting for a second check
              web i-2:32768 | missing | await 30s | task t2 has been running for 5 h 2 min and its target is not registered: found once; waiting for a second check
            1020s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | register | task t1 has been running for 5 h 17 min and its target is not registered: confirmed by a second check
              web i-2:32768 | missing | register | task t2 has been running for 5 h 17 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768, i-2:32768]
              alert: missing (critical): web i-1:32768, web i-2:32768
              looks again in 60s
            2820s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that; an earlier check found it healthy: found once; waiting for a second check
              web i-2:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that; an earlier check found it healthy: found once; waiting for a second check
              looks again in 120s
            audit:
              web i-1:32768 | unhealthy (error) | then await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that
              web i-2:32768 | unhealthy (error) | then await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that
            not ready: i-1:32768 in web is initial
            open: missing web i-1:32768, seen 3, 1 repairs, reported
            open: missing web i-2:32768, seen 3, 1 repairs, reported
            open: unhealthy web i-1:32768, seen 1
            open: unhealthy web i-2:32768, seen 1
        "#]],
    );
}

/// Holds C-20.
#[test]
fn a_task_of_a_failed_deployment_whose_port_is_another_services_is_hijacked() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 COMPLETED for 1h
        deployment 1 ACTIVE web:1 FAILED for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h by 2 of web:2
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h by 1 of web:1 exited app
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32768 groups billing
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: owners on i-2
              web i-2:32768 | hijacked | await 60s | the container of task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-2
              web i-2:32768 | hijacked | alert | the container of task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-2:32768
            3660s:
              asks: owners on i-2
              web i-2:32768 | hijacked | alert | the container of task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: alert only
            open: hijacked web i-2:32768, seen 3, reported
        "#]],
    );
}
