//! A stopped task's target is still registered. Deregistering needs proof.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-PROOF, C-19.
#[test]
fn a_stale_target_is_deregistered_on_the_proof_of_the_stopped_task() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        look after 60s
        target web i-1:32769 gone
        look after 300s
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
            120s:
              alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 2 min)
            420s:
              nothing to write down
        "#]],
    );
}

/// Holds I-PROOF, C-19.
#[test]
fn a_stale_target_is_deregistered_on_the_proof_of_the_ledger_when_ecs_says_that_the_task_is_gone() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-PROOF, C-19.
#[test]
fn the_ledger_alone_proves_nothing_when_ecs_asked_by_name_still_knows_the_task() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 unlisted
        counts running=1
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: tasks t2; owners on i-1
              service | below_desired | await 840s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
            open: below_desired service, seen 2
        "#]],
    );
}

/// Holds C-19.
#[test]
fn what_the_ledger_saw_of_a_running_task_proves_its_target_later() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        task t2 gone
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look after 2h
        look after 60s
        ",
        &expect![[r#"
            0s:
            7200s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            7260s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-19.
#[test]
fn the_target_of_a_task_that_has_only_just_stopped_is_left_to_ecs() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        target web i-1:32769 draining
        look after 70s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 70s | its task has just stopped; ECS may still deregister the target
              looks again in 70s
            70s:
        "#]],
    );
}

/// Holds C-18, C-19.
#[test]
fn of_several_tasks_that_had_a_target_the_last_one_decides_when_ecs_has_had_its_time() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32769 ended 30s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | its task has just stopped; ECS may still deregister the target
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// Holds I-PROOF, C-34.
#[test]
fn the_first_run_with_an_empty_ledger_deregisters_nothing() {
    check(
        "
        ledger empty
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 30m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        target web i-1:32770 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              web i-1:32770 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              web i-1:32770 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: stale (error): web i-1:32769
              alert: foreign (warning): web i-1:32770
            open: stale web i-1:32769, seen 2, reported
            open: foreign web i-1:32770, seen 2, reported
        "#]],
    );
}

/// Holds I-FIRST.
#[test]
fn registering_comes_before_deregistering() {
    check(
        "
        group alpha
        group web
        service shop/web binds web to app:8080 and alpha to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target alpha i-1:32768 healthy
        target alpha i-1:32769 unhealthy
        target web i-1:32760 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              alpha i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32760 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              alpha i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              web i-1:32760 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]; deregister alpha [i-1:32769]
              alert: missing (critical): web i-1:32768
              alert: stale (error): alpha i-1:32769
              alert: foreign (warning): web i-1:32760
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
            open: stale alpha i-1:32769, seen 2, 1 repairs, reported
            open: foreign web i-1:32760, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn a_task_that_stopped_long_ago_proves_nothing_unless_the_ledger_knows_its_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 2h ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 2h ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        target web i-1:32770 unhealthy
        known web i-1:32770 t3
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              web i-1:32770 | stale | deregister | task t3 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32770]
              alert: stale (error): web i-1:32770
              alert: foreign (warning): web i-1:32769
              looks again in 60s
            open: stale web i-1:32770, seen 2, 1 repairs, reported
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF, C-29.
#[test]
fn the_ledger_proves_nothing_while_ecs_could_not_be_asked_for_the_task_by_name() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 unlisted unread
        counts running=1
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32769 | - | unknown | registered and recorded as this service's target; Portkeeper could not ask ECS about its task
              looks again in 900s
            60s:
              asks: tasks t2; owners on i-1
              service | below_desired | await 840s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32769 | - | unknown | registered and recorded as this service's target; Portkeeper could not ask ECS about its task
            open: below_desired service, seen 2
        "#]],
    );
}

/// The record keeps a target that was seen absent for longer than the hour for which ECS lists the
/// stopped task. Otherwise that list would serve as proof for a target that another writer has
/// registered since.
#[test]
fn a_target_seen_absent_is_remembered_for_longer_than_ecs_lists_its_task() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 101m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2 released 100m ago
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// A foreign target that was reported causes no further calls, even if a stopped task of this
/// service had another target in the group.
#[test]
fn a_reported_foreign_target_causes_no_calls_next_to_an_own_leftover() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-9:32770 healthy
        look
        look after 60s
        task t2 STOPPED/STOPPED on i-2 app:8080->32769 ended 10m ago
        target web i-2:32769 unhealthy Target.FailedHealthChecks
        known web i-2:32769 t2
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-9
              web i-9:32770 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners on i-9; owners elsewhere in web
              web i-9:32770 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              alert: foreign (warning): web i-9:32770
            120s:
              asks: owners on i-2
              web i-2:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              web i-9:32770 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              looks again in 60s
            open: stale web i-2:32769, seen 1
            open: foreign web i-9:32770, seen 3, reported
        "#]],
    );
}
