//! Several tasks of a service have had one target in succession: which of them counts.

use crate::text_world::{check, run};
use expect_test::expect;

/// Holds I-ABSENT. ECS answers with an older description of a task now and then. Found by the
/// simulation: the address had had two tasks, the record knew the later one, and the older
/// description of the earlier one brought the proof back.
#[test]
fn an_older_description_of_a_stopped_task_does_not_restore_the_proof_of_a_target_seen_absent() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t3 released 5m ago
        look
        task t2 gone
        task t2 RUNNING/STOPPED on i-1 app:8080->32769
        look after 60s
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t3, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            60s:
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t3, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t3, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Found by the simulation: the agent reported no bindings of the last task, and the settle time of
/// an earlier one was over.
#[test]
fn the_settle_time_counts_from_the_last_task_that_is_known_to_have_had_the_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        task t3 STOPPED/STOPPED on i-1 ended 10s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t3
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 80s | its task has just stopped; ECS may still deregister the target
              looks again in 80s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | await 20s | its task has just stopped; ECS may still deregister the target
              nothing to write down
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// Holds I-ABSENT. Found by the simulation: the target was seen absent while its task was stopping,
/// an incomplete list did not include the task, and another writer registered the target again.
#[test]
fn a_task_that_stops_after_its_target_was_seen_absent_proves_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 4m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2 released 5m ago
        look
        look after 60s
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

/// Found by the simulation: the ledger knew an earlier task on the address. The last one's
/// deployment is over and ECS no longer describes its revision, so its group is unknown; but the
/// task was there until just now.
#[test]
fn the_settle_time_counts_from_the_last_task_on_the_address_even_if_its_group_is_unknown() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        deployment 222 PRIMARY web:2
        task t1 RUNNING/RUNNING ip 10.0.0.5 by 222 of web:2
        task t2 STOPPED/STOPPED ip 10.0.0.4 ended 20m ago by 222 of web:2
        task t3 STOPPED/STOPPED ip 10.0.0.4 ended 10s ago by 111 of web:1
        target web 10.0.0.5:8080 healthy
        target web 10.0.0.4:8080 unhealthy
        known web 10.0.0.4:8080 t2
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              task t3 | - | leave | stopped; where it was registered is unknown
              web 10.0.0.4:8080 | stale | await 80s | its task has just stopped; ECS may still deregister the target
              looks again in 80s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              task t3 | - | leave | stopped; where it was registered is unknown
              web 10.0.0.4:8080 | stale | await 20s | its task has just stopped; ECS may still deregister the target
              nothing to write down
            120s:
              asks: owners in the cluster; owners elsewhere in web
              task t3 | - | leave | stopped; where it was registered is unknown
              web 10.0.0.4:8080 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web 10.0.0.4:8080, seen 1
        "#]],
    );
}

/// Found by the simulation: when the target was seen absent, its task had stopped and the agent had
/// not reported the task's ports, so the target's task was unknown. A person registered the target
/// again, and then the agent reported the ports.
#[test]
fn ports_reported_after_their_task_stopped_prove_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 ended 10m ago
        target web i-1:32768 healthy
        look
        target web i-1:32769 unhealthy
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 11m ago
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: stale (error): web i-1:32769
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}

/// The record remembers each target that was registered when a check first found such a task; a
/// task that stops later is proof as usual.
#[test]
fn ports_that_are_never_reported_take_no_proof_from_other_tasks() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 ended 10m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 11m ago
        target web i-1:32768 healthy
        target web i-1:32770 unhealthy
        look
        task t3 gone
        task t4 STOPPED/STOPPED on i-1 app:8080->32771 ended 8m ago
        target web i-1:32771 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32770 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: tasks t3; owners on i-1
              web i-1:32770 | stale | deregister | task t3 has stopped and its target is still registered: confirmed by a second check
              web i-1:32771 | stale | await 60s | task t4 has stopped and its target is still registered: found once; waiting for a second check
              plan: deregister web [i-1:32770]
              alert: stale (error): web i-1:32770
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32771 | stale | deregister | task t4 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32771]
              alert: stale (error): web i-1:32771
              alert: resolved stale (error): web i-1:32770 (the target is no longer registered, after 2 min)
              looks again in 60s
            open: stale web i-1:32771, seen 2, 1 repairs, reported
        "#]],
    );
}

