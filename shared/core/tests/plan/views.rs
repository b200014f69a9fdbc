//! A partial view never leads to a write that it could make wrong.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-PARTIAL, C-28, C-29.
#[test]
fn nothing_is_deregistered_while_a_page_of_tasks_is_missing_and_the_rest_is_handled() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy
        gap tasks \"page 2 failed\"
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              service | - | unknown | the list of tasks could not be read: page 2 failed
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            60s:
              asks: state of i-1; group web
              service | - | unknown | the list of tasks could not be read: page 2 failed
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-PARTIAL, C-29.
#[test]
fn nothing_is_deregistered_while_one_task_cannot_be_described() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 RUNNING/RUNNING unread
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        ",
        &expect![[r#"
            0s:
              service | - | unknown | task t3 could not be read: not understood
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            60s:
              service | - | unknown | task t3 could not be read: not understood
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
        "#]],
    );
}

/// Holds I-PARTIAL, C-28.
#[test]
fn nothing_is_deregistered_while_the_service_counts_more_tasks_than_are_listed() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        counts running=2
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        ",
        &expect![[r#"
            0s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            60s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
        "#]],
    );
}

/// Holds I-PARTIAL, C-29.
#[test]
fn a_group_that_could_not_be_read_is_not_compared() {
    check(
        "
        group web unread
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group admin
              service | - | unknown | target group web could not be read: throttled
              admin i-1:32769 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group admin
              service | - | unknown | target group web could not be read: throttled
              admin i-1:32769 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register admin [i-1:32769]
              alert: missing (critical): admin i-1:32769
              looks again in 60s
            open: missing admin i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-PARTIAL, C-29.
#[test]
fn a_disconnected_agent_freezes_its_instance_and_is_reported_when_it_lasts() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 disconnected
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 RUNNING/RUNNING on i-2 app:8080->32768
        task t4 STOPPED/STOPPED on i-2 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        target web i-2:32768 healthy
        target web i-2:32769 unhealthy
        look
        look after 60s
        look after 840s
        task t1 RUNNING/RUNNING connected
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-2
              task t1 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              web i-1:32769 | - | unknown | registered; it may belong to task t1: its agent is disconnected, so its state may be outdated
              web i-2:32769 | stale | await 60s | task t4 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-2
              task t1 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              web i-1:32769 | - | unknown | registered; it may belong to task t1: its agent is disconnected, so its state may be outdated
              web i-2:32769 | stale | deregister | task t4 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-2:32769]
              alert: stale (error): web i-2:32769
              looks again in 60s
            900s:
              task t1 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              web i-1:32769 | - | unknown | registered; it may belong to task t1: its agent is disconnected, so its state may be outdated
              alert: agent_disconnected (error): task t1
              alert: resolved stale (error): web i-2:32769 (the target is no longer registered, after 15 min)
            960s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 26 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              alert: resolved agent_disconnected (error): task t1 (no longer found, after 16 min)
              looks again in 60s
            open: missing web i-1:32768, seen 1
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

#[test]
fn a_task_that_is_not_placed_yet_may_start_anywhere() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        definition web:1 bridge app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 PROVISIONING/RUNNING
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        task t3 PENDING/RUNNING on i-2
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              task t3 | - | unknown | the EC2 instance of its container instance is unknown
              web i-1:32769 | - | await 60s | registered; it may belong to task t3: the EC2 instance of its container instance is unknown
              looks again in 60s
            60s:
              asks: owners on i-1
              task t3 | - | unknown | the task has no container `app`
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              task t3 | - | unknown | the task has no container `app`
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn an_incident_does_not_end_while_its_end_cannot_be_seen() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        group web unread
        look after 60s
        group web
        gap tasks
        task t1 gone
        look after 60s
        gap none
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
              service | - | unknown | target group web could not be read: throttled
              nothing to write down
            180s:
              service | - | unknown | the list of tasks could not be read: throttled
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            240s:
              service | below_desired | await 840s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              alert: resolved missing (critical): web i-1:32768 (its task has stopped, after 4 min)
            open: below_desired service, seen 2
        "#]],
    );
}

/// Holds I-PARTIAL. One task lacks in the list, and one is leaving: ECS counts two as running.
#[test]
fn a_task_that_is_leaving_does_not_stand_in_for_one_that_lacks() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/STOPPED on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target web i-1:32770 healthy
        counts running=2
        look
        look after 60s
        task t2 STOPPING/STOPPED on i-1 app:8080->32769
        target web i-1:32769 gone
        counts running=1
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32770 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            60s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32770 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            120s:
              asks: owners on i-1
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32770 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners on i-1
              service | below_desired | await 840s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32770 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32770
              looks again in 840s
            open: foreign web i-1:32770, seen 2, reported
            open: below_desired service, seen 2
        "#]],
    );
}

/// Holds I-PARTIAL: while ELBv2 cannot be read, ECS cannot register either. The first check after
/// such an outage only opens the incident, so ECS has the time until the second one to register
/// what started during the outage.
#[test]
fn the_first_check_after_an_outage_neither_registers_nor_alerts() {
    check(
        "
        group web unread
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 20m
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 for 10m
        look
        look after 10m
        group web
        target web i-1:32768 healthy
        look
        target web i-1:32769 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | - | unknown | target group web could not be read: throttled
              nothing to write down
            600s:
              service | - | unknown | target group web could not be read: throttled
              nothing to write down
            600s:
              asks: state of i-1; group web
              web i-1:32769 | missing | await 60s | task t2 has been running for 20 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            660s:
        "#]],
    );
}
