//! Targets that are registered in the wrong group or on the wrong port, or without any proof of
//! ownership.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-PROOF, C-19, C-34.
#[test]
fn a_target_without_proof_is_foreign_and_stays_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            120s:
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
            open: foreign web i-1:32769, seen 3, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn a_target_that_was_seen_absent_and_returns_is_foreign() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        look
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn a_released_target_of_the_ledger_proves_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2 released 5m ago
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds C-23.
#[test]
fn an_instance_on_the_groups_default_port_is_that_of_an_auto_scaling_group() {
    check(
        "
        group web port=80
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:80 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:80 | foreign | await 60s | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:80 | foreign | alert | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: alert only
              alert: foreign (warning): web i-1:80
            open: foreign web i-1:80, seen 2, reported
        "#]],
    );
}

#[test]
fn a_blue_green_task_in_the_other_group_of_its_pair_is_misplaced_and_nothing_is_changed() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        target web i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt | no_traffic | await 300s | the only running task of web-alt has no healthy target; task t1: registered in web; which of the two groups ECS uses is unknown: found once; waiting for a second check
              web-alt i-1:32768 | missing | unknown | registered in web; which of the two groups ECS uses is unknown
              web i-1:32768 | misplaced | await 60s | task t1 belongs in web-alt, not in this group: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt | no_traffic | await 240s | the only running task of web-alt has no healthy target; task t1: registered in web; which of the two groups ECS uses is unknown: found once; waiting for a second check
              web-alt i-1:32768 | missing | unknown | registered in web; which of the two groups ECS uses is unknown
              web i-1:32768 | misplaced | alert | task t1 belongs in web-alt, not in this group: alert only
              alert: misplaced (error): web i-1:32768
              looks again in 240s
            open: misplaced web i-1:32768, seen 2, reported
            open: no_traffic web-alt, seen 2
        "#]],
    );
}

#[test]
fn a_missing_target_registered_in_the_other_group_is_reported_as_misplaced() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        look
        target web i-1:32768 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web-alt
              web-alt i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt | no_traffic | await 300s | the only running task of web-alt has no healthy target; task t1: registered in web; which of the two groups ECS uses is unknown: found once; waiting for a second check
              web-alt i-1:32768 | missing | unknown | registered in web; which of the two groups ECS uses is unknown
              web i-1:32768 | misplaced | await 60s | task t1 belongs in web-alt, not in this group: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt | no_traffic | await 240s | the only running task of web-alt has no healthy target; task t1: registered in web; which of the two groups ECS uses is unknown: found once; waiting for a second check
              web-alt i-1:32768 | missing | unknown | registered in web; which of the two groups ECS uses is unknown
              web i-1:32768 | misplaced | alert | task t1 belongs in web-alt, not in this group: alert only
              alert: misplaced (error): web i-1:32768
              looks again in 240s
            open: misplaced web i-1:32768, seen 2, reported
            open: no_traffic web-alt, seen 2
        "#]],
    );
}

#[test]
fn a_former_port_is_deregistered_once_the_expected_one_is_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32760 unhealthy
        known web i-1:32760 t1
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 is running and no longer uses this port: found once; waiting for a second check
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 is running and no longer uses this port: the task's expected target must be registered first
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              alert: wrong_port (error): web i-1:32760
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32760 | wrong_port | deregister | task t1 is running and no longer uses this port: confirmed by a second check
              plan: deregister web [i-1:32760]
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 2 min)
              looks again in 60s
            open: wrong_port web i-1:32760, seen 3, 1 repairs, reported
        "#]],
    );
}

#[test]
fn a_task_in_a_group_of_another_revision_is_misplaced() {
    check(
        "
        group old
        group new
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        deployment 111 ACTIVE web:1
        revision 111 web:1 binds old to app:8080
        revision 222 web:2 binds new to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222 of web:2
        target old i-1:32768 healthy
        target old i-1:32769 healthy
        known old i-1:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group new; owners on i-1
              new i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              old i-1:32769 | misplaced | await 60s | task t2 belongs in new, not in this group: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group new; owners on i-1
              new i-1:32769 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              old i-1:32769 | misplaced | alert | task t2 belongs in new, not in this group: alert only
              plan: register new [i-1:32769]
              alert: missing (critical): new i-1:32769
              alert: misplaced (error): old i-1:32769
              looks again in 60s
            open: missing new i-1:32769, seen 2, 1 repairs, reported
            open: misplaced old i-1:32769, seen 2, reported
        "#]],
    );
}

#[test]
fn the_misplaced_target_stays_until_the_expected_one_is_healthy() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-2 app:8080->32768
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-2:32768 healthy
        target web i-1:32760 unhealthy
        known web i-1:32760 t1
        look
        look after 60s
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 is running and no longer uses this port: found once; waiting for a second check
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 is running and no longer uses this port: the task's expected target must be registered first
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              alert: wrong_port (error): web i-1:32760
              looks again in 60s
            120s:
              asks: group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 is running and no longer uses this port: the task's expected target must be registered first
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32760 | wrong_port | deregister | task t1 is running and no longer uses this port: confirmed by a second check
              plan: deregister web [i-1:32760]
              alert: resolved missing (error): web i-1:32768 (registered and healthy, after 3 min)
              looks again in 60s
            open: wrong_port web i-1:32760, seen 4, 1 repairs, reported
        "#]],
    );
}