/// The record names the last of two tasks that had the target, even when ECS has forgotten both.
#[test]
fn the_later_of_two_stopped_tasks_is_remembered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32769 ended 5m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        known web i-1:32769 t2
        look
        task t2 gone
        task t3 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t3 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: tasks t3; owners on i-1
              web i-1:32769 | stale | deregister | task t3 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn a_target_seen_absent_after_ecs_forgot_its_task_is_foreign() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        known web i-1:32769 t2
        look
        target web i-1:32769 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

const IN_ANOTHER_GROUP: &str = "
    group alt
    service shop/web binds alt to app:8080
    task t1 RUNNING/RUNNING on i-1 app:8080->32768
    target alt i-1:32768 healthy
    known web i-1:32769 t2
";

const BACK_AGAIN: &str = "
    look
    gap none
    group web
    service shop/web binds web to app:8080
    target alt i-1:32768 gone
    target web i-1:32768 healthy
    target web i-1:32769 unhealthy
    look after 60s
    look after 60s
";

#[test]
fn the_targets_of_a_group_that_the_service_left_are_forgotten() {
    check(
        &format!("{IN_ANOTHER_GROUP}{BACK_AGAIN}"),
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

#[test]
fn the_targets_of_a_group_are_not_forgotten_where_not_every_group_could_be_read() {
    check(
        &format!("{IN_ANOTHER_GROUP}gap revisions{BACK_AGAIN}"),
        &expect![[r#"
            0s:
              service | - | unknown | the service's revisions could not be read: throttled
            60s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Found by the simulation: in host mode a stopped task reports no ports, and no other task has its
/// task definition. It ran on the same instance until just now.
#[test]
fn the_settle_time_counts_from_the_last_task_that_may_have_been_there() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        task t3 STOPPED/STOPPED on i-1 for 5m ended 10s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 80s | its task has just stopped; ECS may still deregister the target
              looks again in 80s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | await 20s | its task has just stopped; ECS may still deregister the target
              nothing to write down
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            open: stale web i-1:32769, seen 1
        "#]],
    );
}

/// A task that never ran was never registered: ECS keeps retrying, and meanwhile everything else
/// continues.
#[test]
fn tasks_that_never_ran_delay_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        task t3 STOPPED/STOPPED on i-1 ended 10s ago never-ran
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
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

/// ECS is still deregistering the target of the task that the record names, even if ECS now shows
/// other ports for that task.
#[test]
fn the_settle_time_counts_from_the_task_that_the_record_names() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t3 STOPPED/STOPPED on i-1 app:9090->32770 ended 10s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        known web i-1:32769 t3
        look
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 80s | its task has just stopped; ECS may still deregister the target
              looks again in 80s
        "#]],
    );
}

/// Holds I-ABSENT. ECS deregisters the target when it begins to stop the task.
#[test]
fn a_target_seen_absent_while_its_task_stops_is_another_writers_later() {
    for stopping in ["DEACTIVATING/STOPPED", "STOPPING/STOPPED", "RUNNING/STOPPED"] {
        for then in ["target web i-1:32769 draining", "target web i-1:32769 gone"] {
            let made = run(&format!(
                "
                group web
                service shop/web binds web to app:8080
                task t1 RUNNING/RUNNING on i-1 app:8080->32768
                task t2 RUNNING/RUNNING on i-1 app:8080->32769
                target web i-1:32768 healthy
                target web i-1:32769 healthy
                look
                task t2 {stopping} on i-1 app:8080->32769
                {then}
                look after 60s
                task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 1s ago
                owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
                target web i-1:32769 healthy
                look after 2m
                look after 60s
                "
            ));
            assert!(!made.contains("plan: deregister"), "{stopping} {then}: {made}");
            assert!(made.contains("alert: foreign"), "{stopping} {then}: {made}");
        }
    }
}

/// Holds I-ABSENT. The list of tasks is incomplete, and the group was read.
#[test]
fn a_target_seen_absent_by_a_check_without_all_tasks_is_another_writers_later() {
    for (gap, whole) in [("counts running=2", "counts running=1"), ("gap tasks \"no\"", "gap none")]
    {
        for known in ["known web i-1:32769 t2", ""] {
            let made = run(&format!(
                "
                group web
                service shop/web binds web to app:8080
                task t1 RUNNING/RUNNING on i-1 app:8080->32768
                task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
                target web i-1:32768 healthy
                {known}
                {gap}
                look
                {whole}
                owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
                target web i-1:32769 healthy
                look after 60s
                look after 60s
                "
            ));
            assert!(!made.contains("plan: deregister"), "{gap} {known}: {made}");
        }
    }
}
