//! The guards that withhold repairs (deregistration limit, repair limit), and how often Portkeeper
//! rechecks.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-GUARDS, C-27.
#[test]
fn more_deregistrations_than_the_limit_make_none_and_one_alert() {
    check(
        "
        policy max=2
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task t1 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t2 STOPPED/STOPPED on i-1 app:8080->32770 ended 10m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32771 ended 10m ago
        target web i-1:32769 unhealthy
        target web i-1:32770 unhealthy
        target web i-1:32771 unhealthy
        look
        look after 60s
        look after 60s
        target web i-1:32771 gone
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32771 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | limit_exceeded | alert | 3 deregistrations at once exceed the limit of 2; Portkeeper executed none. First: web i-1:32769, web i-1:32770, web i-1:32771
              web i-1:32769 | stale | withheld | task t1 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32770 | stale | withheld | task t2 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32771 | stale | withheld | task t3 has stopped and its target is still registered: the deregistration limit is exceeded
              alert: limit_exceeded (error): service
            120s:
              asks: owners on i-1
              service | limit_exceeded | alert | 3 deregistrations at once exceed the limit of 2; Portkeeper executed none. First: web i-1:32769, web i-1:32770, web i-1:32771
              web i-1:32769 | stale | withheld | task t1 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32770 | stale | withheld | task t2 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32771 | stale | withheld | task t3 has stopped and its target is still registered: the deregistration limit is exceeded
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32770 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769, i-1:32770]
              alert: stale (error): web i-1:32769, web i-1:32770, web i-1:32771
              alert: resolved stale (error): web i-1:32771 (the target is no longer registered, after 3 min)
              alert: resolved limit_exceeded (error): service (no longer found, after 2 min)
              looks again in 60s
            240s:
              alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 4 min), web i-1:32770 (the target is no longer registered, after 4 min)
        "#]],
    );
}

/// Holds C-27.
#[test]
fn the_limit_grows_with_what_is_registered() {
    check(
        "
        policy max=1 percent=50
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        task t9 RUNNING/RUNNING on i-1 app:8080->32767
        target web i-1:32768 healthy
        target web i-1:32767 healthy
        task t1 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t2 STOPPED/STOPPED on i-1 app:8080->32770 ended 10m ago
        target web i-1:32769 unhealthy
        target web i-1:32770 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32770 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769, i-1:32770]
              alert: stale (error): web i-1:32769, web i-1:32770
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
            open: stale web i-1:32770, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-27.
#[test]
fn registrations_are_not_limited() {
    check(
        "
        policy max=1 percent=0
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        task t3 RUNNING/RUNNING on i-1 app:8080->32770
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32770 | missing | await 60s | task t3 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32769 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32770 | missing | register | task t3 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768, i-1:32769, i-1:32770]
              alert: missing (critical): web i-1:32768, web i-1:32769, web i-1:32770
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
            open: missing web i-1:32769, seen 2, 1 repairs, reported
            open: missing web i-1:32770, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-GUARDS.
#[test]
fn a_repair_that_does_not_help_is_tried_a_limited_number_of_times() {
    check(
        "
        policy repairs=2
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        target web i-1:32768 gone
        look after 400s
        target web i-1:32768 gone
        look after 400s
        look after 400s
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
            460s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 17 min 40 s and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            860s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 24 min 20 s and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 2 repairs did not fix it. Last finding: task t1 has been running for 24 min 20 s and its target is not registered
              alert: limit_exceeded (error): web i-1:32768
              looks again in 60s
            1260s:
              asks: state of i-1; group web
              web i-1:32768 | missing | withheld | task t1 has been running for 31 min and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 2 repairs did not fix it. Last finding: task t1 has been running for 31 min and its target is not registered
              looks again in 60s
            open: missing web i-1:32768, seen 5, 2 repairs, reported
            open: limit_exceeded web i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_pending_recheck_is_not_requested_twice() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 10s
        look after 20s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            10s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 50s | task t1 has been running for 10 min 10 s and its target is not registered: found once; waiting for a second check
            30s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 30s | task t1 has been running for 10 min 30 s and its target is not registered: found once; waiting for a second check
            open: missing web i-1:32768, seen 3
        "#]],
    );
}

#[test]
fn a_chain_of_rechecks_ends_until_the_next_event_or_sweep() {
    check(
        "
        policy hops=2
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        gap owners
        look
        look after 60s
        look after 60s
        look after 60s
        look after 60s hop=0
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
            120s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              nothing to write down
            180s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              nothing to write down
            240s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              looks again in 60s
        "#]],
    );
}

/// Holds C-27: the limit is a share of the targets that receive requests, not of those that are
/// registering or draining.
#[test]
fn draining_targets_do_not_raise_the_limit() {
    check(
        "
        policy max=1 percent=50
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        target web i-1:32770 unhealthy Target.FailedHealthChecks
        target web i-1:32771 draining
        target web i-1:32772 draining
        target web i-1:32773 draining
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | limit_exceeded | alert | 2 deregistrations at once exceed the limit of 1; Portkeeper executed none. First: web i-1:32769, web i-1:32770
              web i-1:32769 | stale | withheld | task t2 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32770 | stale | withheld | task t3 has stopped and its target is still registered: the deregistration limit is exceeded
              alert: limit_exceeded (error): service
            open: stale web i-1:32769, seen 2
            open: stale web i-1:32770, seen 2
            open: limit_exceeded service, seen 1, reported
        "#]],
    );
}

/// Reading takes longer than a proof is valid: every try would come too late.
#[test]
fn a_repair_that_always_comes_too_late_is_tried_less_and_less_often_and_then_left_to_a_person() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task t1 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy
        look
        look after 60s late \"the proof had become too old when its turn came\"
        look after 60s
        look after 60s late \"the proof had become too old when its turn came\"
        look after 120s
        look after 120s late \"the proof had become too old when its turn came\"
        look after 480s
        look after 600s
        target web i-1:32769 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t1 has stopped and its target is still registered: the last repair (deregister) came too late; the next one waits longer
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              looks again in 60s
            300s:
              asks: owners on i-1
              web i-1:32769 | stale | await 120s | task t1 has stopped and its target is still registered: the last repair (deregister) came too late; the next one waits longer
              looks again in 120s
            420s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              looks again in 60s
            900s:
              asks: owners on i-1
              web i-1:32769 | stale | withheld | task t1 has stopped and its target is still registered: the repair limit for one target is reached
              web i-1:32769 | limit_exceeded | alert | 3 repairs in a row came too late; the proof had become too old when its turn came. Last finding: task t1 has stopped and its target is still registered
              alert: limit_exceeded (error): web i-1:32769
            1500s:
              asks: owners on i-1
              web i-1:32769 | stale | withheld | task t1 has stopped and its target is still registered: the repair limit for one target is reached
              web i-1:32769 | limit_exceeded | alert | 3 repairs in a row came too late; the proof had become too old when its turn came. Last finding: task t1 has stopped and its target is still registered
            1560s:
              alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 26 min)
              alert: resolved limit_exceeded (error): web i-1:32769 (no longer found, after 11 min)
        "#]],
    );
}

/// A cluster that is read in time is not affected, nor is one that is slow once.
#[test]
fn a_repair_that_came_too_late_once_succeeds_at_the_next_try() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task t1 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy
        look
        look after 60s late \"the proof had become too old when its turn came\"
        look after 120s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              looks again in 60s
            240s:
              alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 4 min)
        "#]],
    );
}
