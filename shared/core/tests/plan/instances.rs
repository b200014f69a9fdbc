//! A missing target is not always registered: orphans, refusals, instances out of sight.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-33.
#[test]
fn orphans_of_a_container_instance_that_was_deregistered_are_not_registered_again() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        instance i-1 INACTIVE
        instance i-2 MISSING
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group web
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 10 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; its container instance is MISSING: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              looks again in 120s
            60s:
              asks: state of i-1, i-2; group web
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 11 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 11 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 11 min and its target is not registered; its container instance is MISSING: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
            open: no_traffic web, seen 2
        "#]],
    );
}

/// ECS replaces the tasks of a draining container instance, and a drain hook deregisters their
/// targets on purpose: registering them would undo it, on a host that is about to end.
#[test]
fn nothing_is_registered_on_a_container_instance_that_drains() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        instance i-1 DRAINING
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered; its container instance is DRAINING and ECS replaces the task, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered; its container instance is DRAINING and ECS replaces the task, so Portkeeper does not register it: alert only
              alert: missing (critical): web i-1:32768
            open: missing web i-1:32768, seen 2, reported
        "#]],
    );
}

/// Holds C-29.
#[test]
fn nothing_is_registered_on_an_instance_whose_state_is_not_known() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        instance i-1 unread
        instance i-2 disconnected
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group web
              service | - | unknown | container instance i-1 could not be read: throttled
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1: the state of its container instance is unknown: found once; waiting for a second check
              web i-1:32768 | missing | unknown | the state of its container instance is unknown
              web i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            60s:
              asks: state of i-1, i-2; group web
              service | - | unknown | container instance i-1 could not be read: throttled
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1: the state of its container instance is unknown: found once; waiting for a second check
              web i-1:32768 | missing | unknown | the state of its container instance is unknown
              web i-2:32768 | missing | unknown | task t2 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            open: no_traffic web, seen 2
        "#]],
    );
}

/// Holds C-30.
#[test]
fn a_refused_registration_is_tried_again_and_then_left_to_a_person() {
    check(
        "
        policy repairs=3
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s refused \"InvalidTarget: i-1 is not in the VPC\"
        look after 60s refused \"InvalidTarget: i-1 is not in the VPC\"
        look after 60s refused \"InvalidTarget: i-1 is not in the VPC\"
        look after 60s
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
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 13 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            240s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 14 min and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 3 repairs did not fix it; AWS answered: InvalidTarget: i-1 is not in the VPC. Last finding: task t1 has been running for 14 min and its target is not registered
              alert: limit_exceeded (error): web i-1:32768
              looks again in 60s
            300s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 15 min and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 3 repairs did not fix it; AWS answered: InvalidTarget: i-1 is not in the VPC. Last finding: task t1 has been running for 15 min and its target is not registered
              looks again in 60s
            open: missing web i-1:32768, seen 6, 3 repairs, reported
            open: limit_exceeded web i-1:32768, seen 2, reported
        "#]],
    );
}

/// Holds C-30.
#[test]
fn a_repair_that_does_not_show_yet_is_not_made_again_at_once() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        target web i-1:32768 gone
        look after 10s
        look after 50s
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
              alert: missing (critical): web i-1:32768
              looks again in 60s
            70s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 50s | task t1 has been running for 11 min 10 s and its target is not registered: a repair (register) was just executed
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            open: missing web i-1:32768, seen 4, 2 repairs, reported
        "#]],
    );
}
