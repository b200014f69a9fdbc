//! Another program now uses a stopped task's port or address.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-20.
#[test]
fn a_reused_port_that_sends_requests_to_another_service_is_hijacked() {
    check(
        "
        group web
        group billing
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target billing i-1:32769 healthy
        group billing missing
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: hijacked (critical): web i-1:32769
              looks again in 60s
            open: hijacked web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-20.
#[test]
fn a_stale_target_that_becomes_hijacked_is_reported_again_and_stays_one_incident() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32769 healthy
        look after 60s
        target web i-1:32769 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered: mode alert: Portkeeper writes nothing
              alert: stale (error): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: mode alert: Portkeeper writes nothing
              alert: escalated hijacked (critical): web i-1:32769
            180s:
              alert: resolved hijacked (critical): web i-1:32769 (the target is no longer registered, after 3 min)
        "#]],
    );
}

/// Holds C-21.
#[test]
fn a_reused_address_is_hijacked_too() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        task t2 STOPPED/STOPPED ip 10.0.0.6 ended 10m ago
        owner billing/t9 RUNNING/RUNNING ip 10.0.0.6 groups billing
        target web 10.0.0.5:8080 healthy
        target web 10.0.0.6:8080 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.6:8080 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.6:8080 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: confirmed by a second check
              plan: deregister web [10.0.0.6:8080]
              alert: hijacked (critical): web 10.0.0.6:8080
              looks again in 60s
            open: hijacked web 10.0.0.6:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-20.
#[test]
fn a_port_reused_by_a_task_that_no_service_started_is_hijacked_too() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner -/job RUNNING/RUNNING on i-1 app:80->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-1:32769
            open: hijacked web i-1:32769, seen 2, reported
        "#]],
    );
}

#[test]
fn a_port_reused_by_a_sidecar_of_the_same_service_is_stale() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 metrics:9090->32769
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn a_port_reused_by_the_same_services_next_task_is_in_order() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t0 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        target web i-1:32768 healthy
        known web i-1:32768 t0
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-20, C-27.
#[test]
fn a_hijacked_target_is_reported_even_when_a_guard_withholds_its_repair() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 PENDING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | below_desired | await 840s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web | limit_exceeded | alert | deregistering i-1:32769 would leave web without targets; Portkeeper deregistered nothing there
              web i-1:32769 | hijacked | withheld | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: it would leave the target group without targets
              alert: hijacked (critical): web i-1:32769 (held back)
              alert: limit_exceeded (error): web
              looks again in 840s
            open: hijacked web i-1:32769, seen 2, reported
            open: below_desired service, seen 2
            open: limit_exceeded web, seen 1, reported
        "#]],
    );
}

/// Holds I-ADDRESS. A caller of `RunTask` chooses the group of a task, so ECS may list a task of
/// nobody with the tasks of the service.
#[test]
fn a_task_in_the_services_list_that_no_service_started_keeps_the_target() {
    let world = |task: &str, group: &str, targets: [&str; 2]| {
        format!(
            "
            group web {group}
            service shop/web binds web to app:8080 desired=1
            {task}
            target web {} healthy
            target web {} healthy
            ",
            targets[0], targets[1]
        )
    };
    check(
        &world(
            "task t1 RUNNING/RUNNING on i-1 app:8080->32768
            task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
            task job RUNNING/RUNNING on i-1 app:80->32769 started-by alice",
            "",
            ["i-1:32768", "i-1:32769"],
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              task job | - | leave | this service did not start the task, so no target is expected
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              task job | - | leave | this service did not start the task, so no target is expected
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-1:32769
            open: hijacked web i-1:32769, seen 2, reported
        "#]],
    );
    check(
        &world(
            "task t1 RUNNING/RUNNING ip 10.0.0.5
            task t2 STOPPED/STOPPED ip 10.0.0.6 ended 10m ago
            task job RUNNING/RUNNING ip 10.0.0.6 started-by alice",
            "type=ip",
            ["10.0.0.5:8080", "10.0.0.6:8080"],
        ),
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              task job | - | leave | this service did not start the task, so no target is expected
              web 10.0.0.6:8080 | hijacked | await 60s | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              task job | - | leave | this service did not start the task, so no target is expected
              web 10.0.0.6:8080 | hijacked | alert | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: alert only
              alert: hijacked (critical): web 10.0.0.6:8080
            open: hijacked web 10.0.0.6:8080, seen 2, reported
        "#]],
    );
}

/// Holds I-ADDRESS. A stopping task still shows a port that a task of nobody already has.
#[test]
fn a_task_that_no_service_started_keeps_the_target_whatever_else_shows_the_port() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 STOPPING/STOPPED on i-1 app:80->32769 groups billing
        task x1 RUNNING/RUNNING on i-1 app:80->32769 started-by alice
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              task x1 | - | leave | this service did not start the task, so no target is expected
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task x1, which no service started: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              task x1 | - | leave | this service did not start the task, so no target is expected
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task x1, which no service started: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-1:32769
            open: hijacked web i-1:32769, seen 2, reported
        "#]],
    );
}
