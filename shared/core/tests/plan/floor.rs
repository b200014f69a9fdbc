//! The last-target guard: the last registered target of a group stays.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-GUARDS, C-27.
#[test]
fn the_last_registered_target_of_a_group_is_never_deregistered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 10s
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        look after 60s
        target web i-1:32768 initial
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32768 | missing | await 80s | its task has just started; ECS may still register the target
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32768 | missing | await 20s | its task has just started; ECS may still register the target
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the target of another task of this service must be registered first
              looks again in 20s
            120s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 2 min 10 s and its target is not registered: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the target of another task of this service must be registered first
              looks again in 60s
            180s:
              asks: group web; owners on i-1
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: no other target of the group has completed its initial health checks
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: missing web i-1:32768, seen 1
            open: stale web i-1:32769, seen 4, reported
            open: unhealthy web i-1:32768, seen 1
        "#]],
    );
}

/// Holds I-GUARDS, C-27.
#[test]
fn a_registration_in_the_same_plan_does_not_lift_the_last_target_guard() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the target of another task of this service must be registered first
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: group web; owners on i-1
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: no other target of the group has completed its initial health checks
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
            open: stale web i-1:32769, seen 3, reported
            open: unhealthy web i-1:32768, seen 1
        "#]],
    );
}

/// Found by the simulation: a group that two services share. One is scaled to zero, and the other's
/// tasks are not registered yet: the leftover target is the group's last.
#[test]
fn a_service_scaled_to_zero_does_not_empty_a_group_that_serves_another_one() {
    let world = |owner: &str| {
        format!(
            "
            group web
            service shop/web binds web to app:8080 desired=0
            task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
            {owner}
            target web i-1:32768 unhealthy
            "
        )
    };
    let plans = |owner: &str| -> String {
        let text = crate::text_world::run(&world(owner));
        let reported = text
            .lines()
            .filter(|line| line.contains("plan: ") || line.contains("| limit_exceeded |"));
        reported.fold(String::new(), |reported, line| reported + line.trim() + "\n")
    };
    expect![[r#"
        web | limit_exceeded | alert | deregistering i-1:32768 would leave web without targets; Portkeeper deregistered nothing there
    "#]]
    .assert_eq(&plans("owner billing/t9 RUNNING/RUNNING on i-2 app:80->32769 groups web"));
    expect![[r#"
        plan: deregister web [i-1:32768]
    "#]]
    .assert_eq(&plans("owner billing/t9 RUNNING/RUNNING on i-2 app:80->32769 groups billing"));
}

/// Holds C-27: a group counts by itself, whatever is registered in the service's other groups.
#[test]
fn a_target_in_another_group_does_not_lift_the_last_target_guard() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        task t2 STOPPED/STOPPED on i-1 app:8080->32770 ended 10m ago
        target web i-1:32770 unhealthy Target.FailedHealthChecks
        target admin i-1:32769 healthy
        target admin i-9:80 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners in the cluster; owners on i-1, i-9
              admin i-9:80 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32770 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners in the cluster; owners on i-1, i-9; owners elsewhere in admin
              admin i-9:80 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:32770 | stale | await 60s | task t2 has stopped and its target is still registered: the target of another task of this service must be registered first
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              alert: foreign (warning): admin i-9:80
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
            open: stale web i-1:32770, seen 2
            open: foreign admin i-9:80, seen 2, reported
        "#]],
    );
}

/// Holds I-GUARDS, C-27: the desired count is above zero, and no task runs. The last registered
/// target stays until a task runs.
#[test]
fn a_service_that_lacks_all_its_tasks_keeps_its_last_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | below_desired | await 900s | 0 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | below_desired | await 840s | 0 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web | limit_exceeded | alert | deregistering i-1:32769 would leave web without targets; Portkeeper deregistered nothing there
              web i-1:32769 | stale | withheld | task t2 has stopped and its target is still registered: it would leave the target group without targets
              alert: limit_exceeded (error): web
              looks again in 840s
            open: stale web i-1:32769, seen 2
            open: below_desired service, seen 2
            open: limit_exceeded web, seen 1, reported
        "#]],
    );
}

/// One of one task was replaced: the leftover target waits for the registration of the new task's
/// target, and no guard is reported. Holds C-27.
#[test]
fn a_leftover_target_that_waits_for_the_registration_of_its_successor_reports_no_guard() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5m
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 unhealthy
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 5 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | register | task t1 has been running for 6 min and its target is not registered: confirmed by a second check
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the target of another task of this service must be registered first
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 2 min)
              looks again in 60s
            180s:
              alert: resolved stale (error): web i-1:32769 (the target is no longer registered, after 3 min)
        "#]],
    );
}

/// If AWS refuses the registration for good, nothing will ever release the leftover target.
#[test]
fn a_leftover_target_does_not_wait_for_a_registration_that_was_given_up() {
    check(
        r#"
        policy repairs=1
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5m
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32769 healthy
        look
        look after 60s refused "TooManyTargets"
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 5 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | register | task t1 has been running for 6 min and its target is not registered: confirmed by a second check
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              alert: foreign (warning): web i-1:32769
              looks again in 60s
            120s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | withheld | task t1 has been running for 7 min and its target is not registered: the repair limit for one target is reached
              web i-1:32768 | limit_exceeded | alert | 1 repairs did not fix it; AWS answered: TooManyTargets. Last finding: task t1 has been running for 7 min and its target is not registered
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              alert: limit_exceeded (error): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 3, 1 repairs, reported
            open: foreign web i-1:32769, seen 3, reported
            open: limit_exceeded web i-1:32768, seen 1, reported
        "#]],
    );
}

/// The successor is starting: its target is not known yet.
#[test]
fn a_leftover_target_that_waits_for_a_starting_successor_reports_no_guard() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 PENDING/RUNNING on i-2
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        definition web:1 bridge app:8080
        target web i-1:32769 healthy
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              task t1 | - | unknown | the task has no container `app`
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | below_desired | await 840s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              task t1 | - | unknown | the task has no container `app`
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              alert: foreign (warning): web i-1:32769
              looks again in 840s
            120s:
              asks: owners on i-1
              service | below_desired | await 780s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              task t1 | - | unknown | the task has no container `app`
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
            open: foreign web i-1:32769, seen 3, reported
            open: below_desired service, seen 3
        "#]],
    );
}
