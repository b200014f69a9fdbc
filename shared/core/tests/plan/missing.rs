//! A running task's target is not registered. Registering needs little.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-14.
#[test]
fn a_target_that_ecs_registers_within_the_settle_time_is_left_to_ecs() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5s
        look
        target web i-1:32768 initial
        look after 85s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              web i-1:32768 | missing | await 85s | its task has just started; ECS may still register the target
              looks again in 85s
            85s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            145s:
        "#]],
    );
}

/// Holds C-15.
#[test]
fn an_answer_older_than_the_event_is_read_again() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 v7
        event t1 v9
        look
        task t1 STOPPED/STOPPED ended now v9
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | no_traffic | await 120s | its only running task has no healthy target; task t1: ECS returned version 7, which is older than the event: found once; waiting for a second check
              task t1 | - | await 60s | ECS returned version 7, which is older than the event
              looks again in 60s
            60s:
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            open: below_desired service, seen 1
        "#]],
    );
}

/// Holds C-15.
#[test]
fn an_event_about_a_task_that_no_list_holds_is_read_again_a_few_times() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2
        event t2 v3
        look
        look after 60s
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              task t2 | - | await 60s | an event names version 3 of the task, but ECS does not list the task yet
              web i-1:32769 | - | await 60s | registered; it may belong to task t2: an event names version 3 of the task, but ECS does not list the task yet
              looks again in 60s
            60s:
              task t2 | - | await 60s | an event names version 3 of the task, but ECS does not list the task yet
              web i-1:32769 | - | await 60s | registered; it may belong to task t2: an event names version 3 of the task, but ECS does not list the task yet
              looks again in 60s
            120s:
              task t2 | - | await 60s | an event names version 3 of the task, but ECS does not list the task yet
              web i-1:32769 | - | await 60s | registered; it may belong to task t2: an event names version 3 of the task, but ECS does not list the task yet
              looks again in 60s
            180s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// Holds C-16.
#[test]
fn a_missing_target_is_registered_once_and_resolved_when_it_is_healthy() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 2m
        look
        look after 30s
        look after 30s
        look after 30s
        look after 30s
        target web i-1:32768 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 2 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            30s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 30s | task t1 has been running for 2 min 30 s and its target is not registered: found once; waiting for a second check
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 3 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            90s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
            120s:
              asks: group web
              web i-1:32768 | unhealthy | await 90s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            180s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 3 min)
            240s:
              nothing to write down
        "#]],
    );
}

/// Holds C-16.
#[test]
fn several_missing_targets_are_one_action_and_one_alert() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        task t3 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32769 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768, i-1:32769]
              alert: missing (error): web i-1:32768, web i-1:32769
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
            open: missing web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-16.
#[test]
fn a_target_missing_in_one_check_only_is_not_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
        "#]],
    );
}

/// Holds C-16.
#[test]
fn a_missing_target_whose_task_stops_before_the_repair_is_not_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        task t1 STOPPED/STOPPED ended now
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            open: below_desired service, seen 1
        "#]],
    );
}

/// Holds C-16.
#[test]
fn a_repaired_target_whose_task_ends_before_it_is_healthy_is_resolved() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32760
        target web i-1:32760 healthy
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        task t1 STOPPED/STOPPED ended now
        target web i-1:32768 draining
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
            120s:
              alert: resolved missing (error): web i-1:32768 (its task has stopped, after 2 min)
        "#]],
    );
}

/// Holds C-17.
#[test]
fn an_instance_target_that_drains_while_its_task_runs_is_registered_again() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 draining
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is draining: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is draining: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-17.
#[test]
fn an_address_that_drains_while_its_task_runs_waits_for_the_end_of_draining() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        target web 10.0.0.5:8080 draining
        look
        look after 60s
        look after 240s
        target web 10.0.0.5:8080 gone
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 60s | task t1 has been running for 10 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 240s | task t1 has been running for 11 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              alert: missing (critical): web 10.0.0.5:8080
              looks again in 240s
            300s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 60s | task t1 has been running for 15 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              looks again in 60s
            360s:
              asks: group web
              web 10.0.0.5:8080 | missing | register | task t1 has been running for 16 min and its target is not registered: confirmed by a second check
              plan: register web [10.0.0.5:8080]
              looks again in 60s
            420s:
              asks: group web
              web 10.0.0.5:8080 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            open: missing web 10.0.0.5:8080, seen 4, 1 repairs, reported
            open: unhealthy web 10.0.0.5:8080, seen 1
        "#]],
    );
}

/// Holds C-18.
#[test]
fn targets_of_stopping_tasks_are_neither_missing_nor_stale() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/STOPPED on i-1 app:8080->32769
        task t3 DEACTIVATING/STOPPED on i-1 app:8080->32770
        task t4 STOPPING/STOPPED on i-1 app:8080->32771
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target web i-1:32770 draining
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// The settle time is over in its last second: the check that judges the target also asks the
/// questions that this needs.
#[test]
fn the_settle_time_ends_to_the_second() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 89s
        look
        look after 1s
        ",
        &expect![[r#"
            0s:
              web i-1:32768 | missing | await 1s | its task has just started; ECS may still register the target
              looks again in 5s
            1s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 1 min 30 s and its target is not registered: found once; waiting for a second check
            open: missing web i-1:32768, seen 1
        "#]],
    );
}
