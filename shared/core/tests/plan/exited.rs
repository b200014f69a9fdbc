//! A load-balanced container that has stopped while its task runs on: it is not essential. Its host
//! port is free, and another task may get it.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_target_of_a_stopped_container_that_leads_to_another_service_is_hijacked() {
    check(
        "
        group web
        group mail
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 log:9000->32800
        target web i-1:32768 healthy
        look
        task t1 RUNNING/RUNNING exited app
        owner mail/t9 RUNNING/RUNNING on i-1 app:80->32768 groups mail
        look after 60s
        look after 60s
        gap owners
        look after 60s
        gap none
        owner mail/t9 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32768 | hijacked | await 60s | the container of task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32768 | hijacked | alert | the container of task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-1:32768
            180s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              nothing to write down
            240s:
              asks: owners on i-1
              alert: resolved hijacked (critical): web i-1:32768 (the target belongs to a task now, after 3 min)
        "#]],
    );
}

#[test]
fn a_target_of_a_stopped_container_whose_port_is_free_or_unknown_is_judged_by_its_health() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 exited app
        target web i-1:32768 unhealthy Target.FailedHealthChecks
        look
        gap owners
        look after 60s
        gap none
        owner web-2/t9 RUNNING/RUNNING on i-1 app:80->32768 groups web
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web; owners on i-1
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
              looks again in 120s
            60s:
              asks: group web; owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32768 | unhealthy | await 60s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
            120s:
              asks: owners on i-1
        "#]],
    );
}

#[test]
fn a_stopped_container_is_not_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 log:9000->32800 exited app
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 log:9000->32800 exited log
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered; its container has stopped, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32768 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered; its container has stopped, so Portkeeper does not register it: alert only
              web i-2:32768 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (critical): web i-1:32768, web i-2:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, reported
            open: missing web i-2:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// The containers of a task that ECS stops are stopping, too: nothing has to be read for that.
#[test]
fn a_stopping_task_asks_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/STOPPED on i-1 app:8080->32768 exited app
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        ",
        &expect![[r#"
            0s:
        "#]],
    );
}

/// Holds I-PROOF. The port of an exited container is free: something outside ECS answers there.
#[test]
fn a_container_of_another_service_that_has_stopped_does_not_explain_a_healthy_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        owner billing/t9 RUNNING/RUNNING on i-1 side:80->32769 main:81->32780 groups billing exited side
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        target web i-1:32769 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: alert only
              alert: foreign (warning): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
            180s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
            open: foreign web i-1:32769, seen 4, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn an_exited_sidecar_does_not_explain_a_healthy_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 side:9090->32769 exited side
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | its health checks are answered although task t1, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | its health checks are answered although task t1, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}
